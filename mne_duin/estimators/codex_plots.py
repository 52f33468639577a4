"""The plot methods of the first stage: usage, sequences and meaning of the codes."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from mne_duin import viz
from mne_duin.estimators.plots import signal_timing
from mne_duin.utils.docs import fill_doc


@fill_doc
class CodexPlots:
    """Pictures of codes; not to be used itself."""

    def plot_code_usage(self, **options):
        """Plot how often the codes are used in the training epochs, and over passes.

        Parameters
        ----------
        **options : dict
            Passed to :func:`mne_duin.plot_code_usage`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        check_is_fitted(self, "module_")
        return viz.plot_code_usage(
            self.code_counts_, **{"history": self.history_} | options
        )

    def plot_codex(self, **options):
        """Map the codex to two dimensions.

        Parameters
        ----------
        **options : dict
            Passed to :func:`mne_duin.plot_codex`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        check_is_fitted(self, "module_")
        return viz.plot_codex(self.codebook_, self.code_counts_, **options)

    def plot_codes(self, X, y=None, *, subject=None, **options):
        """Plot the codes of every epoch over time, and of every word.

        Parameters
        ----------
        %(X)s
        y : array, shape (n_epochs,) | None
            Word of every epoch.
        %(subject)s
        **options : dict
            Passed to :func:`mne_duin.plot_codes`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        codes = self.transform(X, subject=subject)
        duration = self.patch_size_ / self.info_["sfreq"]
        options = {"tmin": signal_timing(X)[0], "token_duration": duration} | options
        return viz.plot_codes(codes, y, **options)

    def plot_code_words(self, X, y, *, subject=None, **options):
        """Plot which codes go with which words, and how much each tells of the word.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        **options : dict
            Passed to :func:`mne_duin.plot_code_words`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        return viz.plot_code_words(self.transform(X, subject=subject), y, **options)

    def plot_code_average(
        self, X, contacts, *, subject=None, show_subject=None, **options
    ):
        """Plot the signal around the tokens that have each of the frequent codes.

        Parameters
        ----------
        %(X)s
        contacts : DataFrame | dict of str to DataFrame
            Contacts, index = channel name.
        %(subject)s
        show_subject : str | None
            Whose epochs, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_code_average`.

        Returns
        -------
        figure : Figure
            The figure; the signal is that of ``X``, in µV for MNE objects.
        """
        row = self._subject_row(show_subject)
        signal, own = self._own_epochs(X, subject, row)
        codes = self.transform(X, subject=subject)[own]
        unit = signal_timing(X)[1]
        factor, label = (1e6, "signal (µV)") if unit == "V" else (1, unit)
        options = {"sfreq": self.info_["sfreq"], "label": label} | options
        return viz.plot_code_average(
            factor * signal, codes, self._own_contacts(contacts, row), **options
        )

    def plot_reconstruction(
        self, X, contacts=None, *, subject=None, show_subject=None, **options
    ):
        """Compare the signal with what its codes keep of it.

        Parameters
        ----------
        %(X)s
        contacts : DataFrame | dict of str to DataFrame | None
            Contacts, index = channel name.
        %(subject)s
        show_subject : str | None
            Whose epochs, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_reconstruction`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        row = self._subject_row(show_subject)
        signal, own = self._own_epochs(X, subject, row)
        real = self.scaler_.channel_mask[row, : self.n_features_in_]
        rebuilt = self.reconstruct(X, subject=subject)[own][:, np.asarray(real)]
        tmin, unit = signal_timing(X)
        table = None if contacts is None else self._own_contacts(contacts, row)
        options = {"sfreq": self.info_["sfreq"], "tmin": tmin, "unit": unit} | options
        return viz.plot_reconstruction(signal, rebuilt, table, **options)
