"""Unmix the channels of each band, so that the power of sources can be told apart.

A contact records a mixture of sources. The signal of a mixture is a sum, which a linear
layer can undo; its power is not, and nothing can undo it afterwards. So the channels of
every band are unmixed before power is taken.

At first they are whitened: made uncorrelated and equally strong. Of all such
transformations ZCA changes the channels least (Kessy et al., The American Statistician
2018), but a rotation of the sources remains. Sources whose power changes at different
times have one right rotation, which joint diagonalization of the covariances of short
windows finds. It is used where left-out epochs confirm it: with more sources than
channels, what it finds is chance. Each component takes the place of the channel that it
is strongest in.

It is no improvement in itself, because where one source is in many contacts it spreads
the others into them. Decoders are given the power of channels and of unmixed channels.
"""

import numpy as np
from mne.utils import logger
from scipy.optimize import linear_sum_assignment

from mne_duin.utils._bands import UNMIXED, bandpass
from mne_duin.utils._epochs import peak_to_peak, usual_limits
from mne_duin.utils._joint_diagonalization import contrast, diagonalize
from mne_duin.utils._parallel import in_threads, one_blas_thread
from mne_duin.utils._stored import blocks

# Of each channel: ten minutes at 400 Hz, evenly spread over the training data.
MOST_SAMPLES = 2**18
# Directions with less than this part of the usual variance are not amplified further:
# a common reference leaves one with nothing but rounding.
LEAST_VARIANCE = 1e-3
# Matrices are rounded to so many bits: the last ones depend on the number of threads,
# and power on disk is found again by its matrix.
BITS = 16
# In seconds, about as long as a syllable: the power of sources changes within it.
WINDOW = 0.25
# Covariances that are diagonalized; fewer with many channels, for which a step takes
# the third power of their number.
MOST_WINDOWS, MOST_WORK = 2000, 2**27
FEWEST_EPOCHS = 4
# Directions that are left with less of the usual variance after whitening are silent.
LEAST_WHITENED = 0.5
# What separating has to gain over whitening on left-out epochs, in nats per channel and
# window and in standard errors (tests/benchmarks/unmixing.py).
LEAST_GAIN, LEAST_ERRORS = 2e-3, 2.0
STEPS_TO_TRY, STEPS = 20, 60


@one_blas_thread()
def learn_unmixing(data, sfreq, bands, subject=None, n_subjects=1):
    """Learn to unmix the bands whose names end with ``"-unmixed"``.

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
    unmixing : dict of str to ndarray, shape (n_subjects, n_channels, n_channels)
        What the signal in each of these bands is to be multiplied by. Channels of zeros
        only stay as they are.
    """
    wanted = {name: edges for name, edges in bands.items() if name.endswith(UNMIXED)}
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
    rows = _spread(rows, max(MOST_SAMPLES // n_times, 1))
    size = min(max(round(WINDOW * sfreq), 1), n_times)
    n_windows = min(max(MOST_WORK // n_channels**3, n_channels), MOST_WINDOWS)
    in_windows = np.isin(rows, _spread(rows, max(n_windows // (n_times // size), 1)))
    moments = {name: np.zeros((n_channels, n_channels)) for name in bands}
    windows = {name: [] for name in bands}

    def add(name):
        signal = bandpass(block, sfreq, bands[name])
        windows[name].append(_window_covariances(signal[cut], size))
        signal = signal.swapaxes(0, 1).reshape(n_channels, -1)
        moments[name] += signal @ signal.T

    first = 0
    for block in blocks(data, rows):
        cut = in_windows[first : first + len(block)]
        first += len(block)
        in_threads(add, bands, is_long=len(block) > 1)
    n_samples = max(len(rows) * n_times, 1)

    def unmix(name):
        per_second = 2 * (bands[name][1] - bands[name][0])
        covariance = moments[name] / n_samples
        whitening = matrix = whitener(covariance, per_second * n_samples / sfreq)
        if len(rows):
            own = np.concatenate(windows[name])
            matrix = separate(whitening, own, per_second * size / sfreq)
        done = "whitened" if matrix is whitening else "separated into sources"
        logger.debug(f"{name.removesuffix(UNMIXED)}: channels are {done}.")
        return _rounded(matrix)

    return dict(zip(bands, in_threads(unmix, bands), strict=True))


def _spread(rows, n_most):
    """Return so many rows at most, evenly spread."""
    n_kept = min(len(rows), n_most)
    return rows[np.linspace(0, len(rows), n_kept, endpoint=False).astype(int)]


def _window_covariances(signal, size):
    """Return the covariances of the windows of every epoch.

    Shapes: ``signal`` (n_epochs, n_channels, n_times) -> (n_epochs, n_windows,
    n_channels, n_channels).
    """
    n_epochs, n_channels, n_times = signal.shape
    n_windows = n_times // size
    cut = signal[..., : n_windows * size]
    cut = cut.reshape(n_epochs, n_channels, n_windows, size).swapaxes(1, 2)
    return cut @ cut.swapaxes(2, 3) / size


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
    shrinkage = _shrinkage(len(loud), n_independent) if len(loud) else 0.0
    correlation = (1 - shrinkage) * covariance / np.outer(scale, scale)
    correlation[np.diag_indices(len(loud))] = 1.0
    variance, vectors = np.linalg.eigh(correlation)
    variance = np.maximum(variance, LEAST_VARIANCE)
    own = (vectors / np.sqrt(variance)) @ vectors.T
    matrix = np.eye(n_channels)
    matrix[np.ix_(loud, loud)] = own * np.outer(scale, 1 / scale)
    return matrix


def separate(matrix, windows, n_independent):
    """Go on from whitened channels to separated sources, if epochs confirm them.

    Parameters
    ----------
    matrix : ndarray, shape (n_channels, n_channels)
        The whitening.
    windows : ndarray, shape (n_epochs, n_windows, n_channels, n_channels)
        Covariances of the channels.
    n_independent : float
        Number of independent samples in a window.

    Returns
    -------
    matrix : ndarray, shape (n_channels, n_channels)
        What the channels are to be multiplied by: the whitening as it is, where sources
        that were separated on every other epoch are not clearly more independent than
        whitened channels on the epochs between.
    """
    n_epochs, _, n_channels, _ = windows.shape
    loud = np.flatnonzero(np.einsum("ekii->i", windows))
    if n_epochs < FEWEST_EPOCHS or len(loud) < 2:
        return matrix
    windows = windows[:, :, loud[:, None], loud]
    before, total = matrix[np.ix_(loud, loud)], windows.mean((0, 1))
    whitening, covariances = whiten_windows(before, windows, n_independent)
    gain, error = left_out_gain(covariances, n_independent)
    if not gain >= max(LEAST_GAIN, LEAST_ERRORS * error):
        return matrix
    found = diagonalize(np.concatenate(covariances), max_iter=STEPS) @ whitening
    separated = matrix.copy()
    separated[np.ix_(loud, loud)] = _in_place(found, before, total)
    return separated


def whiten_windows(matrix, windows, n_independent):
    """Whiten channels in full, with windows that are all equally loud.

    How loud all channels are together says nothing about sources, and correlations that
    a shrunk whitening has left do not, either. Directions that it leaves nearly without
    power are dropped. Returns what channels are to be multiplied by, and covariances
    afterwards, each shrunk towards their mean by what so many independent samples in a
    window leave uncertain.

    Shapes: ``matrix`` (n_channels, n_channels), ``windows`` (n_epochs, n_windows,
    n_channels, n_channels) -> (n_components, n_channels), (n_epochs, n_windows,
    n_components, n_components).
    """
    matrix = matrix / np.sqrt(np.diag(windows.mean((0, 1))))[:, None]
    covariances = matrix @ windows @ matrix.T
    power = np.einsum("ekii->ek", covariances) / len(matrix)
    covariances /= np.maximum(power, LEAST_VARIANCE)[..., None, None]
    variance, vectors = np.linalg.eigh(covariances.mean((0, 1)))
    heard = variance > LEAST_WHITENED
    rest = (vectors[:, heard] / np.sqrt(variance[heard])).T
    if heard.all():
        # As close to the channels as can be.
        rest = vectors @ rest
    covariances = rest @ covariances @ rest.T
    shrinkage = _shrinkage(len(rest), n_independent)
    covariances = (1 - shrinkage) * covariances + shrinkage * np.eye(len(rest))
    return rest @ matrix, covariances


def left_out_gain(covariances, n_independent):
    """Return how much more independent separated sources are on left-out epochs.

    They are separated on every other epoch and compared with whitened channels on the
    epochs between, then the other way round, unless the first half decides against it.

    Parameters
    ----------
    covariances : ndarray, shape (n_epochs, n_windows, n_components, n_components)
        Of whitened channels.
    n_independent : float
        Number of independent samples in a window.

    Returns
    -------
    gain : float
        Decrease of the contrast in nats per component and window. Shrinking made it
        smaller by about the square of what it left, and that is undone.
    error : float
        Its standard error over epochs.
    """
    n_components = covariances.shape[-1]
    scale = n_components * (1 - _shrinkage(n_components, n_independent)) ** 2
    gains = []
    for fold in range(2):
        learned_on, left_out = (covariances[own::2] for own in (1 - fold, fold))
        found = diagonalize(np.concatenate(learned_on), max_iter=STEPS_TO_TRY)
        lower = contrast(left_out) - contrast(left_out, found)
        gains.append(lower.mean(1) / scale)
        if gains[0].mean() <= 0:
            break
    gains = np.concatenate(gains)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


def _shrinkage(n_channels, n_independent):
    """Return what so many independent samples leave uncertain of correlations."""
    return n_channels / (n_channels + n_independent)


def _in_place(found, whitening, covariance):
    """Give each component the place of the channel that it is strongest in.

    Every component gets the sign and the amplitude of the channel; where there are
    fewer components than channels, the others stay whitened.

    Shapes: ``found`` (n_components, n_channels), ``whitening``, ``covariance``
    (n_channels, n_channels) -> (n_channels, n_channels).
    """
    channels = np.sqrt(np.diag(covariance))
    components = np.sqrt((found @ covariance * found).sum(1))
    # How much of the variance of a channel comes from a component.
    parts = (np.linalg.pinv(found) * components / channels[:, None]) ** 2
    channel, component = linear_sum_assignment(parts, maximize=True)
    own = found[component] * (channels[channel] / components[component])[:, None]
    own[own[np.arange(len(own)), channel] < 0] *= -1
    ordered = whitening.copy()
    ordered[channel] = own
    return ordered


def _rounded(values):
    """Round numbers to some bits, each relative to itself."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2.0**BITS) / 2.0**BITS, exponent)
