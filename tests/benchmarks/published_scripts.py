"""Whole training stages of the published scripts against ours, on the same epochs.

The scripts are those of https://github.com/liulab-repository/Du-IN, of which a checkout
is needed, and three packages that they import::

    git clone https://github.com/liulab-repository/Du-IN
    pip install --target FOLDER torchinfo tensorboard einops
    python tests/benchmarks/published_scripts.py --checkout Du-IN --packages FOLDER

Noise stands for 160 epochs of 10 channels at 1000 Hz: segments of 8 s, of which both
crop 4 s at random, and 32 words, 5 times each, of 3 s. Every stage of either runs in a
process of its own on the processor, in turns, with the published sizes and batches. The
seconds of a pass are those that the program itself reports: data, training steps, and
evaluation of validation and test epochs, which ours are given as one held-out set. They
are medians without the first pass, in which the codex starts. Processor seconds change
less where other programs compute as well. The whole stage includes the start of Python,
all imports and the file of weights.

The published scripts run with their own parameters but for the number of passes, with
the PyTorch of this environment. Their main block is replaced by the calls in it, and
some of their globals are set: ``sys``, which they import in that block only; ``np``,
as new NumPy has no ``newshape`` in ``reshape``; ``log_info`` and ``print``, which
report the passes; and ``time``, to read processor seconds. Without a GPU their first
two stages plot, log and save nothing, so none of that is in the seconds of a pass.

Writes doc/benchmarks/published_scripts.tsv and prints the name of the processor;
nothing else should compute meanwhile.
"""

import argparse
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import numpy as np

# What a stage does not need is imported where it is used: starts are timed as well.

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "published_scripts.tsv"
STAGES = ("vqvae", "mae", "cls")
RATE, SEGMENT, TRIAL = 1000.0, 8000, 3000
N_TRAIN, N_HELD_OUT = 128, 32
N_EPOCHS, N_TRIALS_PER_WORD = N_TRAIN + N_HELD_OUT, 5
# The channels that the published scripts select in this subject.
SUBJECT = "001"
CHANNELS = ["SM8", "SM9", "SM7", "SM11", "P4", "SM10", "SM6", "P3", "SM5", "CI9"]
PASS = re.compile(r"Finish train epoch \d+ in ([\d.]+) seconds")


def simulate(folder):
    """Write the epochs, as arrays for ours and as the published scripts expect them."""
    rng = np.random.default_rng(0)
    shape = N_EPOCHS, len(CHANNELS)
    segments = rng.standard_normal((*shape, SEGMENT), dtype=np.float32)
    trials = rng.standard_normal((*shape, TRIAL), dtype=np.float32)
    words = np.arange(N_EPOCHS) % (N_EPOCHS // N_TRIALS_PER_WORD)
    np.savez(folder / "epochs.npz", segments=segments, trials=trials, words=words)
    subject = folder / "published" / "data" / "seeg.he2023xuanwu" / SUBJECT
    pretraining = subject / "pretrain" / "dataset.default.1000hz"
    task = subject / "word-recitation" / "run1" / "dataset.bipolar.default.unaligned"
    for place in (pretraining, task):
        place.mkdir(parents=True)
        _pickle(place / "info", SimpleNamespace(ch_names=CHANNELS))
    # Of the two versions of every epoch that are stored the scripts use the first.
    for index, x in enumerate(segments):
        np.save(pretraining / f"{index}.npy", np.stack([x, x]))
    found = [
        SimpleNamespace(name=f"word{word:02d}", data_s=x, data_n=x)
        for x, word in zip(trials, words, strict=True)
    ]
    _pickle(task / "data", found)


def _pickle(path, value):
    with path.open("wb") as file:
        pickle.dump(value, file)


class OlderNumpy:
    """NumPy, with the former name of the second parameter of ``reshape``."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def reshape(array, newshape):
        """Reshape an array."""
        return np.reshape(array, newshape)


class Clock:
    """What a program uses of ``time``; it keeps the processor seconds at every call."""

    def __init__(self):
        self.readings = []

    def time(self):
        """Return the time."""
        self.readings.append(time.process_time())
        return time.time()

    def perf_counter(self):
        """Return the seconds since some moment."""
        self.readings.append(time.process_time())
        return time.perf_counter()

    def passes(self):
        """Return the processor seconds of the passes, which begin and end by a call."""
        starts, ends = self.readings[::2], self.readings[1::2]
        return [end - start for start, end in zip(starts, ends, strict=True)]


def published(stage, folder, n_passes, checkout, packages):
    """Run a published stage; print seconds of the passes, batch size, set sizes."""
    # The packages come last, so that they replace nothing of this environment.
    sys.path[:] = [checkout, *sys.path[1:], *filter(None, [packages])]
    from importlib import import_module

    run = import_module(f"train.duin.run_{stage}")
    recipe = getattr(import_module("params.duin_params"), f"duin_{stage}_params")
    parameters = recipe(dataset="seeg_he2023xuanwu")
    base = Path(folder, "published")
    parameters.train.base, parameters.train.subjs = str(base), [SUBJECT]
    parameters.train.n_epochs = n_passes
    if stage == "mae":
        parameters.train.vqkd_ckpt = str(_weights("vqvae"))
    elif stage == "cls":
        parameters.train.subj_idxs = [0]
        parameters.train.pt_ckpt = str(_weights("mae"))
    messages, clock = [], Clock()
    run.sys, run.np, run.time = sys, OlderNumpy(), clock
    run.log_info = run.print = messages.append
    run.utils.model.torch.set_seeds(42)
    run.init(parameters)
    run.train()
    messages = [str(message) for message in messages]
    (sizes,) = [m for m in messages if "Data preparation complete" in m]
    report = {
        "seconds": [float(s) for s in PASS.findall("\n".join(messages))],
        "processor": clock.passes(),
        "batch_size": parameters.train.batch_size,
        "sizes": [int(size) for size in re.findall(r"-set \(\(?(\d+)", sizes)],
    }
    if stage != STAGES[-1]:
        path = base / _weights(stage)
        path.parent.mkdir(parents=True, exist_ok=True)
        run.torch.save(run.model.state_dict(), path)
        save = path.parents[1] / "save"
        save.mkdir(exist_ok=True)
        run.save_pickle(save / "params", run.utils.DotDict(run.params))
    print(json.dumps(report))


def _weights(stage):
    """Return where the published scripts find the weights of a stage."""
    return Path("pretrains", stage, "model", "checkpoint.pth")


def ours(stage, folder, n_passes, batch_size, precision):
    """Run a stage of ours; print the seconds of the passes."""
    from mne_duin import DuINClassifier, DuINMAE, DuINVQVAE, read_estimator
    from mne_duin.training import _engine

    _engine.time = clock = Clock()
    folder = Path(folder)
    options = {
        "preset": "paper",
        "max_iter": n_passes,
        "batch_size": batch_size,
        "precision": precision,
        "sfreq": RATE,
        "device": "cpu",
        "random_state": 0,
        "verbose": False,
    }
    with np.load(folder / "epochs.npz") as epochs:
        X = epochs["trials" if stage == "cls" else "segments"]
        y = epochs["words"]
    train, held_out = slice(N_TRAIN), slice(N_TRAIN, None)
    if stage == "cls":
        fitted = DuINClassifier(read_estimator(folder / "mae"), **options)
        fitted.fit(X[train], y[train], validation=(X[held_out], y[held_out]))
    else:
        if stage == "vqvae":
            fitted = DuINVQVAE(**options)
        else:
            fitted = DuINMAE(read_estimator(folder / "vqvae"), **options)
        fitted.fit(X[train], validation=X[held_out])
    fitted.save(folder / stage)
    seconds = fitted.history_.to_frame()["seconds"].tolist()
    print(json.dumps({"seconds": seconds, "processor": clock.passes()}))


def run(program, n_threads, **options):
    """Run a stage in a new process; return what it prints, and its seconds."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(n_threads))
    # The published scripts take a GPU where there is one.
    environment["CUDA_VISIBLE_DEVICES"] = ""
    command = [sys.executable, "-W", "ignore", __file__, program, json.dumps(options)]
    start = time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    whole = time.perf_counter() - start
    return json.loads(done.stdout.splitlines()[-1]) | {"whole": whole}


def compare(stage, folder, precisions, options):
    """Run a stage of both in turns; return the rows of the table."""
    is_wanted = stage in options.stages
    # Later stages start from the weights of the earlier ones, however few the passes.
    common = {"stage": stage, "folder": str(folder), "n_threads": options.threads}
    common["n_passes"] = options.passes if is_wanted else 1
    places = {"checkout": str(options.checkout.resolve())}
    places["packages"] = options.packages and str(options.packages.resolve())
    theirs, own = [], {precision: [] for precision in precisions}
    for _ in range(options.rounds if is_wanted else 1):
        theirs.append(run("published", **common, **places))
        batch_size = theirs[-1]["batch_size"]
        for precision, reports in own.items():
            more = {"batch_size": batch_size, "precision": precision}
            reports.append(run("ours", **common, **more))
    sizes = theirs[-1]["sizes"]
    if (sizes[0], sum(sizes[1:])) != (N_TRAIN, N_HELD_OUT):
        raise RuntimeError(f"The published split of {stage} is {sizes}.")
    if not is_wanted:
        return []
    rows = []
    for precision, reports in own.items():
        before, after = per_pass(theirs, "seconds"), per_pass(reports, "seconds")
        ratio = per_pass(theirs, "processor") / per_pass(reports, "processor")
        row = {
            "stage": stage,
            "batch": batch_size,
            "threads": options.threads,
            "precision of ours": {"32": "float32", "bf16": "bfloat16"}[precision],
            "published pass (s)": round(before, 2),
            "pass (s)": round(after, 2),
            "times as fast": round(before / after, 2),
            "in processor time": round(ratio, 2),
            "published stage (s)": round(whole_seconds(theirs), 1),
            "stage (s)": round(whole_seconds(reports), 1),
        }
        rows.append(row)
    return rows


def per_pass(reports, quantity):
    """Return the median over rounds and passes, without the first pass of each."""
    return median(value for report in reports for value in report[quantity][1:])


def whole_seconds(reports):
    """Return the median over rounds of the seconds of the process."""
    return median(report["whole"] for report in reports)


def chosen_precisions(n_threads):
    """Return float32, and bfloat16 where that is our default on this processor."""
    import torch

    from mne_duin.training import choose_precision

    torch.set_num_threads(n_threads)
    fast = choose_precision("auto", torch.device("cpu")) is not None
    return ("32", "bf16") if fast else ("32",)


def main():
    """Measure the stages, write and print the table."""
    import pandas as pd
    from from_disk import processor

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--packages", type=Path, help="where what it imports is")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    if options.passes < 2:
        parser.error("the first pass does not count: --passes must be at least 2")
    precisions = chosen_precisions(options.threads)
    print(f"{processor()}, {options.threads} thread(s)", flush=True)
    last = max(STAGES.index(stage) for stage in options.stages)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder))
        for stage in STAGES[: last + 1]:
            rows += compare(stage, Path(folder), precisions, options)
            print(f"{stage} done", flush=True)
    table = pd.DataFrame(rows)
    table.to_csv(options.table, sep="\t", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    if sys.argv[1:2] == ["published"]:
        published(**json.loads(sys.argv[2]))
    elif sys.argv[1:2] == ["ours"]:
        ours(**json.loads(sys.argv[2]))
    else:
        main()
