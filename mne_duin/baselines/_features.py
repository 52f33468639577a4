"""Evoked and high-gamma features, as a scikit-learn transformer of epochs."""

import numpy as np
from scipy import signal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mne_duin.utils.checks import check_number, check_option
from mne_duin.utils.epochs import as_array

FEATURES = ("evoked", "high-gamma", "both")
SHORTEST = 0.25


class EvokedHighGamma(TransformerMixin, BaseEstimator):
    """Turn epochs into evoked amplitudes, high-gamma power, or both, in time bins.

    Parameters
    ----------
    features : "evoked" | "high-gamma" | "both"
        Evoked: the signal below ``evoked_h_freq``, averaged in bins. High-gamma: the
        logarithm of the power in ``high_gamma_band``, averaged in bins.
    sfreq : float | None
        Sampling rate in Hz of arrays. Epochs know theirs.
    evoked_h_freq : float
        Upper edge in Hz of the evoked signal.
    evoked_bin : float
        Length of a bin of the evoked signal in seconds.
    high_gamma_band : tuple of float
        Edges in Hz.
    high_gamma_bin : float
        Length of a bin of high-gamma power in seconds.

    Attributes
    ----------
    sfreq_ : float
        Sampling rate in Hz at fit.
    n_channels_, n_times_ : int
        Size of an epoch at fit.
    n_features_out_ : int
        Number of features.
    """

    def __init__(
        self,
        features="both",
        *,
        sfreq=None,
        evoked_h_freq=20.0,
        evoked_bin=0.025,
        high_gamma_band=(70.0, 150.0),
        high_gamma_bin=0.05,
    ):
        self.features = features
        self.sfreq = sfreq
        self.evoked_h_freq = evoked_h_freq
        self.evoked_bin = evoked_bin
        self.high_gamma_band = high_gamma_band
        self.high_gamma_bin = high_gamma_bin

    def fit(self, X, y=None):
        """Check the parameters and remember the size of an epoch.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        y : None
            Not used.

        Returns
        -------
        self : EvokedHighGamma
            The transformer.

        Raises
        ------
        ValueError
            If the sampling rate is not known or too low for the bands, or if the
            epochs are shorter than a quarter of a second.
        """
        epochs = as_array(X, sfreq=self.sfreq)
        self._check(epochs)
        self.sfreq_ = epochs.sfreq
        _, self.n_channels_, self.n_times_ = epochs.data.shape
        self.n_features_out_ = self.transform(epochs[:1]).shape[1]
        return self

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.

        Returns
        -------
        features : ndarray, shape (n_epochs, n_features)
            Evoked features first; the bins of a channel stand together.

        Raises
        ------
        ValueError
            If the epochs have another size or sampling rate than at fit.
        """
        check_is_fitted(self, "sfreq_")
        epochs = as_array(X, sfreq=self.sfreq)
        came = (*epochs.data.shape[1:], epochs.sfreq)
        wanted = (self.n_channels_, self.n_times_, self.sfreq_)
        if came != wanted:
            raise ValueError(
                f"`X` must have (n_channels, n_times, sfreq) = {wanted} as at fit; "
                f"got {came}."
            )
        data = epochs.data.astype(float)
        parts = []
        if self.features in ("evoked", "both"):
            parts.append(self._evoked(data))
        if self.features in ("high-gamma", "both"):
            parts.append(self._high_gamma(data))
        return np.concatenate([part.reshape(len(data), -1) for part in parts], axis=1)

    def _check(self, epochs):
        check_option("features", self.features, FEATURES)
        if epochs.sfreq is None:
            raise ValueError(
                "The sampling rate of an array is not known; give it as `sfreq` in Hz."
            )
        low, high = self.high_gamma_band
        nyquist = epochs.sfreq / 2
        check_number("high_gamma_band[0]", low, low=0.0, high=high, closed=False)
        edges = {"evoked": (self.evoked_h_freq,), "high-gamma": (high,)}
        edges["both"] = edges["evoked"] + edges["high-gamma"]
        top = max(edges[self.features])
        if top >= nyquist:
            raise ValueError(
                f"The sampling rate of {epochs.sfreq:g} Hz is too low: "
                f"{self.features} features reach up to {top:g} Hz and must lie below "
                f"{nyquist:g} Hz."
            )
        for name in ("evoked_bin", "high_gamma_bin"):
            check_number(name, getattr(self, name), low=2.0 / epochs.sfreq)
        if epochs.data.shape[-1] < SHORTEST * epochs.sfreq:
            raise ValueError(
                f"Epochs must last at least {SHORTEST} s; got "
                f"{epochs.data.shape[-1] / epochs.sfreq:g} s."
            )

    def _evoked(self, data):
        sos = signal.butter(4, self.evoked_h_freq, fs=self.sfreq_, output="sos")
        return self._bins(signal.sosfiltfilt(sos, data), self.evoked_bin)

    def _high_gamma(self, data):
        sos = signal.butter(
            4, self.high_gamma_band, "bandpass", fs=self.sfreq_, output="sos"
        )
        power = np.abs(signal.hilbert(signal.sosfiltfilt(sos, data))) ** 2
        power = self._bins(power, self.high_gamma_bin)
        return np.log(power + np.finfo(float).tiny)

    def _bins(self, data, seconds):
        """Average in bins; the last one takes what is left over."""
        edges = np.arange(0.0, data.shape[-1], seconds * self.sfreq_)
        starts = np.round(edges).astype(int)
        sums = np.add.reduceat(data, starts, axis=-1)
        return sums / np.diff(starts, append=data.shape[-1])
