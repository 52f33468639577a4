"""Speech made of units in plain channels: no anatomy, no contacts, no brain states.

A second, simpler kind of simulation than :func:`mne_duin.simulate_unit_speech`, so that
what was found on one can be reported on the other. Every channel has 1/f activity that
is mixed over channels, bursts of 5, 10 and 20 Hz, and a high-gamma carrier. 16
units of 80 to 180 ms each have a spatial pattern, a wave of 4 to 12 Hz locked in
phase, and a bump of high-gamma amplitude. Words are sequences of three to six units.
"""

import mne
import numpy as np
from scipy import fft

SFREQ = 400.0
N_CHANNELS, N_UNITS, N_ARTICULATORS = 8, 16, 4
KINDS = {"phase-locked": (1, 0), "power": (0, 1), "both": (1, 1)}
EVOKED, POWER = 0.8, 0.45  # relative to the 1/f activity, and of the carrier
WEAK = 0.6  # a strength at which decoders differ clearly
SPEED, GAIN, JITTER = 0.15, 0.3, 0.06
BLOCK = 600  # s


def simulate(
    kind,
    seed,
    hours,
    *,
    n_trials,
    n_words=8,
    vocabulary=40,
    language=None,
    strength=1.0,
):
    """Return trials, words, segments of 2 s and the units of the segments' tokens.

    Speakers of the same ``language``, a seed, have the same words and units in time.
    ``strength`` multiplies what units add to the signal.
    """
    speaker = Speaker(np.random.default_rng(seed), kind, vocabulary, strength)
    if language is not None:
        speaker.learn(Speaker(np.random.default_rng(language), kind, vocabulary))
    trials = np.random.default_rng([seed, 1])
    order = trials.permutation(np.repeat(np.arange(n_words), n_trials))
    said = []
    for index, word in enumerate(order):
        start = 2 * index + 0.5 + JITTER * trials.standard_normal()
        said += speaker.say(trials, word, start)[0]
    X = in_pieces(speaker.record(trials, said, round(2 * len(order) * SFREQ)))
    segments, units = [], []
    for block in range(max(round(hours * 3600 / BLOCK), 1)):
        talk = np.random.default_rng([seed, 2, block])
        said, time = [], 0.2
        while time < BLOCK - 2:
            more, time = speaker.say(talk, talk.integers(vocabulary), time)
            said += more
            time += talk.exponential(0.3)
        segments.append(in_pieces(speaker.record(talk, said, round(BLOCK * SFREQ))))
        units.append(token_units(said, BLOCK * 10).reshape(-1, 20))
    names = np.array([f"word{word}" for word in order])
    return as_epochs(X), names, as_epochs(np.concatenate(segments)), np.vstack(units)


class Speaker:
    """Units, words and background of a subject."""

    def __init__(self, rng, kind, vocabulary, strength=1.0):
        self.gains = [strength * gain for gain in KINDS[kind]]
        shared = rng.standard_normal((2, N_ARTICULATORS, N_CHANNELS))
        own = rng.standard_normal((2, N_UNITS, N_CHANNELS))
        articulator = np.arange(N_UNITS) % N_ARTICULATORS
        patterns = np.sqrt(0.3) * shared[:, articulator] + np.sqrt(0.7) * own
        self.evoked, self.power = patterns[0], np.abs(patterns[1])
        self.seconds = rng.uniform(0.08, 0.18, N_UNITS)
        self.hertz = rng.uniform(4, 12, N_UNITS)
        self.phase = rng.uniform(0, 2 * np.pi, N_UNITS)
        self.words = []
        while len(self.words) < vocabulary:
            word = tuple(rng.integers(N_UNITS, size=rng.integers(3, 7)).tolist())
            if word not in self.words:
                self.words.append(word)
        size = N_CHANNELS, N_CHANNELS
        self.mixing = np.eye(N_CHANNELS) + 0.3 * rng.standard_normal(size)
        self.bursts = 0.5 * rng.standard_normal((N_CHANNELS, 3))

    def learn(self, other):
        """Say the words of another subject; where units are in the brain stays."""
        self.words, self.seconds = other.words, other.seconds
        self.hertz, self.phase = other.hertz, other.phase

    def say(self, rng, word, time):
        """Return units (unit, onset, duration, gain) of a word, and when it ends."""
        speed = np.exp(SPEED * rng.standard_normal())
        gain, said = np.exp(GAIN * rng.standard_normal()), []
        for unit in self.words[word]:
            said.append((unit, time, self.seconds[unit] / speed, gain))
            time += self.seconds[unit] / speed
        return said, time

    def record(self, rng, said, n_times):
        """Return the signal of what is said, (n_channels, n_times)."""
        pink = [noise(rng, n_times, lambda f: (1 + f**2) ** -0.5) for _ in range(8)]
        x = self.mixing @ np.array(pink)
        for own, hertz in zip(self.bursts.T, (5, 10, 20), strict=True):
            slow = np.abs(noise(rng, n_times, lambda f: np.exp(-((f / 0.5) ** 2))))
            wave = noise(rng, n_times, lambda f, at=hertz: np.exp(-((f - at) ** 2)))
            x += own[:, None] * (np.maximum(slow - 1, 0) * wave)
        evoked, height = np.zeros_like(x), np.zeros_like(x)
        for unit, onset, seconds, gain in said:
            first = int(np.ceil(onset * SFREQ))
            time = np.arange(first, int((onset + seconds) * SFREQ)) / SFREQ - onset
            if first < 0 or first + len(time) > n_times:
                continue
            bump = gain * np.sin(np.pi * time / seconds) ** 2
            wave = np.cos(2 * np.pi * self.hertz[unit] * time + self.phase[unit])
            inside = slice(first, first + len(time))
            evoked[:, inside] += self.evoked[unit][:, None] * (bump * wave)
            height[:, inside] += self.power[unit][:, None] * bump
        carrier = np.array([noise(rng, n_times, high_gamma) for _ in range(N_CHANNELS)])
        locked, power = self.gains
        x += locked * EVOKED * evoked + 0.15 * carrier * (0.6 + power * POWER * height)
        return x


def noise(rng, n_times, shape):
    """Return noise of unit variance whose amplitude spectrum has a shape."""
    size = fft.next_fast_len(n_times, real=True)
    amplitude = shape(fft.rfftfreq(size, 1 / SFREQ))
    amplitude[0] = 0
    x = fft.irfft(fft.rfft(rng.standard_normal(size)) * amplitude, size)[:n_times]
    return x / x.std()


def high_gamma(hertz):
    """Return 1 between 70 and 150 Hz."""
    return ((hertz > 70) & (hertz < 150)).astype(float)


def token_units(said, n_tokens):
    """Return which unit fills most of every token of 0.1 s; the last is silence."""
    filled = np.zeros((n_tokens, N_UNITS + 1))
    filled[:, -1] = 0.05
    for unit, onset, seconds, _ in said:
        end = onset + seconds
        for token in range(int(onset * 10), min(int(end * 10), n_tokens - 1) + 1):
            inside = min(end, token / 10 + 0.1) - max(onset, token / 10)
            filled[token, unit] += max(inside, 0.0)
    return filled.argmax(-1)


def in_pieces(x):
    """Cut (n_channels, n_times) into pieces of 2 s."""
    return x.reshape(len(x), -1, round(2 * SFREQ)).transpose(1, 0, 2)


def as_epochs(x):
    """Return epochs; the numbers are 10 microvolts."""
    names = [f"A{index + 1}" for index in range(N_CHANNELS)]
    info = mne.create_info(names, SFREQ, "seeg")
    return mne.EpochsArray(1e-5 * x, info, verbose=False)
