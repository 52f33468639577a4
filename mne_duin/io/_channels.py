"""The channels of a recording: channels.tsv against what the file holds."""

import pandas as pd
from mne.utils import warn

from mne_duin.channels import find_other_channels, split_name
from mne_duin.io._sidecars import find_sidecars, read_table
from mne_duin.utils._checks import first_names

INTRACRANIAL = ("seeg", "ecog", "dbs")
BIDS_TYPES = {
    "SEEG": "seeg",
    "IEEG": "seeg",
    "ECOG": "ecog",
    "DBS": "dbs",
    "EEG": "eeg",
    "ECG": "ecg",
    "EKG": "ecg",
    "EMG": "emg",
    "EOG": "eog",
    "HEOG": "eog",
    "VEOG": "eog",
    "TRIG": "stim",
    "RESP": "resp",
    "TEMP": "temperature",
    "GSR": "gsr",
}


def read_channels(bids_path):
    """Read channels.tsv.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording.

    Returns
    -------
    channels : pandas.DataFrame | None
        Index ``name``, columns ``kind`` (MNE's channel type), ``bad`` (bool) and those
        of the file; None without a file.

    Raises
    ------
    ValueError
        If a name is missing, or stands there twice with different content.
    """
    paths = find_sidecars(bids_path, "channels", ".tsv")
    return read_channels_file(paths[0]) if paths else None


def read_channels_file(path):
    """Read one channels.tsv as :func:`read_channels` does."""
    table = unique_rows(path, read_table(path, required=("name", "type")))
    types = table["type"].fillna("").str
    if not (types.isupper() | (table["type"].isna())).all():
        warn(f"{path} writes channel types in lower case; BIDS asks for upper case.")
    table["kind"] = types.upper().map(BIDS_TYPES).fillna("misc")
    status = table.get("status", pd.Series(None, table.index, dtype=object))
    status = status.astype("string").str.lower()
    odd = sorted(set(status.dropna()) - {"good", "bad"})
    if odd:
        warn(f"{path}: status {odd[0]!r} is neither good nor bad; taken as good.")
    table["bad"] = (status == "bad").fillna(False).astype(bool)
    return table


def unique_rows(path, table):
    """Index a table by name and deal with names that are missing or repeated.

    Parameters
    ----------
    path : pathlib.Path
        The file, for the message.
    table : pandas.DataFrame
        Its content, with the column ``name``.

    Returns
    -------
    table : pandas.DataFrame
        Indexed by name, each name once.
    """
    if table["name"].isna().any():
        row = int(table["name"].isna().to_numpy().argmax())
        raise ValueError(f"{path}, line {row + 2}: the name is missing; fill it in.")
    repeated = table[table["name"].duplicated(keep=False)]
    if len(repeated):
        names = first_names(sorted(set(repeated["name"])))
        if len(repeated.drop_duplicates()) > repeated["name"].nunique():
            raise ValueError(
                f"{path} has different rows with the same name ({names}); names must "
                "be unique."
            )
        warn(f"{path} repeats the row of {names}; each is used once.")
        table = table.drop_duplicates()
    table = table.set_index(pd.Index(table["name"], name="name", dtype=object))
    return table.drop(columns="name")


def apply_channels(raw, channels, path):
    """Set channel types and bad channels of a recording, in place.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    channels : pandas.DataFrame | None
        What :func:`read_channels` returned.
    path : pathlib.Path
        The recording's file, for the messages.

    Raises
    ------
    ValueError
        If the names in channels.tsv are others than those in the file.
    """
    if channels is None:
        _guess_types(raw, path)
        return
    spelled = match_names(channels.index, raw.ch_names, "channels.tsv", path.name)
    absent = [name for name in channels.index if name not in spelled]
    extra = [name for name in raw.ch_names if name not in set(spelled.values())]
    if not spelled or (absent and extra and len(absent) == len(channels)):
        raise ValueError(
            f"channels.tsv and {path.name} name different channels: channels.tsv has "
            f"{', '.join(channels.index[:6])}, the recording "
            f"{', '.join(raw.ch_names[:6])}. Make the names the same."
        )
    if absent:
        warn(
            f"channels.tsv lists channels that {path.name} lacks: "
            f"{first_names(absent)}."
        )
    if extra:
        warn(
            f"{path.name} has channels that channels.tsv lacks; they are not used as "
            f"contacts: {first_names(extra)}."
        )
    raw.rename_channels({old: new for new, old in spelled.items()}, verbose="error")
    kinds = {name: channels["kind"][name] for name in spelled}
    raw.set_channel_types(
        kinds | dict.fromkeys(extra, "misc"), on_unit_change="ignore", verbose="error"
    )
    raw.info["bads"] = [n for n in channels.index[channels["bad"]] if n in spelled]


def _guess_types(raw, path):
    """Take channels that are named like contacts as sEEG, with a warning."""
    warn(
        f"There is no channels.tsv for {path.name}; channels named like contacts are "
        "taken as sEEG, and no channel is known to be bad."
    )
    types = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    names = [name for name, kind in types.items() if kind == "eeg"]
    other = find_other_channels(names)
    known = [n for n in names if n not in other and split_name(n)]
    raw.set_channel_types(
        dict.fromkeys(known, "seeg"), on_unit_change="ignore", verbose="error"
    )


def match_names(wanted, present, wanted_in, present_in):
    """Match names of one file with those of another.

    Parameters
    ----------
    wanted, present : sequence of str
        The names in both files.
    wanted_in, present_in : str
        The files, for the messages.

    Returns
    -------
    matches : dict of str -> str
        For each wanted name the present one: the same, else the only one that differs
        in case, spaces, amplifier prefix or leading zeros, with a warning.
    """
    matches = {name: name for name in wanted if name in set(present)}
    here, there = {}, {}
    for names, bag in ((wanted, here), (present, there)):
        for name in names:
            if name not in matches:
                bag.setdefault(_loose_name(name), []).append(name)
    for key, names in here.items():
        if len(names) == 1 and len(there.get(key, [])) == 1:
            matches[names[0]] = there[key][0]
    guessed = {name: other for name, other in matches.items() if name != other}
    if guessed:
        pairs = first_names(f"{name} = {other}" for name, other in guessed.items())
        warn(
            f"{wanted_in} and {present_in} spell {len(guessed)} channel name(s) "
            f"differently; matched as {pairs}."
        )
    return matches


def _loose_name(name):
    """Return a name without case, spaces, amplifier prefix and leading zeros."""
    contact = split_name(name)
    if contact is None:
        return "".join(str(name).lower().split())
    return f"{contact.shaft.lower()} {contact.number}"
