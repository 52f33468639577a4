"""A simulated subject who talks for hours: words and talk are made of the same units.

Pre-training without labels can help only if the unlabeled recording holds what the
words are made of. Here it does, and how much of it is known: a few speech units fill
continuous talk and the trials of some of its words. A unit has a spatial pattern over
the planted sources, a wave that is locked in phase and a bump of high-gamma power;
either can be left out. Contacts, ongoing activity and the mixing of sources into
contacts are those of :func:`simulate_word_reading`.
"""

from dataclasses import dataclass, field

import mne
import numpy as np
import pandas as pd

from mne_duin.channels import assign_regions, reference_matrix
from mne_duin.datasets.simulation._background import (
    OneOverF,
    add_wave,
    background_signal,
    draw_states,
    high_gamma_shape,
    shaped_noise,
    state_weights,
)
from mne_duin.datasets.simulation._brain import AMPLIFIER_RMS, REFERENCE_RMS, draw_brain
from mne_duin.datasets.simulation._montages import get_montage, montage_table
from mne_duin.utils._checks import check_number, check_option, check_type

EVOKED_PEAK, HIGH_GAMMA_PEAK = 30.0, 4.5  # microvolts at the source for snr=1
KINDS = {"phase-locked": (1.0, 0.0), "power": (0.0, 1.0), "both": (1.0, 1.0)}
UNIT_SECONDS = 0.08, 0.18
WAVE_HZ = 4.0, 12.0
UNITS_PER_WORD = 3, 6
BLOCK_SECONDS = 120.0  # drawn at a time, so that hours need little memory
SEGMENT_SECONDS = 8.0
TRIAL_SPACING = 3.0  # s; a trial sees nothing of the next one
TMIN, TMAX = -0.5, 1.5
UNITS_PER_ARTICULATOR = 4
FASTEST = 1.6


@dataclass(frozen=True)
class UnitSpeechTruth:
    """What is known of simulated unit speech.

    Parameters
    ----------
    words : dict of str to tuple of int
        The units of every word of the vocabulary; those that have trials come first.
    trial_units, unlabelled_units : DataFrame
        What is said in the trials and in the unlabeled segments, one row per unit:
        ``epoch`` (its position), ``unit``, ``onset`` (s after the first sample of the
        epoch, negative where the unit began before it) and ``duration`` (s).
    channels : DataFrame
        One row per channel, index ``name``: ``evoked`` and ``power``, the largest gain
        of any unit in the phase-locked wave and in high-gamma power.
    n_units : int
        Number of units.
    """

    words: dict
    trial_units: pd.DataFrame = field(repr=False)
    unlabelled_units: pd.DataFrame = field(repr=False)
    channels: pd.DataFrame = field(repr=False)
    n_units: int

    def token_units(self, part, shape, token_duration=0.1):
        """Return which unit fills most of every token.

        Parameters
        ----------
        part : "trials" | "unlabelled"
            Which epochs.
        shape : tuple of int
            ``(n_epochs, n_tokens)``.
        token_duration : float
            Length of a token in s.

        Returns
        -------
        units : ndarray of int, shape (n_epochs, n_tokens)
            Index of the unit; ``n_units`` where at least half of the token is silent.
        """
        check_option("part", part, ("trials", "unlabelled"))
        table = self.trial_units if part == "trials" else self.unlabelled_units
        filled = np.full((*shape, self.n_units + 1), 0.0)
        filled[..., -1] = 0.5 * token_duration
        for row in table.itertuples():
            end = row.onset + row.duration
            first = max(int(row.onset // token_duration), 0)
            last = min(int(end // token_duration), shape[1] - 1)
            for token in range(first, last + 1):
                start = token * token_duration
                inside = min(end, start + token_duration) - max(row.onset, start)
                filled[row.epoch, token, row.unit] += max(inside, 0.0)
        return filled.argmax(-1)


@dataclass(frozen=True)
class UnitSettings:
    """How the units are said.

    Parameters
    ----------
    gains : tuple of float
        Factors of the phase-locked and of the high-gamma part.
    sfreq : float
        Sampling rate in Hz.
    pause : float
        Mean pause between two words of the talk in s.
    repetition : float
        Proportion of the talk's utterances that are words of the vocabulary.
    onset_jitter, speed_jitter, gain_jitter : float
        Standard deviations: s, and of the logarithms of speed and gain.
    """

    gains: tuple
    sfreq: float
    pause: float
    repetition: float
    onset_jitter: float
    speed_jitter: float
    gain_jitter: float


@dataclass(frozen=True)
class UnitInventory:
    """The units of a subject: one row per unit, one column per planted source.

    Parameters
    ----------
    seconds : ndarray, shape (n_units,)
        Duration at normal speed.
    hertz : ndarray, shape (n_units,)
        Frequency of the phase-locked wave.
    evoked : ndarray of complex, shape (n_units, n_sources)
        Amplitude and phase of the wave in each source.
    power : ndarray, shape (n_units, n_sources)
        Height of the bump of high-gamma amplitude in each source.
    """

    seconds: np.ndarray
    hertz: np.ndarray
    evoked: np.ndarray
    power: np.ndarray


def simulate_unit_speech(
    *,
    kind="both",
    hours=1.0,
    n_units=16,
    vocabulary=40,
    n_words=8,
    n_trials_per_word=20,
    similarity=0.3,
    repetition=1.0,
    pause=0.3,
    onset_jitter=0.06,
    speed_jitter=0.15,
    gain_jitter=0.3,
    sfreq=400.0,
    montage="left",
    n_channels=8,
    snr=1.0,
    random_state=None,
):
    """Simulate hours of unlabeled talk and trials of words made of the same units.

    Parameters
    ----------
    kind : "both" | "phase-locked" | "power"
        What carries the units: waves of 4 to 12 Hz that are locked in phase, bumps of
        high-gamma power (70 to 150 Hz), or both.
    hours : float
        Hours of unlabeled talk.
    n_units : int
        Number of units; each lasts 80 to 180 ms at normal speed.
    vocabulary : int
        Number of different words; each has 3 to 6 units.
    n_words : int
        How many of them have trials.
    n_trials_per_word : int
        Trials of each of these.
    similarity : float
        How alike units of the same articulator are (four units share one): 0 draws
        every unit on its own, at 1 they differ in duration only.
    repetition : float
        Proportion of the utterances of the talk that are words of the vocabulary; the
        others are new sequences of the same units.
    pause : float
        Mean pause between two utterances of the talk in s.
    onset_jitter : float
        Standard deviation of the beginning of a trial's word around time 0, in s.
    speed_jitter, gain_jitter : float
        Standard deviation of the logarithm of speed and gain of an utterance.
    sfreq : float
        Sampling rate in Hz; at least 350, for the high gamma.
    montage : "left" | "right" | Montage
        Where the contacts are.
    n_channels : int | None
        Keep that many bipolar channels, those that see most of the planted sources;
        None keeps all.
    snr : float
        Strength of the units: 1 is a wave of about 30 microvolts at the source, against
        about 20 microvolts rms of ongoing activity.
    random_state : int | numpy.random.Generator | None
        Seed. The same seed gives the same data; more hours leave trials and the first
        hours as they are.

    Returns
    -------
    epochs : Epochs
        The trials, from -0.5 to 1.5 s around the cued onset of the word, in volts;
        ``metadata`` has ``trial_type`` (the word) and ``run``.
    contacts : DataFrame
        One row per bipolar channel.
    unlabelled : Epochs
        The talk, cut into segments of 8 s that follow each other, in volts.
    truth : UnitSpeechTruth
        Words, and which unit is said when.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of its limits; the message names it.

    See Also
    --------
    simulate_word_reading : Trials with instructed speech, without the talk.

    Examples
    --------
    >>> from mne_duin import simulate_unit_speech
    >>> epochs, contacts, unlabelled, truth = simulate_unit_speech(
    ...     hours=0.02, n_trials_per_word=2, random_state=0
    ... )
    >>> len(epochs), len(unlabelled), len(epochs.ch_names)
    (16, 9, 8)
    >>> truth.token_units("trials", (16, 20)).shape
    (16, 20)
    """
    check_option("kind", kind, tuple(KINDS))
    _check_sizes(locals())
    settings = UnitSettings(
        gains=tuple(snr * factor for factor in KINDS[kind]),
        sfreq=sfreq,
        pause=pause,
        repetition=repetition,
        onset_jitter=onset_jitter,
        speed_jitter=speed_jitter,
        gain_jitter=gain_jitter,
    )
    streams = np.random.default_rng(random_state).spawn(4)
    head = _draw_head(streams[0], montage, n_channels)
    inventory = draw_units(streams[1], len(head.names), n_units, similarity)
    words = draw_words(streams[1], n_units, vocabulary)
    speaker = _Speaker(head, inventory, words, settings)
    epochs, said = _trials(streams[2], speaker, n_words, n_trials_per_word)
    unlabelled, talk = _talk(streams[3], speaker, hours)
    truth = UnitSpeechTruth(
        words=words,
        trial_units=said,
        unlabelled_units=talk,
        channels=_channel_truth(head, inventory, settings.gains),
        n_units=n_units,
    )
    return epochs, head.contacts, unlabelled, truth


def _check_sizes(values):
    for name, low in (("n_units", 2), ("vocabulary", 2), ("n_words", 2)):
        check_number(name, values[name], low=low, integer=True)
    check_number("n_trials_per_word", values["n_trials_per_word"], low=1, integer=True)
    check_number("n_words", values["n_words"], high=values["vocabulary"])
    for name in ("similarity", "repetition"):
        check_number(name, values[name], low=0.0, high=1.0)
    for name in ("pause", "onset_jitter", "speed_jitter", "gain_jitter", "snr"):
        check_number(name, values[name], low=0.0)
    check_number("hours", values["hours"], low=2 * SEGMENT_SECONDS / 3600)
    check_number("sfreq", values["sfreq"], low=350.0)
    check_type("n_channels", values["n_channels"], int, none=True)
    if values["n_channels"] is not None:
        check_number("n_channels", values["n_channels"], low=1)


@dataclass(frozen=True)
class _Head:
    """The bipolar channels of a subject and what they see."""

    contacts: pd.DataFrame
    background: object
    background_gain: np.ndarray  # (n_channels, n_background)
    names: tuple  # of the planted sources
    gain: np.ndarray  # (n_channels, n_sources)


def _draw_head(rng, montage, n_channels):
    """Draw the sources of a subject and subtract neighbors on every shaft."""
    monopolar = assign_regions(montage_table(get_montage(montage)))
    brain = draw_brain(rng, monopolar)
    matrix, pairs = reference_matrix(monopolar, "bipolar")
    planted = np.array([region != "elsewhere" for region in brain.events.regions])
    gain = matrix @ brain.event_gain[:, planted]
    rows = np.arange(len(pairs))
    if n_channels is not None:
        check_number("n_channels", n_channels, high=len(pairs))
        best = np.argsort(-np.abs(gain).max(1), kind="stable")[:n_channels]
        rows = np.sort(best)
    background = matrix @ brain.background_gain
    names = np.array(brain.events.names)[planted]
    return _Head(
        contacts=pairs.iloc[rows],
        background=brain.background,
        background_gain=background[rows],
        names=tuple(names.tolist()),
        gain=gain[rows],
    )


def draw_units(rng, n_sources, n_units, similarity):
    """Draw the units of a subject.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n_sources : int
        Number of planted sources.
    n_units : int
        Number of units.
    similarity : float
        How alike units of the same articulator are, from 0 to 1.

    Returns
    -------
    inventory : UnitInventory
        The units.
    """
    n_groups = -(-n_units // UNITS_PER_ARTICULATOR)
    group = np.arange(n_units) % n_groups
    shared, own = (_draw_patterns(rng, n, n_sources) for n in (n_groups, n_units))
    mixed = [
        np.sqrt(similarity) * ours[group] + np.sqrt(1 - similarity) * mine
        for ours, mine in zip(shared, own, strict=True)
    ]
    hertz = [rng.uniform(*WAVE_HZ, n) for n in (n_groups, n_units)]
    return UnitInventory(
        seconds=rng.uniform(*UNIT_SECONDS, n_units),
        hertz=similarity * hertz[0][group] + (1 - similarity) * hertz[1],
        evoked=mixed[0],
        power=mixed[1],
    )


def _draw_patterns(rng, n_units, n_sources):
    """Draw the waves and bumps of units: about half of the sources take part."""
    shape = (n_units, n_sources)
    active = rng.random((2, *shape)) < 0.6
    phase = rng.uniform(0.0, 2 * np.pi, shape)
    evoked = active[0] * rng.uniform(0.4, 1.0, shape) * np.exp(1j * phase)
    return evoked, active[1] * rng.uniform(0.4, 1.0, shape)


def draw_words(rng, n_units, vocabulary):
    """Draw different words of 3 to 6 units, none of which follows itself.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n_units : int
        Number of units.
    vocabulary : int
        Number of words.

    Returns
    -------
    words : dict of str to tuple of int
        The units of ``"word01"`` and so on.

    Raises
    ------
    ValueError
        If there are not that many words of so few units.
    """
    low, high = UNITS_PER_WORD
    possible = sum(n_units * (n_units - 1) ** (n - 1) for n in range(low, high + 1))
    check_number("vocabulary", vocabulary, high=possible // 2)
    words = {}
    while len(words) < vocabulary:
        word = _draw_sequence(rng, n_units)
        words.setdefault(word, f"word{len(words) + 1:02d}")
    return {name: word for word, name in words.items()}


def _draw_sequence(rng, n_units):
    """Draw an utterance: units in random order, none of which follows itself."""
    steps = rng.integers(1, n_units, rng.integers(*UNITS_PER_WORD, endpoint=True) - 1)
    start = rng.integers(n_units)
    return tuple((np.cumsum([start, *steps]) % n_units).tolist())


@dataclass(frozen=True)
class _Speaker:
    """A subject with words to say."""

    head: _Head
    inventory: UnitInventory
    words: dict
    settings: UnitSettings

    def say(self, rng, units, start):
        """Return rows (unit, onset, duration, gain) of an utterance."""
        settings = self.settings
        speed = np.exp(rng.normal(0.0, settings.speed_jitter))
        speed = float(np.clip(speed, 1 / FASTEST, FASTEST))
        gain = np.exp(rng.normal(0.0, settings.gain_jitter))
        rows = []
        for unit in units:
            seconds = self.inventory.seconds[unit] / speed
            rows.append((unit, start, seconds, gain))
            start += seconds
        return rows

    def record(self, rng, rows, n_times):
        """Return the channels in volts, shape (n_channels, n_times), float32."""
        head, sfreq = self.head, self.settings.sfreq
        data = np.zeros((len(head.contacts), n_times))
        states = draw_states(rng, n_times, sfreq)
        weights = state_weights(states, sfreq)
        for index in range(len(head.background.reach)):
            gain = head.background_gain[:, index]
            if gain.any():
                source = background_signal(
                    rng, head.background, index, states, weights, sfreq
                )
                data += gain[:, None] * source
        data += head.gain @ self._sources(rng, rows, n_times)
        # Subtracting neighbors leaves little of what the reference electrode records.
        leak = 0.05 * rng.standard_normal(len(data))[:, None]
        reference = shaped_noise(rng, n_times, sfreq, OneOverF(1.5))
        data += REFERENCE_RMS * leak * reference
        data += AMPLIFIER_RMS * np.sqrt(2) * rng.standard_normal(data.shape)
        return (1e-6 * data).astype(np.float32)

    def _sources(self, rng, rows, n_times):
        """Return what the planted sources do, in microvolts."""
        n_sources, sfreq = len(self.head.names), self.settings.sfreq
        locked, envelope = np.zeros((2, n_sources, n_times))
        for unit, onset, seconds, gain in rows:
            start = int(np.ceil(onset * sfreq))
            time = np.arange(start, int((onset + seconds) * sfreq)) / sfreq - onset
            wave, bump = self._unit(unit, time / seconds, time)
            for source in range(n_sources):
                add_wave(locked[source], start, gain * wave[source])
                add_wave(envelope[source], start, gain * bump[source])
        evoked, power = self.settings.gains
        carriers = [
            shaped_noise(rng, n_times, sfreq, high_gamma_shape)
            for _ in range(n_sources)
        ]
        return EVOKED_PEAK * evoked * locked + (
            HIGH_GAMMA_PEAK * power * envelope * np.array(carriers)
        )

    def _unit(self, unit, progress, time):
        """Return wave and bump of one unit in every source."""
        bell = np.sin(np.pi * progress) ** 2
        turn = np.exp(2j * np.pi * self.inventory.hertz[unit] * time)
        wave = (self.inventory.evoked[unit][:, None] * turn).real * bell
        return wave, self.inventory.power[unit][:, None] * bell


def _trials(rng, speaker, n_words, n_trials_per_word):
    """Record the trials, five of each word per run, in random order."""
    sfreq = speaker.settings.sfreq
    names = list(speaker.words)[:n_words]
    parts, rows, labels, runs = [], [], [], []
    for run, first in enumerate(range(0, n_trials_per_word, 5), start=1):
        count = min(5, n_trials_per_word - first)
        order = rng.permutation(np.repeat(names, count)).tolist()
        zeros = TRIAL_SPACING * (1 + np.arange(len(order)))
        said = []
        for zero, name in zip(zeros, order, strict=True):
            start = zero + rng.normal(0.0, speaker.settings.onset_jitter)
            said += speaker.say(rng, speaker.words[name], start)
        n_times = round((zeros[-1] + TRIAL_SPACING) * sfreq)
        data = speaker.record(rng, said, n_times)
        starts = np.round((zeros + TMIN) * sfreq).astype(int)
        size = round((TMAX - TMIN) * sfreq)
        parts.append(np.stack([data[:, at : at + size] for at in starts]))
        rows += _place(said, starts / sfreq, (TMAX - TMIN), len(labels))
        labels += order
        runs += [str(run)] * len(order)
    metadata = pd.DataFrame({"trial_type": labels, "run": runs})
    codes = {name: index + 1 for index, name in enumerate(names)}
    events = np.array([codes[label] for label in labels])
    epochs = _as_epochs(speaker, np.concatenate(parts), metadata, events, codes, TMIN)
    return epochs, _units_table(rows)


def _talk(rng, speaker, hours):
    """Record the talk block by block and cut it into segments."""
    sfreq, size = (
        speaker.settings.sfreq,
        round(SEGMENT_SECONDS * speaker.settings.sfreq),
    )
    n_segments = int(hours * 3600 / SEGMENT_SECONDS + 1e-9)
    per_block = int(BLOCK_SECONDS / SEGMENT_SECONDS)
    n_blocks = -(-n_segments // per_block)
    parts, rows = [], []
    for block, stream in enumerate(rng.spawn(n_blocks)):
        count = min(per_block, n_segments - block * per_block)
        said = _chatter(stream, speaker, per_block * SEGMENT_SECONDS)
        data = speaker.record(stream, said, per_block * size)[:, : count * size]
        parts.append(data.reshape(len(data), count, size).transpose(1, 0, 2))
        starts = SEGMENT_SECONDS * np.arange(count)
        rows += _place(said, starts, size / sfreq, block * per_block)
    runs = [f"talk{index // per_block + 1}" for index in range(n_segments)]
    metadata = pd.DataFrame({"trial_type": "talk", "run": runs})
    ones = np.ones(n_segments, dtype=int)
    data = np.concatenate(parts)
    epochs = _as_epochs(speaker, data, metadata, ones, {"talk": 1}, 0.0)
    return epochs, _units_table(rows)


def _chatter(rng, speaker, seconds):
    """Draw what is said in a block."""
    words, n_units = list(speaker.words.values()), len(speaker.inventory.seconds)
    time, said = 0.2, []
    while time < seconds:
        units = words[rng.integers(len(words))]
        if rng.random() >= speaker.settings.repetition:
            units = _draw_sequence(rng, n_units)
        said += speaker.say(rng, units, time)
        time = said[-1][1] + said[-1][2] + rng.exponential(speaker.settings.pause)
    return said


def _place(said, starts, seconds, first):
    """Return rows (epoch, unit, onset, duration) of what lies in each epoch."""
    onsets = np.array([row[1] for row in said])
    ends = onsets + np.array([row[2] for row in said])
    rows = []
    for index, start in enumerate(starts):
        inside = np.flatnonzero((ends > start) & (onsets < start + seconds))
        rows += [
            (first + index, said[i][0], said[i][1] - start, said[i][2]) for i in inside
        ]
    return rows


def _units_table(rows):
    return pd.DataFrame(rows, columns=["epoch", "unit", "onset", "duration"])


def _as_epochs(speaker, data, metadata, codes, event_id, tmin):
    names = list(speaker.head.contacts.index)
    info = mne.create_info(names, speaker.settings.sfreq, "seeg")
    samples = np.arange(len(data)) * data.shape[-1]
    events = np.column_stack([samples, 0 * samples, codes])
    return mne.EpochsArray(
        data,
        info,
        events,
        tmin=tmin,
        event_id=event_id,
        metadata=metadata,
        verbose="error",
    )


def _channel_truth(head, inventory, gains):
    """Return how much of the units each channel sees."""
    evoked = gains[0] * np.abs(inventory.evoked @ head.gain.T).max(0)
    power = gains[1] * np.sqrt(inventory.power**2 @ (head.gain.T) ** 2).max(0)
    index = pd.Index(head.contacts.index, name="name")
    return pd.DataFrame({"evoked": evoked, "power": power}, index=index)
