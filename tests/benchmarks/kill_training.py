"""Kill every stage at 20 random moments with signal 9 and let it go on.

Each time the weights, the codex and the history (but for seconds) must equal, bit by
bit, those of a training that was never interrupted, and no half-written file may be
left. Prints and writes a table::

    python tests/benchmarks/kill_training.py
"""

import argparse
import shutil
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


def fit_killed(kind, folder, rng, seconds, n_kills):
    """Kill a training ``n_kills`` times, each at a random moment of its work."""
    kills, passes = 0, []
    result = folder / "result.npz"
    while kills < n_kills:
        process = start_worker(kind, folder / "checkpoints", result)
        wait_for_start(process, folder / "checkpoints" / kind)
        process.join(rng.uniform(0, seconds))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        files = list((folder / "checkpoints" / kind).glob("checkpoint-*"))
        passes.append(max((int(f.stem.split("-")[1]) for f in files), default=0))
        if result.exists():
            # It was quicker than the killer: begin anew.
            result.unlink()
            shutil.rmtree(folder / "checkpoints")
    return passes


def wait_for_start(process, folder):
    """Wait until the training has its first checkpoint, old or new."""
    while process.is_alive() and not list(folder.glob("checkpoint-*")):
        time.sleep(0.001)


def is_same(first, second):
    """Whether all arrays are equal bit by bit."""
    if first.keys() != second.keys():
        return False
    return all(first[name].tobytes() == second[name].tobytes() for name in first)


def measure(kind, n_kills, rng):
    """Compare one whole and ``n_kills`` killed trainings of a stage."""
    epochs, y, estimator = make_stage(kind)
    began = time.perf_counter()
    whole = tensors_of(estimator.fit(epochs, y))
    seconds = time.perf_counter() - began
    n_same, n_partial, seen = 0, 0, []
    for _ in range(n_kills):
        folder = Path(tempfile.mkdtemp())
        seen += fit_killed(kind, folder, rng, 1.5 * seconds, 1)
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
