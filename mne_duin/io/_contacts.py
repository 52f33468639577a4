"""The contacts table: electrodes.tsv, coordsystem.json and channels.tsv, in one.

MNE-BIDS keeps only names and positions, gives no positions at all when there are two
spaces, and takes MNI152 for MNI305; so the files are read here, every column is kept,
and the space goes along in the table. No recording needs to be there.
"""

import re

import numpy as np
import pandas as pd
from mne.utils import logger, warn

from mne_duin.channels import (
    UNKNOWN,
    complete_pairs,
    find_other_channels,
    name_table,
    recorded_pairs,
    side_of_x,
    space_family,
    split_name,
)
from mne_duin.io._channels import (
    INTRACRANIAL,
    match_names,
    read_channels_file,
    unique_rows,
)
from mne_duin.io._coordsystem import NO_SYSTEM, choose_columns, find_electrodes
from mne_duin.io._sidecars import (
    check_bids_path,
    entities,
    find_sidecars,
    read_json,
    read_table,
    to_numbers,
)
from mne_duin.io._units import scale_to_mm
from mne_duin.utils._checks import first_names

OWN_COLUMNS = (
    "shaft number anode cathode space status channel_type label_distance "
    "label_probability label_candidates label_reason region_probability"
).split()
# Columns of channels.tsv that describe the recording and not the contact.
TECHNICAL = {
    "kind", "bad", "type", "units", "low_cutoff", "high_cutoff", "sampling_frequency",
    "notch", "status", "status_description", "software_filters", "reference",
}  # fmt: skip
BIPOLAR = re.compile(
    r"^\W*bipolar\b|\bbipolar(?:ly)?[ -](?:montage|re-?ref|deriv)", re.I
)
NOT_BIPOLAR = re.compile(r"\b(?:mono|uni)polar|\bcommon\b|\bnot\b|\bnon-?bipolar", re.I)
NOWHERE = -999.0  # what some programs write for an unknown position
FAR_ACROSS = 5.0  # mm on the other side of the midline


def read_contacts(bids_path, *, space: str | None = None) -> pd.DataFrame:
    """Read the contacts of a subject from electrodes.tsv and channels.tsv.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        A recording, or only the subject (and session): no recording needs to be there.
        Where sessions or acquisitions have different contacts, the path must name one.
    space : str | None
        The coordinate space to read where there are several, for example ``"ACPC"`` and
        ``"MNI152NLin2009aSym"``. Where there is one, it states what the coordinates
        are, in place of what coordsystem.json says: ``"ScanRAS"`` for a space that is
        called ``Other``. None takes what is declared.

    Returns
    -------
    contacts : pandas.DataFrame
        One row for each contact: index ``name`` in the order of channels.tsv (else of
        electrodes.tsv), columns ``shaft``, ``number``, ``x``, ``y``, ``z`` (mm, NaN
        where n/a), ``space`` (its BIDS name), ``status`` and ``channel_type`` where
        channels.tsv is there, then all other columns of electrodes.tsv as they are, and
        those of channels.tsv that describe contacts. A channel that was recorded as the
        difference of two contacts (``A1-A2``) is a row with ``anode``, ``cathode`` and
        the midpoint, followed at the end by the rows of its contacts; if the channel is
        called after its anode, that row is called ``A1 (contact)``.

    Raises
    ------
    FileNotFoundError
        If the subject has neither electrodes.tsv nor channels.tsv.
    ValueError
        If a file cannot be understood, or if several spaces, sessions or acquisitions
        are there and none is chosen.

    See Also
    --------
    assign_labels : Add anatomical labels.

    Notes
    -----
    Positions in further columns (``mni.x``, ``mni.y``, ``mni.z``) are used where the
    declared space is not MNI. Channels that are typed as contacts but record something
    else (heart, triggers, scalp sites) are left out with a warning.
    """
    check_bids_path(bids_path)
    channels = _read_contact_channels(bids_path)
    return _join_files(bids_path, space, channels, _read_reference(bids_path))


def contacts_of(record, space: str | None = None) -> pd.DataFrame:
    """Join the contacts of a recording whose channels.tsv and ieeg.json are read.

    ``record`` is a :class:`~mne_duin.io._record.Record`; see :func:`read_contacts`.
    """
    channels = record.channels
    if channels is not None:
        channels = channels[channels["kind"].isin(INTRACRANIAL)]
    reference = str(record.ieeg.get("iEEGReference"))
    return _join_files(record.path, space, channels, reference)


def _join_files(bids_path, space, channels, reference):
    """Join electrodes.tsv with the contacts of channels.tsv (None without a file)."""
    space = bids_path.space if space is None else space
    found = find_electrodes(bids_path, space)
    if found is None and channels is None:
        raise FileNotFoundError(
            "There is neither electrodes.tsv nor channels.tsv for "
            f"{bids_path.basename} in {bids_path.root}; contacts need one of them."
        )
    if found is None:
        warn(
            f"There is no electrodes.tsv for {bids_path.basename}; the contacts of "
            "channels.tsv get no position."
        )
        electrodes, where = None, "channels.tsv"
    else:
        electrodes, where = _read_electrodes(found), found.path.name
    contacts = _join(electrodes, channels, where)
    contacts = _mark_pairs(contacts, channels, bids_path, reference)
    if found is not None:
        _report_positions(contacts, found.path)
    return contacts


def _read_contact_channels(bids_path):
    """Read the channels that channels.tsv types as contacts; None without a file.

    Where the path names no recording, those of all its tasks and runs are joined;
    sessions and acquisitions with different contacts must be named.
    """
    paths = find_sidecars(bids_path, "channels", ".tsv")
    if not paths:
        return None
    named = {key for key, value in bids_path.entities.items() if value is not None}
    if set(entities(paths[0])) <= named:
        paths = paths[:1]
    tables = {path: read_channels_file(path) for path in paths}
    tables = {path: t[t["kind"].isin(INTRACRANIAL)] for path, t in tables.items()}
    first = tables[paths[0]]
    for key in ("session", "acquisition"):
        values = {
            str(entities(path).get(key)): set(table.index)
            for path, table in tables.items()
        }
        if key not in named and len(set(map(frozenset, values.values()))) > 1:
            raise ValueError(
                f"sub-{bids_path.subject} has other contacts in channels.tsv of each "
                f"{key} ({', '.join(sorted(values))}); choose one with {key}= in the "
                f"BIDSPath (--{key} at the command line)."
            )
    joined = pd.concat(list(tables.values()))
    bad = joined.groupby(level=0)["bad"].any()
    joined = joined[~joined.index.duplicated()]
    joined.index.name = first.index.name
    return joined.assign(bad=bad.reindex(joined.index))


def _read_electrodes(found) -> pd.DataFrame:
    """Read electrodes.tsv: by name ``x``, ``y``, ``z`` in mm, ``space``, the rest."""
    path = found.path
    raw = read_table(path, required=("name",))
    columns, space = choose_columns(found, raw)
    table = unique_rows(path, read_table(path, required=("name", *columns)))
    xyz = np.column_stack([to_numbers(path, table, column) for column in columns])
    _drop_unusable(xyz, table.index, path)
    if space != "Pixels":
        native = space_family(space) == "native" or space.lower() in NO_SYSTEM
        xyz = scale_to_mm(xyz, found.unit, path, native=native)
    rest = table.drop(columns=["x", "y", "z"], errors="ignore")
    clash = {c: f"{c}_electrodes" for c in OWN_COLUMNS if c in rest}
    placed = pd.DataFrame(xyz, table.index, ["x", "y", "z"]).assign(space=space)
    return pd.concat([placed, rest.rename(columns=clash)], axis=1)


def _drop_unusable(xyz, names, path):
    """Take positions (n_contacts, 3) that are incomplete or no positions out, in place.

    They become NaN.
    """
    known = np.isfinite(xyz)
    nowhere = (xyz == NOWHERE).all(axis=1)
    incomplete = known.any(axis=1) & ~known.all(axis=1)
    zero = (xyz == 0).all(axis=1)
    for rows, reason in (
        (incomplete, "incomplete"),
        (zero, "0, 0, 0"),
        (nowhere, f"{NOWHERE:g}, {NOWHERE:g}, {NOWHERE:g}"),
    ):
        if rows.any():
            warn(
                f"{path}: the position of {first_names(names[rows])} is {reason} and "
                "not used."
            )
            xyz[rows] = np.nan


def _join(electrodes, channels, where) -> pd.DataFrame:
    """Join electrodes.tsv and channels.tsv: contacts in the order of the data.

    Rows of electrodes.tsv that were not recorded follow. ``where`` is the file of the
    positions, for the messages.
    """
    empty = pd.DataFrame(np.nan, [], ["x", "y", "z"]).assign(space="n/a")
    electrodes = empty if electrodes is None else electrodes
    recorded = [] if channels is None else list(channels.index)
    matches = match_names(recorded, electrodes.index, "channels.tsv", where)
    electrodes = electrodes.rename(index={old: new for new, old in matches.items()})
    names = [*recorded, *electrodes.index.difference(recorded, sort=False)]
    placed = electrodes.index[electrodes[["x", "y", "z"]].notna().all(axis=1)]
    other = find_other_channels(names, placed)
    if channels is None:
        named = {n for n in names if split_name(n) and n not in other}
        names = [n for n in names if n in named or n in placed]
    _report_other(other, recorded)
    names = [name for name in names if name not in other]
    table = electrodes.reindex(names)
    space = electrodes["space"].iloc[0] if len(electrodes) else "n/a"
    table["space"] = space
    if channels is not None:
        table = _add_channel_columns(table, channels)
    pairs = recorded_pairs(recorded)
    unplaced = [n for n in recorded if n in names and n not in electrodes.index]
    unplaced = [name for name in unplaced if name not in pairs]
    if unplaced and where != "channels.tsv":
        warn(
            f"{where} lacks {len(unplaced)} contact(s) of channels.tsv, which get no "
            f"position: {first_names(unplaced)}."
        )
    attrs, group = table.attrs, table.get("group")
    out = pd.concat([name_table(names, group), table], axis=1)
    out.index.name, out.attrs = "name", attrs
    return out


def _report_other(other, recorded):
    """Say which channels that are typed as contacts are none."""
    typed = {name: kind for name, kind in other.items() if name in set(recorded)}
    for kind in dict.fromkeys(typed.values()):
        names = [name for name, own in typed.items() if own == kind]
        warn(
            f"{len(names)} channel(s) that channels.tsv types as contacts have names "
            f"of {kind} channels and are left out: {first_names(names)}. Rename or "
            "retype them if they are contacts."
        )


def _add_channel_columns(table, channels):
    """Add what channels.tsv says about the contacts; electrodes.tsv goes first."""
    own = channels.reindex(table.index)
    bad = own["bad"].map({True: "bad", False: "good"}, na_action="ignore")
    place = table.columns.get_loc("space") + 1
    table.insert(place, "status", bad.astype(object))
    table.insert(place + 1, "channel_type", own["kind"].astype(object))
    added = []
    for column in channels.columns:
        name = f"{column}_channels" if column in OWN_COLUMNS else column
        if column in TECHNICAL or not own[column].notna().any():
            continue
        if name in table.columns:
            table[name] = table[name].where(table[name].notna(), own[column])
        else:
            table[name] = own[column]
            added.append(name)
    table.attrs["channels_tsv"] = tuple(added)
    return table


def _mark_pairs(contacts, channels, bids_path, reference) -> pd.DataFrame:
    """Describe the channels that were recorded as differences of two contacts.

    ``reference`` is what ieeg.json says about the reference of all channels.
    """
    if channels is None:
        return contacts
    recorded = channels[channels.index.isin(contacts.index)]
    said = recorded.get("reference", pd.Series(None, recorded.index, dtype=object))
    pairs = recorded_pairs(list(recorded.index), list(said), contacts.index)
    texts = said.astype("string").fillna(reference)
    bipolar = np.array([_is_bipolar(text) for text in texts], dtype=bool)
    half = [name for name in recorded.index[bipolar] if name not in pairs]
    if half:
        warn(
            f"{bids_path.basename}: ieeg.json or channels.tsv says that "
            f"{len(half)} channel(s) are bipolar, but their names do not tell the "
            f"second contact: {first_names(half)}. They are kept as they are, at the "
            "place of the contact that is named."
        )
        pairs |= {name: (name, UNKNOWN) for name in half}
    if not pairs:
        return contacts
    attrs = contacts.attrs
    contacts, pairs = _add_own_contacts(contacts, pairs)
    for column, k in (("anode", 0), ("cathode", 1)):
        ends = {name: pair[k] for name, pair in pairs.items()}
        contacts[column] = pd.Series(ends, dtype=object).reindex(contacts.index)
    contacts = complete_pairs(contacts)
    contacts.attrs = attrs
    return contacts


def _add_own_contacts(contacts, pairs):
    """Add a row for each contact after which a recorded pair is called.

    A channel ``A1`` that is the difference of A1 and A2 lies between them, so that the
    contact A1 needs a row of its own, ``A1 (contact)``. Returns the table, and the
    pairs with these names.
    """
    own = {
        split_name(name): name
        for name, (anode, cathode) in pairs.items()
        if cathode != UNKNOWN and split_name(name) == split_name(anode)
    }
    own.pop(None, None)
    names = {contact: f"{name} (contact)" for contact, name in own.items()}
    rows = contacts.loc[list(own.values())].set_axis(list(names.values()))
    rows[["status", "channel_type"]] = None  # a contact is no channel
    pairs = {
        name: tuple(
            end if end == UNKNOWN else names.get(split_name(end), end) for end in ends
        )
        for name, ends in pairs.items()
    }
    return (pd.concat([contacts, rows]) if own else contacts), pairs


def _read_reference(bids_path) -> str:
    """Return the reference that ieeg.json states, if the path names the recording."""
    paths = find_sidecars(bids_path, "ieeg", ".json")
    named = {key for key, value in bids_path.entities.items() if value is not None}
    if not paths or not set(entities(paths[0])) <= named:
        return ""
    return str(read_json(paths[0]).get("iEEGReference"))


def _is_bipolar(text):
    """Return whether a reference in words is bipolar."""
    return bool(BIPOLAR.search(str(text))) and not NOT_BIPOLAR.search(str(text))


def _report_positions(contacts, path):
    """Log which contacts have no position, and warn where positions look wrong."""
    pairs = contacts.get("anode", pd.Series(None, contacts.index)).notna()
    xyz = contacts.loc[~pairs, ["x", "y", "z"]]
    unknown = xyz.isna().any(axis=1)
    if unknown.any():
        logger.info(
            f"{unknown.sum()} contact(s) of {path.name} have no coordinates: "
            f"{first_names(xyz.index[unknown])}."
        )
    twins = xyz[~unknown].duplicated(keep=False)
    if twins.any():
        warn(
            f"{path}: contacts share one position: "
            f"{first_names(twins.index[twins])}; check their coordinates."
        )
    if "hemisphere" in contacts:
        stated = contacts["hemisphere"].astype("string").str.upper().str[:1]
        sign = side_of_x(contacts)
        far = (contacts["x"].abs() > FAR_ACROSS).to_numpy()
        known = stated.isin(["L", "R"]).to_numpy(dtype=bool) & sign.notna().to_numpy()
        wrong = known & far & (stated.astype(object) != sign).to_numpy(dtype=bool)
        if wrong.any():
            warn(
                f"{path}: the hemisphere of {first_names(contacts.index[wrong])} "
                "contradicts the sign of x; left and right may be swapped."
            )
