"""A Riemannian baseline: covariances, their tangent space, a linear classifier."""

import numpy as np
from scipy import signal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from mne_duin.baselines._calibration import calibrate
from mne_duin.baselines._shrinkage import make_shrinkage_lda
from mne_duin.utils._checks import (
    check_number,
    check_option,
    check_type,
    import_optional,
)
from mne_duin.utils._epochs import as_array, check_start

CLASSIFIERS = ("logistic", "lda")
PURPOSE = "make the Riemannian baseline"
# In Hz. Faster activity is seldom locked to the phase of an event.
EVOKED_BAND = (0.5, 20.0)


class BandSignal(TransformerMixin, BaseEstimator):
    """Turn epochs into arrays of one frequency band, in units of each channel.

    Parameters
    ----------
    band : tuple of float | None
        Edges in Hz; None keeps the signal as it is.
    sfreq : float | None
        Sampling rate in Hz of arrays. Epochs know theirs.

    Attributes
    ----------
    scale_ : ndarray, shape (1, n_channels, 1)
        Standard deviation of every channel in the training epochs.
    """

    def __init__(self, band=None, *, sfreq=None):
        self.band = band
        self.sfreq = sfreq

    def fit(self, X, y=None):
        """Learn the deviation of every channel.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        y : None
            Not used.

        Returns
        -------
        self : BandSignal
            The transformer.

        Raises
        ------
        ValueError
            If the sampling rate is not known or too low for the band.
        """
        epochs = as_array(X, sfreq=self.sfreq)
        self.scale_ = self._filter(epochs).std((0, 2), keepdims=True)
        self.n_times_, self.tmin_ = epochs.data.shape[-1], epochs.tmin
        return self

    def transform(self, X):
        """Filter the epochs.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.

        Returns
        -------
        signal : ndarray, shape (n_epochs, n_channels, n_times)
            In deviations of each channel.

        Raises
        ------
        ValueError
            If the epochs have another length or start than at fit.
        """
        check_is_fitted(self, "scale_")
        epochs = as_array(X, sfreq=self.sfreq)
        n_times = epochs.data.shape[-1]
        if n_times != self.n_times_:
            raise ValueError(
                f"`X` has epochs of {n_times} samples; {type(self).__name__} was "
                f"fitted with {self.n_times_}."
            )
        check_start(epochs, self.tmin_, type(self).__name__)
        return self._filter(epochs) / self.scale_

    def _filter(self, epochs):
        data = epochs.data.astype(float)
        if self.band is None:
            return data - data.mean(-1, keepdims=True)
        if epochs.sfreq is None:
            raise ValueError(
                "The sampling rate of an array is not known; give it as `sfreq` in Hz."
            )
        low, high = self.band
        check_number("band[0]", low, low=0.0, high=high, closed=False)
        if high >= epochs.sfreq / 2:
            raise ValueError(
                f"`band` reaches up to {high:g} Hz and must lie below "
                f"{epochs.sfreq / 2:g} Hz, half the sampling rate."
            )
        sos = signal.butter(4, (low, high), "bandpass", fs=epochs.sfreq, output="sos")
        return signal.sosfiltfilt(sos, data)


def _window(X, index, n_windows):
    """Return one of so many windows of equal length."""
    edges = np.linspace(0, X.shape[-1], n_windows + 1).round().astype(int)
    return X[..., edges[index] : edges[index + 1]]


def _import_pyriemann():
    """Return what estimates covariances and what projects them."""
    return (
        import_optional(f"pyriemann.{name}", extra="baselines", purpose=PURPOSE)
        for name in ("estimation", "tangentspace")
    )


def _last_step(classifier):
    if classifier == "logistic":
        return LogisticRegression(max_iter=1000)
    return make_shrinkage_lda()


def make_riemann(
    classifier="logistic",
    *,
    band=None,
    n_windows=1,
    metric="riemann",
    sfreq=None,
    calibrated=False,
):
    """Make a classifier of channel covariances in their tangent space.

    The covariance of the channels of every epoch (shrunk by the oracle approximating
    rule), its projection to the tangent space at the mean of the training epochs, then
    logistic regression or shrinkage LDA. A covariance shows power and coupling, not the
    evoked response, and knows nothing of when something happened; with several windows
    each has a covariance and a tangent space of its own. Needs pyriemann: ``pip install
    "mne-duin[baselines]"``.

    Parameters
    ----------
    classifier : "logistic" | "lda"
        What classifies the tangent vectors.
    band : tuple of float | None
        Edges in Hz of the band the covariance is of; None takes the signal as it is.
    n_windows : int
        Number of windows of equal length into which every epoch is cut.
    metric : str
        Metric of the mean and the tangent space, see pyriemann.
    sfreq : float | None
        Sampling rate in Hz of arrays. Epochs know theirs.
    calibrated : bool
        Whether the temperature of its probabilities is chosen by cross-validation
        inside the training trials (``mne_duin.baselines._calibration``). The
        predicted classes stay the same.

    Returns
    -------
    pipeline : Pipeline
        Unfitted; accepts Epochs, an array or a list of Epochs.

    Raises
    ------
    ImportError
        If pyriemann is not installed.
    ValueError
        If the classifier is unknown or there is no window.
    TypeError
        If ``calibrated`` is not True or False.

    Notes
    -----
    Every window gives ``n_channels * (n_channels + 1) / 2`` features. A shrinkage LDA
    holds the covariance of all features, 35 MB for 14 channels in 20 windows and 11 GB
    for 60 channels: choose channels or windows first.

    References
    ----------
    Barachant et al., IEEE Trans. Biomedical Engineering 2012.

    Examples
    --------
    >>> from mne_duin.datasets import simulate_word_reading
    >>> epochs, _, _ = simulate_word_reading(
    ...     n_runs=1, n_trials_per_word=4, random_state=0
    ... )
    >>> y = epochs.metadata["trial_type"].to_numpy()
    >>> make_riemann(band=(70.0, 150.0)).fit(epochs, y).predict(epochs).shape
    (32,)
    """
    check_option("classifier", classifier, CLASSIFIERS)
    check_number("n_windows", n_windows, low=1, integer=True)
    check_type("calibrated", calibrated, bool)
    estimation, tangent = _import_pyriemann()
    windows = [
        (
            f"window{index}",
            make_pipeline(
                FunctionTransformer(
                    _window, kw_args={"index": index, "n_windows": n_windows}
                ),
                estimation.Covariances("oas"),
                tangent.TangentSpace(metric),
            ),
        )
        for index in range(n_windows)
    ]
    steps = [("scale", StandardScaler()), (classifier, _last_step(classifier))]
    if calibrated:
        # Covariances and their mean know no classes, so all folds can share them.
        steps = [("calibrated", calibrate(Pipeline(steps)))]
    first = [
        ("signal", BandSignal(band, sfreq=sfreq)),
        ("windows", FeatureUnion(windows)),
    ]
    return Pipeline([*first, *steps])


def make_xdawn_riemann(
    classifier="logistic",
    *,
    n_filters=2,
    band=EVOKED_BAND,
    metric="riemann",
    sfreq=None,
    calibrated=False,
):
    """Make a classifier of evoked responses by xDAWN filters and covariances.

    For every class xDAWN finds the spatial filters under which its mean response stands
    out most from the rest of the signal. The filtered trial and the filtered mean
    responses together have one covariance, whose projection to the tangent space a
    linear classifier sees: it shows how much of each mean response the trial holds.
    Needs pyriemann: ``pip install "mne-duin[baselines]"``.

    Parameters
    ----------
    classifier : "logistic" | "lda"
        What classifies the tangent vectors.
    n_filters : int
        Spatial filters per class, at most the number of channels.
    band : tuple of float | None
        Edges in Hz of the band of the signal; None takes the signal as it is.
    metric : str
        Metric of the mean and the tangent space, see pyriemann.
    sfreq : float | None
        Sampling rate in Hz of arrays. Epochs know theirs.
    calibrated : bool
        Whether the temperature of its probabilities is chosen by cross-validation
        inside the training trials; filters are then fitted once more in every fold.

    Returns
    -------
    pipeline : Pipeline
        Unfitted; accepts Epochs, an array or a list of Epochs.

    Raises
    ------
    ImportError
        If pyriemann is not installed.
    ValueError
        If the classifier is unknown or there is no filter.
    TypeError
        If ``calibrated`` is not True or False.

    Notes
    -----
    Of ``n_classes`` there are ``2 * n_filters * n_classes`` rows, whose covariance has
    half the square of this as features: 528 for 8 words and 30,000 for 61.

    References
    ----------
    Rivet et al., IEEE Trans. Biomedical Engineering 2009, for the filters; Barachant
    and Congedo, arXiv:1409.0107, for the covariances.

    Examples
    --------
    >>> from mne_duin.datasets import simulate_word_reading
    >>> epochs, _, _ = simulate_word_reading(
    ...     n_runs=1, n_trials_per_word=4, random_state=0
    ... )
    >>> y = epochs.metadata["trial_type"].to_numpy()
    >>> make_xdawn_riemann().fit(epochs, y).predict(epochs).shape
    (32,)
    """
    check_option("classifier", classifier, CLASSIFIERS)
    check_number("n_filters", n_filters, low=1, integer=True)
    check_type("calibrated", calibrated, bool)
    estimation, tangent = _import_pyriemann()
    covariances = estimation.XdawnCovariances(
        n_filters, estimator="oas", xdawn_estimator="oas"
    )
    steps = [
        ("xdawn", covariances),
        ("tangent", tangent.TangentSpace(metric)),
        ("scale", StandardScaler()),
        (classifier, _last_step(classifier)),
    ]
    if calibrated:
        # The filters know the classes, so every fold needs its own.
        steps = [("calibrated", calibrate(Pipeline(steps)))]
    return Pipeline([("signal", BandSignal(band, sfreq=sfreq)), *steps])
