"""How long does ``mne-duin decode`` take on the sample data, one by one and at once?

Runs the command of ``make decode`` alternately with one training at a time in as many
threads as there are cores, and with as many at a time as there are cores. Writes
doc/benchmarks/main_job.tsv; nothing else should compute meanwhile::

    python tests/benchmarks/main_job.py --rounds 3
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "doc" / "benchmarks" / "main_job.tsv"
COMMAND = ["decode", "sample_data", "--subject", "01", "--task", "wordreading"]
COMMAND += ["--align", "response_time", "--precision", "32", "--quiet"]
JOBS = ("1", "auto")


def measure(n_jobs):
    """Run the command once; return seconds, processor seconds and the accuracy."""
    folder = tempfile.mkdtemp()
    program = [sys.executable, "-m", "mne_duin.cli", *COMMAND]
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    before, begin = _processor_seconds(), time.perf_counter()
    subprocess.run(
        [*program, "--n-jobs", n_jobs, "--out", folder],
        check=True, cwd=ROOT, env=environment, capture_output=True,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    (metrics,) = Path(folder).rglob("*_metrics.tsv")
    accuracy = pd.read_csv(metrics, sep="\t")["accuracy"].iloc[0]
    shutil.rmtree(folder)
    return seconds, _processor_seconds() - before, accuracy


def _processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    """Measure the rounds and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n-jobs", nargs="+", choices=JOBS, default=JOBS)
    options = parser.parse_args()
    rows = []
    for index in range(1, options.rounds + 1):
        for n_jobs in options.n_jobs:
            seconds, used, accuracy = measure(n_jobs)
            row = [n_jobs, index, round(seconds), round(used), f"{100 * accuracy:.1f}"]
            rows.append(row)
            print(*row, flush=True)
    columns = ["--n-jobs", "round", "seconds", "processor seconds", "accuracy (%)"]
    pd.DataFrame(rows, columns=columns).to_csv(TABLE, sep="\t", index=False)


if __name__ == "__main__":
    main()
