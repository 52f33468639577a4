"""What two threads cost on a machine that is busy with something else.

Run as

    python tests/benchmarks/busy_threads.py

on an otherwise idle machine with two cores. Threads of OpenMP wait for each other many
times in a step; while one has no core, the others turn in circles. A training step of
the classifier is timed in processes of their own, with and without another process that
keeps one core busy, with the default waiting and with ``OMP_WAIT_POLICY=PASSIVE``.
Writes doc/benchmarks/busy_threads.tsv.
"""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "doc" / "benchmarks" / "busy_threads.tsv"
WAITING = {"default": {}, "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"}}
STEP = """
import sys
sys.path.insert(0, sys.argv[1])
import statistics, steps, torch
torch.set_num_threads(int(sys.argv[2]))
print(statistics.median(steps.seconds(steps.our_step("cls"), rounds=5, warmup=1)))
"""


def step_seconds(n_threads, n_busy, environment):
    """Time a step in a new process next to busy ones."""
    loop = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(loop) for _ in range(n_busy)]
    command = [sys.executable, "-c", STEP, str(HERE), str(n_threads)]
    environment = os.environ | {"OMP_NUM_THREADS": str(n_threads)} | environment
    try:
        out = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return float(out.stdout.split()[-1])


def main():
    """Measure, write and print the table."""
    cases = [(2, n, waiting) for n in (0, 1) for waiting in WAITING]
    cases.append((1, 1, "default"))
    taken = {
        (n_threads, n_busy, waiting): step_seconds(n_threads, n_busy, WAITING[waiting])
        for n_threads, n_busy, waiting in cases
    }
    rows = [
        {
            "threads": n_threads,
            "busy processes": n_busy,
            "waiting": waiting,
            "seconds of a step": round(seconds, 2),
        }
        for (n_threads, n_busy, waiting), seconds in taken.items()
    ]
    table = pd.DataFrame(rows)
    table.to_csv(TABLE, sep="\t", index=False)
    print(table.to_string(index=False))  # noqa: T201


if __name__ == "__main__":
    main()
