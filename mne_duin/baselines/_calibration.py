"""Probabilities of a linear discriminant that can be believed."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold

MAX_FOLDS = 5
# So that two are left to learn from when one is left out.
MIN_TRIALS = 3


class SmallFolds:
    """Stratified folds, fewer than five where a class has fewer trials.

    The classes that :class:`~sklearn.calibration.CalibratedClassifierCV` meets in an
    evaluation can be small, and how small is not known before ``fit``.
    """

    def split(self, X, y, groups=None):
        """Yield training and test trials.

        Parameters
        ----------
        X : array, shape (n_trials, n_features)
            The features.
        y : array, shape (n_trials,)
            The classes.
        groups : None
            Not used.

        Yields
        ------
        train, test : ndarray of int
            The trials.

        Raises
        ------
        ValueError
            If a class has fewer than three trials.
        """
        yield from StratifiedKFold(self.get_n_splits(X, y)).split(X, y)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X : array | None
            Not used.
        y : array, shape (n_trials,)
            The classes.
        groups : None
            Not used.

        Returns
        -------
        n_splits : int
            Five, or the number of trials of the smallest class.

        Raises
        ------
        ValueError
            If a class has fewer than three trials.
        """
        classes, counts = np.unique(y, return_counts=True)
        if counts.min() < MIN_TRIALS:
            raise ValueError(
                f"calibrated=True needs {MIN_TRIALS} trials of every class; `y` has "
                f"{counts.min()} of {str(classes[counts.argmin()])!r}."
            )
        return min(MAX_FOLDS, int(counts.min()))


def calibrate(classifier):
    """Let a classifier choose the temperature of its softmax by cross-validation.

    Parameters
    ----------
    classifier : estimator
        The classifier. It learns from all trials; the temperature, one number, is the
        one that suits its scores on trials that were left out.

    Returns
    -------
    calibrated : CalibratedClassifierCV
        Unfitted.

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017, section 4.2.
    """
    return CalibratedClassifierCV(
        classifier, method="temperature", cv=SmallFolds(), ensemble=False
    )
