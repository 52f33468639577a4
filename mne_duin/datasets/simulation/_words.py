"""A simulated word-reading subject: everything about it is known.

The simulation's assumptions, from the source to the contact:

1. *Ongoing activity.* Next to every contact lies a source with a 1/f spectrum,
   high-gamma noise and two rhythms (theta, alpha/mu or beta) that come in bursts with a
   waveform of their own; three broad sources are shared by distant contacts. Four brain
   states that last 0.4 s to several seconds change the strength of all of it.
2. *Speech.* A word is a sequence of two to eight articulatory gestures out of twelve,
   spelled from its pinyin. Each gesture evokes in the planted sources (vSMC before,
   STG after the gesture) a waveform locked in phase (3-14 Hz) and a bump of
   70-150 Hz power with random phase. Utterances differ in onset, speed and gain.
3. *Unlabeled speech.* Between trials and at the ends of a run the subject says made-up
   syllables to himself, built from the same gestures. A network that learns from
   unlabeled segments can therefore learn something that serves the words.
4. *Contacts.* A source reaches the contacts around it, weaker with distance, so that
   neighbors share signals. Planted sources reach 7 mm and no farther.
5. *Recording.* A signal of the common reference, amplifier noise, mains with
   harmonics, an ECG that leaks a little into the contacts and, if asked for, a broken
   contact and one without coordinates.
"""

from dataclasses import dataclass, field

import mne
import numpy as np
import pandas as pd

from mne_duin.channels import assign_regions, reference_bipolar
from mne_duin.datasets.simulation._brain import (
    bipolar_truth,
    draw_brain,
    record_run,
    truth_table,
)
from mne_duin.datasets.simulation._lexicon import vocabulary
from mne_duin.datasets.simulation._montages import get_montage, montage_table
from mne_duin.datasets.simulation._schedule import draw_trials, draw_utterances
from mne_duin.datasets.simulation._settings import SimulationSettings
from mne_duin.utils._checks import check_option, check_type


@dataclass(frozen=True)
class SimulatedRecording:
    """A simulated recording and its truth.

    Parameters
    ----------
    raws : list of RawArray
        One per run: the contacts and an ECG channel, volts.
    events : list of DataFrame
        The columns of events.tsv, one table per run.
    contacts : DataFrame
        The contacts.
    truth : DataFrame
        Index ``name``: ``planted`` (0 or 1), ``source_gain`` (of the strongest planted
        source), ``gain_source1`` … (of each of them).
    utterances : list of DataFrame
        All that is said in each run: ``onset``, ``gestures``, ``labelled``.
    settings : SimulationSettings
        What was asked for.
    """

    raws: list
    events: list
    contacts: pd.DataFrame
    truth: pd.DataFrame
    utterances: list = field(repr=False)
    settings: SimulationSettings


def simulate_recording(settings=None, *, random_state=None):
    """Simulate the continuous recording of a word-reading subject.

    The subject's brain and every run have random streams of their own: with the same
    seed, more runs or trials leave the brain as it is.

    Parameters
    ----------
    settings : SimulationSettings | None
        What the recording is like; None for the defaults.
    random_state : int | numpy.random.Generator | None
        Seed. The same seed gives the same recording.

    Returns
    -------
    recording : SimulatedRecording
        Runs, events, contacts and truth.

    Examples
    --------
    >>> settings = SimulationSettings(n_runs=1, n_trials_per_word=2)
    >>> recording = simulate_recording(settings, random_state=0)
    >>> len(recording.raws), recording.contacts.index[3]
    (1, "TI'4")
    """
    check_type("settings", settings, SimulationSettings, none=True)
    settings = SimulationSettings() if settings is None else settings
    settings.check()
    words = vocabulary(settings.n_words)
    montage = get_montage(settings.montage)
    contacts = montage_table(montage)
    streams = np.random.default_rng(random_state).spawn(settings.n_runs + 1)
    broken = montage.bad if settings.trouble else ()
    brain = draw_brain(streams[0], contacts, broken=broken)
    runs = [_simulate_run(rng, brain, words, settings) for rng in streams[1:]]
    raws, events, utterances = map(list, zip(*runs, strict=True))
    return SimulatedRecording(
        raws=raws,
        events=events,
        contacts=_final_contacts(contacts, montage, settings.trouble),
        truth=truth_table(brain),
        utterances=utterances,
        settings=settings,
    )


def _simulate_run(rng, brain, words, settings):
    trials = draw_trials(rng, words, settings)
    utterances = draw_utterances(rng, trials, words, settings)
    raw = record_run(rng, brain, trials, utterances, settings)
    return raw, trials, utterances


def _final_contacts(contacts, montage, trouble):
    """Name the regions and, with trouble, forget where the unlocated contacts are."""
    contacts = contacts.copy()
    if trouble:
        contacts.loc[list(montage.unlocated), ["x", "y", "z"]] = np.nan
    return assign_regions(contacts)


def simulate_word_reading(
    *,
    n_words=8,
    n_trials_per_word=9,
    n_runs=4,
    sfreq=512.0,
    montage="left",
    snr=0.8,
    phase_locked=0.5,
    onset_jitter=0.018,
    speed_jitter=0.2,
    gain_jitter=0.4,
    tmin=-0.5,
    tmax=2.5,
    align="response_time",
    reference="bipolar",
    random_state=None,
):
    """Simulate the epochs of a word-reading subject, with known truth.

    Nothing is filtered; there is no line noise, so that nothing has to be. For the
    continuous recording, and segments of it, see :func:`simulate_recording`.

    Parameters
    ----------
    n_words, n_trials_per_word, n_runs : int
        Size of the vocabulary, trials of every word in every run, and runs.
    sfreq : float
        Sampling rate in Hz.
    montage : "left" | "right" | Montage
        Where the contacts are.
    snr, phase_locked, onset_jitter, speed_jitter, gain_jitter : float
        See :class:`SimulationSettings`.
    tmin, tmax : float
        Beginning and end of an epoch in s; the sample at ``tmax`` is not included.
    align : "response_time" | "onset"
        What lies at time 0: the voice onset or the cue.
    reference : "bipolar" | None
        Whether neighbors on a shaft are subtracted from each other.
    random_state : int | numpy.random.Generator | None
        Seed. The same seed gives the same epochs.

    Returns
    -------
    epochs : Epochs
        Volts; ``metadata`` has the columns of events.tsv and ``run``.
    contacts : DataFrame
        One row per channel.
    truth : DataFrame
        One row per channel, index ``name``: ``planted`` (0 or 1), ``source_gain`` and
        one gain per planted source.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of its limits; the message names it.

    Examples
    --------
    >>> epochs, contacts, truth = simulate_word_reading(
    ...     n_runs=1, n_trials_per_word=2, random_state=0
    ... )
    >>> len(epochs), list(truth.index) == epochs.ch_names
    (16, True)
    """
    check_option("align", align, ("response_time", "onset"))
    check_option("reference", reference, ("bipolar", None))
    settings = SimulationSettings(
        n_words=n_words,
        n_trials_per_word=n_trials_per_word,
        n_runs=n_runs,
        sfreq=sfreq,
        montage=montage,
        snr=snr,
        phase_locked=phase_locked,
        onset_jitter=onset_jitter,
        speed_jitter=speed_jitter,
        gain_jitter=gain_jitter,
        line_noise=0.0,
    )
    recording = simulate_recording(settings, random_state=random_state)
    return cut_epochs(recording, tmin=tmin, tmax=tmax, align=align, reference=reference)


def cut_epochs(recording, *, tmin=-0.5, tmax=2.5, align="response_time", reference):
    """Cut the trials out of a simulated recording.

    Parameters
    ----------
    recording : SimulatedRecording
        The recording.
    tmin, tmax : float
        Beginning and end of an epoch in s; the sample at ``tmax`` is not included.
    align : "response_time" | "onset"
        What lies at time 0.
    reference : "bipolar" | None
        Whether neighbors on a shaft are subtracted from each other.

    Returns
    -------
    epochs : Epochs
        The trials of all runs.
    contacts, truth : DataFrame
        One row per channel.
    """
    parts = []
    for run, (raw, trials) in enumerate(
        zip(recording.raws, recording.events, strict=True), start=1
    ):
        contacts, truth = recording.contacts, recording.truth
        raw = raw.copy().pick("seeg")
        if reference == "bipolar":
            raw, contacts = reference_bipolar(raw, contacts)
            truth = bipolar_truth(truth, contacts)
        parts.append(_cut_run(raw, trials.assign(run=str(run)), tmin, tmax, align))
    epochs = mne.concatenate_epochs(parts, verbose="error")
    return epochs, contacts.loc[epochs.ch_names], truth.loc[epochs.ch_names]


def _cut_run(raw, trials, tmin, tmax, align):
    zero = trials["onset"]
    if align == "response_time":
        zero = zero + trials["response_time"]
    sfreq = raw.info["sfreq"]
    samples = np.round(zero.to_numpy() * sfreq).astype(int)
    events = np.column_stack([samples, 0 * samples, trials["value"]])
    return mne.Epochs(
        raw,
        events,
        event_id=dict(zip(trials["trial_type"], trials["value"], strict=True)),
        tmin=tmin,
        tmax=tmax - 1.0 / sfreq,
        baseline=None,
        metadata=trials,
        preload=True,
        verbose="error",
    )
