"""Trials and segments: from recordings to Epochs and their contacts table."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mne_duin.io._assemble import load_epochs
from mne_duin.io._channel_choice import choose_channels
from mne_duin.io._events import trial_events
from mne_duin.io._processing import choose_processing
from mne_duin.io._recordings import open_runs
from mne_duin.io._trials import align_trials, check_trials, choose_trials, event_codes
from mne_duin.io._windows import (
    origin,
    plan_segments,
    plan_trials,
    report_overlaps,
)
from mne_duin.utils.checks import check_number


def read_epochs(
    bids_path,
    event_id=None,
    tmin=-0.5,
    tmax=2.5,
    *,
    label_column="trial_type",
    reference="bipolar",
    l_freq=0.5,
    h_freq=200.0,
    notch="auto",
    sfreq=1000.0,
    regions=None,
    atlas="desikan-killiany",
    space=None,
    labels="auto",
    subject=None,
    subjects_dir=None,
    align=None,
    verbose=None,
):
    """Read trials and the anatomy of their channels from BIDS recordings.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath | list of mne_bids.BIDSPath
        One recording, or several runs of one subject.
    event_id : dict | str | sequence of str | None
        The labels to read; a dict maps them to event numbers. None takes every label
        that is not n/a.
    tmin, tmax : float
        Start and end of a trial in seconds, from time zero. A trial has
        ``round((tmax - tmin) * sfreq)`` samples: the last one falls at
        ``tmax - 1 / sfreq``, so that 3 s at 1000 Hz are 3000 samples.
    label_column : str
        The column of events.tsv that holds the labels.
    reference : "bipolar" | "laplacian" | "shaft" | "none"
        The reference, made within each shaft of the good contacts.
    l_freq, h_freq : float | None
        Edges of the band-pass filter in Hz.
    notch : "auto" | float | sequence of float | None
        Line noise to remove: the line frequency of ieeg.json, or a given one, each with
        its harmonics up to ``h_freq``; or a list of frequencies.
    sfreq : float | None
        Sampling rate of the result in Hz; None keeps that of the recording.
    regions : str | sequence of str | dict | None
        Keep only channels in these regions (see :func:`assign_regions`).
    atlas : str | path-like
        The atlas of the labels (see :func:`assign_labels`).
    space : str | None
        The coordinate space of electrodes.tsv, where there are several.
    labels : str
        ``"auto"``, ``"atlas"`` or a column of electrodes.tsv: where labels come from.
        ``"auto"`` takes the atlas where coordinates allow it, else a label column.
    subject, subjects_dir : str | None
        The subject's FreeSurfer folder, for contacts in native space.
    align : str | None
        What time zero is: None takes the onset of the event; a column of events.tsv
        that holds a latency in seconds from the onset (``"response_time"``); or a label
        whose event follows each trial. Trials without it are left out with a warning.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    epochs : mne.Epochs
        Loaded trials in volts; ``metadata`` has all columns of events.tsv, and ``run``,
        ``session``, ``task`` and ``subject``.
    contacts : pandas.DataFrame
        One row for each channel, in the same order.

    Raises
    ------
    FileNotFoundError
        If a recording or events.tsv is missing.
    ValueError
        If labels, regions, filters or samples are not usable; the message says what is
        there instead.

    Notes
    -----
    Bad channels are left out. Contacts are chosen before samples are read, and the
    recording is filtered piece by piece, so memory holds little more than the result.
    Trials that touch a span marked ``BAD…`` or leave the recording are dropped; the
    number is reported and ``drop_log`` has the reasons.
    """
    check_number("tmax", tmax, low=tmin, closed=False)
    runs = open_runs(bids_path, verbose)
    events = [trial_events(path, raw, label_column) for path, raw in runs]
    where = runs[0][0].basename if len(runs) == 1 else f"the {len(runs)} runs"
    pooled = pd.concat(events, ignore_index=True)
    trials = choose_trials(pooled, label_column, event_id, where)
    codes = event_codes(trials[label_column], event_id)
    choice = choose_channels(
        runs, reference, regions, atlas, space, labels, subject, subjects_dir
    )
    plans = []
    for number, ((path, raw), table) in enumerate(zip(runs, events, strict=True), 1):
        process = choose_processing(raw, l_freq, h_freq, notch, sfreq, path.basename)
        trials = table[table[label_column].isin(list(codes))]
        check_trials(trials, label_column, raw, path.basename)
        times = align_trials(trials, table, label_column, align)
        trials = trials.assign(**origin(path, number))
        plans.append(plan_trials(raw, trials, times, tmin, tmax, process, align))
    report_overlaps(plans)
    return load_epochs(runs, choice, plans, codes, label_column)


def read_segments(
    bids_path,
    duration=8.0,
    overlap=4.0,
    *,
    reference="bipolar",
    l_freq=0.5,
    h_freq=200.0,
    notch="auto",
    sfreq=1000.0,
    regions=None,
    atlas="desikan-killiany",
    space=None,
    labels="auto",
    subject=None,
    subjects_dir=None,
    verbose=None,
):
    """Cut whole recordings into segments of one length, for pre-training.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath | list of mne_bids.BIDSPath
        One recording, or several runs of one subject.
    duration : float
        Length of a segment in seconds.
    overlap : float
        How much of a segment the next one repeats, in seconds.
    reference : "bipolar" | "laplacian" | "shaft" | "none"
        See :func:`read_epochs`, as for all parameters below.
    l_freq, h_freq : float | None
        Edges of the band-pass filter in Hz.
    notch : "auto" | float | sequence of float | None
        Line noise to remove.
    sfreq : float | None
        Sampling rate of the result in Hz.
    regions : str | sequence of str | dict | None
        Keep only channels in these regions.
    atlas : str | path-like
        The atlas of the labels.
    space : str | None
        The coordinate space of electrodes.tsv.
    labels : str
        Where labels come from.
    subject, subjects_dir : str | None
        The subject's FreeSurfer folder.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    epochs : mne.Epochs
        Segments in volts, ``round(duration * sfreq)`` samples each; ``metadata`` has
        ``onset`` (s), ``run``, ``session``, ``task`` and ``subject``. Segments are cut
        between the spans marked ``BAD…``, never across them.
    contacts : pandas.DataFrame
        One row for each channel, in the same order.

    Raises
    ------
    FileNotFoundError
        If a recording is missing.
    ValueError
        If no segment fits, or for the reasons given in :func:`read_epochs`.
    """
    check_number("duration", duration, low=0, closed=False)
    check_number("overlap", overlap, low=0, high=np.nextafter(duration, 0))
    runs = open_runs(bids_path, verbose)
    choice = choose_channels(
        runs, reference, regions, atlas, space, labels, subject, subjects_dir
    )
    plans = []
    for number, (path, raw) in enumerate(runs, 1):
        process = choose_processing(raw, l_freq, h_freq, notch, sfreq, path.basename)
        plan = plan_segments(raw, duration, overlap, process)
        plans.append(replace(plan, trials=plan.trials.assign(**origin(path, number))))
    return load_epochs(runs, choice, plans, {"segment": 1}, "label")
