"""Which pass of the training is kept, and which epochs decide it."""

from mne_duin.estimators.labels import class_index, hold_out
from mne_duin.utils.checks import check_option

SELECTIONS = ("first", "paper")


class ModelChoice:
    """The part of a classifier that chooses a pass; not to be used itself."""

    def _hold_out(self, epochs, y, fraction, *, validation=None, test=None, sfreq=None):
        """Hold out epochs, and say how the engine shall use them.

        Returns the epochs and classes to train on, and the engine's ``validation`` and
        ``monitor``.
        """
        check_option("select", self.select, SELECTIONS)
        share = fraction if validation is None else 0
        kept, rest = hold_out(y, share, self._seed)
        sets = {}
        if validation is not None:
            sets["valid"] = self._held_out(*validation, sfreq)
        elif len(rest):
            sets["valid"] = self._signal_data(epochs[rest], y=y[rest])
        if test is not None:
            sets["test"] = self._held_out(*test, sfreq)
        monitor = "valid_accuracy" if "valid" in sets else None
        if self.select == "paper":
            if set(sets) != {"valid", "test"}:
                raise ValueError(
                    "select='paper' breaks ties of the validation accuracy by the test "
                    "accuracy; it needs validation epochs and `test` in fit. "
                    "mne_duin.evaluate(..., protocol='paper') passes both."
                )
            monitor = ("valid_accuracy", "test_accuracy")
        return epochs[kept], y[kept], {"validation": sets, "monitor": monitor}

    def _held_out(self, X, y, sfreq):
        epochs = self._check_again(X, sfreq=sfreq)
        return self._signal_data(epochs, y=class_index(self.classes_, y))
