"""The same trials at 1000 and at 500 Hz: accuracy and time of Du-IN and the LDA.

``choice`` are the words of honest_opponent.py, made at 1000 Hz with seeds 21 to 24 and
20 trials per word; on them the rate of the quick preset was chosen. ``report`` are
subjects of another simulator, whole recordings of contacts with anatomy, of which the
last run is held out. Writes doc/benchmarks/sampling_rate.tsv and its means; rows that
are there are not made again::

    OMP_NUM_THREADS=1 python tests/benchmarks/sampling_rate.py
"""

import time
from pathlib import Path

import honest_opponent
import numpy as np
import pandas as pd
from scipy.signal import resample_poly
from simulated_words import simulate_words

from mne_duin import make_duin, make_lda
from mne_duin.datasets import SimulationSettings

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "sampling_rate.tsv"
PUBLISHED, FACTORS = 1000.0, (1, 2)
SEEDS, N_PER_WORD, SUBJECTS = range(21, 25), 20, range(61, 65)
SETTINGS = SimulationSettings(n_words=8, n_trials_per_word=10, n_runs=4, sfreq=1000.0)
KEY = ["set", "simulation", "seed", "method", "sfreq"]


def simulated_subject(seed):
    """Return training and test trials of one subject, the last run for the test."""
    epochs, _ = simulate_words(SETTINGS, seed)
    X, y = epochs.get_data(copy=False), epochs.events[:, 2]
    run = epochs.metadata["run"].to_numpy()
    is_test = run == run[-1]
    return X[~is_test], y[~is_test], X[is_test], y[is_test]


def make(method, sfreq):
    """Make a decoder by its name in the table."""
    if method == "lda":
        return make_lda(sfreq=sfreq)
    return make_duin(
        "scratch", architecture={"sfreq": sfreq}, random_state=0, verbose=False
    )


def measure(trials, method, factor):
    """Train and test once; return accuracy in percent and processor seconds."""
    X, y, X_test, y_test = trials
    if factor > 1:
        X, X_test = (resample_poly(x, 1, factor, axis=-1) for x in (X, X_test))
    begin = time.process_time()
    decoder = make(method, PUBLISHED / factor).fit(X, y)
    accuracy = np.mean(decoder.predict(X_test) == y_test)
    return round(100 * accuracy, 1), round(time.process_time() - begin, 1)


def simulations():
    """Yield set, name and seed of every simulation, and a function that makes it."""
    honest_opponent.SFREQ = PUBLISHED
    for seed in SEEDS:
        for kind in honest_opponent.KINDS:
            own = kind, seed, N_PER_WORD
            yield "choice", kind, seed, lambda own=own: honest_opponent.load(*own)
    for seed in SUBJECTS:
        yield "report", "recording", seed, lambda seed=seed: simulated_subject(seed)


def main():
    """Add the rows that are missing and print the means."""
    table = pd.DataFrame(columns=[*KEY, "accuracy", "seconds"])
    if TABLE.exists():
        table = pd.read_csv(TABLE, sep="\t")
    known = set(table[KEY].itertuples(index=False, name=None))
    for *place, load in simulations():
        for method in ("lda", "scratch"):
            for factor in FACTORS:
                key = *place, method, PUBLISHED / factor
                if key not in known:
                    row = [*key, *measure(load(), method, factor)]
                    table.loc[len(table)] = row
                    table.sort_values(KEY).to_csv(TABLE, sep="\t", index=False)
    means = table.pivot_table(
        ["accuracy", "seconds"], ["set", "simulation", "method"], "sfreq"
    )
    means.columns = [f"{name} at {rate:g} Hz" for name, rate in means.columns]
    print(means.round(1))
    path = TABLE.with_name("sampling_rate_means.tsv")
    means.round(1).to_csv(path, sep="\t")


if __name__ == "__main__":
    main()
