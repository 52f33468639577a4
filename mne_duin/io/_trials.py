"""Trials: which events they are, what their labels mean, and where time zero is."""

import numpy as np
import pandas as pd
from mne.utils import warn

from mne_duin.utils.checks import as_list

LONGEST_LATENCY = 60.0


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
    return events[labels.isin(wanted)]


def check_trials(trials, label_column, raw, where):
    """Check that trials do not contradict each other or their samples.

    Parameters
    ----------
    trials : pandas.DataFrame
        The trials of one recording.
    label_column : str
        The column of the labels.
    raw : mne.io.BaseRaw
        The recording.
    where : str
        Its name, for the messages.

    Raises
    ------
    ValueError
        If two trials have the same onset.
    """
    twice = trials["onset"].duplicated(keep=False)
    if twice.any():
        first = trials[twice].iloc[:2]
        raise ValueError(
            f"events.tsv of {where} has {twice.sum()} trials that share an onset, the "
            f"first at {first['onset'].iloc[0]:g} s "
            f"({', '.join(first[label_column])}); an onset can hold one label."
        )
    samples = pd.to_numeric(trials.get("sample", pd.Series(dtype=object)), "coerce")
    lag = (samples / raw.info["sfreq"] - trials["onset"]).abs().max()
    if lag > 0.1:
        warn(
            f"events.tsv of {where}: the columns onset and sample differ by up to "
            f"{lag:.3g} s; onset (in seconds) is used."
        )


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
        known = latency[np.isfinite(latency)]
        if len(known) and np.median(np.abs(known)) > LONGEST_LATENCY:
            raise ValueError(
                f"`align`: the latencies in the column {align!r} of events.tsv reach "
                f"{known.max():g}; they must be seconds from the onset."
            )
        return onsets + latency
    return _following_marks(onsets, events, label_column, align)


def _following_marks(onsets, events, label_column, align):
    """Find the first event with the label ``align`` between a trial and the next."""
    columns = sorted({label_column, "trial_type"} & set(events.columns))
    marks = events[(events[columns] == align).any(axis=1)]["onset"].to_numpy(
        dtype=float
    )
    if not len(marks):
        labels = sorted(set(events[columns].stack().dropna()))
        raise ValueError(
            f"`align` {align!r} is neither a column of events.tsv "
            f"({', '.join(events.columns)}) nor a label ({', '.join(labels[:40])})."
        )
    following = np.searchsorted(marks, onsets, side="left")
    times = np.append(marks, np.nan)[following]
    times[~(times < np.append(onsets[1:], np.inf))] = np.nan
    others = events[events[label_column].notna() & (events[label_column] != align)]
    inside = (others["onset"].to_numpy()[:, None] > onsets) & (
        others["onset"].to_numpy()[:, None] < times
    )
    if inside.any():
        names = sorted(set(others[label_column][inside.any(axis=1)]))
        warn(
            f"{inside.any(axis=0).sum()} of {len(onsets)} trials have another event "
            f"({', '.join(names)}) before {align!r}; the next {align!r} is used."
        )
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
