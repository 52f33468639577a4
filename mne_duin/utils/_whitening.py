"""Spatial whitening of each band, so that the power of sources can be told apart.

A contact records a mixture of sources. The signal of a mixture is a sum, which a linear
layer can undo; its power is not, and nothing can undo it afterwards. So the channels of
every band are made uncorrelated and equally strong before power is taken. Of all such
transformations ZCA changes the channels least (Kessy et al., The American Statistician
2018): the power of a whitened channel still belongs to its contact.

It is no improvement in itself, because where one source is in many contacts it spreads
the others into them. Decoders are given the power of channels and of whitened channels.
"""

import numpy as np

from mne_duin.utils._bands import WHITENED, bandpass
from mne_duin.utils._epochs import peak_to_peak, usual_limits
from mne_duin.utils._parallel import in_threads
from mne_duin.utils._stored import blocks

# Of each channel: ten minutes at 400 Hz, evenly spread over the training data.
MOST_SAMPLES = 2**18
# Directions with less than this part of the usual variance are not amplified further:
# a common reference leaves one with nothing but rounding.
LEAST_VARIANCE = 1e-3
# Matrices are rounded to so many bits: the last ones depend on the number of threads,
# and power on disk is found again by its matrix.
BITS = 16


def learn_whiteners(data, sfreq, bands, subject=None, n_subjects=1):
    """Learn the whitening of the bands whose names end with ``"-whitened"``.

    Epochs with far more than the usual amplitude do not count.

    Parameters
    ----------
    data : ndarray | StoredArray, shape (n_epochs, n_channels, n_times)
        The training epochs.
    sfreq : float
        Sampling rate in Hz.
    bands : dict of str to tuple of float
        Lower and upper edge in Hz of each band.
    subject : ndarray of int, shape (n_epochs,) | None
        Whose each epoch is; None is the first subject.
    n_subjects : int
        Number of subjects.

    Returns
    -------
    whiteners : dict of str to ndarray, shape (n_subjects, n_channels, n_channels)
        What the signal in each of these bands is to be multiplied by. Channels of zeros
        only stay as they are.
    """
    wanted = {name: edges for name, edges in bands.items() if name.endswith(WHITENED)}
    if not wanted:
        return {}
    subject = np.zeros(len(data), int) if subject is None else subject
    found = [
        _learn_subject(data, np.flatnonzero(subject == index), sfreq, wanted)
        for index in range(n_subjects)
    ]
    return {name: np.stack([own[name] for own in found]) for name in wanted}


def _learn_subject(data, rows, sfreq, bands):
    """Return the matrix of every band of one subject."""
    n_channels, n_times = data.shape[1:]
    if len(rows):
        peaks = peak_to_peak(data, rows)
        rows = rows[~(peaks > usual_limits(peaks)).any(axis=1)]
    n_kept = min(len(rows), max(MOST_SAMPLES // n_times, 1))
    rows = rows[np.linspace(0, len(rows), n_kept, endpoint=False).astype(int)]
    moments = {name: np.zeros((n_channels, n_channels)) for name in bands}

    def add(name):
        signal = bandpass(block, sfreq, bands[name])
        signal = signal.swapaxes(0, 1).reshape(n_channels, -1)
        moments[name] += signal @ signal.T

    for block in blocks(data, rows):
        in_threads(add, bands, is_long=len(block) > 1)
    n_samples = max(len(rows) * n_times, 1)
    return {
        name: whitener(moments[name] / n_samples, 2 * (high - low) * n_samples / sfreq)
        for name, (low, high) in bands.items()
    }


def whitener(covariance, n_independent):
    """Return the ZCA of channels; each keeps its unit and about its amplitude.

    The correlations are shrunk towards none by what that many independent samples leave
    uncertain: as much as there are channels per sample.

    Parameters
    ----------
    covariance : ndarray, shape (n_channels, n_channels)
        Of the channels.
    n_independent : float
        Number of independent samples that it was estimated from.

    Returns
    -------
    matrix : ndarray, shape (n_channels, n_channels)
        What the channels are to be multiplied by.
    """
    n_channels = len(covariance)
    loud = np.flatnonzero(np.diag(covariance))
    covariance = covariance[np.ix_(loud, loud)]
    scale = np.sqrt(np.diag(covariance))
    shrinkage = len(loud) / (len(loud) + n_independent) if len(loud) else 0.0
    correlation = (1 - shrinkage) * covariance / np.outer(scale, scale)
    correlation[np.diag_indices(len(loud))] = 1.0
    variance, vectors = np.linalg.eigh(correlation)
    variance = np.maximum(variance, LEAST_VARIANCE)
    own = (vectors / np.sqrt(variance)) @ vectors.T
    matrix = np.eye(n_channels)
    matrix[np.ix_(loud, loud)] = _rounded(own * np.outer(scale, 1 / scale))
    return matrix


def _rounded(values):
    """Round numbers to some bits, each relative to itself."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2.0**BITS) / 2.0**BITS, exponent)
