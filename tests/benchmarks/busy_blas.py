"""What threads of BLAS cost in linear decoders, on a busy machine and on a quiet one.

Run on an otherwise idle machine::

    python tests/benchmarks/busy_blas.py

An LDA is fitted to 216 epochs of noise, in a process of its own next to other processes
that keep a core busy each: with as many threads of BLAS as there are cores, and in one,
as this package does. Writes doc/benchmarks/busy_blas.tsv, medians in seconds.
"""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "busy_blas.tsv"
N_CHANNELS, BUSY = (12, 100), (0, 1, 2)
THREADS = {"all cores": "0", "one": "1"}
FIT = """
import sys, time
from contextlib import nullcontext
from types import SimpleNamespace
import mne, numpy as np
from mne_duin import make_lda
from mne_duin.utils import _parallel

mne.set_log_level("warning")
n_channels, in_one, n_rounds = map(int, sys.argv[1:])
if not in_one:
    unlimited = SimpleNamespace(limit=lambda limits: nullcontext())
    _parallel._blas = lambda: unlimited
X = np.random.default_rng(0).standard_normal((216, n_channels, 600), np.float32)
y = np.arange(216) % 8
X[:, :3] *= (1 + 0.5 * np.sin(np.arange(600) / 40 + y[:, None]))[:, None]
seconds = []
for _ in range(n_rounds + 1):
    start = time.perf_counter()
    make_lda(sfreq=400.0).fit(X, y)
    seconds.append(time.perf_counter() - start)
print(np.median(seconds[1:]))
"""


def seconds_of_fit(n_channels, in_one, n_busy):
    """Fit in a new process next to busy ones."""
    loop = [sys.executable, "-c", "while True: pass"]
    known = {k: v for k, v in os.environ.items() if "_NUM_THREADS" not in k}
    n_rounds = 5 if n_channels < 50 else 1
    busy = [subprocess.Popen(loop) for _ in range(n_busy)]
    try:
        out = subprocess.run(
            [sys.executable, "-c", FIT, str(n_channels), in_one, str(n_rounds)],
            env=known, capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return float(out.stdout)


def main():
    """Measure, write and print the table."""
    rows = []
    for n_channels in N_CHANNELS:
        for n_busy in BUSY:
            measured = [
                round(seconds_of_fit(n_channels, in_one, n_busy), 2)
                for in_one in THREADS.values()
            ]
            rows.append((n_channels, n_busy, *measured))
            columns = ["channels", "busy processes"]
            columns += [f"{name} (s)" for name in THREADS]
            table = pd.DataFrame(rows, columns=columns)
            table.to_csv(TABLE, sep="\t", index=False)
    print(table.to_string(index=False))  # noqa: T201


if __name__ == "__main__":
    main()
