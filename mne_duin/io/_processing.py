"""Filters and sampling rates: what a recording allows, and applying it to samples."""

from dataclasses import dataclass
from fractions import Fraction

import mne
import numpy as np
from mne.utils import logger, warn
from scipy.signal import resample_poly

from mne_duin.io._causal import CausalFilter
from mne_duin.utils._checks import check_type

NOTCH_TRANSITION = 1.0
ANTI_ALIAS = ("kaiser", 8.0)


@dataclass(frozen=True)
class Processing:
    """How samples are filtered and resampled.

    Parameters
    ----------
    l_freq, h_freq : float | None
        Edges of the band-pass filter in Hz.
    notch : tuple of float
        Frequencies to remove in Hz.
    rate : float
        Sampling rate of the recording in Hz.
    sfreq : float
        Sampling rate of the result in Hz.
    causal : bool
        Whether the filters see the past only.
    """

    l_freq: float | None
    h_freq: float | None
    notch: tuple
    rate: float
    sfreq: float
    causal: bool = False

    @property
    def ratio(self):
        """The two whole numbers whose quotient is the change of the sampling rate."""
        exact = Fraction(self.sfreq).limit_denominator(10**6)
        exact /= Fraction(self.rate).limit_denominator(10**6)
        ratio = exact.limit_denominator(10_000)
        return ratio.numerator, ratio.denominator

    @property
    def margin(self):
        """How many samples of the recording the filters reach to each side.

        0 where they are causal, because their state goes on from block to block.
        """
        if self.causal:
            return 0
        up, down = self.ratio
        reach = 10 * max(up, down) // up + 1 if up != down else 0
        if self.l_freq is not None or self.h_freq is not None:
            taps = mne.filter.create_filter(
                None, self.rate, self.l_freq, self.h_freq, verbose="error"
            )
            reach += len(taps) // 2 + 1
        if self.notch:
            reach += int(np.ceil(3.3 / NOTCH_TRANSITION * self.rate)) + 1
        return -(-reach // down) * down

    def start(self, n_channels, begin=0):
        """Return the causal filter of a stretch that begins with that sample."""
        return CausalFilter(self, n_channels, begin, window=ANTI_ALIAS)

    def apply(self, data):
        """Filter and resample samples, zero-phase.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_times)
            Samples at ``rate``.

        Returns
        -------
        data : ndarray, shape (n_channels, n_new_times)
            Samples at ``sfreq``.
        """
        if self.notch:
            length = f"{2 * 3300 / NOTCH_TRANSITION:.0f}ms"
            data = mne.filter.notch_filter(
                data,
                self.rate,
                np.array(self.notch),
                filter_length=length,
                trans_bandwidth=NOTCH_TRANSITION,
                verbose="error",
            )
        if self.l_freq is not None or self.h_freq is not None:
            data = mne.filter.filter_data(
                data, self.rate, self.l_freq, self.h_freq, copy=False, verbose="error"
            )
        up, down = self.ratio
        if up == down:
            return data
        return resample_poly(data, up, down, axis=-1, window=ANTI_ALIAS, padtype="edge")


def choose_processing(raw, l_freq, h_freq, notch, sfreq, where, causal=False):
    """Check the filters against the sampling rate of a recording.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    l_freq, h_freq : float | None
        Edges of the band-pass filter in Hz.
    notch : "auto" | float | sequence of float | None
        The line frequency, or the frequencies to remove.
    sfreq : float | None
        Sampling rate of the result; None keeps that of the recording.
    where : str
        The recording, for the messages.
    causal : bool
        Whether the filters see the past only.

    Returns
    -------
    processing : Processing
        What to do with its samples.

    Raises
    ------
    ValueError
        If a frequency is too high for the sampling rate.
    """
    check_type("causal", causal, bool)
    rate = float(raw.info["sfreq"])
    sfreq = rate if sfreq is None else float(sfreq)
    for name, limit in (("of " + where, rate), ("`sfreq`", sfreq)):
        if h_freq is not None and h_freq >= limit / 2:
            raise ValueError(
                f"`h_freq` {h_freq:g} Hz needs a sampling rate above {2 * h_freq:g} "
                f"Hz; the sampling rate {name} is {limit:g} Hz. Lower `h_freq`."
            )
    if sfreq > rate:
        logger.info(
            f"{where} is resampled from {rate:g} to {sfreq:g} Hz; this adds no "
            "information above half the original rate."
        )
    top = min(rate / 2 - 2, sfreq / 2, np.inf if h_freq is None else h_freq)
    notch = notch_frequencies(raw, notch, top, where)
    return Processing(l_freq, h_freq, notch, rate, sfreq, causal)


def notch_frequencies(raw, notch, top, where):
    """Return the frequencies to remove.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    notch : "auto" | float | sequence of float | None
        ``"auto"`` takes the line frequency of the sidecar; one number is a line
        frequency, whose harmonics are removed too; several are taken as they are.
    top : float
        Highest frequency that is of interest in Hz.
    where : str
        The recording, for the messages.

    Returns
    -------
    frequencies : tuple of float
        In Hz, none above ``top``.
    """
    if notch is None:
        return ()
    if isinstance(notch, str):
        if notch != "auto":
            raise ValueError(
                f"`notch` must be 'auto', None or frequencies in Hz; got {notch!r}."
            )
        notch = raw.info["line_freq"]
        if notch is None:
            warn(
                f"{where}: ieeg.json does not say PowerLineFrequency, so no line noise "
                "is removed; pass notch=50 or notch=60, or notch=None."
            )
            return ()
    if np.ndim(notch) == 0:
        notch = float(notch) * np.arange(1, int(top // float(notch)) + 1)
    return tuple(float(f) for f in notch if 0 < f <= top)
