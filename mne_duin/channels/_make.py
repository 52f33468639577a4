"""Contacts tables without BIDS: from an MNE object, a montage, or a table."""

from collections.abc import Mapping

import mne
import numpy as np
import pandas as pd
from mne.channels import DigMontage
from mne.io.constants import FIFF
from mne.utils import warn

from mne_duin.channels._names import find_other_channels, name_table
from mne_duin.channels._pairs import complete_pairs
from mne_duin.channels._spaces import SYSTEMS, hemispheres, is_known_space
from mne_duin.channels._table import order_columns
from mne_duin.utils._checks import check_option, check_type, first_names

UNITS = {"m": 1000.0, "cm": 10.0, "mm": 1.0}
INTRACRANIAL = ("seeg", "ecog", "dbs")
# Frames of MNE: what their numbers are.
FRAMES = {"mni_tal": "MNI305", "mri": "Other", "unknown": None, "head": None}
NAMES = {
    FIFF.FIFFV_MNE_COORD_MNI_TAL: "mni_tal",
    FIFF.FIFFV_COORD_MRI: "mri",
    FIFF.FIFFV_COORD_HEAD: "head",
}
LARGEST = 150.0  # mm from the origin of a template to a contact
NAME_COLUMNS = ("name", "channel", "electrode", "contact")


def make_contacts(
    source, *, space: str | None = None, unit: str | None = None, names=None
) -> pd.DataFrame:
    """Make a contacts table of an MNE object, a montage or a table of positions.

    Parameters
    ----------
    source : Raw | Epochs | Evoked | Info | DigMontage | DataFrame | dict
        Where the contacts are: an object of MNE with positions; a table with the names
        as index (or in a column ``name``) and columns ``x``, ``y``, ``z``, of which
        further columns such as labels are kept; or a dict of name to position.
    space : str | None
        What the coordinates are, for example ``"MNI152"``, ``"MNI305"``, ``"ACPC"`` or
        ``"ScanRAS"``. None takes the frame of an MNE object (``mni_tal`` is MNI305,
        ``mri`` the subject's own), or the column ``space`` of a table; contacts in no
        known space get no atlas labels and are drawn on the montage only.
    unit : "m" | "cm" | "mm" | None
        The unit of the positions in a table or dict; None finds out by their size.
        Objects of MNE hold meters.
    names : sequence of str | None
        The contacts, in this order; None takes all intracranial channels of an MNE
        object, or all rows.

    Returns
    -------
    contacts : DataFrame
        One row per contact as from :func:`read_contacts`: index ``name``, columns
        ``shaft``, ``number``, ``x``, ``y``, ``z`` (mm), ``space``, ``hemisphere``, then
        those of a table. A channel that is the difference of two contacts (``A1-A2``)
        has ``anode``, ``cathode`` and, where both are rows, their midpoint.

    Raises
    ------
    TypeError
        If ``source`` is something else.
    ValueError
        If there are no contacts, names occur twice, or unit or space are not usable.

    See Also
    --------
    prepare_epochs : Filter, reference and cut a recording with these contacts.
    assign_labels : Add anatomical labels.

    Examples
    --------
    >>> from mne_duin import make_contacts
    >>> positions = {"TI'1": (-38.0, -20.0, 8.0), "TI'2": (-42.0, -20.0, 8.0)}
    >>> contacts = make_contacts(positions, space="MNI152")
    >>> contacts.loc["TI'2", ["shaft", "hemisphere"]].tolist()
    ["TI'", 'L']
    """
    check_option("unit", unit, (None, *UNITS))
    if space is not None and not is_known_space(space) and space != "Other":
        raise ValueError(
            f"`space` must be one of {', '.join(SYSTEMS)}, 'Other' or a BIDS name of a "
            f"template; got {space!r}."
        )
    if isinstance(source, pd.DataFrame | Mapping) and not isinstance(source, mne.Info):
        table = _from_table(source, unit)
    else:
        table = _from_mne(source, space)
    if space is not None:
        table["space"] = space
    if names is not None:
        missing = [name for name in names if name not in table.index]
        if missing:
            raise ValueError(
                f"`names` has {first_names(missing)}, which the positions do not."
            )
        table = table.loc[list(names)]
    return _complete(table)


def as_contacts(contacts, info=None):
    """Return a contacts table: the one that was given, or one made of a montage.

    Parameters
    ----------
    contacts : DataFrame | dict | Raw | Epochs | Info | DigMontage | None
        What the user gave; tables, and dicts of tables, are returned as they are.
    info : Info | Raw | Epochs | None
        Where to read the montage where ``contacts`` is None.

    Returns
    -------
    contacts : DataFrame | dict
        The table.
    """
    if contacts is None:
        if info is None:
            raise TypeError(
                "`contacts` must be a contacts table, or an object of MNE with a "
                "montage; got None."
            )
        return make_contacts(info)
    if isinstance(contacts, mne.Info) or not isinstance(
        contacts, pd.DataFrame | Mapping
    ):
        return make_contacts(contacts)
    return contacts


def _from_table(source, unit):
    """Read names, positions and further columns out of a table or dict."""
    if isinstance(source, pd.DataFrame):
        table = source.copy()
        lower = {str(column).lower(): column for column in table.columns}
        column = next((lower[n] for n in NAME_COLUMNS if n in lower), None)
        if column is not None and isinstance(table.index, pd.RangeIndex):
            table = table.set_index(column)
        axes = {lower[axis]: axis for axis in "xyz" if axis in lower}
        table = table.rename(columns=axes)
    else:
        rows = {name: np.asarray(xyz, dtype=float) for name, xyz in source.items()}
        wrong = [name for name, xyz in rows.items() if xyz.shape != (3,)]
        if wrong:
            raise ValueError(
                f"`source` must give three coordinates for each name; not so for "
                f"{first_names(wrong)}."
            )
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["x", "y", "z"])
    table.index = table.index.astype(str)
    for axis in "xyz":
        given = table[axis] if axis in table else pd.Series(np.nan, table.index)
        table[axis] = pd.to_numeric(given, errors="coerce").astype(float)
    if "space" not in table:
        table["space"] = None
    table[["x", "y", "z"]] *= _scale(table[["x", "y", "z"]].to_numpy(), unit)
    return table


def _scale(xyz, unit):
    """Return how many mm a unit has; found by the size of the coordinates for None."""
    if unit is not None:
        return UNITS[unit]
    reach = float(np.nanmax(np.abs(xyz), initial=0.0))
    fitting = [name for name, mm in UNITS.items() if 15.0 < reach * mm <= LARGEST]
    if reach == 0.0 or "mm" in fitting:
        return 1.0
    if len(fitting) != 1:
        raise ValueError(
            f"The coordinates reach {reach:.3g}, which is neither mm, cm nor m of a "
            "head; state the unit with `unit`."
        )
    return UNITS[fitting[0]]


def _from_mne(source, space):
    """Read names, positions in mm and the space out of an object of MNE."""
    if isinstance(source, DigMontage):
        found = source.get_positions()
        positions, frame = found["ch_pos"], found["coord_frame"]
        has_fiducials = any(found[key] is not None for key in ("nasion", "lpa", "rpa"))
        names = list(positions)
    else:
        info = source if isinstance(source, mne.Info) else getattr(source, "info", None)
        check_type("source", info, mne.Info)
        names = _contact_channels(info)
        places = {ch["ch_name"]: ch for ch in info["chs"]}
        positions = {name: places[name]["loc"][:3] for name in names}
        frames = {int(places[name]["coord_frame"]) for name in names}
        frame = NAMES.get(next(iter(frames)), "unknown") if len(frames) == 1 else "head"
        if frame == "head" and (montage := info.get_montage()) is not None:
            # Without fiducials MNE keeps the numbers, and the points their frame.
            frame = montage.get_positions()["coord_frame"]
        points = info["dig"] or ()
        has_fiducials = any(int(p["kind"]) == FIFF.FIFFV_POINT_CARDINAL for p in points)
    xyz = np.array([positions[name] for name in names], dtype=float).reshape(-1, 3)
    xyz[~xyz.any(axis=1)] = np.nan  # MNE writes zeros where there is no position
    table = pd.DataFrame(1000.0 * xyz, index=names, columns=["x", "y", "z"])
    table["space"] = _space_of(frame, has_fiducials, space, table)
    return table


def _space_of(frame, has_fiducials, space, table):
    """Return the space of a frame of MNE."""
    known = table["x"].notna().any()
    if frame == "head" and has_fiducials and known:
        message = (
            "The positions are in MNE's head coordinates, which depend on this "
            "subject's fiducials. Pass the montage that was set, in its own frame "
            "(DigMontage with coord_frame 'mni_tal' or 'mri'), or a table of positions."
        )
        if space is not None:
            raise ValueError(message)
        warn(message + " Until then the contacts have no known space.")
    elif FRAMES.get(frame) is None and space is None and known:
        warn(
            f"The positions have MNE's frame {frame!r}, which does not say what they "
            "are; state it with `space`, for example space='MNI305'."
        )
    return FRAMES.get(frame)


def _contact_channels(info):
    """Return the channels that are contacts: by type, else by name."""
    kinds = dict(zip(info["ch_names"], info.get_channel_types(), strict=True))
    names = [name for name, kind in kinds.items() if kind in INTRACRANIAL]
    if names:
        return names
    # Formats of EEG know no other type.
    names = [name for name, kind in kinds.items() if kind == "eeg"]
    parts = name_table(names)
    others = find_other_channels(names)
    names = [n for n in names if pd.notna(parts.loc[n, "shaft"]) and n not in others]
    if not names:
        raise ValueError(
            "There is no intracranial channel: no channel has the type seeg, ecog or "
            "dbs, and none of type eeg has the name of a contact (a shaft and a "
            f"number). Types: {', '.join(sorted(set(kinds.values())))}. Set them with "
            "raw.set_channel_types."
        )
    return names


def _complete(table):
    """Add shaft, number, pairs and hemisphere; known columns come first."""
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()].unique()
        raise ValueError(f"The name(s) {first_names(twice)} occur twice.")
    if table.empty:
        raise ValueError("There is no contact in `source`.")
    table.index.name = "name"
    parts = name_table(list(table.index), table.get("group"))
    for column in ("shaft", "number"):
        if column not in table:
            table[column] = parts[column]
    table = complete_pairs(table)
    if "hemisphere" not in table:
        table["hemisphere"] = hemispheres(table)
    return order_columns(table)
