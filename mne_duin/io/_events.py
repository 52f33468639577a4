"""events.tsv: its rows, the labels in it, and events that stand elsewhere."""

import mne
import numpy as np
import pandas as pd
from mne.utils import warn

from mne_duin.io._gaps import is_boundary, is_mark
from mne_duin.io._sidecars import compose, read_table, to_numbers
from mne_duin.utils._checks import as_list, first_names

LABEL = "trial_type"
# What other programs write for a missing value, and what may as well be a word.
LIKE_MISSING = ("NA", "N/A", "NaN", "nan", "None", "none", "NULL", "null", "Null")
FEW_LABELS = 400


def read_events(path):
    """Read events.tsv.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    events : pandas.DataFrame
        All columns, ``onset`` and ``duration`` in seconds and the others as text, in
        the order of the onsets. Rows without an onset, and repeated rows, are left out
        with a warning.

    Raises
    ------
    ValueError
        If the file cannot be understood.
    """
    table = read_table(path, required=("onset",), words=True)
    table["onset"] = to_numbers(path, table, "onset")
    if "duration" not in table:
        warn(f"{path} has no column duration; taken as 0.")
        table["duration"] = 0.0
    else:
        table["duration"] = np.nan_to_num(to_numbers(path, table, "duration"))
    return in_order(table, path)


def in_order(events, path):
    """Sort events by onset, without those that have none and without repetitions.

    ``attrs["lines"]`` of the result has the line in the file of each event.
    """
    lines = np.array(events.attrs.get("lines", range(2, len(events) + 2)), dtype=int)
    events = events.reset_index(drop=True)
    lost = events["onset"].isna()
    if lost.any():
        warn(f"{path}: {lost.sum()} of {len(events)} events have no onset; left out.")
    events = events[~lost].sort_values("onset", kind="stable")
    twice = events.duplicated()
    if twice.any():
        warn(f"{path} repeats {twice.sum()} row(s); each event is used once.")
    events = events[~twice]
    lines = lines[events.index]
    events = events.reset_index(drop=True)
    events.attrs["lines"] = tuple(lines.tolist())
    return events


def given_events(events, where):
    """Check events that a caller passed instead of events.tsv."""
    missing = [c for c in ("onset",) if c not in events]
    if missing:
        raise ValueError(
            f"`events` of {where} must have the column onset in seconds; it has "
            f"{', '.join(map(str, events.columns))}."
        )
    events = events.copy()
    numbers = pd.to_numeric(events["onset"], errors="coerce").astype(float)
    duration = events.get("duration", pd.Series(0.0, events.index))
    events["onset"] = numbers
    events["duration"] = pd.to_numeric(duration, errors="coerce").fillna(0.0)
    for column in events.columns.difference(["onset", "duration"]):
        values = events[column]
        events[column] = values.where(values.isna(), values.map(compose)).astype(object)
        events[column] = events[column].where(values.notna(), None)
    return in_order(events, "`events`")


def file_events(raw):
    """Return the events that a recording's own file marks, None without any."""
    words = raw.annotations.description
    own = np.array([not is_mark(w) and not is_boundary(w) for w in words], dtype=bool)
    if not own.any():
        return None
    shift = raw.first_time if raw.info["meas_date"] is not None else 0.0
    return pd.DataFrame(
        {
            "onset": raw.annotations.onset[own] - shift,
            "duration": raw.annotations.duration[own],
            LABEL: pd.Series([str(w) for w in words[own]], dtype=object),
        }
    )


def with_numbers(events, texts=()):
    """Return events whose columns of only numbers are numbers, but for ``texts``."""
    out = events.copy()
    for column in out.columns.difference(list(texts)):
        numbers = pd.to_numeric(out[column], errors="coerce")
        if (numbers.notna() | out[column].isna()).all() and numbers.notna().any():
            out[column] = numbers
    return out


def annotations_from_events(events, raw):
    """Turn the events that have a ``trial_type`` and lie in a recording to annotations.

    Parameters
    ----------
    events : pandas.DataFrame
        The events.
    raw : mne.io.BaseRaw
        The recording they belong to.

    Returns
    -------
    annotations : mne.Annotations
        One for each of these events.
    """
    labels = events.get(LABEL, pd.Series(None, events.index, dtype=object))
    end = raw.n_times / raw.info["sfreq"]
    kept = labels.notna() & (events["onset"] >= 0) & (events["onset"] < end)
    return mne.Annotations(
        events["onset"][kept].to_numpy(dtype=float),
        events["duration"][kept].clip(lower=0).to_numpy(dtype=float),
        labels[kept].astype(str).to_numpy(),
        orig_time=raw.info["meas_date"],
    )


def marked_rows(events, label_column, words):
    """Return which events mark a span as bad, in ``trial_type`` or the label column."""
    marked = np.zeros(len(events), dtype=bool)
    for column in {LABEL, label_column} & set(events.columns):
        marked |= np.array(
            [v is not None and is_mark(v, words) for v in events[column]], dtype=bool
        )
    return marked


def select_rows(events, where, source):
    """Return which events fulfil a condition, shape (n_events,).

    Parameters
    ----------
    events : pandas.DataFrame
        The events.
    where : dict | str | None
        Columns and the value or values that they must have; or an expression as in
        :meth:`pandas.DataFrame.query`.
    source : str
        Where the events come from, for the messages.

    Raises
    ------
    ValueError
        If a column or a value is not there, or the expression has an error.
    """
    if where is None:
        return np.ones(len(events), dtype=bool)
    if isinstance(where, str):
        numbered = with_numbers(events).reset_index(drop=True)
        try:
            rows = numbered.query(where).index
        except Exception as error:
            raise ValueError(
                f"`where` {where!r} cannot be evaluated on the columns "
                f"{', '.join(events.columns)} of {source} ({error})."
            ) from error
        return np.isin(np.arange(len(events)), rows)
    chosen = np.ones(len(events), dtype=bool)
    for column, wanted in where.items():
        if column not in events:
            raise ValueError(
                f"`where`: {column!r} is not a column of {source}; there are "
                f"{', '.join(events.columns)}."
            )
        wanted = {plain_label(value) for value in as_list(wanted)}
        values = events[column].map(lambda v: None if v is None else plain_label(v))
        absent = wanted - set(values.dropna())
        if absent:
            there = first_names(sorted(set(events[column].dropna().astype(str))))
            raise ValueError(
                f"`where`: the column {column!r} of {source} has no "
                f"{', '.join(sorted(map(repr, absent)))}; there are {there}."
            )
        chosen &= values.isin(wanted).to_numpy()
    return chosen


def plain_label(value):
    """Return a label as text, so that 1, 1.0 and "1" are the same condition."""
    text = compose(value).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def label_columns(events):
    """Return the columns that could hold labels, with a few of their labels."""
    out = {}
    for column in events.columns.difference(["onset", "duration"], sort=False):
        values = sorted(set(events[column].dropna().astype(str)))
        if 0 < len(values) <= FEW_LABELS and len(values) < max(len(events), 2):
            out[column] = values
    return out


def alike_labels(labels):
    """Return groups of labels that differ only by case, spaces or 1 against 1.0."""
    groups = {}
    for label in sorted(set(labels)):
        key = "".join(plain_label(label).casefold().split())
        groups.setdefault(key, []).append(label)
    return [group for group in groups.values() if len(group) > 1]


def missing_words(labels):
    """Return the labels that other programs write for a missing value, with counts."""
    counts = pd.Series(list(labels), dtype=object).value_counts()
    return {word: int(counts[word]) for word in LIKE_MISSING if word in counts}
