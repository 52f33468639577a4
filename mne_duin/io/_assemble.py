"""Epochs out of the windows of one or several recordings."""

import mne
import numpy as np
import pandas as pd

from mne_duin.channels import reference_info
from mne_duin.io._checks import names_of, run_checks
from mne_duin.io._events import with_numbers
from mne_duin.io._reject import choose_kept
from mne_duin.io._stream import read_windows
from mne_duin.utils._checks import first_names
from mne_duin.utils._epochs import CAUSAL, ZERO_PHASE
from mne_duin.utils._stored import blocks

TEXTS = ("trial_type", "run", "session", "task", "acquisition", "subject")


def load_epochs(records, choice, plans, codes, label_column, reject):
    """Read the windows of all recordings into Epochs.

    Parameters
    ----------
    records : list of Record
        The recordings.
    choice : ChannelChoice
        The channels.
    plans : list of Plan
        The windows of each recording.
    codes : dict of str -> int
        The event number of each label.
    label_column : str
        The column of the labels.
    reject : "auto" | dict | None
        Which windows to drop, see :func:`mne_duin.read_epochs`.

    Returns
    -------
    epochs : mne.EpochsArray
        The windows.
    contacts : pandas.DataFrame
        The table of the channels.
    """
    shape = check_plans(records, choice, plans)
    data = np.empty(shape)
    kept, plans = fill_windows(records, choice, plans, reject, data)
    data = data if kept.all() else data[kept]
    parts = describe_epochs(records, choice, plans, codes, label_column)
    epochs = mne.EpochsArray(data, **parts, baseline=None, proj=False, verbose="error")
    return epochs, choice.contacts


def check_plans(records, choice, plans):
    """Check that windows can be read, and return the shape of all of them.

    Parameters
    ----------
    records : list of Record
        The recordings.
    choice : ChannelChoice
        The channels.
    plans : list of Plan
        The windows of each recording.

    Returns
    -------
    shape : tuple of int
        Number of windows, channels and samples.
    """
    rates = sorted({plan.processing.sfreq for plan in plans})
    if len(rates) > 1:
        raise ValueError(
            f"The runs have different sampling rates ({', '.join(map(str, rates))} "
            "Hz); choose one with `sfreq`."
        )
    counts = [len(plan.starts) for plan in plans]
    if not sum(counts):
        raise ValueError(
            f"None of the {sum(len(p.reasons) for p in plans)} windows of "
            f"{plans[0].n_times / rates[0]:g} s lies wholly inside the good part of "
            f"{first_names(record.name for record in records)}; see the warnings above "
            "and check that onsets are in seconds."
        )
    run_checks(["same_samples"], records[0], records, choice.picks)
    return sum(counts), len(choice.matrix), plans[0].n_times


def fill_windows(records, choice, plans, reject, data):
    """Read the windows of all recordings into an array, in memory or on disk.

    Parameters
    ----------
    records : list of Record
        The recordings.
    choice : ChannelChoice
        The channels.
    plans : list of Plan
        The windows of each recording.
    reject : "auto" | dict | None
        Which windows to drop.
    data : ndarray, shape (n_windows, n_channels, n_times)
        Where they go.

    Returns
    -------
    kept : ndarray of bool, shape (n_windows,)
        Which windows to keep.
    plans : list of Plan
        Without those that are dropped.
    """
    facts, row = [], 0
    for record, plan in zip(records, plans, strict=True):
        count = len(plan.starts)
        out = data[row : row + count]
        what = choice.picks, choice.matrix, plan.processing
        facts.append(read_windows(record.raw, *what, plan.starts, out))
        row += count
    _check_samples(records, facts)
    _check_alive(data, choice.contacts.index)
    kinds = choice.contacts.index, _kinds(records[0].raw, choice)
    return choose_kept(data, *kinds, plans, facts, reject)


def _check_samples(records, facts):
    """Check what the samples of each recording look like, and against each other."""
    run_checks(["unlike_amplitudes"], records[0], records, facts)
    for record, seen in zip(records, facts, strict=True):
        if seen is not None:
            run_checks(names_of("samples"), record, record, seen)
    for record in records:
        record.settle()


def _kinds(raw, choice):
    """Return the channel types of the result, those of the contacts they begin with."""
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    first = np.abs(choice.matrix).argmax(axis=1)
    return [kinds[choice.picks[column]] for column in first]


def _check_alive(data, names):
    """Complain about channels that are zero throughout, as from doubled contacts."""
    alive = np.zeros(len(names), bool)
    for block in blocks(data):
        alive |= block.any(axis=(0, 2))
    dead = [name for name, is_alive in zip(names, alive, strict=True) if not is_alive]
    if dead:
        raise ValueError(
            f"Channel(s) {first_names(dead)} are zero after referencing: their "
            "contacts recorded the same samples. Mark one of each bad in channels.tsv."
        )


def describe_epochs(records, choice, plans, codes, label_column):
    """Return info, events, metadata and reasons for dropping: Epochs but the samples.

    Parameters
    ----------
    records : list of Record
        The recordings.
    choice : ChannelChoice
        The channels.
    plans : list of Plan
        The windows of each recording.
    codes : dict of str -> int
        The event number of each label.
    label_column : str
        The column of the labels.

    Returns
    -------
    parts : dict
        Keywords of ``mne.EpochsArray``.
    """
    process = plans[0].processing
    info = reference_info(records[0].raw.info, choice.contacts, choice.reference)
    with info._unlock():
        info["sfreq"] = process.sfreq
        info["highpass"] = process.l_freq or 0.0
        info["lowpass"] = process.h_freq or min(process.sfreq, process.rate) / 2
    info["description"] = CAUSAL if process.causal else ZERO_PHASE
    samples, shift = [], 0
    for record, plan in zip(records, plans, strict=True):
        samples.append(plan.starts + plan.lead + shift)
        rate = record.raw.info["sfreq"]
        shift += int(np.ceil(record.raw.n_times * process.sfreq / rate))
    table = pd.concat([plan.trials for plan in plans], ignore_index=True)
    numbers = table[label_column].map(codes).to_numpy(dtype=int)
    samples = np.concatenate(samples)
    events = np.column_stack([samples, np.zeros_like(samples), numbers])
    reasons = [reason for plan in plans for reason in plan.reasons]
    seen = set(numbers.tolist())
    return {
        "info": info,
        "events": events,
        "tmin": -plans[0].lead / process.sfreq,
        "event_id": {name: code for name, code in codes.items() if code in seen},
        "metadata": with_numbers(table, texts=(label_column, *TEXTS)),
        "selection": np.flatnonzero([not reason for reason in reasons]),
        "drop_log": tuple(reasons),
    }
