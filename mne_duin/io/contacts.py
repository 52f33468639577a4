"""The contacts table: electrodes.tsv and coordsystem.json, read without a recording.

MNE-BIDS keeps only names and positions, gives no positions at all when there are two
spaces, and takes MNI152 for MNI305; so the files are read here, every column is kept,
and the space goes along in the table.
"""

import numpy as np
import pandas as pd
from mne.utils import logger, warn

from mne_duin.channels import name_table, parse_contact, space_family
from mne_duin.io._channels import INTRACRANIAL, match_names, read_channels, unique_rows
from mne_duin.io._sidecars import check_bids_path, read_table, to_numbers
from mne_duin.io._units import scale_to_mm
from mne_duin.io.coordsystem import find_electrodes, read_system

TEMPLATES = ("MNI152", "MNI305")


def read_contacts(bids_path, *, space=None):
    """Read the contacts of a subject from electrodes.tsv.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        A recording, or only the subject (and session): no recording needs to be there.
    space : str | None
        The coordinate space to read where there are several, for example ``"ACPC"`` and
        ``"MNI152NLin2009aSym"``. None takes the only one.

    Returns
    -------
    contacts : pandas.DataFrame
        One row for each contact: index ``name`` in the order of channels.tsv (else of
        electrodes.tsv), columns ``shaft``, ``number``, ``x``, ``y``, ``z`` (mm, NaN
        where n/a), ``space`` (its BIDS name), ``status`` where channels.tsv is there,
        then all other columns of electrodes.tsv as they are.

    Raises
    ------
    FileNotFoundError
        If the subject has neither electrodes.tsv nor channels.tsv.
    ValueError
        If a file cannot be understood, or if several spaces are there and none is
        chosen.

    See Also
    --------
    assign_labels : Add anatomical labels.
    """
    check_bids_path(bids_path)
    space = bids_path.space if space is None else space
    channels = read_channels(bids_path)
    path = find_electrodes(bids_path, space)
    if path is None:
        return contacts_without_positions(bids_path, channels)
    table = unique_rows(path, read_table(path, required=("name", "x", "y", "z")))
    xyz = np.column_stack([to_numbers(path, table, axis) for axis in "xyz"])
    drop_unusable(xyz, table.index, path)
    name, unit = read_system(bids_path, path)
    if name != "Pixels":
        native = space_family(name) == "native"
        xyz = scale_to_mm(xyz, unit, path, native=native)
    contacts = name_table(list(table.index), table.get("group"))
    contacts[["x", "y", "z"]] = xyz
    contacts["space"] = name
    rest = table.drop(columns=["x", "y", "z"])
    clash = [c for c in ("shaft", "number", "space", "status") if c in rest]
    rest = rest.rename(columns={column: f"{column}_electrodes" for column in clash})
    contacts = pd.concat([contacts, rest], axis=1)
    contacts = order_contacts(contacts, channels, name, path)
    _report_positions(contacts, path)
    return contacts


def drop_unusable(xyz, names, path):
    """Take positions out that are incomplete or stand for an unknown one, in place.

    Parameters
    ----------
    xyz : ndarray, shape (n_channels, 3)
        The positions; those out become NaN.
    names : pandas.Index
        The contacts.
    path : pathlib.Path
        The file of the positions, for the messages.
    """
    known = np.isfinite(xyz)
    incomplete = known.any(axis=1) & ~known.all(axis=1)
    zero = (xyz == 0).all(axis=1)
    for rows, reason in ((incomplete, "incomplete"), (zero, "0, 0, 0")):
        if rows.any():
            warn(
                f"{path}: the position of {', '.join(names[rows])} is {reason} and not "
                "used."
            )
            xyz[rows] = np.nan


def order_contacts(contacts, channels, space, path):
    """Bring contacts into the order of channels.tsv and leave other channels out.

    Parameters
    ----------
    contacts : pandas.DataFrame
        All rows of electrodes.tsv.
    channels : pandas.DataFrame | None
        What :func:`mne_duin.io._channels.read_channels` returned.
    space : str
        The space of the positions.
    path : pathlib.Path
        The file of the positions, for the messages.

    Returns
    -------
    contacts : pandas.DataFrame
        The contacts only, named as in channels.tsv.
    """
    if channels is None:
        named = [parse_contact(name) is not None for name in contacts.index]
        placed = contacts[["x", "y", "z"]].notna().all(axis=1)
        return contacts[np.array(named, dtype=bool) | placed.to_numpy()]
    matches = match_names(channels.index, contacts.index, "channels.tsv", path.name)
    contacts = contacts.rename(index={old: new for new, old in matches.items()})
    recorded = channels.index[channels["kind"].isin(INTRACRANIAL)]
    other = set(channels.index) - set(recorded)
    unplaced = [name for name in recorded if name not in contacts.index]
    if unplaced:
        warn(
            f"{path} lacks {len(unplaced)} contact(s) of channels.tsv, which get no "
            f"position: {', '.join(unplaced)}."
        )
    rest = [n for n in contacts.index if n not in other and n not in set(recorded)]
    ordered = contacts.reindex([*recorded, *rest])
    ordered.index.name = "name"
    if unplaced:
        ordered["space"] = space
        ordered.loc[unplaced, ["shaft", "number"]] = name_table(unplaced)
    bad = channels["bad"].reindex(ordered.index)
    status = bad.map({True: "bad", False: "good"}, na_action="ignore").astype(object)
    ordered.insert(ordered.columns.get_loc("space") + 1, "status", status)
    return ordered


def contacts_without_positions(bids_path, channels):
    """Make a contacts table of channels.tsv alone.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording or subject.
    channels : pandas.DataFrame | None
        What :func:`mne_duin.io._channels.read_channels` returned.

    Returns
    -------
    contacts : pandas.DataFrame
        Names, shafts and numbers; no positions.
    """
    if channels is None:
        raise FileNotFoundError(
            "There is neither electrodes.tsv nor channels.tsv for "
            f"{bids_path.basename} in {bids_path.root}; contacts need one of them."
        )
    warn(
        f"There is no electrodes.tsv for {bids_path.basename}; the contacts of "
        "channels.tsv get no position."
    )
    names = channels.index[channels["kind"].isin(INTRACRANIAL)]
    contacts = name_table(list(names))
    contacts[["x", "y", "z"]] = np.nan
    contacts["space"] = "n/a"
    bad = channels["bad"].reindex(names)
    contacts["status"] = bad.map({True: "bad", False: "good"}).astype(object)
    return contacts


def _report_positions(contacts, path):
    """Log which contacts have no position, and warn where positions look wrong."""
    xyz = contacts[["x", "y", "z"]]
    unknown = xyz.isna().any(axis=1)
    if unknown.any():
        logger.info(
            f"{unknown.sum()} contact(s) of {path.name} have no coordinates: "
            f"{', '.join(contacts.index[unknown])}."
        )
    twins = xyz[~unknown].duplicated(keep=False)
    if twins.any():
        warn(
            f"{path}: contacts share one position: "
            f"{', '.join(twins.index[twins])}; check their coordinates."
        )
    if "hemisphere" in contacts:
        template = contacts["space"].map(space_family).isin(TEMPLATES)
        side = contacts["hemisphere"].astype("string").str.upper().str[:1]
        wrong = ((side == "L") & (xyz["x"] > 5)) | ((side == "R") & (xyz["x"] < -5))
        wrong = wrong.fillna(False).astype(bool) & template
        if wrong.any():
            warn(
                f"{path}: the hemisphere of {', '.join(contacts.index[wrong])} "
                "contradicts the sign of x; left and right may be swapped."
            )
