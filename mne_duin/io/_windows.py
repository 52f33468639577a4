"""Windows of a recording: where they lie, and which are dropped for what reason."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from mne.utils import logger, warn

from mne_duin.io._processing import Processing
from mne_duin.io._stream import between, marked_spans

BAD_WORDS = ("BAD", "EDGE")


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
        ``run`` and, where they are there, ``session``, ``task`` and ``subject``.
    """
    columns = {"run": path.run or str(number)}
    for key in ("session", "task", "subject"):
        if getattr(path, key) is not None:
            columns[key] = getattr(path, key)
    return columns


def plan_trials(raw, trials, times, tmin, tmax, processing, align):
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

    Returns
    -------
    plan : Plan
        The windows.
    """
    rate = processing.sfreq
    lead = -int(round(tmin * rate))
    n_times = int(round((tmax - tmin) * rate))
    known = np.isfinite(times)
    zero = np.round(np.where(known, times, 0) * rate).astype(int)
    starts = zero - lead
    length = raw.n_times * rate / raw.info["sfreq"]
    outside = known & ((starts < 0) | (starts + n_times > np.floor(length)))
    marked = known & ~outside & bad_windows(raw, starts / rate, n_times / rate)
    reasons = [()] * len(trials)
    for name, rows in (("NO_ALIGN", ~known), ("OUTSIDE", outside), ("BAD", marked)):
        reasons = [(name,) if hit else r for r, hit in zip(reasons, rows, strict=True)]
    report_dropped(~known, outside, marked, align)
    kept = known & ~outside & ~marked
    if len(np.unique(starts[kept])) < kept.sum():
        raise ValueError(f"`align` {align!r} puts two trials at the same time.")
    table = trials[kept]
    if align is not None:
        table = table.assign(time_zero=times[kept])
    return Plan(starts[kept], n_times, lead, table, reasons, processing)


def report_dropped(unknown, outside, marked, align):
    """Warn about trials that were dropped, with their number and the reason.

    Parameters
    ----------
    unknown, outside, marked : ndarray of bool, shape (n_trials,)
        Trials without a time zero, outside the recording, in a span marked bad.
    align : str | None
        What time zero is.
    """
    for rows, reason in (
        (unknown, f"have no {align!r}"),
        (outside, "reach beyond the recording"),
        (marked, "touch a span marked BAD"),
    ):
        if rows.any():
            warn(f"{rows.sum()} of {len(rows)} trials {reason}; dropped.")


def bad_windows(raw, begin, duration):
    """Tell which windows touch a span marked bad.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    begin : ndarray of float, shape (n_windows,)
        Start of each window in seconds.
    duration : float
        Length of the windows in seconds.

    Returns
    -------
    bad : ndarray of bool, shape (n_windows,)
        Whether an annotation that starts with BAD or EDGE overlaps.
    """
    bad = np.zeros(len(begin), dtype=bool)
    shortest = 1 / raw.info["sfreq"]
    for onset, length in marked_spans(raw, BAD_WORDS):
        stop = onset + max(length, shortest)
        bad |= (begin < stop) & (begin + duration > onset)
    return bad


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
        for onset, span in marked_spans(raw, BAD_WORDS)
    ]
    good = between(gaps, length)
    starts = [np.arange(a, b - n_times + 1, step) for a, b in good]
    starts = np.concatenate(starts) if starts else np.array([], dtype=int)
    lost = 1 - sum(b - a for a, b in good) / length
    if lost > 0:
        logger.info(f"{lost:.1%} of the recording is marked BAD and left out.")
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
