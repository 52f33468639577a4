"""The frequency bands whose power the decoders use, and their filters."""

from functools import lru_cache

import numpy as np
from mne.utils import logger
from scipy.signal import butter, sosfiltfilt

from mne_duin.utils._checks import check_number

BANDS = {
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "low-gamma": (30.0, 70.0),
    "high-gamma": (70.0, 150.0),
}


def check_bands(name, bands):
    """Return the edges of bands that were given by name or by edges.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    bands : sequence of str | dict of str to tuple of float
        Names out of ``BANDS``, or names with their lower and upper edge in Hz.

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
        unknown = [str(band) for band in bands if band not in BANDS]
        if unknown:
            raise ValueError(
                f"`{name}` has no {', '.join(unknown[:10])}; the bands are "
                f"{', '.join(BANDS)}. Give others as a dict of names and edges in Hz."
            )
        return {band: BANDS[band] for band in BANDS if band in bands}
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
    left_out = [
        f"{band} ({low:g}-{high:g} Hz)"
        for band, (low, high) in bands.items()
        if band not in usable
    ]
    if left_out:
        logger.info(
            f"At {sfreq:g} Hz the power in {', '.join(left_out)} cannot be computed "
            "and is left out."
        )
    return usable


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
    sos = _design(float(sfreq), low, high)
    period = sfreq / low if low else 0.0
    # SciPy's padding is a matter of samples; a slow band needs a period at the ends.
    padding = max(3 * (2 * len(sos) + 1), round(period))
    padding = min(padding, data.shape[-1] - 1)
    return sosfiltfilt(sos, np.asarray(data, float), axis=-1, padlen=padding)


@lru_cache(maxsize=64)
def _design(sfreq, low, high):
    """Return the second-order sections of a filter."""
    if low == 0:
        return butter(4, high, fs=sfreq, output="sos")
    # A steep filter of a low band rings longer than a word lasts.
    order = 4 if high - low >= 50 else 2
    return butter(order, (low, high), "bandpass", fs=sfreq, output="sos")
