"""Simulated subjects who share what their sources answer to, but not their contacts."""

from dataclasses import replace

import mne
import numpy as np

from mne_duin.datasets.simulation._brain import draw_brain, record_run, truth_table
from mne_duin.datasets.simulation._lexicon import vocabulary
from mne_duin.datasets.simulation._montages import (
    MONTAGES,
    Montage,
    Shaft,
    montage_table,
)
from mne_duin.datasets.simulation._schedule import draw_trials, draw_utterances
from mne_duin.datasets.simulation._settings import SimulationSettings
from mne_duin.datasets.simulation._speech import LAG, draw_answers
from mne_duin.datasets.simulation._words import SimulatedRecording, cut_epochs
from mne_duin.utils._checks import check_number, check_option, check_type

REPERTOIRE = ("vSMC",) * 3 + ("STG",) * 3 + ("elsewhere",) * 2
SHIFT_MM = 1.5


def simulate_cohort(n_subjects=6, settings=None, *, random_state=None):
    """Simulate the continuous recordings of several word-reading subjects.

    All subjects read the same words, and their planted sources come from one
    repertoire: the first source in vSMC answers to the same gestures with the same
    waveforms in everyone, and so on. So one code book serves all of them. What they do
    not share is where the sources lie, where their contacts are (left or right, shafts
    moved by about 1.5 mm, some shafts missing), and all ongoing activity.

    Parameters
    ----------
    n_subjects : int
        Number of subjects.
    settings : SimulationSettings | None
        What the recordings are like, its montage excepted; None for the defaults.
    random_state : int | None
        Seed. The same seed gives the same recordings; more subjects leave the first
        ones as they are.

    Returns
    -------
    recordings : dict of str to SimulatedRecording
        By subject, ``"01"`` and so on. In the truth, equal names of sources mean equal
        answers.

    Raises
    ------
    ValueError
        If ``settings.trouble`` is set, which is for single subjects.
    """
    check_number("n_subjects", n_subjects, low=1, integer=True)
    check_type("settings", settings, SimulationSettings, none=True)
    settings = SimulationSettings() if settings is None else settings
    settings.check()
    if settings.trouble:
        raise ValueError("`settings.trouble` is for single subjects; leave it out.")
    shared, *streams = np.random.default_rng(random_state).spawn(n_subjects + 1)
    repertoire = _draw_repertoire(shared)
    return {
        f"{index + 1:02d}": _simulate_subject(stream, index, repertoire, settings)
        for index, stream in enumerate(streams)
    }


def simulate_subjects(
    n_subjects=6,
    *,
    n_words=8,
    n_trials_per_word=9,
    n_runs=4,
    sfreq=512.0,
    snr=0.8,
    phase_locked=0.5,
    tmin=-0.5,
    tmax=2.5,
    align="response_time",
    reference="bipolar",
    random_state=None,
):
    """Simulate the epochs of several word-reading subjects, with known truth.

    The subjects share the words and what their sources answer to, but neither contacts
    nor mixing; see :func:`mne_duin.datasets.simulate_cohort`. Nothing is filtered;
    there is no line noise.

    Parameters
    ----------
    n_subjects : int
        Number of subjects.
    n_words, n_trials_per_word, n_runs : int
        Size of the vocabulary, trials of every word in every run, and runs.
    sfreq : float
        Sampling rate in Hz.
    snr, phase_locked : float
        Strength of the planted responses and the fraction that is locked in phase, see
        :class:`~mne_duin.datasets.SimulationSettings`.
    tmin, tmax : float
        Beginning and end of an epoch in s; the sample at ``tmax`` is not included.
    align : "response_time" | "onset"
        What lies at time 0: the voice onset or the cue.
    reference : "bipolar" | None
        Whether neighbors on a shaft are subtracted from each other.
    random_state : int | None
        Seed. The same seed gives the same epochs; more subjects leave the first ones as
        they are.

    Returns
    -------
    subjects : dict of str to (Epochs, DataFrame, DataFrame)
        Epochs, contacts and truth of each subject, as
        :func:`~mne_duin.simulate_word_reading` returns them.

    See Also
    --------
    stack_subjects : Put them into one Epochs object.

    Examples
    --------
    >>> subjects = simulate_subjects(
    ...     2, n_runs=1, n_trials_per_word=1, random_state=0
    ... )
    >>> epochs, contacts, truth = subjects["02"]
    >>> len(epochs), list(truth.index) == epochs.ch_names
    (8, True)
    """
    check_option("align", align, ("response_time", "onset"))
    check_option("reference", reference, ("bipolar", None))
    settings = SimulationSettings(
        n_words=n_words,
        n_trials_per_word=n_trials_per_word,
        n_runs=n_runs,
        sfreq=sfreq,
        snr=snr,
        phase_locked=phase_locked,
        line_noise=0.0,
    )
    recordings = simulate_cohort(n_subjects, settings, random_state=random_state)
    cut = {"tmin": tmin, "tmax": tmax, "align": align, "reference": reference}
    subjects = {}
    for name, recording in recordings.items():
        epochs, contacts, truth = cut_epochs(recording, **cut)
        with mne.use_log_level("WARNING"):
            epochs.metadata = epochs.metadata.assign(subject=name)
        subjects[name] = epochs, contacts, truth
    return subjects


def _draw_repertoire(rng):
    """Draw what the sources of all subjects respond to, and when."""
    evoked, power = draw_answers(rng, REPERTOIRE)
    lag = np.array([LAG[region] for region in REPERTOIRE])
    return evoked, power, lag + rng.uniform(-0.02, 0.02, len(lag))


def _simulate_subject(rng, index, repertoire, settings):
    montage_rng, brain_rng, *streams = rng.spawn(2 + settings.n_runs)
    montage = draw_montage(montage_rng, ("left", "right")[index % 2])
    contacts = montage_table(montage)
    brain = draw_brain(brain_rng, contacts)
    brain = replace(brain, events=_share(brain.events, repertoire))
    words = vocabulary(settings.n_words)
    raws, events, utterances = [], [], []
    for stream in streams:
        trials = draw_trials(stream, words, settings)
        said = draw_utterances(stream, trials, words, settings)
        raws.append(record_run(stream, brain, trials, said, settings))
        events.append(trials)
        utterances.append(said)
    return SimulatedRecording(
        raws=raws,
        events=events,
        contacts=contacts,
        truth=truth_table(brain),
        utterances=utterances,
        settings=replace(settings, montage=montage),
    )


def _share(events, repertoire):
    """Give sources the answers of the repertoire, in order within their region."""
    rows, seen = [], []
    for region in events.regions:
        rows.append(REPERTOIRE.index(region) + seen.count(region))
        seen.append(region)
    evoked, power, lag = (part[rows] for part in repertoire)
    names = tuple(f"source{row + 1}" for row in rows)
    return replace(events, names=names, evoked=evoked, power=power, lag=lag)


def draw_montage(rng, side):
    """Draw the montage of one subject of a cohort.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    side : "left" | "right"
        The preset that is varied: its first two shafts, which reach the speech regions,
        are moved; of the others some are left out and some have fewer contacts.

    Returns
    -------
    montage : Montage
        The montage.
    """
    shafts = []
    for index, shaft in enumerate(MONTAGES[side].shafts):
        n_contacts = len(shaft.labels)
        if index > 1:
            n_contacts = rng.integers(2, n_contacts + 1) * (rng.random() < 0.7)
        shift = rng.normal(0.0, SHIFT_MM, 3)
        tip, entry = (tuple(np.add(end, shift)) for end in (shaft.tip, shaft.entry))
        labels = shaft.labels[: int(n_contacts)]
        if labels:
            shafts.append(Shaft(shaft.name, tip, entry, labels, shaft.missing))
    return Montage(shafts=tuple(shafts))
