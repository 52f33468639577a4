"""What threads cost on a machine that is busy with something else.

Run on an otherwise idle machine with two cores::

    python tests/benchmarks/busy_threads.py

Threads of OpenMP wait for each other many times in a step; while one has no core, the
others turn in circles. A classifier is trained in a process of its own, next to other
processes that keep a core busy each: with one and two threads (OMP_NUM_THREADS), and as
on the command line, where threads soon fall asleep and their number follows the free
cores. Writes doc/benchmarks/busy_threads.tsv with the seconds of the first pass and the
mean of the later ones.
"""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from mne_duin.cli.main import WAITING

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "busy_threads.tsv"
AUTOMATIC = "automatic"
THREADS = {
    "1": {"OMP_NUM_THREADS": "1"},
    "2": {"OMP_NUM_THREADS": "2"},
    "2, asleep at once": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
    AUTOMATIC: WAITING,
}
BUSY = (0, 1, 2)
TRAIN = """
import numpy as np, time
from mne_duin import DuINClassifier
X = np.random.default_rng(0).standard_normal((96, 10, 3000))
time.sleep(1)
clf = DuINClassifier(max_iter=11, head_init="random", random_state=0, verbose=False)
print(*clf.fit(X, np.arange(96) % 8, sfreq=1000.0).history_.to_frame()["seconds"])
"""


def seconds_of_passes(environment, n_busy):
    """Train in a new process next to busy ones."""
    loop = [sys.executable, "-c", "while True: pass"]
    known = {k: v for k, v in os.environ.items() if "OMP_" not in k}
    busy = [subprocess.Popen(loop) for _ in range(n_busy)]
    try:
        out = subprocess.run(
            [sys.executable, "-c", TRAIN],
            env=known | environment,
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        for process in busy:
            process.kill()
            process.wait()
    first, *later = map(float, out.stdout.split()[-11:])
    return first, sum(later) / len(later)


def main():
    """Measure, write and print the table."""
    rows = []
    for n_busy in BUSY:
        for name, environment in THREADS.items():
            first, later = seconds_of_passes(environment, n_busy)
            rows.append((n_busy, name, round(first, 2), round(later, 2)))
            columns = [
                "busy processes",
                "threads",
                "first pass (s)",
                "later passes (s)",
            ]
            table = pd.DataFrame(rows, columns=columns)
            table.to_csv(TABLE, sep="\t", index=False)
    print(table.to_string(index=False))  # noqa: T201


if __name__ == "__main__":
    main()
