"""Transformer blocks and sizes of heads, trained from scratch with 20 trials per word.

The words of honest_opponent.py, with seeds 12 to 17. Writes doc/benchmarks/blocks.tsv
and doc/benchmarks/head_sizes.tsv; rows that are there are not made again::

    OMP_NUM_THREADS=1 python tests/benchmarks/network_sizes.py
"""

import time
from itertools import product
from pathlib import Path

import pandas as pd
from honest_opponent import KINDS, SFREQ, load

from mne_duin import make_duin

FOLDER = Path(__file__).parents[2] / "doc" / "benchmarks"
SEEDS, N_PER_WORD = range(12, 18), 20
# Table, column, parameter and the values that are compared.
COMPARED = (
    ("blocks", "blocks", "n_layers", (2, 4, 8)),
    ("head_sizes", "head size", "head_dim", (16, 32, 64)),
)


def measure(kind, seed, **sizes):
    """Train and test once; return accuracy in percent and processor seconds."""
    X, y, X_test, y_test = load(kind, seed, N_PER_WORD)
    begin = time.process_time()
    network = make_duin(
        "scratch",
        architecture={"sfreq": SFREQ} | sizes,
        random_state=0,
        verbose=False,
    ).fit(X, y)
    accuracy = (network.predict(X_test) == y_test).mean()
    return round(100 * accuracy, 1), round(time.process_time() - begin, 1)


def compare(name, column, parameter, values):
    """Add the rows of one table that are missing and print the means."""
    path, key = FOLDER / f"{name}.tsv", ["simulation", "seed", column]
    table = pd.DataFrame(columns=[*key, "accuracy", "seconds"])
    if path.exists():
        table = pd.read_csv(path, sep="\t")
    known = set(table[key].itertuples(index=False, name=None))
    for seed, kind, value in product(SEEDS, KINDS, values):
        if (kind, seed, value) not in known:
            row = [kind, seed, value, *measure(kind, seed, **{parameter: value})]
            table.loc[len(table)] = row
            table.sort_values(key).to_csv(path, sep="\t", index=False)
    print(table.pivot_table("accuracy", "simulation", column).round(1))
    print(table.groupby(column)[["accuracy", "seconds"]].mean().round(1))


def main():
    """Make all tables."""
    for table in COMPARED:
        compare(*table)


if __name__ == "__main__":
    main()
