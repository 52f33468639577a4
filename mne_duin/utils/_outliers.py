"""Find trials whose amplitude is far from that of the others."""

import numpy as np

FAR = 20.0
FEWEST = 5


def peak_to_peak(data):
    """Return the amplitude of each channel of each trial.

    Parameters
    ----------
    data : ndarray, shape (n_trials, n_channels, n_times)
        The trials.

    Returns
    -------
    peaks : ndarray, shape (n_trials, n_channels)
        Largest minus smallest value.
    """
    return np.stack([trial.max(axis=-1) - trial.min(axis=-1) for trial in data])


def usual_limits(peaks):
    """Return the amplitude of each channel beyond which a trial is far from the rest.

    Parameters
    ----------
    peaks : ndarray, shape (n_trials, n_channels)
        Peak-to-peak amplitudes.

    Returns
    -------
    limits : ndarray, shape (n_channels,)
        20 times the median over trials; infinite for fewer than 5 trials, which do not
        tell what is usual, and for channels that are mostly constant.
    """
    if len(peaks) < FEWEST:
        return np.full(peaks.shape[1], np.inf)
    limits = FAR * np.median(peaks, axis=0)
    return np.where(limits > 0, limits, np.inf)
