"""A simulated subject who says streams of syllables: what is said when is known.

The brain is that of :mod:`mne_duin.datasets.simulation._words`. A syllable is a short
sequence of articulatory gestures; each gesture evokes a waveform and a bump of
high-gamma power in the planted sources, in vSMC before it and in STG after it.
Syllables follow each other with short pauses and in random order, so their responses
overlap, and nothing but the answers tells which one it is.
"""

import numpy as np
import pandas as pd

from mne_duin.channels import assign_regions
from mne_duin.datasets.simulation._brain import draw_brain, record_run, truth_table
from mne_duin.datasets.simulation._lexicon import GESTURE_DURATION, word_gestures
from mne_duin.datasets.simulation._montages import get_montage, montage_table
from mne_duin.datasets.simulation._schedule import CUE_SECONDS
from mne_duin.datasets.simulation._settings import SimulationSettings
from mne_duin.datasets.simulation._words import SimulatedRecording, cut_epochs
from mne_duin.sequences._pinyin import split_pinyin
from mne_duin.utils._checks import check_number, check_option, check_type

SYLLABLES = ("ba", "du", "gei", "xi", "shan", "le", "zong", "mao")
CUE_BEFORE_VOICE = 0.8  # s
BETWEEN_EPOCHS = 0.5  # s
SLOWEST = 0.67  # of normal speed


def simulate_syllables(
    *,
    syllables=SYLLABLES,
    n_syllables=(4, 6),
    n_epochs=40,
    n_runs=5,
    pause=0.08,
    repeats=False,
    sfreq=1000.0,
    montage="left",
    snr=1.6,
    phase_locked=0.5,
    onset_jitter=0.018,
    speed_jitter=0.1,
    gain_jitter=0.3,
    tmin=-0.5,
    tmax=3.0,
    reference="bipolar",
    random_state=None,
):
    """Simulate epochs of continuous syllables, with known truth.

    Parameters
    ----------
    syllables : sequence of str
        The inventory, in pinyin; no two may be made of the same gestures.
    n_syllables : tuple of int
        Smallest and largest number of syllables in an epoch.
    n_epochs : int
        Epochs in every run.
    n_runs : int
        Number of runs.
    pause : float
        Mean pause between two syllables in s.
    repeats : bool
        Whether a syllable may follow itself.
    sfreq : float
        Sampling rate in Hz.
    montage : "left" | "right" | Montage
        Where the contacts are.
    snr, phase_locked, onset_jitter, speed_jitter, gain_jitter : float
        See :class:`SimulationSettings`; here every syllable has an onset, speed and
        gain of its own, and the jitter of the onset is that of the cortical answers
        around the syllable that the truth records.
    tmin, tmax : float
        Beginning and end of an epoch in s around the onset of the first syllable; the
        sample at ``tmax`` is not included.
    reference : "bipolar" | None
        Whether neighbors on a shaft are subtracted from each other.
    random_state : int | numpy.random.Generator | None
        Seed. The same seed gives the same epochs.

    Returns
    -------
    epochs : Epochs
        Volts; ``metadata`` has ``run`` and ``syllables`` (joined by spaces).
    contacts : DataFrame
        One row per channel; ``planted`` is 1 where it carries the syllables.
    tiers : DataFrame
        The truth, one row per interval: ``epoch`` (its position in ``epochs``),
        ``tier`` (``"syllable"``, ``"initial"`` or ``"final"``), ``onset`` (s, around
        the epoch's time 0), ``duration`` (s) and ``label``. Initial and final last as
        long as their syllable.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of its limits, if two syllables are
        made of the same gestures, or if a stream does not fit into the epoch.

    Examples
    --------
    >>> from mne_duin.datasets import simulate_syllables
    >>> epochs, contacts, tiers = simulate_syllables(
    ...     n_epochs=2, n_runs=1, random_state=0
    ... )
    >>> epochs.metadata["syllables"].tolist()
    ['le xi zong le shan', 'gei zong mao ba le shan']
    >>> tiers.groupby("tier").size().to_dict()
    {'final': 11, 'initial': 11, 'syllable': 11}
    """
    check_option("reference", reference, ("bipolar", None))
    gestures = _inventory(syllables)
    limits = _check_stream(n_syllables, n_epochs, pause)
    check_number("tmin", tmin, high=0.0)
    settings = SimulationSettings(
        n_runs=n_runs,
        sfreq=sfreq,
        montage=montage,
        snr=snr,
        phase_locked=phase_locked,
        onset_jitter=onset_jitter,
        speed_jitter=speed_jitter,
        gain_jitter=gain_jitter,
        line_noise=0.0,
        rest=max(3.0, tmax, -tmin),
    )
    settings.check()
    contacts = montage_table(get_montage(montage))
    streams = np.random.default_rng(random_state).spawn(n_runs + 1)
    brain = draw_brain(streams[0], contacts)
    raws, events, said = [], [], []
    for rng in streams[1:]:
        own = _draw_run(rng, gestures, limits, n_epochs, pause, repeats, settings)
        cues = _lay_out(own, tmin, tmax, settings)
        raws.append(_record(rng, brain, cues, own, gestures, settings))
        events.append(cues)
        said.append(own)
    recording = SimulatedRecording(
        raws, events, assign_regions(contacts), truth_table(brain), said, settings
    )
    epochs, contacts, truth = cut_epochs(
        recording, tmin=tmin, tmax=tmax, reference=reference
    )
    contacts = contacts.assign(planted=truth["planted"])
    return epochs, contacts, _truth(said, n_epochs)


def _inventory(syllables):
    """Return the gestures of each syllable."""
    check_type("syllables", syllables, (list, tuple))
    if len(syllables) < 2:
        raise ValueError(f"`syllables` must be two or more; got {list(syllables)}.")
    gestures = {}
    for syllable in syllables:
        split_pinyin(syllable)
        own = word_gestures(syllable)
        twins = [other for other, known in gestures.items() if known == own]
        if twins:
            raise ValueError(
                f"`syllables` must differ in their gestures; {twins[0]!r} and "
                f"{syllable!r} are both made of {', '.join(own)}."
            )
        gestures[syllable] = own
    return gestures


def _check_stream(n_syllables, n_epochs, pause):
    check_number("n_epochs", n_epochs, low=1, integer=True)
    check_number("pause", pause, low=0.0)
    if np.shape(n_syllables) != (2,):
        raise ValueError(
            "`n_syllables` must be the smallest and the largest number; got "
            f"{n_syllables!r}."
        )
    low, high = n_syllables
    check_number("n_syllables", low, low=1, high=high, integer=True)
    check_number("n_syllables", high, low=low, integer=True)
    return low, high


def _draw_run(rng, gestures, limits, n_epochs, pause, repeats, settings):
    """Draw what is said in a run: epoch, syllable, onset in its epoch, speed, gain."""
    names, rows = list(gestures), []
    for epoch in range(n_epochs):
        onset, last = 0.0, None
        for _ in range(rng.integers(limits[0], limits[1] + 1)):
            choice = [name for name in names if repeats or name != last]
            last = choice[rng.integers(len(choice))]
            speed = np.exp(rng.normal(0.0, settings.speed_jitter))
            speed = float(np.clip(speed, SLOWEST, 1 / SLOWEST))
            duration = sum(GESTURE_DURATION[one] for one in gestures[last]) / speed
            gain = rng.lognormal(0.0, settings.gain_jitter)
            rows.append((epoch, last, onset, duration, speed, gain))
            onset += duration + pause * rng.uniform(0.5, 1.5)
    columns = ["epoch", "label", "onset", "duration", "speed", "gain"]
    return pd.DataFrame(rows, columns=columns)


def _lay_out(said, tmin, tmax, settings):
    """Lay the epochs of a run one after the other; each has a cue before the voice."""
    ends = (said["onset"] + said["duration"]).groupby(said["epoch"]).max()
    longest = float(ends.max())
    if longest > tmax:
        raise ValueError(
            f"The longest stream lasts {longest:.2f} s and does not fit into epochs "
            f"that end at `tmax` = {tmax:g} s. Ask for fewer syllables or a later end."
        )
    # No epoch may see what is said in the next one.
    spacing = max(CUE_BEFORE_VOICE + longest + BETWEEN_EPOCHS, tmax - tmin)
    onset = settings.rest + spacing * np.arange(len(ends))
    return pd.DataFrame(
        {
            "onset": np.round(onset * settings.sfreq) / settings.sfreq,
            "duration": CUE_SECONDS,
            "value": 1,
            "trial_type": "syllables",
            "response_time": CUE_BEFORE_VOICE,
            "syllables": said.groupby("epoch")["label"].agg(" ".join).to_numpy(),
        }
    )


def _record(rng, brain, cues, said, gestures, settings):
    """Record a run."""
    voices = (cues["onset"] + cues["response_time"]).to_numpy()
    rows, jitter = [], settings.onset_jitter
    for one in said.itertuples():
        time = voices[one.epoch] + one.onset + rng.normal(0.0, jitter)
        for gesture in gestures[one.label]:
            gain = one.gain * rng.lognormal(0.0, 0.5 * settings.gain_jitter)
            shift = rng.normal(0.0, 0.4 * jitter)
            rows.append((time + shift, gesture, gain, one.speed))
            time += GESTURE_DURATION[gesture] / one.speed
    for onset in cues["onset"]:
        gain = rng.lognormal(0.0, settings.gain_jitter)
        rows.append((onset + rng.normal(0.0, jitter), "cue", gain, 1.0))
    occurrences = pd.DataFrame(rows, columns=["time", "kind", "gain", "speed"])
    return record_run(rng, brain, cues, None, settings, occurrences=occurrences)


def _tiers(said):
    """Write what was said as three tiers of intervals."""
    parts = said["label"].map(split_pinyin)
    labels = {
        "syllable": said["label"],
        "initial": parts.str[0],
        "final": parts.str[1],
    }
    columns = ["epoch", "tier", "onset", "duration", "label"]
    tiers = [said.assign(tier=tier, label=label) for tier, label in labels.items()]
    return pd.concat(tiers, ignore_index=True)[columns]


def _truth(said, n_epochs):
    """Join the tiers of all runs."""
    tiers = [
        _tiers(own.assign(epoch=own["epoch"] + run * n_epochs))
        for run, own in enumerate(said)
    ]
    tiers = pd.concat(tiers).sort_values(["epoch", "onset"], kind="stable")
    return tiers.reset_index(drop=True)
