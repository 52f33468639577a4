"""Du-IN from scratch against a linear baseline that uses all bands.

Simulated trials of 2 s at 400 Hz: eight words of three to six units of 80 to 180 ms
over a 1/f background that channels share, with bursts of rhythms and a high-gamma
carrier. Units are locked in phase (onset jitter 15 ms), power only (40 ms) or both
(60 ms). ``bursts`` are two classes that differ in the frequency (12 or 30 Hz) of bursts
of random phase; ``states`` are three states of one contact that differ a little in the
power of several bands.

No default was chosen on seeds 11, 21 and 22, which the table reports (network_sizes.py
chose sizes of the network on seeds 12 to 17). A row is one training; rows that are in
the table are not made again::

    python tests/benchmarks/honest_opponent.py
    python tests/benchmarks/honest_opponent.py --summary

The column ``hits`` has one bit per test trial (hexadecimal), so that methods are
compared on the same trials.
"""

import argparse
import time
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from mne_duin import DecoderEnsemble, make_duin, make_lda

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "honest_opponent.tsv"
SFREQ, SECONDS, N_CHANNELS, N_UNITS, N_WORDS = 400.0, 2.0, 8, 16, 8
N_TEST, MOST_TRIALS = 280, 60
# Onset jitter in s, amplitude of the wave, depth of the high-gamma envelope.
KINDS = {
    "phase-locked": (0.015, 2.0, 0.0),
    "both": (0.06, 1.0, 1.2),
    "power": (0.04, 0.0, 1.2),
}
BANDS = (4, 8), (8, 13), (13, 30), (30, 70), (70, 150)
NAMES = "theta", "alpha", "beta", "low-gamma", "high-gamma"
# Natural logarithm of the power in each band, relative to rest.
STATES = (0, 0, 0, 0, 0), (0, -0.42, -0.63, 0.07, 0.07), (0.21, -0.7, -0.84, 0.35, 0.35)
REPORT_SEEDS = 11, 21, 22
N_PER_WORD = (5, 20, 60)
LDA, FORMER, SCRATCH, ENSEMBLE = "LDA", "LDA, evoked and high gamma", "scratch", "both"
PRINCIPAL = "scratch, principal components"
# Without the power of unmixed channels.
PLAIN_LDA, PLAIN_SCRATCH = "LDA, channels only", "scratch, channels only"
METHODS = (LDA, FORMER, SCRATCH, PRINCIPAL, ENSEMBLE, PLAIN_LDA, PLAIN_SCRATCH)


def spectrum(exponent, floor):
    """Return a 1/f amplitude spectrum that is flat below ``floor`` Hz."""
    return lambda frequencies: np.maximum(frequencies, floor) ** (-exponent / 2)


def noise(rng, shape, amplitude):
    """Return noise of unit variance with an amplitude spectrum, along the last axis."""
    frequencies = np.fft.rfftfreq(shape[-1], 1 / SFREQ)
    transform = np.fft.rfft(rng.standard_normal(shape)) * amplitude(frequencies)
    signal = np.fft.irfft(transform, shape[-1])
    return signal / signal.std(-1, keepdims=True)


def draw_brain(rng):
    """Draw where units are seen, what their waves look like, and the words."""
    places = rng.uniform(0, N_CHANNELS - 1, (2, N_UNITS, 1))
    patterns = np.exp(-0.5 * ((np.arange(N_CHANNELS) - places) / 0.8) ** 2)
    return {
        "wave": patterns[0] * rng.choice([-1, 1], (N_UNITS, 1)),
        "power": patterns[1],
        "frequency": rng.uniform(4, 12, N_UNITS),
        "phase": rng.uniform(0, 2 * np.pi, N_UNITS),
        "duration": rng.uniform(0.08, 0.18, N_UNITS),
        "mixing": 0.6 * rng.standard_normal((N_CHANNELS, 6)),
        "words": [rng.choice(N_UNITS, rng.integers(3, 7)) for _ in range(N_WORDS)],
    }


def background(rng, brain, times):
    """Return shared and local 1/f noise with bursts of rhythms."""
    pink = spectrum(1.8, 4.0)
    signal = brain["mixing"] @ noise(rng, (6, len(times)), pink)
    signal += 0.8 * noise(rng, (N_CHANNELS, len(times)), pink)
    signal += 0.05 * rng.standard_normal(signal.shape)
    for _ in range(4):
        frequency, center = rng.choice([6, 10, 20]), rng.uniform(0, SECONDS)
        envelope = np.exp(-0.5 * ((times - center) / rng.uniform(0.1, 0.3)) ** 2)
        wave = np.sin(2 * np.pi * (frequency * times + rng.uniform()))
        signal[rng.integers(N_CHANNELS)] += envelope * wave
    return signal


def speak(rng, brain, word, times, kind):
    """Return one trial."""
    jitter, wave_gain, depth = KINDS[kind]
    onset, gain = 0.5 + rng.normal(0, jitter), np.exp(rng.normal(0, 0.25))
    rate = np.exp(rng.normal(0, 0.05))
    waves, power = np.zeros((2, N_CHANNELS, len(times)))
    for unit in brain["words"][word]:
        length = brain["duration"][unit] * rate
        envelope = np.exp(-0.5 * ((times - onset - length / 2) / (length / 2.5)) ** 2)
        cycles = brain["frequency"][unit] * (times - onset)
        wave = envelope * np.sin(2 * np.pi * cycles + brain["phase"][unit])
        waves += brain["wave"][unit][:, None] * wave
        power += brain["power"][unit][:, None] * envelope
        onset += length
    carrier = noise(rng, waves.shape, lambda f: (f > 65) & (f < 155))
    carrier *= 0.15 * (1 + depth * gain * power)
    return background(rng, brain, times) + wave_gain * gain * waves + carrier


@cache
def words(kind, seed):
    """Return training and test trials with their words."""
    rng, trials = np.random.default_rng(seed).spawn(2)
    brain, times = draw_brain(rng), np.arange(int(SECONDS * SFREQ)) / SFREQ
    y = np.concatenate(
        [np.tile(np.arange(N_WORDS), MOST_TRIALS), np.arange(N_TEST) % N_WORDS]
    )
    X = np.stack([speak(trials, brain, word, times, kind) for word in y])
    return X.astype(np.float32), y, len(y) - N_TEST


@cache
def bursts(seed):
    """Return trials of two classes of bursts of random phase."""
    rng = np.random.default_rng(seed)
    y, times = np.arange(128) % 2, np.arange(int(SECONDS * SFREQ)) / SFREQ
    X = rng.standard_normal((len(y), 4, len(times)))
    for trial, label in zip(X, y, strict=True):
        envelope = np.exp(-0.5 * ((times - rng.uniform(0.5, 1.5)) / 0.3) ** 2)
        phase = rng.uniform(0, 2 * np.pi, (2, 1))
        trial[:2] += envelope * np.sin(2 * np.pi * (12, 30)[label] * times + phase)
    return X.astype(np.float32), y, 64


@cache
def states(seed):
    """Return trials of one contact in three states that differ in band power."""
    rng = np.random.default_rng(seed)
    y, n_times = np.arange(480) % 3, int(SECONDS * SFREQ) // 2
    frequencies = np.fft.rfftfreq(n_times, 1 / SFREQ)
    X = np.empty((len(y), 1, n_times), np.float32)
    for trial, state in zip(X, y, strict=True):
        gain = np.full(len(frequencies), rng.normal(0, 0.25))
        for (low, high), level in zip(BANDS, STATES[state], strict=True):
            own = (frequencies >= low) & (frequencies < high)
            gain[own] += level + rng.normal(0, 0.3)
        trial[0] = noise(rng, (n_times,), lambda f: np.maximum(f, 1) ** -1.0)
        trial[0] = np.fft.irfft(np.fft.rfft(trial[0]) * np.exp(gain / 2), n_times)
    return X, y, 320


def load(kind, seed, n):
    """Return training and test trials, ``n`` of each class to learn from."""
    X, y, n_train = words(kind, seed) if kind in KINDS else globals()[kind](seed)
    first = [np.flatnonzero(y[:n_train] == label)[:n] for label in np.unique(y)]
    rows = np.sort(np.concatenate(first))
    return X[rows], y[rows], X[n_train:], y[n_train:]


def make(method):
    """Make a decoder by its name in the table."""
    changes = {PRINCIPAL: {"init": "principal"}, PLAIN_SCRATCH: {"bands": NAMES}}
    network = make_duin(
        "scratch",
        architecture={"n_layers": 2, "sfreq": SFREQ},
        classifier=changes.get(method),
        random_state=0,
        verbose=False,
    )
    lda = make_lda(sfreq=SFREQ, calibrated=True)
    made = {
        LDA: lda,
        FORMER: make_lda("both", sfreq=SFREQ, unmixed=False),
        SCRATCH: network,
        PRINCIPAL: network,
        PLAIN_SCRATCH: network,
        PLAIN_LDA: make_lda(sfreq=SFREQ, calibrated=True, unmixed=False),
        ENSEMBLE: DecoderEnsemble([("scratch", network), ("lda", lda)]),
    }
    return made[method]


def measure(kind, seed, n, method):
    """Train and test once; return the row of the table."""
    X, y, X_test, y_test = load(kind, seed, n)
    begin = time.process_time()
    hits = make(method).fit(X, y).predict(X_test) == y_test
    return {
        "simulation": kind,
        "seed": seed,
        "trials per class": n,
        "method": method,
        "accuracy": round(100 * hits.mean(), 1),
        "seconds": round(time.process_time() - begin, 1),
        "hits": np.packbits(hits).tobytes().hex(),
    }


def summary(table):
    """Return the mean accuracies and differences from the LDA on the same trials."""
    rows = []
    table = table[table["seed"].isin(REPORT_SEEDS)]
    for (kind, n, method), own in table.groupby(
        ["simulation", "trials per class", "method"], sort=False
    ):
        known = (table["simulation"] == kind) & (table["trials per class"] == n)
        lda = table[known & (table["method"] == LDA)].set_index("seed")["hits"]
        pairs = [
            (_bits(hits), _bits(lda[seed]))
            for seed, hits in zip(own["seed"], own["hits"], strict=True)
            if seed in lda
        ]
        difference = 100 * np.concatenate([a - b for a, b in pairs])
        rows.append(
            {
                "simulation": kind,
                "trials per class": n,
                "method": method,
                "seeds": len(pairs),
                "accuracy": own["accuracy"].mean().round(1),
                "minus LDA": difference.mean().round(1),
                "95 %": round(1.96 * difference.std() / len(difference) ** 0.5, 1),
            }
        )
    return pd.DataFrame(rows)


def _bits(text):
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)).astype(int)


def main():
    """Make the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=REPORT_SEEDS)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--trials", nargs="+", type=int, default=N_PER_WORD)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    table = pd.read_csv(options.table, sep="\t") if options.table.exists() else None
    if options.summary:
        print(summary(table).to_string(index=False))
        return
    jobs = [(kind, seed, 20) for kind in ("bursts", "states") for seed in options.seeds]
    jobs += [(k, s, n) for n in options.trials for s in options.seeds for k in KINDS]
    key = ["simulation", "seed", "trials per class", "method"]
    for job in jobs:
        for method in options.methods:
            if table is not None and (table[key] == [*job, method]).all(axis=1).any():
                continue
            row = pd.DataFrame([measure(*job, method)])
            table = row if table is None else pd.concat([table, row])
            table.to_csv(options.table, sep="\t", index=False)
            print(row.drop(columns="hits").to_string(index=False, header=False))


if __name__ == "__main__":
    main()
