"""The frequency bands whose power the decoders use, their filters, and their power.

The patch encoder is linear, and power is not a linear function of the signal. With 15
hours of recording the transformer learns to compute it; with minutes it does not, and
much of what speech and movement change is the power of rhythms and of high gamma. So
the quick preset gives the networks the power as further channels.
"""

import hashlib
import re
from functools import lru_cache

import numpy as np
from mne.utils import logger
from scipy import fft
from scipy.signal import butter, oaconvolve, sosfilt, sosfilt_zi

from mne_duin._version import __version__
from mne_duin.utils._checks import check_number
from mne_duin.utils._parallel import in_threads
from mne_duin.utils._stored import Part, Source, StoredArray, open_source
from mne_duin.utils._stored_files import write_once

BANDS = {
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "low-gamma": (30.0, 70.0),
    "high-gamma": (70.0, 150.0),
}
BROADBAND = "broadband"
RAW = "raw"
# What the name of a band ends with whose power is taken after channels were unmixed.
UNMIXED = "-unmixed"
# Speech changes high gamma first of all; it is never left out by a screening.
ALWAYS = "high-gamma", "high-gamma" + UNMIXED
NAMED = BANDS | {band + UNMIXED: edges for band, edges in BANDS.items()}
# Power is smoothed over nearly three periods of the lower edge, but not longer than
# what happens in a syllable.
SMOOTHING_PERIODS, LONGEST_SMOOTHING = 2.8, 0.15
LOWEST_POWER = 1e-6  # of the mean
N_AT_ONCE = 16  # epochs in one step, so that no large copies are made
POWER = "power_{low:g}-{high:g}Hz_{key}.npy"  # files of power next to segments
POWER_NAME = re.compile(r"power_[0-9.e+-]+Hz_[0-9a-f]{16}\.npy")


def check_bands(name, bands):
    """Return the edges of bands that were given by name or by edges.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    bands : sequence of str | dict of str to tuple of float
        Names out of ``BANDS``, alone or followed by ``"-unmixed"``, or names with
        their lower and upper edge in Hz.

    Returns
    -------
    edges : dict of str to tuple of float
        Lower and upper edge in Hz of each band.

    Raises
    ------
    TypeError
        If ``bands`` is neither.
    ValueError
        If there is no band of a name, or an upper edge is not above the lower one.
    """
    if isinstance(bands, str) or not isinstance(bands, list | tuple | dict):
        raise TypeError(
            f"`{name}` must be a list of names out of {', '.join(BANDS)}, or a dict of "
            f"names and edges in Hz; got {bands!r}."
        )
    if not isinstance(bands, dict):
        unknown = [str(band) for band in bands if band not in NAMED]
        if unknown:
            raise ValueError(
                f"`{name}` has no {', '.join(unknown[:10])}; the bands are "
                f"{', '.join(BANDS)}, each alone or followed by {UNMIXED!r}. Give "
                "others as a dict of names and edges in Hz."
            )
        return {band: edges for band, edges in NAMED.items() if band in bands}
    for band, (low, high) in bands.items():
        check_number(f"{name}[{band!r}][1]", high, low=0.0, closed=False)
        check_number(f"{name}[{band!r}][0]", low, low=0.0, high=high, closed=False)
    return {band: (float(low), float(high)) for band, (low, high) in bands.items()}


def bands_below_nyquist(bands, sfreq):
    """Leave out the bands that a sampling rate does not reach, and state which.

    Parameters
    ----------
    bands : dict of str to tuple of float
        Lower and upper edge in Hz of each band.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    usable : dict of str to tuple of float
        The bands whose upper edge lies below half the sampling rate.
    """
    usable = {band: edges for band, edges in bands.items() if 2 * edges[1] < sfreq}
    left_out = dict.fromkeys(
        f"{band.removesuffix(UNMIXED)} ({low:g}-{high:g} Hz)"
        for band, (low, high) in bands.items()
        if band not in usable
    )
    if left_out:
        logger.info(
            f"At {sfreq:g} Hz the power in {', '.join(left_out)} cannot be computed "
            "and is left out."
        )
    return usable


def distinct_bands(bands, n_channels):
    """Leave out the unmixed power of a single channel where its power is there.

    With one channel there is nothing to unmix: both would be the same numbers.

    Parameters
    ----------
    bands : dict of str to tuple of float
        Lower and upper edge in Hz of each band.
    n_channels : int
        Number of channels.

    Returns
    -------
    distinct : dict of str to tuple of float
        The bands that differ.
    """
    if n_channels > 1:
        return bands
    known = {edges for name, edges in bands.items() if not name.endswith(UNMIXED)}
    return {
        name: edges
        for name, edges in bands.items()
        if not name.endswith(UNMIXED) or edges not in known
    }


def bandpass(data, sfreq, band):
    """Filter a signal forward and backward.

    Parameters
    ----------
    data : ndarray, shape (..., n_times)
        The signal.
    sfreq : float
        Sampling rate in Hz.
    band : tuple of float
        Lower and upper edge in Hz; a lower edge of 0 is a low-pass.

    Returns
    -------
    filtered : ndarray, shape (..., n_times)
        The signal in the band, double precision.
    """
    low, high = map(float, band)
    sos, start = _design(float(sfreq), low, high)
    data = np.asarray(data, float)
    period = sfreq / low if low else 0.0
    # SciPy's padding is a matter of samples; a slow band needs a period at the ends.
    padding = max(3 * (2 * len(sos) + 1), round(period))
    padding = min(padding, data.shape[-1] - 1)
    # What scipy.signal.sosfiltfilt does, whose preparation takes as long as filtering
    # a window of a second.
    first, last = data[..., :1], data[..., -1:]
    left = 2 * first - data[..., padding:0:-1]
    right = 2 * last - data[..., -2 : -padding - 2 : -1]
    x = np.concatenate([left, data, right], axis=-1)
    start = start.reshape(len(sos), *(1,) * (data.ndim - 1), 2)
    for _ in range(2):
        x = sosfilt(sos, x, axis=-1, zi=start * x[..., :1])[0][..., ::-1]
    return x[..., padding : x.shape[-1] - padding]


@lru_cache(maxsize=64)
def _design(sfreq, low, high):
    """Return the second-order sections of a filter, and their state at rest."""
    if low == 0:
        sos = butter(4, high, fs=sfreq, output="sos")
    else:
        # A steep filter of a low band rings longer than a word lasts.
        order = 4 if high - low >= 50 else 2
        sos = butter(order, (low, high), "bandpass", fs=sfreq, output="sos")
    return sos, sosfilt_zi(sos)


def envelope_power(data):
    """Return the squared envelope (of the Hilbert transform) of a signal in a band.

    Shapes: ``data`` (..., n_times) -> (..., n_times).
    """
    n_times = data.shape[-1]
    spectrum = fft.rfft(data)
    spectrum *= -1j
    spectrum[..., 0] = 0
    if n_times % 2 == 0:
        spectrum[..., -1] = 0
    return data**2 + fft.irfft(spectrum, n_times) ** 2


def add_bands(data, sfreq, bands, unmixing=None, subject=None):
    """Append the logarithm of the power of every channel in every band.

    Every epoch is treated alone, so its values depend on nothing else. For epochs on
    disk the power is written once, next to them.

    Parameters
    ----------
    data : ndarray | StoredArray, shape (n_epochs, n_channels, n_times)
        The signal.
    sfreq : float
        Sampling rate in Hz.
    bands : dict of str to tuple of float
        Lower and upper edge in Hz of each band.
    unmixing : dict of str to ndarray, shape (n_subjects, n_channels, n_channels)
        For some of the bands, what the channels are multiplied by before.
    subject : ndarray of int, shape (n_epochs,) | None
        Whose each epoch is; None is the first subject.

    Returns
    -------
    inputs : ndarray | StoredArray
        Shape (n_epochs, (1 + n_bands) * n_channels, n_times).
    """
    if not bands:
        return data
    unmixing = {} if unmixing is None else unmixing
    if isinstance(data, StoredArray):
        return _add_stored_bands(data, sfreq, bands, unmixing, subject)
    n_epochs, n_channels, n_times = data.shape
    subject = np.zeros(n_epochs, int) if subject is None else subject
    inputs = np.empty((n_epochs, (1 + len(bands)) * n_channels, n_times), np.float32)
    inputs[:, :n_channels] = data

    first_of = {name: (n + 1) * n_channels for n, name in enumerate(bands)}

    def fill(names):
        for first in range(0, n_epochs, N_AT_ONCE):
            rows = slice(first, first + N_AT_ONCE)
            own = {
                name: unmixing[name][subject[rows]] if name in unmixing else None
                for name in names
            }
            powers = log_powers(data[rows], sfreq, bands[names[0]], own.values())
            for name, power in zip(names, powers, strict=True):
                where = slice(first_of[name], first_of[name] + n_channels)
                inputs[rows, where] = power

    in_threads(fill, same_edges(bands), is_long=n_epochs > 1)
    return inputs


def same_edges(bands):
    """Return the names of bands in groups that have the same edges.

    One filter serves them all.

    Parameters
    ----------
    bands : dict of str to tuple of float
        Lower and upper edge in Hz of each band.

    Returns
    -------
    groups : list of list of str
        In the order of the bands.
    """
    groups = {}
    for name, edges in bands.items():
        groups.setdefault(tuple(edges), []).append(name)
    return list(groups.values())


def _add_stored_bands(data, sfreq, bands, unmixing, subject):
    """Append the power of epochs on disk, in files where the epochs are in files."""
    view_subject = np.zeros(len(data.views), int)
    if unmixing and subject is not None:
        # Epochs of one file may be of several subjects, whose power is not the same.
        data, view_subject = data.split_views(subject)

    def power_of(number, part):
        own = {name: matrix[view_subject[number]] for name, matrix in unmixing.items()}
        sources = _stored_power(part, data.n_times, sfreq, bands, own)
        return tuple(Part(source, part.channels) for source in sources)

    return data.with_parts(power_of)


def _stored_power(part, n_times, sfreq, bands, unmixing):
    """Return the power in each band, of all rows and channels of a part's source."""
    source = part.source
    n_rows, n_channels = source.values.shape[:2]
    whole = StoredArray(
        [(Part(source, np.arange(n_channels), part.first),)],
        np.zeros(n_rows, int),
        np.arange(n_rows),
        n_times,
    )
    matrices = {
        name: _of_source(matrix, part.channels, n_channels)
        for name, matrix in unmixing.items()
    }

    def fill(outputs):
        for first in range(0, n_rows, N_AT_ONCE):
            rows = np.arange(first, min(first + N_AT_ONCE, n_rows))
            _fill_power(outputs, rows, whole.read(rows), sfreq, bands, matrices)

    if source.path is None:
        outputs = {name: np.empty(whole.shape, np.float32) for name in bands}
        fill(outputs)
        return [Source(outputs[name]) for name in bands]
    keys, paths = {}, {}
    for name, edges in bands.items():
        low, high = map(float, edges)
        known = (source.digest, part.first, n_times, float(sfreq), low, high)
        if name in matrices:
            known += (hashlib.sha256(matrices[name].tobytes()).hexdigest(),)
        key = hashlib.sha256(repr((*known, __version__)).encode()).hexdigest()
        file_name = POWER.format(low=low, high=high, key=key[:16])
        keys[name], paths[name] = key, source.path.with_name(file_name)
    write_once(paths, whole.shape, fill)
    return [open_source(paths[name], digest=keys[name]) for name in bands]


def _of_source(matrix, channels, n_channels):
    """Return the matrix of chosen channels among all that are stored."""
    known = np.flatnonzero(channels >= 0)
    own = channels[known]
    full = np.zeros((n_channels, n_channels))
    full[np.ix_(own, own)] = matrix[np.ix_(known, known)]
    return full


def _fill_power(outputs, rows, data, sfreq, bands, matrices):
    """Write the power of some epochs into the array of each band."""

    def fill(names):
        own = [matrices.get(name) for name in names]
        powers = log_powers(data, sfreq, bands[names[0]], own)
        for name, power in zip(names, powers, strict=True):
            outputs[name][rows[0] : rows[-1] + 1] = power

    in_threads(fill, same_edges({name: bands[name] for name in outputs}))


def log_powers(data, sfreq, band, matrices):
    """Yield the log of the smoothed power in a band, of the shape of the data.

    Single precision, which is enough for a logarithm and what networks take. Of the
    ``matrices`` each is None, for the power of the channels, or (..., n_channels,
    n_channels), for that of mixtures. Filters change all channels alike, so they come
    before the mixtures, once.
    """
    filtered = bandpass(data, sfreq, band)
    for matrix in matrices:
        yield _log_power(filtered if matrix is None else matrix @ filtered, sfreq, band)


def _log_power(filtered, sfreq, band):
    """Return the log of the smoothed power of a filtered signal."""
    smoothing = min(SMOOTHING_PERIODS / band[0], LONGEST_SMOOTHING)
    n_times = filtered.shape[-1]
    window, weight, first = _smoothing(round(smoothing * sfreq), n_times)
    length = 2 * (len(window) - 1)
    spectrum = fft.rfft(filtered**2, length)
    spectrum *= window
    power = fft.irfft(spectrum, length)[..., first : first + n_times] / weight
    level = power.mean(-1, keepdims=True)
    silent = level[..., 0] == 0
    level[silent] = 1.0
    # Of numbers around one, which single precision holds in any unit.
    logarithm = np.maximum(power / level, LOWEST_POWER).astype(np.float32)
    np.log(logarithm, out=logarithm)
    logarithm += np.log(level)
    # A channel that is zero padding has no power; its logarithm is set to zero.
    logarithm[silent] = 0.0
    return logarithm


@lru_cache(maxsize=64)
def _smoothing(n_window, n_times):
    """Return the spectrum of a window, what of it counts, and where its middle is.

    Near the ends part of the window lies outside; what is inside counts for it.
    """
    window = np.hanning(n_window + 2)[1:-1]
    weight = oaconvolve(np.ones(n_times), window, mode="same")
    length = fft.next_fast_len(n_times + len(window) - 1, real=True)
    # One that is even is known from the number of its frequencies.
    length += length % 2
    return fft.rfft(window, length), weight, (len(window) - 1) // 2
