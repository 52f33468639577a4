"""Evoked amplitudes and band power in time bins, as a transformer of epochs."""

from functools import lru_cache

import numpy as np
from mne.utils import logger, warn
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mne_duin.utils._bands import (
    ALWAYS,
    BANDS,
    UNMIXED,
    bandpass,
    bands_below_nyquist,
    check_bands,
    distinct_bands,
    envelope_power,
    same_edges,
)
from mne_duin.utils._checks import check_number, check_option, check_type
from mne_duin.utils._epochs import as_array, check_start
from mne_duin.utils._parallel import in_threads, one_blas_thread
from mne_duin.utils._screening import group_p_value
from mne_duin.utils._unmixing import learn_unmixing

LOWER_BANDS = ("theta", "alpha", "beta", "low-gamma")
FEATURES = ("evoked", "high-gamma", "both", "power", "all")
# What data that are power already can give.
POWER_ONLY = ("all", "power", "high-gamma")
INPUTS = ("signal", "high-gamma")
SHORTEST = 0.25
# Samples; the matrix of a longer epoch takes more memory than it is worth.
LONGEST_MATRIX = 4096
# Epochs per step of the Hilbert transform, which needs several copies of its input.
N_AT_ONCE = 32


class EvokedPower(TransformerMixin, BaseEstimator):
    """Turn epochs into evoked amplitudes and log band power, in time bins.

    Parameters
    ----------
    features : "evoked" | "high-gamma" | "both" | "power" | "all"
        Evoked: the signal below ``evoked_h_freq``, averaged in bins. High-gamma: the
        logarithm of the power in ``high_gamma_band``, averaged in bins. Both: these
        two. Power: the logarithm of the power in ``high_gamma_band`` and in the lower
        ``bands``, in bins, and the mean of the bins of every band over the epoch. All:
        power and evoked.
    sfreq : float | None
        Sampling rate in Hz of arrays. Epochs know theirs.
    input : "signal" | "high-gamma"
        What the data are. High-gamma: power (or amplitude, or its logarithm) that was
        computed before; its means in bins of ``high_gamma_bin`` are the features, and
        nothing is filtered.
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
        Whether the power of every band is computed twice: of the channels as they are,
        and after they were unmixed in that band as the epochs given to ``fit`` say.
        Sources that are mixed in the channels can be told apart by the second only;
        where one source is in many channels, the first is clearer. See Notes.
    screening : float | None
        Level of a permutation test of the classes that each of the lower bands has to
        pass on the epochs given to ``fit`` together with labels; one that does not is
        left out, so that with few trials its chance differences do not dilute the
        rest. None, or no labels, keeps all, as does a screening that nothing passes.

    Attributes
    ----------
    sfreq_ : float
        Sampling rate in Hz at fit.
    bands_ : dict of str to tuple of float
        The bands whose power is computed: those below half the sampling rate that
        passed the screening. Names of unmixed ones end with ``"-unmixed"``.
    unmixing_ : dict of str to ndarray, shape (n_channels, n_channels)
        What the channels are multiplied by in each of these.
    groups_ : dict of str to slice
        Where the features of each kind are: ``"evoked"`` and the names of the bands.
    n_channels_, n_times_ : int
        Size of an epoch at fit.
    n_features_out_ : int
        Number of features.

    Notes
    -----
    In every band, channels are whitened by the transformation that changes them least
    (ZCA). If the power of sources changes so much that they can be separated by it,
    covariances of windows of 0.25 s are diagonalized jointly. That is decided by
    left-out epochs: sources that were separated on every other epoch must be clearly
    more independent on the epochs between than whitened channels are. Each component
    takes the place of the channel that it is strongest in.

    References
    ----------
    Kessy et al., The American Statistician 2018, for ZCA; Pham and Cardoso, IEEE
    Transactions on Signal Processing 2001, for joint diagonalization; Michelmann et
    al., Journal of Neuroscience Methods 2018, for unmixing intracranial recordings.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin.baselines import EvokedPower
    >>> X = np.random.default_rng(0).standard_normal((4, 2, 500))
    >>> extract = EvokedPower(sfreq=500.0)
    >>> extract.fit_transform(X).shape
    (4, 292)
    >>> list(extract.groups_)[:3], list(extract.groups_)[-1]
    (['evoked', 'high-gamma', 'theta'], 'low-gamma-unmixed')
    """

    def __init__(
        self,
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
    ):
        self.features = features
        self.sfreq = sfreq
        self.input = input
        self.evoked_h_freq = evoked_h_freq
        self.evoked_bin = evoked_bin
        self.bands = bands
        self.power_bin = power_bin
        self.high_gamma_band = high_gamma_band
        self.high_gamma_bin = high_gamma_bin
        self.unmixed = unmixed
        self.screening = screening

    def fit(self, X, y=None):
        """Check the parameters and choose the bands.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        y : array, shape (n_epochs,) | None
            Their classes, for the screening.

        Returns
        -------
        self : EvokedPower
            The transformer.

        Raises
        ------
        TypeError, ValueError
            If the sampling rate is not known or too low for every feature that was
            asked for, if the epochs are shorter than a quarter of a second, or if a
            parameter cannot be used.
        """
        self._fit(X, y)
        return self

    def fit_transform(self, X, y=None):
        """Fit and compute the features of the same epochs.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        y : array, shape (n_epochs,) | None
            Their classes, for the screening.

        Returns
        -------
        features : ndarray, shape (n_epochs, n_features)
            See :meth:`transform`.
        """
        return self._fit(X, y)

    @one_blas_thread()
    def _fit(self, X, y):
        """Learn everything; return the features of the same epochs."""
        vars(self).pop("usual_", None)
        epochs, features = self._learn(X, y)
        features = self.transform(epochs) if features is None else features
        # What a channel that is missing later is given; one that is missing in
        # training already, as in stacked subjects, is a matter of the classifier.
        known = epochs.data.any(axis=-1).all(axis=0)
        self.usual_ = np.where(
            self._by_channel(known[None])[0], features.mean(0), np.nan
        )
        return features

    def _by_channel(self, values):
        """Repeat values of channels (n_epochs, n_channels) for each feature."""
        parts = [
            np.repeat(values, (own.stop - own.start) // self.n_channels_, axis=1)
            for own in self.groups_.values()
        ]
        return np.concatenate(parts, axis=1)

    def _fill_silent(self, features, data):
        """Give channels of zeros only, which are missing, the usual features."""
        silent = ~data.any(axis=-1)
        if "usual_" in vars(self) and silent.any():
            missing = self._by_channel(silent) & np.isfinite(self.usual_)
            np.copyto(features, self.usual_, where=missing)
        return features

    def _learn(self, X, y):
        """Learn sizes and bands; return the epochs, and features if there are any."""
        epochs = as_array(X, sfreq=self.sfreq)
        self._check(epochs)
        self.sfreq_ = epochs.sfreq
        _, self.n_channels_, self.n_times_ = epochs.data.shape
        self.bands_ = self._usable_bands()
        self.tmin_, self.filters_ = epochs.tmin, epochs.filters
        unmixing = learn_unmixing(epochs.data, self.sfreq_, self.bands_)
        self.unmixing_ = {name: own[0] for name, own in unmixing.items()}
        self._lay_out(epochs)
        lower = [name for name in self.bands_ if name not in ALWAYS]
        if y is None or self.screening is None or not lower:
            return epochs, None
        features, groups = self.transform(epochs), self.groups_
        out = [
            name
            for name in lower
            if group_p_value(features[:, groups[name]], y) > self.screening
        ]
        # Something has to be left to learn from.
        if len(out) < len(groups):
            self.bands_ = {k: v for k, v in self.bands_.items() if k not in out}
            for name in out:
                self.unmixing_.pop(name, None)
        self._lay_out(epochs)
        kept = [features[:, groups[name]] for name in self.groups_]
        return epochs, np.concatenate(kept, axis=1)

    def _lay_out(self, epochs):
        """Learn which features are where."""
        self.groups_, first = {}, 0
        for name, part in self._parts(epochs.data[:1].astype(float)):
            self.groups_[name] = slice(first, first + part[0].size)
            first += part[0].size
        self.n_features_out_ = first

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.

        Returns
        -------
        features : ndarray, shape (n_epochs, n_features)
            Evoked features first, see ``groups_``; within a group the bins of a channel
            stand together.

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
        check_start(epochs, self.tmin_, type(self).__name__)
        features = np.empty((len(epochs.data), self.n_features_out_))
        for first in range(0, len(features), N_AT_ONCE):
            rows = slice(first, first + N_AT_ONCE)
            data = epochs.data[rows].astype(float)
            for name, part in self._parts(data):
                features[rows, self.groups_[name]] = part.reshape(len(data), -1)
        return self._fill_silent(features, epochs.data)

    def _check(self, epochs):
        check_option("features", self.features, FEATURES)
        check_option("input", self.input, INPUTS)
        check_type("unmixed", self.unmixed, bool)
        if self.input == "high-gamma" and self.features not in POWER_ONLY:
            raise ValueError(
                "input='high-gamma' is data that are power already, which have no "
                f"evoked signal; `features` must be 'all', got {self.features!r}."
            )
        if epochs.sfreq is None:
            raise ValueError(
                "The sampling rate of an array is not known; give it as `sfreq` in Hz."
            )
        low, high = self.high_gamma_band
        check_number("high_gamma_band[0]", low, low=0.0, high=high, closed=False)
        check_number("evoked_h_freq", self.evoked_h_freq, low=0.0, closed=False)
        for name in ("evoked_bin", "power_bin", "high_gamma_bin"):
            check_number(name, getattr(self, name), low=0.0, closed=False)
        if self.screening is not None:
            check_number("screening", self.screening, low=0.0, high=1.0)
        if epochs.data.shape[-1] < SHORTEST * epochs.sfreq:
            raise ValueError(
                f"Epochs must last at least {SHORTEST} s; got "
                f"{epochs.data.shape[-1] / epochs.sfreq:g} s."
            )

    def _usable_bands(self):
        """Return the bands that the sampling rate reaches; state which it does not."""
        lower = check_bands("bands", self.bands)
        if self.features == "evoked" or self.input == "high-gamma":
            return {}
        wanted = {"high-gamma": tuple(self.high_gamma_band)}
        if self.features in ("power", "all"):
            wanted |= {name: lower[name] for name in lower if name not in wanted}
        if self.unmixed:
            for name in [name for name in wanted if not name.endswith(UNMIXED)]:
                wanted.setdefault(name + UNMIXED, wanted[name])
        bands = bands_below_nyquist(wanted, self.sfreq_)
        bands = distinct_bands(bands, self.n_channels_)
        if "high-gamma" not in bands:
            low, high = self.high_gamma_band
            if self.features == "high-gamma":
                raise ValueError(
                    f"The sampling rate of {self.sfreq_:g} Hz is too low: high-gamma "
                    f"features reach up to {high:g} Hz and must lie below "
                    f"{self.sfreq_ / 2:g} Hz. Give data that are high-gamma power "
                    "already as input='high-gamma'."
                )
            logger.info(
                "If these data are high-gamma power already, say input='high-gamma'."
            )
        if self.features == "power" and not bands:
            raise ValueError(
                f"The sampling rate of {self.sfreq_:g} Hz is too low for the power of "
                "any band; `bands` must have one below half of it."
            )
        return bands

    def _parts(self, data):
        """Yield the name and the bins of each group of features."""
        if self.input == "high-gamma":
            yield "high-gamma", self._bins(data, self.high_gamma_bin)
            return
        if self.features in ("evoked", "both", "all"):
            yield "evoked", self._evoked(data)

        def envelopes(names):
            filtered = bandpass(data, self.sfreq_, self.bands_[names[0]])
            mixtures = self.unmixing_
            return {
                name: envelope_power(
                    mixtures[name] @ filtered if name in mixtures else filtered
                )
                for name in names
            }

        groups = same_edges(self.bands_)
        parts = in_threads(envelopes, groups, is_long=len(data) > 1)
        powers = {name: power for part in parts for name, power in part.items()}
        for name in self.bands_:
            power = powers[name]
            is_high = name.removesuffix(UNMIXED) == "high-gamma"
            seconds = self.high_gamma_bin if is_high else self.power_bin
            power = self._bins(power, seconds)
            power = np.log(power + np.finfo(float).tiny)
            if self.features in ("power", "all"):
                power = np.append(power, power.mean(-1, keepdims=True), axis=-1)
            yield name, power

    def _evoked(self, data):
        """Return the bins of the signal below the upper edge of the evoked signal."""
        # All of a signal that is sampled more slowly lies below the edge.
        if 2 * self.evoked_h_freq >= self.sfreq_:
            return self._bins(data, self.evoked_bin)
        options = self.sfreq_, self.evoked_h_freq, self.evoked_bin
        if data.shape[-1] > LONGEST_MATRIX:
            return _low_passed_bins(data, *options)
        # Filter and means are linear in the samples: one matrix does both at once.
        return data @ _evoked_matrix(data.shape[-1], *options)

    def _bins(self, data, seconds):
        """Average in bins; the last one takes what is left over."""
        return _means(data, seconds * self.sfreq_)


def _means(data, size):
    """Return the means of bins of so many samples."""
    # A bin has one sample at least.
    starts = np.round(np.arange(0.0, data.shape[-1], max(size, 1.0))).astype(int)
    sums = np.add.reduceat(data, starts, axis=-1)
    return sums / np.diff(starts, append=data.shape[-1])


def _low_passed_bins(data, sfreq, h_freq, seconds):
    """Return the means in bins of the signal below a frequency."""
    return _means(bandpass(data, sfreq, (0.0, h_freq)), seconds * sfreq)


@lru_cache(maxsize=8)
def _evoked_matrix(n_times, *options):
    """Return the matrix that filters and averages, shape (n_times, n_bins)."""
    matrix = _low_passed_bins(np.eye(n_times), *options)
    matrix.flags.writeable = False
    return matrix


class EvokedHighGamma(EvokedPower):
    """Former name of :class:`EvokedPower` with ``features="both", unmixed=False``.

    .. deprecated:: 0.1
       Use :class:`EvokedPower`.

    Parameters
    ----------
    features : "evoked" | "high-gamma" | "both"
        See :class:`EvokedPower`, as all other parameters.
    sfreq : float | None
        Sampling rate in Hz of arrays.
    evoked_h_freq, evoked_bin : float
        Upper edge in Hz of the evoked signal, and length of its bins in seconds.
    high_gamma_band : tuple of float
        Edges in Hz.
    high_gamma_bin : float
        Length of a bin of high-gamma power in seconds.
    """

    def __init__(
        self,
        features="both",
        *,
        sfreq=None,
        evoked_h_freq=20.0,
        evoked_bin=0.025,
        high_gamma_band=BANDS["high-gamma"],
        high_gamma_bin=0.05,
    ):
        super().__init__(
            features,
            sfreq=sfreq,
            evoked_h_freq=evoked_h_freq,
            evoked_bin=evoked_bin,
            high_gamma_band=high_gamma_band,
            high_gamma_bin=high_gamma_bin,
            unmixed=False,
        )

    def fit(self, X, y=None):
        """Fit as :meth:`EvokedPower.fit` does, and warn of the new name.

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
        """
        now = "EvokedPower(features='both', unmixed=False)"
        warn(f"EvokedHighGamma is now {now}.", FutureWarning)
        return super().fit(X, y)

    def fit_transform(self, X, y=None):
        """Fit and compute the features of the same epochs.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs.
        y : None
            Not used.

        Returns
        -------
        features : ndarray, shape (n_epochs, n_features)
            See :meth:`EvokedPower.transform`.
        """
        return self.fit(X).transform(X)
