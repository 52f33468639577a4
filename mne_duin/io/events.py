"""events.tsv: trials, their labels, their times and everything else in it."""

import mne
import numpy as np
import pandas as pd
from mne.utils import warn

from mne_duin.io.sidecars import find_sidecars, read_table, to_numbers
from mne_duin.utils.checks import as_list

LONGEST_LATENCY = 60.0


def read_events(bids_path, *, missing="raise"):
    """Read events.tsv.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording.
    missing : "raise" | "ignore"
        What to do when there is no file.

    Returns
    -------
    events : pandas.DataFrame | None
        All columns; ``onset`` and ``duration`` in seconds, others as text or, where all
        values are numbers, as numbers. Rows without an onset are left out with a
        warning.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it cannot be understood.
    """
    paths = find_sidecars(bids_path, "events", ".tsv")
    if not paths:
        if missing == "ignore":
            return None
        raise FileNotFoundError(
            f"There is no events.tsv for {bids_path.basename}; trials need one, with "
            "the columns onset, duration and a label."
        )
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
    return table


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


def choose_trials(events, label_column, event_id, where):
    """Keep the events that are trials.

    Parameters
    ----------
    events : pandas.DataFrame
        The events.
    label_column : str
        The column of the labels.
    event_id : dict | str | sequence of str | None
        The labels to keep; None keeps all that are not n/a.
    where : str
        Which recordings these are, for the messages.

    Returns
    -------
    trials : pandas.DataFrame
        The rows with one of the labels.

    Raises
    ------
    ValueError
        If there is no such column or no such label; the message lists those there.
    """
    if label_column not in events:
        raise ValueError(
            f"`label_column` {label_column!r} is not a column of events.tsv of "
            f"{where}; there are {', '.join(events.columns)}."
        )
    labels = events[label_column]
    bad = labels.astype("string").str.upper().str.startswith("BAD").fillna(False)
    there = sorted(set(labels[~bad.astype(bool)].dropna().astype(str)))
    if not there:
        raise ValueError(
            f"The column {label_column!r} of events.tsv of {where} holds no label."
        )
    wanted = there if event_id is None else [str(name) for name in as_list(event_id)]
    absent = [name for name in wanted if name not in there]
    if absent or not wanted:
        shown = ", ".join(there[:40]) + (", …" if len(there) > 40 else "")
        raise ValueError(
            f"`event_id`: there is no event {', '.join(map(repr, absent)) or 'at all'} "
            f"in the column {label_column!r} of {where}; there are: {shown}."
        )
    return events[labels.astype(str).isin(wanted) & labels.notna()]


def align_trials(trials, events, label_column, align):
    """Find the time in each trial that becomes time zero.

    Parameters
    ----------
    trials : pandas.DataFrame
        The trials.
    events : pandas.DataFrame
        All events of the recording.
    label_column : str
        The column of the labels.
    align : str | None
        See :func:`mne_duin.read_epochs`.

    Returns
    -------
    times : ndarray of float, shape (n_trials,)
        Seconds from the start of the recording; NaN where the trial has no such event.

    Raises
    ------
    ValueError
        If ``align`` is neither a column nor a label, or if the latencies of the column
        cannot be seconds.
    """
    onsets = trials["onset"].to_numpy(dtype=float)
    if align is None:
        return onsets
    if align in events.columns:
        latency = pd.to_numeric(trials[align], errors="coerce").to_numpy(dtype=float)
        if not np.isfinite(latency).any():
            raise ValueError(f"The column {align!r} of events.tsv holds no latency.")
        if np.nanmedian(np.abs(latency)) > LONGEST_LATENCY:
            raise ValueError(
                f"`align`: the latencies in the column {align!r} of events.tsv reach "
                f"{np.nanmax(latency):g}; they must be seconds from the onset."
            )
        return onsets + latency
    columns = [c for c in (label_column, "trial_type") if c in events.columns]
    marks = events[(events[columns] == align).any(axis=1)]["onset"].to_numpy(
        dtype=float
    )
    if not len(marks):
        labels = sorted(set(events[columns].stack().astype(str)))
        raise ValueError(
            f"`align` {align!r} is neither a column of events.tsv "
            f"({', '.join(events.columns)}) nor a label ({', '.join(labels[:40])})."
        )
    following = np.searchsorted(marks, onsets, side="left")
    times = np.append(marks, np.nan)[following]
    times[~(times < np.append(onsets[1:], np.inf))] = np.nan
    return times


def event_codes(labels, event_id):
    """Give each label a number.

    Parameters
    ----------
    labels : pandas.Series of str
        The labels of all trials.
    event_id : dict | str | sequence of str | None
        A dict of numbers is used as it is; else labels are numbered from 1 in
        alphabetical order.

    Returns
    -------
    codes : dict of str -> int
        The event number of each label.
    """
    if isinstance(event_id, dict):
        return {str(name): int(code) for name, code in event_id.items()}
    return {name: code for code, name in enumerate(sorted(set(labels)), 1)}
