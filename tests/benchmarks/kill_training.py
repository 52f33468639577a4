"""Kill every stage at 20 random moments with signal 9 and let it go on.

Each time the weights, the codex and the history (but for seconds) must equal, bit by
bit, those of a training that was never interrupted, and no half-written file may be
left. Prints and writes a table::

    python tests/benchmarks/kill_training.py
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "estimators"))

from training_worker import make_stage, start_worker, tensors_of  # noqa: E402

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "kill_training.tsv"
STAGES = ("vqvae", "mae", "classifier")
N_PASSES = 8


def fit_killed(kind, folder, rng, seconds):
    """Kill a training at a random moment of its work; return the passes it had made."""
    checkpoints, result = folder / "checkpoints", folder / "result.npz"
    while True:
        # A moment of a random pass: time alone would miss where the machine is busy.
        n_passes, rest = rng.integers(N_PASSES), rng.uniform(0, seconds / N_PASSES)
        process = start_worker(kind, checkpoints, result)
        wait_for_pass(process, checkpoints / kind, n_passes)
        process.join(rest)
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL and not result.exists():
            return max(numbers(checkpoints / kind), default=0)
        # It was quicker than the killer: begin again.
        result.unlink()
        shutil.rmtree(checkpoints)


def numbers(folder):
    """Return the numbers of the checkpoints that are there."""
    return [int(file.stem.split("-")[1]) for file in folder.glob("checkpoint-*")]


def wait_for_pass(process, folder, n_passes):
    """Wait until a training has made so many passes."""
    while process.is_alive() and max(numbers(folder), default=0) < n_passes:
        time.sleep(0.001)


def is_same(first, second):
    """Whether all arrays are equal bit by bit."""
    if first.keys() != second.keys():
        return False
    return all(first[name].tobytes() == second[name].tobytes() for name in first)


def measure(kind, n_kills, rng):
    """Compare one whole and ``n_kills`` killed trainings of a stage."""
    epochs, y, estimator = make_stage(kind)
    assert estimator.max_iter == N_PASSES
    began = time.perf_counter()
    whole = tensors_of(estimator.fit(epochs, y))
    seconds = time.perf_counter() - began
    n_same, n_partial, seen = 0, 0, []
    for _ in range(n_kills):
        folder = Path(tempfile.mkdtemp())
        seen.append(fit_killed(kind, folder, rng, seconds))
        again = make_stage(kind)[2]
        again.fit(epochs, y, checkpoint_dir=folder / "checkpoints")
        n_same += is_same(tensors_of(again), whole)
        n_partial += len(list(folder.rglob("*.partial")))
        shutil.rmtree(folder)
    return {
        "stage": kind,
        "kills": n_kills,
        "bit-identical": n_same,
        "half-written files left": n_partial,
        "passes when killed": " ".join(map(str, sorted(seen))),
    }


def run(n_kills=20, seed=0, table=TABLE):
    """Run all stages and write the table after each."""
    torch.set_num_threads(1)
    rng, rows = np.random.default_rng(seed), []
    for kind in STAGES:
        rows.append(measure(kind, n_kills, rng))
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(table, sep="\t", index=False)
    return pd.DataFrame(rows)


def test_every_training_goes_on_bit_by_bit():
    """The same as a test: ``pytest tests/benchmarks/kill_training.py``."""
    table = run()
    assert (table["bit-identical"] == table["kills"]).all()
    assert not table["half-written files left"].any()


def main():
    """Run all stages and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    print(run(options.kills, options.seed, options.table).to_string(index=False))


if __name__ == "__main__":
    main()
