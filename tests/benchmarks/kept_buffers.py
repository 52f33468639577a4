"""What it saves to keep large buffers between steps, and what memory it takes.

Networks train on random epochs, in turns as usual and with environment variables that
tell the C library (glibc) to keep what is free, each time in a process of its own on
one thread. Rows that the table has are not made again::

    python tests/benchmarks/kept_buffers.py
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pandas as pd

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "kept_buffers.tsv"
# How each network is made; epochs of 3 s, segments of 8 s, 10 channels at 1 kHz.
NETWORKS = {
    "DuINVQVAE (paper)": "DuINVQVAE(preset='paper', batch_size=32, **common)",
    "DuINClassifier (paper)": "DuINClassifier(preset='paper', **common)",
    "EEGConformer": "EEGConformer(**common)",
    "DeWave": "DeWave(pretrain_iter=0, **common)",
    "NeuroBERT": "NeuroBERT(pretrain_iter=0, **common)",
}
SCRIPT = """
import re, sys, warnings
import mne, numpy as np
from mne_duin import *

(network,) = sys.argv[1:]
warnings.simplefilter("ignore")
common = dict(max_iter=3, random_state=0, verbose=False)
estimator = eval(network)
seconds = 8 if "VQVAE" in network else 3
x = np.random.default_rng(0).standard_normal((64, 10, 1000 * seconds))
epochs = mne.EpochsArray(x, mne.create_info(10, 1000.0, "seeg"), verbose=False)
y = np.arange(len(x)) % 8

def memory(kind):
    with open("/proc/self/status") as file:
        return int(re.search(kind + r":\\s+(\\d+) kB", file.read())[1]) / 1024

before = memory("VmRSS")
estimator.fit(epochs, None if "VQVAE" in network else y)
taken = min(record["seconds"] for record in estimator.history_.records)
print(taken / len(x), memory("VmHWM") - before)
"""
# Larger than any buffer: nothing is asked for or given back piece by piece.
KEPT = {"MALLOC_MMAP_THRESHOLD_": "2147483647", "MALLOC_TRIM_THRESHOLD_": "2147483647"}


def measure(network, is_kept):
    """Return seconds per epoch and pass, and peak memory."""
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT, network],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | (KEPT if is_kept else {}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(value) for value in output.stdout.split()]


def compare(name, n_rounds):
    """Return the row of a network: medians over the rounds, with and without."""
    taken = {False: [], True: []}
    for _ in range(n_rounds):
        for is_kept, measured in taken.items():
            measured.append(measure(NETWORKS[name], is_kept))
    given, kept = (
        [median(values) for values in zip(*measured, strict=True)]
        for measured in taken.values()
    )
    return {
        "network": name,
        "ms per epoch, given back": round(1e3 * given[0], 1),
        "kept": round(1e3 * kept[0], 1),
        "times as fast": round(given[0] / kept[0], 2),
        "peak MB, given back": round(given[1]),
        "peak, kept": round(kept[1]),
    }


def main():
    """Make the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    for name in NETWORKS:
        table = pd.read_csv(options.table, sep="\t") if options.table.exists() else None
        if table is not None and name in set(table["network"]):
            continue
        row = pd.DataFrame([compare(name, options.rounds)])
        pd.concat([table, row]).to_csv(options.table, sep="\t", index=False)
        print(row.to_string(index=False, header=False), flush=True)


if __name__ == "__main__":
    main()
