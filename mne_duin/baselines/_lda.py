"""The baseline that a network has to beat: linear discriminant analysis."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_selection import f_classif
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from mne_duin.baselines._calibration import calibrate
from mne_duin.baselines._features import FEATURES, LOWER_BANDS, EvokedPower
from mne_duin.baselines._shrinkage import make_shrinkage_lda
from mne_duin.utils._bands import BANDS
from mne_duin.utils._checks import check_number, check_option, check_type


class SelectInformative(TransformerMixin, BaseEstimator):
    """Keep the features whose means differ between classes.

    A one-way analysis of variance per feature, on the data given to ``fit`` only. Long
    epochs hold many bins without information, which cost a linear classifier much of
    its accuracy.

    Parameters
    ----------
    threshold : float
        Features with a p-value below this are kept; 1 keeps all.
    n_min : int
        So many of the best are kept in any case.

    Attributes
    ----------
    support_ : ndarray of bool, shape (n_features,)
        Which features are kept.
    n_features_in_ : int
        Number of features at fit.
    """

    def __init__(self, threshold=0.003, *, n_min=20):
        self.threshold = threshold
        self.n_min = n_min

    def fit(self, X, y):
        """Choose the features.

        Parameters
        ----------
        X : array, shape (n_epochs, n_features)
            The features.
        y : array, shape (n_epochs,)
            The classes.

        Returns
        -------
        self : SelectInformative
            The transformer.
        """
        check_number("threshold", self.threshold, low=0.0, high=1.0, closed=False)
        check_number("n_min", self.n_min, low=1, integer=True)
        X, y = validate_data(self, X, y)
        varies = np.ptp(X, axis=0) > 0
        p_values = np.ones(X.shape[1])
        if varies.any():
            p_values[varies] = f_classif(X[:, varies], y)[1]
        self.support_ = p_values <= self.threshold
        self.support_[np.argsort(p_values, kind="stable")[: self.n_min]] = True
        return self

    def transform(self, X):
        """Keep the chosen features.

        Parameters
        ----------
        X : array, shape (n_epochs, n_features)
            The features.

        Returns
        -------
        features : array, shape (n_epochs, n_kept)
            The chosen ones.
        """
        check_is_fitted(self, "support_")
        return validate_data(self, X, reset=False)[:, self.support_]


def make_lda(
    features="all",
    *,
    sfreq=None,
    input="signal",
    evoked_h_freq=20.0,
    evoked_bin=0.025,
    bands=LOWER_BANDS,
    power_bin=0.15,
    high_gamma_band=BANDS["high-gamma"],
    high_gamma_bin=0.05,
    unmixed=True,
    screening=0.05,
    selection=0.003,
    calibrated=False,
):
    """Make a shrinkage LDA on evoked and band-power features of epochs.

    Features in time bins (:class:`~mne_duin.baselines.EvokedPower`), each standardized,
    those chosen that differ between classes in the training data, then linear
    discriminant analysis with the shrinkage of Ledoit and Wolf.

    Parameters
    ----------
    features : "all" | "both" | "evoked" | "high-gamma" | "power"
        What the classifier sees: the evoked signal, high-gamma power, both, the power
        in high gamma and the lower ``bands``, or all of these.
    sfreq : float | None
        Sampling rate in Hz of arrays. Epochs know theirs. Bands that it does not reach
        are left out, with a message.
    input : "signal" | "high-gamma"
        What the data are. ``"high-gamma"``: power that was computed before, often
        sampled at 100 Hz.
    evoked_h_freq : float
        Upper edge in Hz of the evoked signal.
    evoked_bin : float
        Length of a bin of the evoked signal in seconds.
    bands : sequence of str | dict of str to tuple of float
        The lower bands: names out of theta (4-8 Hz), alpha (8-13), beta (13-30) and
        low-gamma (30-70), or names and edges in Hz.
    power_bin : float
        Length of a bin of the power in the lower bands in seconds.
    high_gamma_band : tuple of float
        Edges in Hz.
    high_gamma_bin : float
        Length of a bin of high-gamma power in seconds.
    unmixed : bool
        Whether the power of every band is computed of the channels as they are and of
        unmixed channels (:class:`~mne_duin.baselines.EvokedPower`); else only of the
        channels.
    screening : float | None
        Level of a permutation test on the training data that each of the lower bands
        has to pass; None takes all.
    selection : float | None
        Features with a p-value below this are kept; None keeps all.
    calibrated : bool
        Whether the temperature of its probabilities is chosen by cross-validation
        inside the training trials, see ``mne_duin.baselines``. A discriminant of few
        trials is far too sure of itself. The predicted classes stay the same.

    Returns
    -------
    lda : Pipeline
        Unfitted; accepts Epochs, an array or a list of Epochs.

    Raises
    ------
    ValueError
        If ``features`` is none of these.
    TypeError
        If ``calibrated`` is not True or False.

    References
    ----------
    Ledoit and Wolf, J. Portfolio Management 2004, for the shrinkage; Blankertz et al.,
    NeuroImage 2011, for its use on evoked features.

    Examples
    --------
    >>> from mne_duin.datasets import simulate_word_reading
    >>> epochs, _, _ = simulate_word_reading(
    ...     n_runs=1, n_trials_per_word=6, random_state=0
    ... )
    >>> y = epochs.metadata["trial_type"].to_numpy()
    >>> lda = make_lda().fit(epochs[:40], y[:40])
    >>> lda.predict(epochs[40:]).shape
    (8,)
    """
    check_option("features", features, FEATURES)
    check_type("calibrated", calibrated, bool)
    extract = EvokedPower(
        features,
        sfreq=sfreq,
        input=input,
        evoked_h_freq=evoked_h_freq,
        evoked_bin=evoked_bin,
        bands=bands,
        power_bin=power_bin,
        high_gamma_band=high_gamma_band,
        high_gamma_bin=high_gamma_bin,
        unmixed=unmixed,
        screening=screening,
    )
    steps = [("scale", StandardScaler())]
    if selection is not None:
        steps.append(("select", SelectInformative(selection)))
    steps.append(("lda", make_shrinkage_lda()))
    if calibrated:
        steps = [("calibrated", calibrate(Pipeline(steps)))]
    return Pipeline([("features", extract), *steps])
