"""Two, four and eight transformer blocks, trained from scratch with 20 trials per word.

The words of honest_opponent.py, with seeds 12 to 17. Writes doc/benchmarks/blocks.tsv;
rows that are there are not made again::

    OMP_NUM_THREADS=1 python tests/benchmarks/blocks.py
"""

import time
from pathlib import Path

import pandas as pd
from honest_opponent import KINDS, SFREQ, load

from mne_duin import make_duin

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "blocks.tsv"
SEEDS, BLOCKS, N_PER_WORD = range(12, 18), (2, 4, 8), 20
KEY = ["simulation", "seed", "blocks"]


def measure(kind, seed, n_layers):
    """Train and test once; return accuracy in percent and processor seconds."""
    X, y, X_test, y_test = load(kind, seed, N_PER_WORD)
    begin = time.process_time()
    network = make_duin(
        "scratch",
        architecture={"n_layers": n_layers, "sfreq": SFREQ},
        random_state=0,
        verbose=False,
    ).fit(X, y)
    accuracy = (network.predict(X_test) == y_test).mean()
    return round(100 * accuracy, 1), round(time.process_time() - begin, 1)


def main():
    """Add the rows that are missing and print the means."""
    table = pd.DataFrame(columns=[*KEY, "accuracy", "seconds"])
    if TABLE.exists():
        table = pd.read_csv(TABLE, sep="\t")
    known = set(table[KEY].itertuples(index=False, name=None))
    for seed in SEEDS:
        for kind in KINDS:
            for n_layers in BLOCKS:
                if (kind, seed, n_layers) not in known:
                    row = [kind, seed, n_layers, *measure(kind, seed, n_layers)]
                    table.loc[len(table)] = row
                    table.sort_values(KEY).to_csv(TABLE, sep="\t", index=False)
    print(table.pivot_table("accuracy", "simulation", "blocks").round(1))
    print(table.groupby("blocks")["seconds"].mean().round(1))


if __name__ == "__main__":
    main()
