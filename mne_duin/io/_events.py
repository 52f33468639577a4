"""events.tsv, and what recordings themselves say about their events."""

import mne
import numpy as np
import pandas as pd
from mne.utils import warn

from mne_duin.io._sidecars import find_sidecars, read_table, to_numbers


def read_events(bids_path):
    """Read events.tsv.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording.

    Returns
    -------
    events : pandas.DataFrame | None
        None without a file. All columns, ``onset`` and ``duration`` in seconds and the
        others as text. Rows without an onset are left out with a warning.

    Raises
    ------
    ValueError
        If the file cannot be understood.
    """
    paths = find_sidecars(bids_path, "events", ".tsv")
    if not paths:
        return None
    path = paths[0]
    table = read_table(path, required=("onset",))
    table["onset"] = to_numbers(path, table, "onset")
    if "duration" not in table:
        warn(f"{path} has no column duration; taken as 0.")
        table["duration"] = 0.0
    else:
        table["duration"] = np.nan_to_num(to_numbers(path, table, "duration"))
    lost = table["onset"].isna()
    if lost.any():
        warn(f"{path}: {lost.sum()} of {len(table)} events have no onset; left out.")
    table = table[~lost].sort_values("onset", kind="stable").reset_index(drop=True)
    twice = table.duplicated()
    if twice.any():
        warn(f"{path} repeats {twice.sum()} row(s); each event is used once.")
    return table[~twice].reset_index(drop=True)


def trial_events(bids_path, raw, label_column):
    """Read the events of a recording from events.tsv, else from the recording.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording.
    raw : mne.io.BaseRaw
        The open recording.
    label_column : str
        The column of the labels.

    Returns
    -------
    events : pandas.DataFrame
        The events; with a warning, those that the recording's own file marks, if
        events.tsv is missing or has no labels.

    Raises
    ------
    FileNotFoundError
        If there is neither.
    """
    events = read_events(bids_path)
    if events is not None and label_column in events:
        return events
    words = raw.annotations.description
    own = [not word.upper().startswith(("BAD", "EDGE")) for word in words]
    if label_column != "trial_type" or not any(own):
        if events is not None:
            return events
        raise FileNotFoundError(
            f"There is no events.tsv for {bids_path.basename}; trials need one, with "
            "the columns onset, duration and a label."
        )
    missing = "missing" if events is None else f"without a column {label_column!r}"
    warn(
        f"events.tsv of {bids_path.basename} is {missing}; the {sum(own)} events that "
        "the recording itself marks are used."
    )
    shift = raw.first_time if raw.info["meas_date"] is not None else 0.0
    return pd.DataFrame(
        {
            "onset": raw.annotations.onset[own] - shift,
            "duration": raw.annotations.duration[own],
            "trial_type": pd.Series([str(w) for w in words[own]], dtype=object),
        }
    )


def with_numbers(events, texts=()):
    """Turn columns that hold only numbers into numbers.

    Parameters
    ----------
    events : pandas.DataFrame
        The events as text.
    texts : sequence of str
        Columns to leave as they are.

    Returns
    -------
    events : pandas.DataFrame
        A copy.
    """
    out = events.copy()
    for column in out.columns.difference(list(texts)):
        numbers = pd.to_numeric(out[column], errors="coerce")
        if (numbers.notna() | out[column].isna()).all() and numbers.notna().any():
            out[column] = numbers
    return out


def annotations_from_events(events, raw):
    """Turn events into annotations.

    Parameters
    ----------
    events : pandas.DataFrame
        The events.
    raw : mne.io.BaseRaw
        The recording they belong to.

    Returns
    -------
    annotations : mne.Annotations
        One for each event with a ``trial_type``, inside the recording.
    """
    labels = events.get("trial_type", pd.Series(None, events.index, dtype=object))
    end = raw.n_times / raw.info["sfreq"]
    kept = labels.notna() & (events["onset"] >= 0) & (events["onset"] < end)
    return mne.Annotations(
        events["onset"][kept].to_numpy(dtype=float),
        events["duration"][kept].clip(lower=0).to_numpy(dtype=float),
        labels[kept].astype(str).to_numpy(),
        orig_time=raw.info["meas_date"],
    )
