"""Do the decoders recover simulated streams of syllables, and does an LDA?

Every simulated subject says 240 epochs of four to six syllables out of eight, in six
runs. One, two or four runs of 40 epochs are learned from, two others are decoded
without being told when anything is said. The presets were made on other simulations
(seeds 0 to 2); here the networks have two transformer blocks instead of four, so that
a seed takes some minutes. Writes one row per decoder and seed, next to the rows of
other seeds that are there already, and the table of all::

    python tests/benchmarks/syllables.py --seeds 301 302 303
"""

import argparse
import time
from itertools import product
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin import (
    DuINTokenDecoder,
    error_rate,
    label_sequences,
    simulate_syllables,
    token_labels,
)
from mne_duin.baselines import TokenLDA
from mne_duin.channels import RegionSelector

FOLDER = Path(__file__).parents[2] / "doc" / "benchmarks"
N_RUNS, N_EPOCHS = 6, 40
N_TRAINING_RUNS = (1, 2, 4)
N_LAYERS = 2
SILENCE = "silence"
CONTEXTS = (1, 2, 3)
COLUMNS = ["decoder", "epochs", "seed", "error_rate", "token_accuracy", "seconds"]


def simulate(seed):
    """Return epochs of the speech regions, token labels and sequences."""
    epochs, contacts, tiers = simulate_syllables(
        n_runs=N_RUNS, n_epochs=N_EPOCHS, random_state=seed
    )
    selector = RegionSelector(contacts, ("vSMC", "STG"))
    epochs = selector.fit(epochs).transform(epochs)
    y = token_labels(epochs, tiers, tier="syllable", silence=SILENCE)
    sequences = np.empty(len(epochs), dtype=object)
    sequences[:] = label_sequences(epochs, tiers, tier="syllable")
    return epochs, y, sequences


def decoders(seed):
    """Yield name, estimator, whether it learns from sequences, how it decodes."""
    for context in CONTEXTS:
        for least in (1, 2):
            name = f"per-token LDA, {context} neighbors, runs of {least}"
            options = {"silence": SILENCE, "min_tokens": least}
            yield name, TokenLDA(context), False, options
    common = {"n_layers": N_LAYERS, "random_state": seed, "verbose": False}
    for least in (1, 2):
        options = {"silence": SILENCE, "min_tokens": least}
        name = f"token decoder, runs of {least}"
        yield name, DuINTokenDecoder(**common), False, options
    ctc = DuINTokenDecoder(loss="ctc", **common)
    yield "CTC, best path", ctc, True, {}
    yield "CTC, beam of 16", ctc, True, {"beam_width": 16}


def measure(seed):
    """Return one row per decoder: error rate, token accuracy and seconds."""
    epochs, y, sequences = simulate(seed)
    run = epochs.metadata["run"].astype(int).to_numpy()
    test = np.flatnonzero(run > max(N_TRAINING_RUNS))
    rows, fitted = [], {}
    for n_runs, one in product(N_TRAINING_RUNS, decoders(seed)):
        name, estimator, from_sequences, options = one
        train = np.flatnonzero(run <= n_runs)
        labels = sequences if from_sequences else y
        key = n_runs, repr(estimator)
        if key not in fitted:
            start = time.perf_counter()
            estimator.fit(epochs[train], labels[train])
            fitted[key] = estimator, time.perf_counter() - start
        estimator, seconds = fitted[key]
        decoded = estimator.decode(epochs[test], **options)
        rate = error_rate(sequences[test], decoded)
        accuracy = np.nan
        if not from_sequences:
            accuracy = estimator.score(epochs[test], y[test])
        rows.append((name, len(train), seed, rate, accuracy, seconds))
        print(
            f"{seed}  {name:<36} {len(train):>3}  {rate:.3f}  {accuracy:.3f}  "
            f"{seconds:6.1f} s",
            flush=True,
        )
    return rows


def summarize(rows):
    """Return error rates with all epochs by seed, and means, also with fewer epochs."""
    names, most = rows["decoder"].unique(), rows["epochs"].max()
    few = rows.pivot_table("error_rate", "decoder", "epochs").drop(columns=most)
    few.columns = [f"with {n} epochs" for n in few.columns]
    rows = rows[rows["epochs"] == most]
    wide = rows.pivot(index="decoder", columns="seed", values="error_rate")
    wide.columns = [f"simulation {seed}" for seed in wide.columns]
    wide["mean"] = wide.mean(axis=1)
    means = rows.groupby("decoder")[["token_accuracy", "seconds"]].mean()
    means.columns = ["token accuracy", "seconds"]
    return wide.join(few).join(means).loc[names].round(3)


def main():
    """Run the simulations and write the rows and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[301, 302, 303])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "syllables_runs.tsv"
    for seed in options.seeds:
        rows = pd.DataFrame(measure(seed), columns=COLUMNS)
        if path.exists():
            earlier = pd.read_csv(path, sep="\t")
            rows = pd.concat([earlier[earlier["seed"] != seed], rows])
        rows.round(4).to_csv(path, sep="\t", index=False)
    table = summarize(rows)
    table.to_csv(options.folder / "syllables.tsv", sep="\t")
    print(table.to_string())


if __name__ == "__main__":
    main()
