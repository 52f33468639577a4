"""Units of electrode coordinates, checked by the size of a head."""

import numpy as np
from mne.utils import warn

MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
SMALLEST, LARGEST = 10.0, 150.0
LARGEST_NATIVE = 400.0


def scale_to_mm(xyz, unit, path, *, native=False):
    """Convert coordinates to mm, and check that they fit into a head.

    Parameters
    ----------
    xyz : ndarray, shape (n_channels, 3)
        Coordinates as they stand in electrodes.tsv.
    unit : str | None
        What coordsystem.json says about them.
    path : pathlib.Path
        The file of the coordinates, for the messages.
    native : bool
        Whether the space is a scanner's, whose origin can lie outside the head.

    Returns
    -------
    xyz : ndarray, shape (n_channels, 3)
        Coordinates in mm.

    Raises
    ------
    ValueError
        If the declared unit is impossible or missing, and not exactly one other fits.

    Notes
    -----
    Contacts of one subject reach 10 to 150 mm from the origin of any template. A unit
    that is declared stands unless that is impossible and another one fits alone.
    """
    reach = np.nanmax(np.abs(xyz), initial=0.0)
    if reach == 0:
        return xyz.copy()
    limit = LARGEST_NATIVE if native else LARGEST
    fitting = [u for u, mm in MM_PER_UNIT.items() if SMALLEST <= reach * mm <= limit]
    declared = MM_PER_UNIT.get(str(unit).lower(), np.nan)
    field = f"{path}: the field iEEGCoordinateUnits of coordsystem.json says {unit!r}"
    if 1.0 <= reach * declared <= limit:
        if reach * declared < SMALLEST:
            warn(
                f"{field}, so all contacts lie within {reach * declared:.3g} mm of the "
                "origin; check the unit."
            )
        return xyz * declared
    if len(fitting) != 1:
        raise ValueError(
            f"{field}, but coordinates that reach {reach:g} fit into a head as "
            f"{' or '.join(fitting) or 'no unit'}. Correct the field, or the "
            "coordinates in electrodes.tsv."
        )
    warn(f"{field}, but the coordinates reach {reach:g}; taken as {fitting[0]}.")
    return xyz * MM_PER_UNIT[fitting[0]]
