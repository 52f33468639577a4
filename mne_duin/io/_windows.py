"""Windows of a recording: where they lie, and which are dropped for what reason."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from mne.utils import logger, warn

from mne_duin.io._gaps import (
    between,
    continuous_spans,
    is_boundary,
    is_mark,
    marked_spans,
)
from mne_duin.io._processing import Processing
from mne_duin.utils._checks import first_names
from mne_duin.utils._numbers import percent


@dataclass(frozen=True)
class Plan:
    """The windows of one recording.

    Parameters
    ----------
    starts : ndarray of int, shape (n_windows,)
        First sample of each window at the new rate.
    n_times : int
        Samples of a window.
    lead : int
        Samples of a window before time zero.
    trials : pandas.DataFrame
        One row for each window.
    reasons : list of tuple of str
        For each trial asked for, kept (empty) or why it was dropped.
    processing : Processing
        Filters and rates.
    """

    starts: np.ndarray
    n_times: int
    lead: int
    trials: pd.DataFrame
    reasons: list
    processing: Processing


def origin(path, number):
    """Say which recording trials come from.

    Parameters
    ----------
    path : mne_bids.BIDSPath
        The recording.
    number : int
        Its place among the recordings, for those without a run entity.

    Returns
    -------
    columns : dict of str -> str
        ``run`` and, where they are there, ``session``, ``task``, ``acquisition`` and
        ``subject``.
    """
    columns = {"run": path.run or str(number)}
    for key in ("session", "task", "acquisition", "subject"):
        if getattr(path, key) is not None:
            columns[key] = getattr(path, key)
    return columns


def plan_trials(raw, trials, times, tmin, tmax, processing, align, words):
    """Lay windows around trials and drop those that cannot be used.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    trials : pandas.DataFrame
        The trials.
    times : ndarray of float, shape (n_trials,)
        Time zero of each trial in seconds, NaN where there is none.
    tmin, tmax : float
        Start and end of the window in seconds.
    processing : Processing
        Filters and rates.
    align : str | None
        What time zero is, for the message.
    words : sequence of str
        Labels, which mark no span as bad whatever they look like.

    Returns
    -------
    plan : Plan
        The windows.

    Raises
    ------
    ValueError
        If two trials fall on one sample.
    """
    rate = processing.sfreq
    lead = -int(round(tmin * rate))
    n_times = int(round((tmax - tmin) * rate))
    known = np.isfinite(times)
    zero = np.round(np.where(known, times, 0) * rate).astype(int)
    starts = zero - lead
    length = raw.n_times * rate / raw.info["sfreq"]
    outside = known & ((starts < 0) | (starts + n_times > np.floor(length)))
    inside = known & ~outside
    marked = inside & bad_windows(raw, starts / rate, n_times / rate, words)
    cut = inside & ~marked & ~in_one_span(raw, starts, n_times, processing)
    dropped = {"NO_ALIGN": ~known, "OUTSIDE": outside, "BAD": marked, "BAD_GAP": cut}
    reasons = [()] * len(trials)
    for name, rows in dropped.items():
        reasons = [(name,) if hit else r for r, hit in zip(reasons, rows, strict=True)]
    report_dropped(dropped, align)
    kept = inside & ~marked & ~cut
    table = trials[kept]
    _check_apart(starts[kept], table, align)
    if align is not None:
        table = table.assign(time_zero=times[kept])
    return Plan(starts[kept], n_times, lead, table, reasons, processing)


def _check_apart(starts, trials, align):
    """Complain about trials that fall on one sample."""
    values, counts = np.unique(starts, return_counts=True)
    if len(values) == len(starts):
        return
    pair = trials[starts == values[counts.argmax()]]
    onsets = first_names(f"{onset:.10g} s" for onset in pair["onset"])
    if align is not None:
        raise ValueError(
            f"`align` {align!r} puts two trials at the same time (onsets {onsets})."
        )
    raise ValueError(
        f"Trials with the onsets {onsets} fall on one sample; correct events.tsv, or "
        "choose the labels that are trials with `event_id`."
    )


def report_dropped(dropped, align):
    """Warn about trials that were dropped, with their number and the reason."""
    told = {
        "NO_ALIGN": f"have no {align!r}",
        "OUTSIDE": "reach beyond the recording",
        "BAD": "touch a span marked BAD",
        "BAD_GAP": "reach across a gap or pause of the recording",
    }
    for name, rows in dropped.items():
        if rows.any():
            warn(f"{rows.sum()} of {len(rows)} trials {told[name]}; dropped.")


def bad_windows(raw, begin, duration, words=()):
    """Return which windows touch a span marked bad, shape (n_windows,).

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    begin : ndarray of float, shape (n_windows,)
        Start of each window in seconds.
    duration : float
        Length of the windows in seconds.
    words : sequence of str
        Labels, which mark nothing.
    """
    bad = np.zeros(len(begin), dtype=bool)
    shortest = 1 / raw.info["sfreq"]
    for onset, length in _bad_spans(raw, words):
        stop = onset + max(length, shortest)
        bad |= (begin < stop) & (begin + duration > onset)
    return bad


def _bad_spans(raw, words=()):
    """Return the spans that are marked bad; a boundary is a place, not a span."""

    def chosen(word):
        return is_mark(word, words) and not is_boundary(word)

    return marked_spans(raw, chosen)


def in_one_span(raw, starts, n_times, processing):
    """Return which windows lie between two gaps or boundaries, shape (n_windows,)."""
    up, down = processing.ratio
    inside = np.zeros(len(starts), dtype=bool)
    for first, last in continuous_spans(raw):
        low, high = -(-first * up // down), -(-last * up // down)
        inside |= (starts >= low) & (starts + n_times <= high)
    return inside


def plan_segments(raw, duration, overlap, processing):
    """Lay segments over the good stretches of a recording.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    duration, overlap : float
        Length of a segment and of what two share, in seconds.
    processing : Processing
        Filters and rates.

    Returns
    -------
    plan : Plan
        The windows.
    """
    rate = processing.sfreq
    n_times = int(round(duration * rate))
    step = max(int(round((duration - overlap) * rate)), 1)
    length = int(raw.n_times * rate / raw.info["sfreq"])
    gaps = [
        (int(onset * rate), int(np.ceil((onset + span) * rate)) + 1)
        for onset, span in _bad_spans(raw)
    ]
    up, down = processing.ratio
    for first, last in between(continuous_spans(raw), raw.n_times):
        gaps.append((-(-first * up // down), -(-last * up // down)))
    ends = [-(-last * up // down) for _, last in continuous_spans(raw)]
    good = between(gaps + [(end, end) for end in ends], length)
    starts = [np.arange(a, b - n_times + 1, step) for a, b in good]
    starts = np.concatenate(starts) if starts else np.array([], dtype=int)
    lost = 1 - sum(b - a for a, b in good) / length
    if lost > 0:
        logger.info(f"{percent(lost)} of the recording is marked BAD and left out.")
    table = pd.DataFrame({"onset": starts / rate, "duration": duration})
    table["label"] = "segment"
    return Plan(starts, n_times, 0, table, [()] * len(starts), processing)


def report_overlaps(plans):
    """Log how many trials share samples with the next one.

    Parameters
    ----------
    plans : list of Plan
        The windows of each recording.
    """
    count = sum(int((np.diff(np.sort(p.starts)) < p.n_times).sum()) for p in plans)
    if count:
        logger.info(
            f"{count} trial(s) overlap the next one; keep them together in "
            "cross-validation, or choose a shorter window."
        )
