"""Trials and segments: from recordings to Epochs and their contacts table."""

from dataclasses import replace

import mne
import numpy as np
import pandas as pd
from mne.utils import warn

from mne_duin.io._assemble import load_epochs
from mne_duin.io._channel_choice import choose_channels
from mne_duin.io._events import LABEL
from mne_duin.io._on_disk import SEGMENT, write_windows
from mne_duin.io._preparation import note_preparation, usual_amplitude
from mne_duin.io._processing import choose_processing
from mne_duin.io._recordings import open_runs
from mne_duin.io._sidecars import compose
from mne_duin.io._transcripts import transcripts_hint
from mne_duin.io._trials import (
    align_trials,
    choose_trials,
    event_codes,
    one_trial_each,
)
from mne_duin.io._windows import (
    origin,
    plan_segments,
    plan_trials,
    report_overlaps,
)
from mne_duin.utils._checks import check_number
from mne_duin.utils._moved import former_parameters


@former_parameters(fs_subject="subject", label_source="labels")
@mne.utils.verbose
def read_epochs(
    bids_path,
    event_id=None,
    tmin=-0.5,
    tmax=2.5,
    *,
    label_column="trial_type",
    reference="bipolar",
    max_distance="auto",
    l_freq=0.5,
    h_freq=200.0,
    notch="auto",
    sfreq=1000.0,
    causal=False,
    regions=None,
    atlas="desikan-killiany",
    space=None,
    label_source="auto",
    fs_subject=None,
    subjects_dir=None,
    align=None,
    where=None,
    onset=None,
    events=None,
    reject="auto",
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
    reference : "bipolar" | "laplacian" | "shaft" | "average" | "white-matter" | "none"
        The reference, made of the good contacts: within each shaft, strip or grid, of
        all contacts, or of those in white matter (see :func:`reference_white_matter`).
        Channels that were recorded as differences of two contacts are kept as they are.
    max_distance : float | "auto" | None
        Largest distance in mm of two contacts that are subtracted from each other (see
        :func:`bipolar_pairs`).
    l_freq, h_freq : float | None
        Edges of the band-pass filter in Hz.
    notch : "auto" | float | sequence of float | None
        Line noise to remove: the line frequency of ieeg.json, or a given one, each with
        its harmonics up to ``h_freq``; or a list of frequencies.
    sfreq : float | None
        Sampling rate of the result in Hz; None keeps that of the recording.
    causal : bool
        Whether the filters see the past only, as they must where decoding runs live
        (see :class:`LiveDecoder`). They delay the signal; False is zero-phase.
    regions : str | sequence of str | dict | None
        Keep only channels in these regions, see :func:`assign_regions`; None keeps all.
    atlas : str | path-like
        The atlas of the labels (see :func:`assign_labels`).
    space : str | None
        The coordinate space of electrodes.tsv, where there are several; or what the
        coordinates are, where the declared space is wrong (see :func:`read_contacts`).
    label_source : str
        ``"auto"``, ``"atlas"`` or a column of electrodes.tsv or channels.tsv: where
        labels come from. ``"auto"`` takes the atlas where coordinates allow it, else
        the column with the most anatomical names.
    fs_subject, subjects_dir : str | None
        The subject's FreeSurfer folder, for contacts in native space.
    align : str | None
        What time zero is: None takes the onset of the event; a column of events.tsv
        that holds a latency in seconds from the onset (``"response_time"``); or a label
        whose event follows each trial. Trials without it are left out with a warning.
    where : dict | str | None
        What else must hold of a trial: columns of events.tsv and the value, or values,
        that they must have, as in ``{"trial_type": "WORD"}``; or an expression as in
        ``pandas.DataFrame.query``, as in ``"serialpos > 1"``.
    onset : "onset" | "sample" | None
        Which column says when an event is: ``onset`` in seconds, or the column of
        samples (``sample``, ``sample_start``, ``event_sample``, …), counted from 0.
        None takes ``onset``, and is refused where the two differ by more than 1 s.
    events : pandas.DataFrame | path-like | list of them | "stimuli" | None
        Events to use instead of events.tsv: a table with ``onset`` (s), ``duration``
        and labels; a transcript (see :func:`read_transcript`), whose times count from
        the start of the recording; ``"stimuli"`` for the transcripts of the stimuli
        that events.tsv names (see :func:`read_stimulus_events`). For several
        recordings, a list of as many.
    reject : "auto" | dict | None
        Which trials to drop by their peak-to-peak amplitude after referencing and
        filtering. ``"auto"`` drops those of more than 20 times the median of a channel
        over the trials, as from a touched cable, and those in which most contacts hold
        one value, as from an amplifier that was disconnected; a dict has limits in
        volts by channel type, as in MNE (``{"seeg": 1e-3}``); None drops none. Dropped
        trials are told in a warning, and ``drop_log`` has their channels.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    epochs : mne.Epochs
        Loaded trials in volts; ``metadata`` has all columns of events.tsv, and ``run``,
        ``session``, ``task``, ``acquisition`` and ``subject``.
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
    Trials that touch a span marked ``BAD_…``, reach across a gap or pause, or leave the
    recording are dropped; the number is reported and ``drop_log`` has the reasons.
    Everything that describes the recordings is held against each other first; see
    :func:`check_recording` for a table of these checks.
    """
    check_number("tmax", tmax, low=tmin, closed=False)
    label_column = compose(label_column)
    runs = open_runs(bids_path, onset=onset, events=events, verbose=verbose)
    source = "events.tsv of " + (
        runs[0].name if len(runs) == 1 else f"the {len(runs)} runs"
    )
    tables = [trial_events(record, label_column) for record in runs]

    def choose():
        return choose_channels(
            runs,
            reference, regions, atlas, space, label_source, fs_subject, subjects_dir,
            max_distance,
        )  # fmt: skip

    return cut_trials(
        runs, tables, choose, source, (tmin, tmax),
        (l_freq, h_freq, notch, sfreq, causal), label_column=label_column,
        event_id=event_id, where=where, align=align, reject=reject,
    )  # fmt: skip


def cut_trials(
    runs, tables, choose, source, window, filters, *, label_column, event_id, where,
    align, reject,
):  # fmt: skip
    """Cut the trials of opened recordings: choose, filter, reference, reject.

    Parameters
    ----------
    runs : list of Record
        The recordings.
    tables : list of DataFrame
        The events of each.
    choose : callable
        Returns the ChannelChoice; called once trials are known to be there.
    source : str
        Where the events come from, for the messages.
    window : tuple of float
        Start and end of a trial in seconds.
    filters : tuple
        ``l_freq, h_freq, notch, sfreq, causal``.
    label_column, event_id, where, align, reject : object
        As in :func:`mne_duin.read_epochs`.

    Returns
    -------
    epochs : mne.Epochs
        The trials.
    contacts : pandas.DataFrame
        One row for each channel.
    """
    pooled = pd.concat(tables, ignore_index=True)
    *filters, causal = filters
    chosen = choose_trials(pooled, label_column, event_id, where, source)
    codes = event_codes(pooled[label_column][chosen], event_id)
    choice = choose()
    plans = []
    for number, (record, table) in enumerate(zip(runs, tables, strict=True), 1):
        own, chosen = chosen[: len(table)], chosen[len(table) :]
        process = choose_processing(record.raw, *filters, record.name, causal)
        of_record = source if len(runs) == 1 else f"events of {record.name}"
        trials = one_trial_each(table[own], label_column, of_record)
        times = align_trials(trials, table, label_column, align)
        trials = trials.assign(**origin(record.path, number))
        plans.append(
            plan_trials(record.raw, trials, times, *window, process, align, list(codes))
        )
    report_overlaps(plans)
    epochs, contacts = load_epochs(runs, choice, plans, codes, label_column, reject)
    amplitude = usual_amplitude(epochs.get_data(copy=False))
    note_preparation(choice, plans[-1], amplitude)
    return epochs, contacts


def trial_events(record, label_column):
    """Return the events of a recording: its events.tsv, else what its file marks.

    FileNotFoundError, if there is neither, names the transcripts of the dataset.
    """
    events = record.events
    if events is not None and label_column in events:
        return events
    if label_column != LABEL or record.file_events is None:
        if events is not None:
            return events
        raise FileNotFoundError(
            f"There is no events.tsv for {record.name}; trials need one, with the "
            f"columns onset, duration and a label{transcripts_hint(record.path)}."
        )
    missing = "missing" if events is None else f"without a column {label_column!r}"
    warn(
        f"events.tsv of {record.name} is {missing}; the {len(record.file_events)} "
        "events that the recording itself marks are used."
    )
    return record.file_events


@former_parameters(fs_subject="subject", label_source="labels")
@mne.utils.verbose
def read_segments(
    bids_path,
    duration=8.0,
    overlap=4.0,
    *,
    reference="bipolar",
    max_distance="auto",
    l_freq=0.5,
    h_freq=200.0,
    notch="auto",
    sfreq=1000.0,
    causal=False,
    regions=None,
    atlas="desikan-killiany",
    space=None,
    label_source="auto",
    fs_subject=None,
    subjects_dir=None,
    reject="auto",
    on_disk=None,
    disk_dtype="float32",
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
    reference : "bipolar" | "laplacian" | "shaft" | "average" | "white-matter" | "none"
        See :func:`read_epochs`, as for all parameters below.
    max_distance : float | "auto" | None
        Largest distance in mm of two contacts that are subtracted.
    l_freq, h_freq : float | None
        Edges of the band-pass filter in Hz.
    notch : "auto" | float | sequence of float | None
        Line noise to remove.
    sfreq : float | None
        Sampling rate of the result in Hz.
    causal : bool
        Whether the filters see the past only.
    regions : str | sequence of str | dict | None
        Keep only channels in these regions.
    atlas : str | path-like
        The atlas of the labels.
    space : str | None
        The coordinate space of electrodes.tsv.
    label_source : str
        Where labels come from.
    fs_subject, subjects_dir : str | None
        The subject's FreeSurfer folder.
    reject : "auto" | dict | None
        Which segments to drop by their peak-to-peak amplitude.
    on_disk : path-like | None
        A folder to write the segments to, piece by piece, for recordings that do not
        fit into memory. It must be new or empty; one that has the same segments is
        opened, and an interrupted one begins again. None reads into memory.
    disk_dtype : "float32" | "float16" | "int16"
        How numbers are stored on disk, see :func:`write_segments`.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    epochs : mne.Epochs | DiskSegments
        Segments in volts, ``round(duration * sfreq)`` samples each; ``metadata`` has
        ``onset`` (s), ``run``, ``session``, ``task``, ``acquisition`` and ``subject``.
        Segments are cut between the spans marked ``BAD_…`` and the gaps and pauses of
        the recording, never across them.
    contacts : pandas.DataFrame
        One row for each channel, in the same order.

    Raises
    ------
    FileNotFoundError
        If a recording is missing.
    FileExistsError
        If ``on_disk`` has other files, or segments that were read in another way.
    ValueError
        If no segment fits, or for the reasons given in :func:`read_epochs`.
    """
    check_number("duration", duration, low=0, closed=False)
    check_number("overlap", overlap, low=0, high=np.nextafter(duration, 0))
    runs = open_runs(bids_path, use_events=False, verbose=verbose)
    choice = choose_channels(
        runs,
        reference, regions, atlas, space, label_source, fs_subject, subjects_dir,
        max_distance,
    )  # fmt: skip
    plans = []
    for number, record in enumerate(runs, 1):
        raw, where = record.raw, origin(record.path, number)
        process = choose_processing(
            raw, l_freq, h_freq, notch, sfreq, record.name, causal
        )
        plan = plan_segments(raw, duration, overlap, process)
        plans.append(replace(plan, trials=plan.trials.assign(**where)))
    if on_disk is not None:
        segments, amplitude = write_windows(
            runs, choice, plans, reject, on_disk, disk_dtype
        )
        note_preparation(choice, plans[-1], amplitude)
        return segments, choice.contacts
    epochs, contacts = load_epochs(runs, choice, plans, SEGMENT, "label", reject)
    amplitude = usual_amplitude(epochs.get_data(copy=False))
    note_preparation(choice, plans[-1], amplitude)
    return epochs, contacts
