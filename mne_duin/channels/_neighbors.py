"""Pairs of neighboring contacts: on shafts by number, on grids by position."""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from mne.utils import warn
from scipy.spatial.distance import cdist

from mne_duin.channels._table import as_name_table, coordinates, is_end, is_pair
from mne_duin.utils._checks import check_number, first_names

# Depth electrodes have at most 18 contacts, the smallest grids 8.
LONGEST_SHAFT, SMALLEST_GRID = 20, 8
REACH = 2.0  # times the distance to the nearest neighbor
SIZE = re.compile(r"(\d+)\s*[x×*]\s*(\d+)", re.IGNORECASE)
LAYOUT_COLUMNS = ("dimension", "type", "group", "description", "channel_type")
LINE = re.compile(r"depth|strip|seeg|stereo|\bdbs\b|probe", re.IGNORECASE)
SURFACE = re.compile(r"grid|ecog|surface|electrocortic|\bhd\b", re.IGNORECASE)


def bipolar_pairs(
    contacts, *, max_gap: int = 1, max_distance: float | str | None = "auto"
) -> list[tuple[str, str]]:
    """Pair neighboring contacts of each shaft, strip or grid.

    Parameters
    ----------
    contacts : pandas.DataFrame | sequence of str
        The contacts table, or only names. Contacts that are missing from it (bad ones,
        for example) are never bridged unless ``max_gap`` allows it. The columns
        ``group``, ``type``, ``dimension`` (``"[4x8]"``), ``description`` and
        ``channel_type`` are used where they are there.
    max_gap : int
        Largest difference of the two contact numbers.
    max_distance : float | "auto" | None
        Largest distance of the two contacts in mm. With ``"auto"``, two contacts are
        neighbors if no third contact of the group lies between them, and if their
        distance is at most twice that of each to its nearest neighbor. None sets no
        limit.

    Returns
    -------
    pairs : list of tuple of str
        Anode and cathode of each pair, the lower number first, in the order in which
        the anodes stand in ``contacts``.

    Raises
    ------
    ValueError
        If ``max_gap`` or ``max_distance`` is not positive.

    Notes
    -----
    "Between" is that of the relative neighborhood graph (Toussaint, Pattern Recognition
    12, 1980, 261-268): contact ``b`` lies between ``a`` and ``c`` if it is nearer to
    both than they are to each other. It separates the end of one row of a grid from the
    start of the next whatever the width of the grid.

    Contacts without coordinates are paired by number. On a grid whose size is declared,
    no pair crosses the end of a row. Where contacts may be those of a grid (type ECOG
    and eight contacts or more, or more than twenty contacts) and nothing declares the
    size, pairs that could cross the end of a row are left out with a warning.

    Examples
    --------
    >>> from mne_duin import bipolar_pairs
    >>> bipolar_pairs(["A1", "A2", "A4", "A5", "EKG"])
    [('A1', 'A2'), ('A4', 'A5')]
    """
    check_number("max_gap", max_gap, low=1, integer=True)
    if max_distance is not None and max_distance != "auto":
        check_number("max_distance", max_distance, low=0, closed=False)
    table = as_name_table(contacts)
    # Contacts of recorded pairs were not recorded themselves.
    table = table[~is_pair(table) & ~is_end(table)]
    names, xyz = table.index.to_numpy(), coordinates(table)
    words = _layout_words(table)
    pairs, unsure = [], []
    for rows, numbers in _groups(table):
        near, layout = _near(xyz[rows], max_distance), _layout(words[rows], numbers)
        gaps, placed = np.diff(numbers), np.isfinite(xyz[rows]).all(axis=1)
        step = np.diagonal(near, 1) & (gaps >= 1) & (gaps <= max_gap)
        blind = ~(placed[:-1] & placed[1:])
        crossing = step & blind & np.isin(numbers[:-1], layout.row_ends)
        found = [(i, i + 1) for i in np.flatnonzero(step & ~crossing)]
        if layout.is_grid and max_distance == "auto":
            found += _beside(xyz[rows], near, found)
        if not layout.is_declared:
            lost = rows[:-1][crossing], rows[1:][crossing]
            unsure += [f"{names[i]}-{names[j]}" for i, j in zip(*lost, strict=True)]
        pairs += [(rows[i], rows[j]) for i, j in found]
    if unsure:
        warn(
            "Contacts without positions may be those of a grid whose size nothing "
            "declares, so pairs that could cross the end of a row are left out: "
            f"{first_names(unsure)}. State the size in the column 'dimension' of "
            "electrodes.tsv ('[4x8]'), or 'strip' or 'depth' in 'type'."
        )
    return [(names[anode], names[cathode]) for anode, cathode in sorted(pairs)]


def _groups(table):
    """Yield the rows of each shaft, strip or grid in the order of their numbers."""
    numbers = table["number"].to_numpy(dtype=float, na_value=np.nan)
    shafts = table["shaft"].to_numpy(dtype=object)
    parts = table.get("group", pd.Series("", table.index)).astype("string").fillna("")
    groups: dict[tuple, list[int]] = {}
    for row, key in enumerate(zip(shafts, parts, strict=True)):
        if not pd.isna(key[0]) and np.isfinite(numbers[row]):
            groups.setdefault(key, []).append(row)
    for rows in groups.values():
        order = np.array(rows)[np.argsort(numbers[rows], kind="stable")]
        yield order, numbers[order].astype(int)


def _layout_words(table):
    """Return for each contact what its columns say about grids, strips and shafts."""
    there = [column for column in LAYOUT_COLUMNS if column in table]
    columns = [table[column].astype("string").fillna("") for column in there]
    words = [" ".join(parts) for parts in zip(*columns, strict=True)]
    return np.array(words or [""] * len(table), dtype=object)


def _near(xyz, max_distance):
    """Judge by position which contacts of a group may be paired.

    Parameters
    ----------
    xyz : ndarray, shape (n_contacts, 3)
        Positions of the contacts of one shaft, strip or grid in mm.
    max_distance : float | "auto" | None
        See :func:`bipolar_pairs`.

    Returns
    -------
    near : ndarray of bool, shape (n_contacts, n_contacts)
        True also where a position is unknown.
    """
    distances = cdist(xyz, xyz)
    unknown = ~np.isfinite(distances)
    if max_distance is None:
        return np.ones_like(unknown)
    if max_distance != "auto":
        return unknown | (distances <= float(max_distance))
    distances[unknown] = np.inf
    others = distances + np.diag(np.full(len(xyz), np.inf))
    nearest = others.min(axis=1, initial=np.inf)
    close = distances <= REACH * np.minimum.outer(nearest, nearest)
    # A tenth is the tolerance for positions that are not exactly on a lattice.
    farther = np.maximum(distances[:, None], distances[None])
    between = (farther < 0.9 * distances[..., None]).any(axis=2)
    return unknown | (close & ~between)


def _beside(xyz, near, rows):
    """Pair the contacts of a grid that no pair by number uses with their neighbors.

    Such contacts lie alone in their row, or the numbers are the sockets of an amplifier
    and do not follow the grid. A missing contact is never bridged: the neighbor must be
    nearer than 1.5 times the nearest of each.
    """
    distances = cdist(xyz, xyz) + np.diag(np.full(len(xyz), np.inf))
    distances[~np.isfinite(distances)] = np.inf
    nearest = distances.min(axis=1, initial=np.inf)
    fits = near & np.isfinite(distances)
    fits &= distances <= 1.5 * np.minimum.outer(nearest, nearest)
    used, added = {i for row in rows for i in row}, []
    for i in range(len(xyz)):
        if i not in used and fits[i].any():
            j = int(np.where(fits[i], distances[i], np.inf).argmin())
            added.append((min(i, j), max(i, j)))
            used |= {i, j}
    return added


class _Layout(NamedTuple):
    """Whether a group is a grid, whether that is declared, and where rows may end."""

    is_grid: bool
    is_declared: bool
    row_ends: np.ndarray


def _layout(words, numbers):
    """Find out whether a group is a grid, and after which numbers its rows may end."""
    words, last = " ".join(dict.fromkeys(words)), int(max(numbers))
    numbers = np.arange(1, last + 1)
    sizes = [tuple(map(int, match)) for match in SIZE.findall(words)]
    if sizes:
        widths = {width for size in sizes if min(size) > 1 for width in size}
        return _Layout(bool(widths), True, _multiples(numbers, widths))
    is_grid = re.search("grid", words, re.IGNORECASE) is not None
    if LINE.search(words) and not is_grid:
        is_grid = last > LONGEST_SHAFT and re.search("strip", words, re.I) is None
    elif SURFACE.search(words):
        is_grid = last >= SMALLEST_GRID
    else:
        is_grid = last > LONGEST_SHAFT
    if not is_grid:
        return _Layout(False, True, np.array([], dtype=int))
    # The size can be any product; contacts at its end can be bad and missing here.
    totals = (last, last + last % 2)
    odd = {w for total in totals for w in range(3, total // 2 + 1, 2) if not total % w}
    return _Layout(True, False, _multiples(numbers, {2} | odd))


def _multiples(numbers, widths):
    """Return the numbers that some width divides."""
    return numbers[[any(n % width == 0 for width in widths) for n in numbers]]
