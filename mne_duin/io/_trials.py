"""Trials: which events they are, what their labels mean, and where time zero is."""

import numpy as np
import pandas as pd
from mne.utils import warn

from mne_duin.io._events import (
    alike_labels,
    label_columns,
    marked_rows,
    missing_words,
    select_rows,
)
from mne_duin.io._sidecars import compose
from mne_duin.utils._checks import as_list, first_names

LONGEST_LATENCY = 60.0


def choose_trials(events, label_column, event_id, condition, source):
    """Choose the events that are trials.

    Parameters
    ----------
    events : pandas.DataFrame
        The events of all recordings.
    label_column : str
        The column of the labels.
    event_id : dict | str | sequence of str | None
        The labels to keep; None keeps all that are not n/a.
    condition : dict | str | None
        What else must hold, see :func:`mne_duin.io._events.select_rows`.
    source : str
        Which events these are, for the messages.

    Returns
    -------
    chosen : ndarray of bool, shape (n_events,)
        Whether an event is a trial.

    Raises
    ------
    ValueError
        If there is no such column or no such label; the message lists those there.
    """
    if label_column not in events:
        raise ValueError(
            f"`label_column` {label_column!r} is not a column of {source}; there are "
            f"{', '.join(events.columns)}."
        )
    names = [compose(name) for name in as_list(event_id)]
    fulfilled = select_rows(events, condition, source)
    labels = events[label_column]
    # A label that is asked for by name is a label, even one that looks like a mark.
    usable = fulfilled & ~marked_rows(events, label_column, names) & labels.notna()
    there = sorted(set(labels[usable].astype(str)))
    if not there:
        raise ValueError(_no_label_message(events, label_column, condition, source))
    wanted = there if event_id is None else names
    absent = [name for name in wanted if name not in there]
    if absent or not wanted:
        raise ValueError(
            f"`event_id`: there is no event "
            f"{first_names(map(repr, absent)) or 'at all'} in the column "
            f"{label_column!r} of {source}; there are: {first_names(there, 40)}."
        )
    chosen = usable & labels.isin(wanted)
    is_bad = int((labels == "BAD").sum())
    if is_bad and "BAD" not in names and all(label.isupper() for label in there):
        warn(
            f"{source}: 'BAD' ({is_bad} events) in the column {label_column!r} marks "
            "spans to leave out. If it is a word, name the words with `event_id`."
        )
    _report_labels(labels[chosen], label_column, event_id, source)
    return chosen.to_numpy()


def _no_label_message(events, label_column, condition, source):
    """Say that a column holds no label, and which columns do."""
    others = label_columns(events.drop(columns=label_column))
    listing = "; ".join(
        f"{column} ({first_names(values, 4)})"
        for column, values in list(others.items())[:6]
    )
    under = "" if condition is None else f" under the condition {condition!r}"
    return (
        f"The column {label_column!r} of {source} holds no label{under}. "
        f"Columns that could hold labels: {listing or 'none'}; choose one with "
        "label_column=."
    )


def _report_labels(labels, label_column, event_id, source):
    """Warn about labels that look like one, and about those that may be missing."""
    groups = alike_labels(labels)
    if groups:
        pairs = "; ".join(" = ".join(map(repr, group)) for group in groups[:10])
        warn(
            f"{source}: labels in the column {label_column!r} differ only by case, "
            f"spaces or decimals and are different classes: {pairs}. Write them alike, "
            "or choose with `event_id`."
        )
    words = missing_words(labels) if event_id is None else {}
    if words:
        said = ", ".join(f"{word!r} ({count})" for word, count in words.items())
        warn(
            f"{source}: {said} in the column {label_column!r} are read as words, "
            "because only n/a is missing in BIDS. If they stand for missing labels, "
            "write n/a, or choose the labels with `event_id`."
        )


def one_trial_each(trials, label_column, source):
    """Keep one trial for each onset; complain where an onset has several labels.

    Parameters
    ----------
    trials : pandas.DataFrame
        The trials of one recording.
    label_column : str
        The column of the labels.
    source : str
        Where they come from, for the messages.

    Returns
    -------
    trials : pandas.DataFrame
        Without repetitions of one label at one onset.

    Raises
    ------
    ValueError
        If two labels share an onset.
    """
    again = trials.duplicated(["onset", label_column])
    if again.any():
        first = trials[again].iloc[0]
        warn(
            f"{source}: {again.sum()} events repeat the label of another one at the "
            f"same onset, the first {first[label_column]!r} at {first['onset']:g} s; "
            "each is one trial."
        )
        trials = trials[~again]
    shared = trials["onset"].duplicated(keep=False)
    if shared.any():
        first = trials[shared].iloc[:2]
        raise ValueError(
            f"{source} has {shared.sum()} trials that share an onset, the first at "
            f"{first['onset'].iloc[0]:g} s ({', '.join(first[label_column])}). Choose "
            "the labels that are trials with `event_id`, or a condition with `where`."
        )
    return trials


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
    align = compose(align)
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
            f"({', '.join(events.columns)}) nor a label ({first_names(labels, 40)})."
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
        return {compose(name): int(code) for name, code in event_id.items()}
    return {name: code for code, name in enumerate(sorted(set(labels)), 1)}
