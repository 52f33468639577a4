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
        If no unit fits, or several do and none is declared.

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
    declared = str(unit).lower() if str(unit).lower() in MM_PER_UNIT else None
    field = "the field iEEGCoordinateUnits of coordsystem.json"
    if declared is None:
        if len(fitting) != 1:
            raise ValueError(
                f"{path}: the unit of the coordinates is not known ({field} is "
                f"{unit!r}) and they reach {reach:g}, which "
                f"{'fits ' + ' and '.join(fitting) if fitting else 'fits no unit'}. "
                f"Write the unit into {field}."
            )
        warn(
            f"{path}: {field} is {unit!r}; the coordinates reach {reach:g} and are "
            f"taken as {fitting[0]}."
        )
        declared = fitting[0]
    elif not 1.0 <= reach * MM_PER_UNIT[declared] <= limit:
        if len(fitting) != 1:
            raise ValueError(
                f"{path}: {field} says {unit!r}, but coordinates that reach {reach:g} "
                f"{unit} do not fit into a head. Correct the field or the coordinates."
            )
        warn(
            f"{path}: {field} says {unit!r}, but the coordinates reach {reach:g}; they "
            f"are taken as {fitting[0]}."
        )
        declared = fitting[0]
    elif declared not in fitting:
        warn(
            f"{path}: all contacts lie within {reach * MM_PER_UNIT[declared]:.3g} mm "
            f"of the origin; check {field} ({unit!r})."
        )
    return xyz * MM_PER_UNIT[declared]
