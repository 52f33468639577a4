"""From sources to contacts: the simulated brain of one subject and its recordings."""

from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd

from mne_duin.datasets.simulation._artifacts import (
    broken_signal,
    ecg_signal,
    line_signal,
)
from mne_duin.datasets.simulation._background import (
    Background,
    OneOverF,
    background_signal,
    draw_background,
    draw_states,
    shaped_noise,
    state_weights,
)
from mne_duin.datasets.simulation._schedule import draw_occurrences, run_seconds
from mne_duin.datasets.simulation._speech import (
    EventSources,
    draw_event_sources,
    event_signal,
    planted_gain,
)

REFERENCE_RMS, AMPLIFIER_RMS, ECG_LEAK = 6.0, 0.8, 0.004


@dataclass(frozen=True)
class Brain:
    """The sources of a subject and how the contacts see them.

    Parameters
    ----------
    contacts : DataFrame
        The contacts, all with coordinates.
    background : Background
        Sources of ongoing activity.
    background_gain : ndarray, shape (n_contacts, n_background)
        How strongly a contact sees each of them.
    events : EventSources
        Sources that answer to gestures, and two that answer to the cue.
    event_gain : ndarray, shape (n_contacts, n_event_sources)
        How strongly a contact sees each of them.
    broken : tuple of str
        Contacts that record noise only.
    """

    contacts: pd.DataFrame
    background: Background
    background_gain: np.ndarray
    events: EventSources
    event_gain: np.ndarray
    broken: tuple


def draw_brain(rng, contacts, *, broken=()):
    """Draw the sources of a subject.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    contacts : DataFrame
        The contacts.
    broken : iterable of str
        Contacts that record noise only.

    Returns
    -------
    brain : Brain
        Sources and gains.
    """
    events = draw_event_sources(rng, contacts)
    background = draw_background(rng, contacts)
    background_gain = np.exp(
        -_distances(contacts, background.positions) / background.reach
    )
    background_gain[background_gain < 0.02] = 0.0
    return Brain(
        contacts=contacts,
        background=background,
        background_gain=background_gain,
        events=events,
        event_gain=planted_gain(_distances(contacts, events.positions)),
        broken=tuple(broken),
    )


def _distances(contacts, positions):
    """Return distances in mm, shape (n_contacts, n_positions)."""
    xyz = contacts[["x", "y", "z"]].to_numpy()
    return np.sqrt(np.sum((xyz[:, None] - positions[None]) ** 2, axis=2))


def record_run(rng, brain, trials, utterances, settings, *, occurrences=None):
    """Record one run of a subject.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    brain : Brain
        The subject.
    trials, utterances : DataFrame
        What happens, see :mod:`mne_duin.datasets.simulation._schedule`.
    settings : SimulationSettings
        What the recording is like.
    occurrences : DataFrame | None
        When every gesture and cue happens, where that is known already; None draws it.

    Returns
    -------
    raw : RawArray
        The contacts and ``"ECG"``, volts.
    """
    n_times = int(np.ceil(run_seconds(trials, settings) * settings.sfreq))
    data = np.zeros((len(brain.contacts) + 1, n_times))
    signals, ecg = data[:-1], data[-1]
    _add_background(rng, signals, brain, settings)
    if occurrences is None:
        occurrences = draw_occurrences(rng, trials, utterances, settings)
    _add_events(rng, signals, brain, occurrences, settings)
    ecg[:] = ecg_signal(rng, n_times, settings.sfreq)
    reference = shaped_noise(rng, n_times, settings.sfreq, OneOverF(1.5))
    signals += REFERENCE_RMS * reference + ECG_LEAK * ecg
    for row, name in enumerate(brain.contacts.index):
        if name in brain.broken:
            signals[row] = broken_signal(rng, n_times, settings.sfreq)
        signals[row] += AMPLIFIER_RMS * rng.standard_normal(n_times)
    data += line_signal(rng, len(data), n_times, settings)
    return _make_raw(data, brain, trials, settings)


def _add_background(rng, signals, brain, settings):
    """Mix the ongoing activity into the contacts; a fixed order keeps the bits."""
    states = draw_states(rng, signals.shape[1], settings.sfreq)
    weights = state_weights(states, settings.sfreq)
    for index in range(len(brain.background.reach)):
        source = background_signal(
            rng, brain.background, index, states, weights, settings.sfreq
        )
        _mix(signals, source, brain.background_gain[:, index])


def _add_events(rng, signals, brain, occurrences, settings):
    """Mix the answers to gestures and cues into the contacts."""
    locked = settings.snr * np.sqrt(2.0 * settings.phase_locked)
    power = settings.snr * np.sqrt(2.0 * (1.0 - settings.phase_locked))
    n_times = signals.shape[1]
    for index in range(len(brain.events.names)):
        source = event_signal(
            rng,
            brain.events,
            index,
            occurrences,
            n_times,
            settings.sfreq,
            gains=(locked, power),
        )
        _mix(signals, source, brain.event_gain[:, index])


def _mix(signals, source, gains):
    for row, gain in enumerate(gains):
        if gain:
            signals[row] += gain * source


def _make_raw(data, brain, trials, settings):
    """Wrap microvolts into a Raw with the cues as annotations."""
    names = [*brain.contacts.index, "ECG"]
    types = ["seeg"] * len(brain.contacts) + ["ecg"]
    info = mne.create_info(names, settings.sfreq, types)
    with info._unlock():
        info["line_freq"] = settings.line_freq
    info["bads"] = list(brain.broken)
    raw = mne.io.RawArray(1e-6 * data, info, verbose="error")
    return raw.set_annotations(
        mne.Annotations(trials["onset"], trials["duration"], trials["trial_type"])
    )


def truth_table(brain):
    """Say which contacts carry information about the word.

    Parameters
    ----------
    brain : Brain
        The subject.

    Returns
    -------
    truth : DataFrame
        Index ``name``; ``planted`` (0 or 1), ``source_gain`` (the largest of the
        following), and ``gain_source1`` …, the gain of each planted source.
    """
    planted = np.array([name != "elsewhere" for name in brain.events.regions])
    names = np.array(brain.events.names)[planted]
    gains = brain.event_gain[:, planted].round(4)
    gains[[name in brain.broken for name in brain.contacts.index]] = 0.0
    return _truth_rows(brain.contacts.index, gains, [f"gain_{name}" for name in names])


def _truth_rows(index, gains, columns):
    truth = pd.DataFrame(gains, columns=columns, index=pd.Index(index, name="name"))
    strongest = np.abs(gains).max(axis=1)
    truth.insert(0, "planted", (strongest > 0.1).astype(int))
    truth.insert(1, "source_gain", strongest)
    return truth


def bipolar_truth(truth, contacts):
    """Carry the truth over to bipolar channels.

    Parameters
    ----------
    truth : DataFrame
        Truth of the contacts, see :func:`truth_table`.
    contacts : DataFrame
        Bipolar channels with ``anode`` and ``cathode``.

    Returns
    -------
    truth : DataFrame
        The same columns; the gain of a channel is that of its anode less that of its
        cathode, and it is planted if that is not (nearly) zero for some source.
    """
    columns = [name for name in truth.columns if name.startswith("gain_")]
    anode = truth.loc[contacts["anode"], columns].to_numpy()
    cathode = truth.loc[contacts["cathode"], columns].to_numpy()
    return _truth_rows(contacts.index, anode - cathode, columns)
