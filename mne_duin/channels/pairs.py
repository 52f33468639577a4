"""Pairs of neighbouring contacts."""

import numpy as np

from mne_duin.channels.tables import as_name_table, coordinates
from mne_duin.utils.checks import check_number


def bipolar_pairs(contacts, *, max_gap=1, max_distance="auto"):
    """Pair neighbouring contacts of each shaft.

    Parameters
    ----------
    contacts : pandas.DataFrame | sequence of str
        The contacts table, or only names. Contacts that are missing from it (bad ones,
        for example) are never bridged unless ``max_gap`` allows it.
    max_gap : int
        Largest difference of the two contact numbers.
    max_distance : float | "auto" | None
        Largest distance of the two contacts in mm. ``"auto"`` is three times the median
        spacing of the shaft, which keeps out neighbours by number that are not
        neighbours in space. Pairs without coordinates pass.

    Returns
    -------
    pairs : list of tuple of str
        Anode and cathode of each pair, the lower number first, in the order in which
        the anodes stand in ``contacts``.

    Raises
    ------
    ValueError
        If ``max_gap`` or ``max_distance`` is not positive.

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
    order = {name: row for row, name in enumerate(table.index)}
    pairs = []
    for _, shaft in table.dropna(subset=["shaft", "number"]).groupby("shaft"):
        shaft = shaft.sort_values("number", kind="stable")
        gaps = np.diff(shaft["number"].to_numpy(dtype=float))
        steps = np.linalg.norm(np.diff(coordinates(shaft), axis=0), axis=1)
        cap = distance_cap(steps[gaps == 1], max_distance)
        near = (gaps >= 1) & (gaps <= max_gap) & ~(steps > cap)
        names = shaft.index.to_numpy()
        pairs += [(names[i], names[i + 1]) for i in np.flatnonzero(near)]
    return sorted(pairs, key=lambda pair: order[pair[0]])


def distance_cap(steps, max_distance):
    """Return the largest distance in mm that two paired contacts of a shaft may have.

    Parameters
    ----------
    steps : ndarray, shape (n_steps,)
        Distances of successive contacts of the shaft in mm, NaN where unknown.
    max_distance : float | "auto" | None
        See :func:`bipolar_pairs`.

    Returns
    -------
    cap : float
        The limit; infinite where there is none.
    """
    if max_distance is None:
        return np.inf
    if max_distance != "auto":
        return float(max_distance)
    known = steps[np.isfinite(steps)]
    return 3 * np.median(known) if len(known) else np.inf
