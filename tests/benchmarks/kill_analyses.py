"""Kill whole ``decode``, ``pretrain`` and ``compare`` commands at random moments.

Before each kill there are an earlier analysis of another name, one of the same name,
and files of the user. Afterwards the earlier analysis must be whole (the old one or the
new one, by its manifest), everything else byte for byte as it was, and the next command
must find the place free and clean. Prints and writes a table, one row at a time::

    python tests/benchmarks/kill_analyses.py --kills 10
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from mne_duin import write_simulated_bids
from mne_duin.datasets import SimulationSettings
from mne_duin.workflows._writing import clear_leftovers

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "kill_analyses.tsv"
# The real command line with one pass per stage, the report left out.
COMMAND = """
import sys, torch
torch.set_num_threads(1)
from mne_duin.estimators.presets import PRESETS
for recipe in PRESETS["quick"].values():
    recipe["max_iter"] = 1
import mne_duin.workflows.decoding as decoding
class Report:
    def save(self, path, **options):
        path.write_text("report " * 1000)
decoding._report = lambda *given: Report()
from mne_duin.cli import main
print("started", flush=True)
sys.exit(main())
"""
OPTIONS = {
    "decode": ["--align", "response_time"],
    "pretrain": ["--max-iter", "1"],
    "compare": ["--align", "response_time", "--estimators", "lda", "scratch"]
    + ["--cv", "last-run"],
}


def start(command, root, out, *more):
    """Start a command in a process of its own."""
    arguments = [command, str(root), "--subject", "01", "--quiet", "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments, *OPTIONS[command], *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(command, root, out, *more):
    """Run a command to its end; return the seconds it took."""
    process = start(command, root, out, *more)
    process.stdout.readline()
    began = time.perf_counter()
    error = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(error)
    return time.perf_counter() - began


def contents(*folders):
    """Return the checksum of every file, but of what a writer hides."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".mne_duin" not in path.parts
    }


def is_whole(out, desc):
    """Whether all files of an analysis are those that its manifest lists."""
    (manifest,) = out.rglob(f"*_desc-{desc}_manifest.json")
    listed = json.loads(manifest.read_text())["Files"]
    folder = manifest.parent
    return all(
        hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in listed.items()
    )


def kill_once(command, root, out, seconds, rng):
    """Kill a command that replaces its analysis, and look at what is left."""
    earlier = f"_desc-{command}Old_"
    before = {k: v for k, v in contents(root, out).items() if earlier not in k}
    process = start(
        command, root, out, "--desc", f"{command}Old", "--overwrite", "--seed", "1"
    )
    process.stdout.readline()
    # Half of the kills fall into the end, where files are moved.
    late = rng.random() < 0.5
    moment = rng.uniform(0.9, 1.1) if late else rng.uniform(0, 1)
    try:
        process.wait(timeout=moment * seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    killed = process.returncode == -signal.SIGKILL
    clear_leftovers(out)
    after = {k: v for k, v in contents(root, out).items() if earlier not in k}
    return {
        "killed": killed,
        "others as they were": after == before,
        "earlier analysis whole": is_whole(out, f"{command}Old"),
        "hidden left": len(list(out.glob(".mne_duin/*.*"))) - lock_files(out),
    }


def lock_files(out):
    """Number of lock files, which a killed process leaves and the next one takes."""
    return len(list(out.glob(".mne_duin/*.lock")))


def main():
    """Run all kills and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    rng, rows = np.random.default_rng(options.seed), []
    place = Path(tempfile.mkdtemp())
    settings = SimulationSettings(n_words=2, n_trials_per_word=3, n_runs=2, rest=2.0)
    root = write_simulated_bids(
        place / "bids", subjects={"01": settings}, random_state=1
    )
    out = place / "out"
    seconds = {}
    for command in OPTIONS:
        run(command, root, out, "--desc", f"{command}Other")
        seconds[command] = run(command, root, out, "--desc", f"{command}Old")
    (out / "notes.txt").write_text("mine")
    for command in OPTIONS:
        found = []
        for _ in range(options.kills):
            found.append(kill_once(command, root, out, seconds[command], rng))
            print(command, found[-1], flush=True)
        seen = pd.DataFrame(found)
        rows.append(
            {
                "command": command,
                "kills": int(seen["killed"].sum()),
                "finished before": int((~seen["killed"]).sum()),
                "other files changed": int((~seen["others as they were"]).sum()),
                "earlier analysis lost": int((~seen["earlier analysis whole"]).sum()),
                "leftovers": int((seen["hidden left"] > 0).sum()),
            }
        )
        pd.DataFrame(rows).to_csv(options.table, sep="\t", index=False)
    print(pd.DataFrame(rows).to_string(index=False))
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
