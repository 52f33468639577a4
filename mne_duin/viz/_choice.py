"""Which filters a figure shows, and from which side."""

import numpy as np
from scipy.spatial import cKDTree

from mne_duin.utils._checks import as_list
from mne_duin.viz.brain._glass import VIEWS

ALIKE = 0.8  # correlation from which on two filters count as the same one


def best_view(xyz):
    """Choose the view in which the contacts lie farthest apart.

    Parameters
    ----------
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm; NaN are ignored.

    Returns
    -------
    view : str
        The view with the largest median distance to the nearest neighbor; a side
        view only if no contact is on the other side.
    """
    known = xyz[np.isfinite(xyz).all(axis=1)]
    views = ["y", "z"]
    if len(known) and not (known[:, 0] > 0).any():
        views.insert(0, "l")
    if len(known) and not (known[:, 0] < 0).any():
        views.insert(0, "r")
    if len(known) < 2:
        return views[0]
    flat = [known[:, VIEWS[view][:2]] for view in views]
    gaps = [np.median(cKDTree(xy).query(xy, k=2)[0][:, 1]) for xy in flat]
    return views[int(np.argmax(gaps))]


def strongest(filters, n_filters):
    """Choose the filters with the largest norm.

    Parameters
    ----------
    filters : array, shape (n_filters, ...)
        The filters.
    n_filters : int
        How many to choose at most.

    Returns
    -------
    rows : array of int
        Their positions, in their own order.
    """
    norms = np.linalg.norm(filters.reshape(len(filters), -1), axis=1)
    return np.sort(np.argsort(-norms, kind="stable")[:n_filters])


def distinct(filters, n_filters, *, alike=ALIKE):
    """Choose the strongest filters that are not copies of each other in time.

    A patch encoder applies the same convolutions at every step of a patch, so its
    largest filters are often one filter at several times. A filter is passed over if,
    shifted in time, it correlates with a chosen one (in absolute value) beyond
    ``alike``; shifts count that leave half of the power of both filters inside.

    Parameters
    ----------
    filters : array, shape (n_filters, n_channels, n_times)
        The filters.
    n_filters : int
        How many to choose at most.
    alike : float
        The correlation.

    Returns
    -------
    rows : array of int
        Their positions, the strongest first.
    """
    power = (filters**2).sum(axis=(1, 2))
    chosen, left = [], [int(row) for row in np.argsort(-power, kind="stable")]
    left = [row for row in left if power[row] > 0] or left[:1]
    while left and len(chosen) < n_filters:
        chosen.append(left[0])
        likeness = _shifted_correlation(filters[left[0]], filters[left])
        left = [
            row for row, one in zip(left[1:], likeness[1:], strict=True) if one < alike
        ]
    return np.array(chosen)


def _shifted_correlation(filter_, others):
    """Greatest absolute correlation of a filter with others over shifts in time."""
    n_times = filter_.shape[-1]
    length = 2 * n_times
    spectrum = np.fft.rfft(filter_, length).conj()
    product = (np.fft.rfft(others, length) * spectrum).sum(axis=1)
    # At shift k sample t of the filter meets sample t + k of the other one.
    shifts = np.arange(1 - n_times, n_times)
    product = np.fft.irfft(product, length)[:, shifts]
    own = _power_inside(filter_[None], -shifts)
    other = _power_inside(others, shifts)
    inside = (own > 0.5 * own.max()) & (other > 0.5 * other.max(axis=1, keepdims=True))
    scale = np.sqrt(np.maximum(own * other, np.finfo(float).tiny))
    return np.where(inside, np.abs(product) / scale, 0.0).max(axis=1)


def _power_inside(filters, shifts):
    """Power of the samples that stay inside when samples k, k + 1, … become the first.

    Shape (n_filters, n_shifts); a shift below zero moves the filter out at its end.
    """
    power = (filters**2).sum(axis=1)
    total = np.concatenate([0 * power[:, :1], power.cumsum(axis=1)], axis=1)
    n_times = power.shape[1]
    first, last = np.maximum(shifts, 0), n_times + np.minimum(shifts, 0)
    return total[:, last] - total[:, first]


def chosen_rows(filters, n_filters, which):
    """Return the rows of the filters to show.

    Parameters
    ----------
    filters : array, shape (n_filters, ...)
        The filters.
    n_filters : int
        How many to show at most, the strongest ones, if ``which`` is None.
    which : int | sequence of int | None
        The rows the caller asked for.

    Returns
    -------
    rows : array of int
        Their positions.

    Raises
    ------
    ValueError
        If a row does not exist or is asked for twice.
    """
    if which is None:
        return strongest(filters, n_filters)
    rows = np.asarray(as_list(which))
    is_valid = rows.ndim == 1 and rows.size and np.issubdtype(rows.dtype, np.integer)
    if not is_valid or rows.min() < 0 or rows.max() >= len(filters):
        raise ValueError(
            f"`which` must hold positions of filters from 0 to {len(filters) - 1}; got "
            f"{which!r}."
        )
    if len(set(rows.tolist())) != len(rows):
        raise ValueError(f"`which` names a filter twice: {which!r}.")
    return rows
