"""Do the networks of the comparison learn where there is much to be learned?

A simulated subject whose responses are strong and locked in phase reads 8 words;
networks learn from six runs (60 trials per word) without pre-training, and two runs
(160 trials) test them. Rows that the table has are not made again::

    python tests/benchmarks/strong_answers.py
"""

import argparse
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from simulated_words import simulate_words

from mne_duin.baselines._make_estimator import NETWORKS, make_estimator
from mne_duin.datasets import SimulationSettings
from mne_duin.evaluation._statistics import wilson_interval

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "strong_answers.tsv"
SEED, N_TRAINING_RUNS = 901, 6
SETTINGS = SimulationSettings(
    n_words=8,
    n_runs=8,
    n_trials_per_word=10,
    sfreq=1000.0,
    line_noise=0.0,
    snr=3.0,
    phase_locked=1.0,
)
# As many as a quarter of an hour on one thread allows.
PASSES = {
    "lda-evoked": 0,
    "ts-tcc": 100,
    "neuro-bert": 60,
    "eeg-conformer": 60,
    "cnn-bigru": 15,
    "cnn-bigru, last states": 30,
    "dewave": 20,
    "dewave, commitment 0.25": 20,
}
# What is not the default of the class.
CHANGES = {
    "cnn-bigru, last states": {"pooling": "last"},
    "dewave, commitment 0.25": {"commitment": 0.25},
}


def measure(name, epochs):
    """Fit on the first runs and test on the others."""
    runs = epochs.metadata["run"].astype(int).to_numpy()
    labels = {code: word for word, code in epochs.event_id.items()}
    y = np.array([labels[code] for code in epochs.events[:, 2]])
    first = runs <= N_TRAINING_RUNS
    kind, parameters = name.partition(", ")[0], dict(CHANGES.get(name, {}))
    if kind in NETWORKS:
        parameters["max_iter"] = PASSES[name]
    if hasattr(NETWORKS.get(kind), "pretrain_iter"):
        parameters["pretrain_iter"] = 0
    estimator = make_estimator(kind, random_state=0, verbose=False, **parameters)
    start = time.process_time()
    estimator.fit(epochs[np.flatnonzero(first)], y[first])
    seconds = time.process_time() - start
    is_right = estimator.predict(epochs[np.flatnonzero(~first)]) == y[~first]
    low, high = wilson_interval(is_right.sum(), len(is_right))
    return {
        "estimator": name,
        "passes": PASSES[name],
        "accuracy": round(is_right.mean(), 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "processor seconds": round(seconds, 1),
    }


def main():
    """Make the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", choices=PASSES, default=list(PASSES))
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    epochs, _ = simulate_words(SETTINGS, SEED)
    for name in options.names:
        table = pd.read_csv(options.table, sep="\t") if options.table.exists() else None
        if table is not None and name in set(table["estimator"]):
            continue
        row = pd.DataFrame([measure(name, epochs)])
        pd.concat([table, row]).to_csv(options.table, sep="\t", index=False)
        print(row.to_string(index=False, header=False), flush=True)


if __name__ == "__main__":
    main()
