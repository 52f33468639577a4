"""Sizes of the quick preset's networks and the start of their head, from scratch.

Blocks, sizes of heads and filters of the first two convolutions were chosen on the
words of honest_opponent.py, with seeds 12 to 17 and 20 trials per word. How unequally
the discriminants count from which the head starts (``steepness``: with 0 all alike,
with 1000 nearly only the one that decodes left-out trials best) and the moving averages
among them (``windows``, in tokens) were chosen on seeds 31 to 35 of plain_speech.py,
that the head sees tokens without context (``skip``) on seed 31 and on seeds 11 and 12
of simulate_unit_speech, so for these all rows are reports. ``recording`` are subjects
of another simulator on which nothing was chosen: whole recordings of contacts with
anatomy at 500 Hz, 30 trials per word, of which the last run is held out. Writes
blocks.tsv, head_sizes.tsv, convolution_filters.tsv, head_shares.tsv,
moving_averages.tsv and head_inputs.tsv to doc/benchmarks; rows that are there are not
made again::

    OMP_NUM_THREADS=1 python tests/benchmarks/network_sizes.py
"""

import argparse
import time
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from unittest.mock import patch

import pandas as pd
from honest_opponent import KINDS, SFREQ, load
from sampling_rate import PUBLISHED, simulated_subject
from scipy.signal import resample_poly

from mne_duin import make_duin
from mne_duin.estimators import _head, presets

FOLDER = Path(__file__).parents[2] / "doc" / "benchmarks"
SEEDS, N_PER_WORD = range(12, 18), 20
RECORDING, RECORDING_SEEDS, FACTOR = "recording", range(71, 77), 2
# Table, column, what the values set and the values that are compared.
COMPARED = (
    ("blocks", "blocks", "n_layers", (2, 4, 8)),
    ("head_sizes", "head size", "head_dim", (16, 32, 64)),
    ("convolution_filters", "filters", "hidden filters", (64, 128)),
    ("head_shares", "steepness", "steepness", (0, 12, 1000)),
    ("moving_averages", "windows", "windows", ("none", "3, 5")),
    ("head_inputs", "without context, too", "skip", (False, True)),
)
WINDOWS = {"none": (), "3, 5": (3, 5)}


def load_trials(kind, seed):
    """Return training and test trials, and their sampling rate."""
    if kind != RECORDING:
        return *load(kind, seed, N_PER_WORD), SFREQ
    X, y, X_test, y_test = simulated_subject(seed)
    X, X_test = (resample_poly(x, 1, FACTOR, axis=-1) for x in (X, X_test))
    return X, y, X_test, y_test, PUBLISHED / FACTOR


def measure(kind, seed, name, value):
    """Train and test once; return accuracy in percent and processor seconds."""
    X, y, X_test, y_test, sfreq = load_trials(kind, seed)
    sizes, changed = {"sfreq": sfreq}, nullcontext()
    if name == "hidden filters":
        # The last convolution has one filter per input, which screening decides.
        changed = patch.object(presets, "HIDDEN_FILTERS", (value, value))
    elif name == "steepness":
        changed = patch.object(_head, "STEEPNESS", value)
    elif name == "windows":
        changed = patch.object(_head, "WINDOWS", WINDOWS[value])
    else:
        sizes[name] = value
    begin = time.process_time()
    with changed:
        network = make_duin(
            "scratch", architecture=sizes, random_state=0, verbose=False
        ).fit(X, y)
    accuracy = (network.predict(X_test) == y_test).mean()
    return round(100 * accuracy, 1), round(time.process_time() - begin, 1)


def compare(table_name, column, name, values):
    """Add the rows of one table that are missing and print the means."""
    path, key = FOLDER / f"{table_name}.tsv", ["simulation", "seed", column]
    table = pd.DataFrame(columns=[*key, "accuracy", "seconds"])
    if path.exists():
        table = pd.read_csv(path, sep="\t")
    known = set(table[key].itertuples(index=False, name=None))
    chosen_on = product(SEEDS, KINDS)
    reported_on = product(RECORDING_SEEDS, [RECORDING])
    for (seed, kind), value in product([*chosen_on, *reported_on], values):
        if (kind, seed, value) not in known:
            row = [kind, seed, value, *measure(kind, seed, name, value)]
            table.loc[len(table)] = row
            table.sort_values(key).to_csv(path, sep="\t", index=False)
    print(table.pivot_table("accuracy", "simulation", column).round(1))
    table["kind"] = table.simulation.where(table.simulation == RECORDING, "words")
    print(table.groupby(["kind", column])[["accuracy", "seconds"]].mean().round(1))


def main():
    """Make all tables, or some by their names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="names of tables; all by default")
    wanted = parser.parse_args().tables
    for table in COMPARED:
        if not wanted or table[0] in wanted:
            compare(*table)


if __name__ == "__main__":
    main()
