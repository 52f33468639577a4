"""Kill whole ``decode``, ``pretrain`` and ``compare`` commands at random moments.

Before each kill there are an earlier analysis of another name, one of the same name,
and files of the user. Afterwards the earlier analysis must be whole (the old one or the
new one, by its manifest), everything else byte for byte as it was, and the next command
must find the place free and clean. Networks are small and the report is a stand-in, so
that 90 kills take minutes; everything else is the command as it is. Half of the kills
fall into the learning, half into the writing of the files. Prints and writes a table,
one row at a time::

    python tests/benchmarks/kill_analyses.py --kills 30
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch._dynamo  # Takes seconds, which every process would spend.

from mne_duin import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    write_simulated_bids,
)
from mne_duin.cli import main as command_line
from mne_duin.datasets import SimulationSettings
from mne_duin.estimators.presets import PRESETS
from mne_duin.workflows import _pretraining as pretraining
from mne_duin.workflows import decoding
from mne_duin.workflows._writing import clear_leftovers

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "kill_analyses.tsv"
COMMANDS = ("decode", "pretrain", "compare")
OPTIONS = {
    "decode": ["--align", "response_time"],
    "pretrain": ["--max-iter", "1"],
    "compare": ["--align", "response_time", "--estimators", "lda", "scratch"]
    + ["--cv", "last-run"],
}
SMALL = {"n_layers": 1, "n_decoder_layers": 1, "n_heads": 2, "head_dim": 8}
SMALL |= {"ff_dim": 16, "hidden_dim": 16}


class Report:
    """Stands for a report, which takes longer to draw than all the rest."""

    @staticmethod
    def save(path, **_):
        """Write something."""
        path.write_text("report " * 10_000)


def make_small():
    """Make networks small, with one pass per stage."""
    for recipe in PRESETS["quick"].values():
        recipe["max_iter"] = 1
    for kind in (DuINVQVAE, DuINMAE, DuINClassifier):
        defaults = kind.__init__.__kwdefaults__
        defaults.update({k: v for k, v in SMALL.items() if k in defaults})
    decoding._report = lambda *_: Report
    for module in (decoding, pretraining):
        module.log_costs = lambda *_: None


def start(command, root, out, *more):
    """Start a command in a process of its own; it has everything imported."""
    arguments = [command, str(root), "--subject", "01", "--quiet", "--out", str(out)]
    pid = os.fork()
    if pid == 0:
        with open(out.parent / "log.txt", "w") as log:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(log.fileno(), stream.fileno())
            status = command_line([*arguments, *OPTIONS[command], *more])
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    return pid


def ended(pid):
    """Return the status of a process that has ended, else None."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return status if found else None


def wait_for(pid, seconds, *, until=lambda: False):
    """Wait until something is true or the process ends; return its status then."""
    limit = time.perf_counter() + seconds
    while time.perf_counter() < limit:
        status = ended(pid)
        if status is not None or until():
            return status
        time.sleep(0.001)
    return None


def is_writing(out):
    """Return whether files of an analysis are being made."""
    return any(out.glob(".mne_duin/*.new"))


def run(command, root, out, *more):
    """Run a command to its end; return the seconds of learning and of writing."""
    began = time.perf_counter()
    pid = start(command, root, out, *more)
    wait_for(pid, 600, until=lambda: is_writing(out))
    writes = time.perf_counter()
    status = wait_for(pid, 600)
    if status:
        raise RuntimeError((out.parent / "log.txt").read_text())
    return writes - began, time.perf_counter() - writes


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


def kill_once(command, root, out, seconds, late, rng):
    """Kill a command that replaces its analysis, and look at what is left."""
    earlier = f"_desc-{command}Old_"
    before = {k: v for k, v in contents(root, out).items() if earlier not in k}
    old = digests(out, f"{command}Old")
    seed = str(rng.integers(1, 2**31))
    pid = start(
        command, root, out, "--desc", f"{command}Old", "--overwrite", "--seed", seed
    )
    learning, writing = seconds
    status = None
    if late:
        status = wait_for(pid, 600, until=lambda: is_writing(out))
    if status is None:
        status = wait_for(pid, rng.uniform(0, 1.1 * writing if late else learning))
    killed = status is None
    if killed:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    elif status:
        raise RuntimeError((out.parent / "log.txt").read_text())
    clear_leftovers(out)
    after = {k: v for k, v in contents(root, out).items() if earlier not in k}
    return {
        "killed": killed,
        "writing": late,
        "others as they were": after == before,
        "whole": is_whole(out, f"{command}Old"),
        "new": digests(out, f"{command}Old") != old,
        "hidden left": len(list(out.glob(".mne_duin/*.*"))) - lock_files(out),
    }


def digests(out, desc):
    """Return what the manifest of an analysis lists."""
    (manifest,) = out.rglob(f"*_desc-{desc}_manifest.json")
    return json.loads(manifest.read_text())["Files"]


def lock_files(out):
    """Number of lock files, which a killed process leaves and the next one takes."""
    return len(list(out.glob(".mne_duin/*.lock")))


def main():
    """Run all kills and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    make_small()
    rng, rows = np.random.default_rng(options.seed), []
    place = Path(tempfile.mkdtemp())
    settings = SimulationSettings(n_words=2, n_trials_per_word=3, n_runs=2, rest=2.0)
    root = write_simulated_bids(
        place / "bids", subjects={"01": settings}, random_state=1
    )
    out = place / "out"
    seconds = {}
    for command in COMMANDS:
        run(command, root, out, "--desc", f"{command}Other")
        seconds[command] = run(command, root, out, "--desc", f"{command}Old")
        print(command, "takes {:.1f} + {:.2f} s".format(*seconds[command]), flush=True)
    (out / "notes.txt").write_text("mine")
    for command in COMMANDS:
        found = []
        for number in range(options.kills):
            late = number % 2 == 1
            found.append(kill_once(command, root, out, seconds[command], late, rng))
            print(command, found[-1], flush=True)
        rows.append(summary(command, pd.DataFrame(found)))
        pd.DataFrame(rows).to_csv(options.table, sep="\t", index=False)
    print(pd.DataFrame(rows).to_string(index=False))
    shutil.rmtree(place)


def summary(command, seen):
    """Return one row of the table."""
    killed = seen[seen["killed"]]
    return {
        "command": command,
        "killed while learning": int((~killed["writing"]).sum()),
        "killed while writing": int(killed["writing"].sum()),
        "finished before": len(seen) - len(killed),
        "then the earlier analysis is there": int((~killed["new"]).sum()),
        "then the new analysis is there": int(killed["new"].sum()),
        "analysis damaged": int((~seen["whole"]).sum()),
        "other files changed": int((~seen["others as they were"]).sum()),
        "leftovers": int((seen["hidden left"] > 0).sum()),
    }


if __name__ == "__main__":
    main()
