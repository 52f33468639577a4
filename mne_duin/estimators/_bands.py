"""What the networks see of a signal: the signal, and the power in frequency bands.

The patch encoder is linear, and power is not a linear function of the signal. With 15
hours of recording the transformer learns to compute it; with minutes it does not, and
much of what speech and movement change is the power of rhythms and of high gamma. So
the quick preset hands the power over as further channels.
"""

import numpy as np
from scipy.signal import oaconvolve

from mne_duin.utils._bands import BANDS, bandpass, bands_below_nyquist, check_bands
from mne_duin.utils._screening import group_p_value

BROADBAND = "broadband"
RAW, SCREENED = "raw", "screened"
# Power is smoothed over nearly three periods of the lower edge, but not longer than
# what happens in a syllable.
SMOOTHING_PERIODS, LONGEST_SMOOTHING = 2.8, 0.15
LEVEL = 0.05
N_AT_ONCE = 16  # epochs in one step, so that no large copies are made


def choose_bands(bands, epochs, y=None, subject=None):
    """Return the edges of the bands that a network is given the power of.

    ``bands`` is the parameter of the estimators. Screening needs the classes ``y``
    (n_epochs,): high gamma always enters, a lower band only if its power differs
    between the classes by more than chance in the training data of any subject.
    """
    if bands == RAW:
        return {}
    wanted = BANDS if bands == SCREENED else check_bands("bands", bands)
    usable = bands_below_nyquist(wanted, epochs.sfreq)
    if bands != SCREENED:
        return usable
    return {
        name: edges
        for name, edges in usable.items()
        if name == "high-gamma" or _differs(epochs, edges, y, subject)
    }


def _differs(epochs, band, y, subject):
    """Return whether the power in a band differs between the classes."""
    parts = np.split(epochs.data, range(N_AT_ONCE, len(epochs), N_AT_ONCE))
    power = np.concatenate([log_power(one, epochs.sfreq, band) for one in parts])
    size = max(round(LONGEST_SMOOTHING * epochs.sfreq), 1)
    starts = np.arange(0, power.shape[-1], size)
    bins = np.add.reduceat(power, starts, axis=-1)
    bins = bins / np.diff(starts, append=power.shape[-1])
    mean = power.mean(-1, keepdims=True)
    features = np.concatenate([bins, mean], axis=-1).reshape(len(power), -1)
    subject = np.zeros(len(y), int) if subject is None else subject
    rows = [subject == one for one in np.unique(subject)]
    p_values = [group_p_value(features[own], y[own]) for own in rows]
    return min(p_values) * len(rows) <= LEVEL


def add_bands(data, sfreq, bands):
    """Append the logarithm of the power of every channel in every band.

    Every epoch is treated alone, so its values depend on nothing else.

    Shapes: ``data`` (n_epochs, n_channels, n_times) -> (n_epochs, (1 + n_bands) *
    n_channels, n_times).
    """
    if not bands:
        return data
    n_epochs, n_channels, n_times = data.shape
    inputs = np.empty((n_epochs, (1 + len(bands)) * n_channels, n_times), np.float32)
    inputs[:, :n_channels] = data
    for number, band in enumerate(bands.values(), start=1):
        own = slice(number * n_channels, (number + 1) * n_channels)
        for first in range(0, n_epochs, N_AT_ONCE):
            rows = slice(first, first + N_AT_ONCE)
            inputs[rows, own] = log_power(data[rows], sfreq, band)
    return inputs


def log_power(data, sfreq, band):
    """Return the log of the smoothed power in a band, of the shape of the data."""
    smoothing = min(SMOOTHING_PERIODS / band[0], LONGEST_SMOOTHING)
    window = np.hanning(round(smoothing * sfreq) + 2)[1:-1]
    # Near the ends part of the window lies outside; what is inside counts for it.
    weight = oaconvolve(np.ones(data.shape[-1]), window, mode="same")
    power = bandpass(data, sfreq, band) ** 2
    power = oaconvolve(power, window[None, None], mode="same", axes=-1) / weight
    floor = 1e-6 * power.mean(-1, keepdims=True)
    # A channel that is zero padding has no power; its logarithm is set to zero.
    return np.log(np.where(floor == 0, 1.0, np.maximum(power, floor)))
