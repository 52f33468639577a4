"""What an evaluation returns: printed, plotted, saved and read again."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mne_duin import viz
from mne_duin.evaluation.predictions import Predictions
from mne_duin.evaluation.statistics import (
    bootstrap_interval,
    permutation_p_value,
    wilson_interval,
)
from mne_duin.evaluation.storage import read_fields, write_result
from mne_duin.evaluation.summary import summarize
from mne_duin.utils.checks import check_option


@dataclass(frozen=True, eq=False, repr=False)
class DecodingResult(Predictions):
    """Predictions of trials that were held out, and what follows from them.

    Beside what is listed here it has the scores of its predictions: ``accuracy``,
    ``balanced_accuracy``, ``top_k(k)``, ``log_loss``, ``calibration()``,
    ``per_class()``, ``confusion_matrix()`` and the table ``to_frame()``.

    Parameters
    ----------
    y_true, y_pred : ndarray, shape (n_predictions,)
        True and predicted labels. A trial occurs once, or once per repeat.
    probabilities : ndarray, shape (n_predictions, n_classes) | None
        Predicted probabilities; None if the estimator has none.
    labels : ndarray, shape (n_classes,)
        All classes, sorted; the columns of ``probabilities``.
    fold : ndarray of int, shape (n_predictions,)
        Fold of each prediction, a row of ``folds``.
    epoch : ndarray of int, shape (n_predictions,)
        Position of the trial in the Epochs that were evaluated.
    estimator : str
        Name of the estimator.
    folds : DataFrame
        One row per fold: ``repeat``, ``seed``, ``held_out`` (runs or other groups),
        ``n_train``, ``n_test``, ``n_unlabelled``, ``accuracy``,
        ``balanced_accuracy``, ``log_loss``, ``majority`` (accuracy of always naming the
        most frequent class of the training part), ``seconds_fit``,
        ``seconds_predict``.
    protocol : "clean" | "paper"
        The protocol.
    cv : str
        The way of splitting, in words.
    seeds : tuple of int
        Seed of each repeat; the first is the one that ``evaluate`` was given.
    null_predictions : ndarray, shape (n_label_permutations,)
        Accuracies of the fixed predictions against shuffled test labels.
    null_refit : ndarray, shape (n_permutations,)
        Accuracies after fitting again on shuffled labels; empty if not asked for.
    notes : tuple of str
        What a reader of the numbers should know.
    leaks : tuple of str
        Ways in which held-out trials had an influence on the fitted models.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mne_duin import evaluate
    >>> X, y = np.arange(30.0)[:, None], np.repeat(["no", "yes"], 15)
    >>> clf = LogisticRegression()
    >>> result = evaluate(clf, X, y, cv=3, random_state=0, verbose="WARNING")
    >>> result.n_trials, result.labels.tolist(), result.protocol
    (30, ['no', 'yes'], 'clean')
    """

    folds: pd.DataFrame
    protocol: str = "clean"
    cv: str = ""
    seeds: tuple = ()
    null_predictions: np.ndarray = field(default_factory=lambda: np.empty(0))
    null_refit: np.ndarray = field(default_factory=lambda: np.empty(0))
    notes: tuple = ()
    leaks: tuple = ()

    def __repr__(self):
        return (
            f"<DecodingResult | {self.estimator}, {len(self.folds)} folds, "
            f"accuracy {self.accuracy:.3f}>"
        )

    def __str__(self):
        return summarize(self)

    @property
    def chance(self):
        """Accuracy to beat: the larger of the uniform and the majority guess."""
        return max(1 / len(self.labels), self._majority())

    @property
    def chance_rule(self):
        """Which guess :attr:`chance` is: ``"uniform"`` or ``"majority"``."""
        return "majority" if self._majority() > 1 / len(self.labels) else "uniform"

    @property
    def interval(self):
        """Wilson interval of the accuracy with 95 % coverage, ``(low, high)``.

        See :meth:`confidence_interval` for what it covers.
        """
        return self.confidence_interval()

    @property
    def p_value(self):
        """Permutation p-value of the accuracy, of the kind :attr:`p_value_kind`.

        From refitting where that was asked for, else from shuffled test labels; NaN
        without any shuffles.
        """
        null = self.null_refit if len(self.null_refit) else self.null_predictions
        return permutation_p_value(self.accuracy, null) if len(null) else np.nan

    @property
    def p_value_kind(self):
        """How :attr:`p_value` was found: ``"refit"``, ``"predictions"``, ``"none"``.

        ``"predictions"``: the fitted models stay, the labels of the test trials are
        shuffled inside each fold. For a single fold this is a Monte-Carlo test with the
        stated error rate. For several folds it is approximate, because every test trial
        also trains the models of other folds: with shrinkage LDA on noise in 5 or 10
        folds (five settings, 300 data sets each), 1.0 to 2.7 % of the results came out
        at p <= 0.01. ``"refit"``: the whole evaluation runs again on shuffled labels,
        which holds for any number of folds.
        """
        if len(self.null_refit):
            return "refit"
        return "predictions" if len(self.null_predictions) else "none"

    def confidence_interval(self, method="wilson", *, level=0.95, random_state=0):
        """Interval of the accuracy.

        Parameters
        ----------
        method : "wilson" | "bootstrap"
            ``"wilson"`` treats the distinct trials as independent and the fitted models
            as given; it is right for few folds and small samples, and does not cover
            what other training trials or other days would change. ``"bootstrap"``
            resamples whole held-out runs (or folds); it covers their differences, but
            is too narrow with fewer than about ten.
        level : float
            Coverage.
        random_state : int
            Seed of the bootstrap.

        Returns
        -------
        low, high : float
            Limits, between 0 and 1.

        Raises
        ------
        ValueError
            If the method is unknown, or a bootstrap has fewer than two parts or parts
            that share trials.
        """
        check_option("method", method, ("wilson", "bootstrap"))
        if method == "wilson":
            n_trials = self.n_trials
            return wilson_interval(self.accuracy * n_trials, n_trials, level=level)
        parts = self.folds["held_out"].to_numpy()[self.fold]
        if (parts == "").any():
            parts = self.fold
            if len(self.seeds) > 1:
                raise ValueError(
                    "Folds of different repeats share trials, so they cannot be "
                    'resampled; use method="wilson" or hold out runs.'
                )
        part = pd.Series(self.correct).groupby(parts)
        return bootstrap_interval(
            part.sum(), part.size(), level=level, random_state=random_state
        )

    def plot(self, *, axes=None, show=True):
        """Plot the confusion matrix.

        Parameters
        ----------
        axes : matplotlib.axes.Axes | None
            Where to plot; None makes a figure.
        show : bool
            Whether to show the figure.

        Returns
        -------
        figure : matplotlib.figure.Figure
            The figure.
        """
        return viz.plot_confusion(
            self.y_true, self.y_pred, self.labels, axes=axes, show=show
        )

    def save(self, path):
        """Save as two files that any program can read.

        Parameters
        ----------
        path : path-like
            A path that ends in ``.json``. The predictions go beside it, to the same
            name with ``.tsv``. Existing files are replaced, never half written.

        Returns
        -------
        path : pathlib.Path
            The path of the JSON file.
        """
        return write_result(self, path)

    def _majority(self):
        n_test = self.folds["n_test"]
        return float((self.folds["majority"] * n_test).sum() / n_test.sum())


def read_result(path):
    """Read a result that :meth:`DecodingResult.save` wrote.

    Parameters
    ----------
    path : path-like
        The path of the JSON file, or of the TSV file beside it.

    Returns
    -------
    result : DecodingResult
        The result, equal to the saved one.

    Raises
    ------
    ValueError
        If the files are no decoding result, do not belong together, or were written by
        a newer version.
    """
    return DecodingResult(**read_fields(path))
