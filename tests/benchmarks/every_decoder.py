"""Every decoder on four small data sets: accuracy, time and memory.

The data are the sample data (runs 1 to n - 1 train, the last one tests), two subjects
of :func:`mne_duin.simulate_unit_speech` (15 trials per word train, 15 test, six minutes
of talk for what pre-trains) and bursts of 12 or 30 Hz at any phase (24 trials train, 60
test). Networks make ``PASSES`` passes, so that the whole table takes about an hour: it
shows that and at what cost everything runs, not how good a network becomes. Du-IN is
the quick preset with two transformer blocks. Every row has a process of its own, whose
peak memory includes about 700 MB of Python, its libraries and the data. Rows that are
known are not made again. A decoder whose library is not installed, or that fails, is
named and left out::

    python tests/benchmarks/every_decoder.py
    python tests/benchmarks/every_decoder.py --decoders lda ridge --data bursts
"""

import argparse
import multiprocessing
import resource
import sys
import time
import warnings
from functools import cache, partial
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin import (
    find_recordings,
    read_epochs,
    sample_data_path,
    simulate_unit_speech,
)
from mne_duin.baselines._make_estimator import (
    BRAINDECODE,
    ENSEMBLES,
    LINEAR,
    NAMES,
    NETWORKS,
    make_estimator,
)
from mne_duin.baselines.networks._pretrained import PretrainedNetwork
from mne_duin.estimators._staged import VARIANTS
from mne_duin.evaluation._statistics import wilson_interval
from mne_duin.utils._signature import takes_segments

FOLDER = Path(__file__).parents[2] / "doc" / "benchmarks"
RUNS, TABLE = FOLDER / "every_decoder_runs.tsv", FOLDER / "every_decoder.tsv"
PASSES = 15
PRETRAINING_PASSES = 5
STEPS = 300  # of hidden cells
UNIT_SPEECH = {"unit speech 601": 601, "unit speech 602": 602}


def read_sample():
    """Return trials, words, which trials train, and no segments."""
    paths = find_recordings(sample_data_path(), subject="01", task="wordreading")
    epochs, _ = read_epochs(paths, align="response_time", regions=("vSMC", "STG"))
    epochs.crop(-0.5, 1.0, include_tmax=False)
    runs = epochs.metadata["run"].to_numpy()
    return epochs, epochs.metadata["trial_type"].to_numpy(), runs != runs[-1], None


def simulate_speech(seed):
    """Return trials, words, which trials train, and the talk."""
    epochs, _, talk, _ = simulate_unit_speech(
        hours=0.1, n_trials_per_word=30, random_state=seed
    )
    y = epochs.metadata["trial_type"].to_numpy()
    number = pd.Series(y).groupby(y).cumcount().to_numpy()
    return epochs, y, number < 15, talk


def simulate_bursts():
    """Return bursts of 12 or 30 Hz in half of the channels each, at any phase."""
    rng, sfreq = np.random.default_rng(603), 250.0
    y = rng.permutation(np.repeat(["hand", "tongue"], 42))
    white = rng.standard_normal((len(y), 8, 250))
    slow = np.cumsum(white, axis=-1) / np.sqrt(np.arange(1, 251))
    phase = rng.uniform(0, 2 * np.pi, (len(y), 1))
    time = np.arange(250) / sfreq
    for index, (word, hertz) in enumerate([("hand", 12.0), ("tongue", 30.0)]):
        own = np.ix_(y == word, np.arange(4 * index, 4 * index + 4))
        wave = np.sin(2 * np.pi * hertz * time + phase[y == word])
        white[own] += 2 * wave[:, None]
    names = [f"E{number}" for number in range(1, 9)]
    info = mne.create_info(names, sfreq, "ecog")
    epochs = mne.EpochsArray(1e-5 * (white + 0.5 * slow), info)
    number = pd.Series(y).groupby(y).cumcount().to_numpy()
    return epochs, y, number < 12, None


DATA = {
    "sample data": cache(read_sample),
    **{name: cache(partial(simulate_speech, n)) for name, n in UNIT_SPEECH.items()},
    "bursts": cache(simulate_bursts),
}


def make(name, sfreq):
    """Make a decoder with few passes, and say how many it makes."""
    parameters, passes = {}, "none"
    first = ENSEMBLES.get(name, (name,))[0]
    if first in VARIANTS:
        parameters = {"architecture": {"n_layers": 2}, "cells": {"max_steps": STEPS}}
        parameters["vqvae"] = {"n_decoder_layers": 1}
        passes = "preset"
    elif name in NETWORKS or name in BRAINDECODE:
        parameters = {"max_iter": PASSES, "validation_fraction": 0.0}
        passes = str(PASSES)
        network = NETWORKS.get(name)
        if network is not None and sfreq < (network.network_sfreq or 0.0):
            parameters["network_sfreq"] = None
        if network is not None and issubclass(network, PretrainedNetwork):
            parameters["pretrain_iter"] = PRETRAINING_PASSES
            passes = f"{PRETRAINING_PASSES}+{PASSES}"
    return make_estimator(name, random_state=0, verbose=False, **parameters), passes


def measure(name, dataset):
    """Fit and test once; return the row."""
    epochs, y, trains, talk = DATA[dataset]()
    estimator, passes = make(name, epochs.info["sfreq"])
    start, processor = time.perf_counter(), time.process_time()
    more = {}
    if talk is not None and takes_segments(estimator):
        more = {"unlabelled": talk}
    estimator.fit(epochs[np.flatnonzero(trains)], y[trains], **more)
    is_right = estimator.predict(epochs[np.flatnonzero(~trains)]) == y[~trains]
    low, high = wilson_interval(is_right.sum(), len(is_right))
    return {
        "decoder": name,
        "data": dataset,
        "passes": passes,
        "accuracy": round(float(is_right.mean()), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "trials": len(is_right),
        "processor seconds": round(time.process_time() - processor, 1),
        "seconds": round(time.perf_counter() - start, 1),
        "peak MB": round(peak_memory()),
    }


def peak_memory():
    """Return the most memory that this process has had, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike `ru_maxrss` this does not count the process that started this one.
        (line,) = [x for x in status.read_text().splitlines() if "VmHWM" in x]
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def cost(name):
    """Return in which turn a decoder comes: what takes longer comes later."""
    later = (name in LINEAR, name == "scratch", name in NETWORKS, name in BRAINDECODE)
    return [*later, name in VARIANTS, name in ENSEMBLES, True].index(True)


def run_alone(name, dataset):
    """Make a row in a process of its own; None where that fails."""
    DATA[dataset]()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        try:
            return pool.apply(measure, (name, dataset))
        except (ImportError, RuntimeError, ValueError) as error:
            print(f"{name}, {dataset}: {error}", file=sys.stderr, flush=True)
            return None


def summarize(runs):
    """Return one row per decoder: accuracies, time and memory."""
    pieces = [runs.groupby("decoder", sort=False)["passes"].first()]
    for dataset in DATA:
        own = runs[runs["data"] == dataset].set_index("decoder")
        pieces.append(own["accuracy"].rename(f"accuracy, {dataset}"))
    for dataset in ("sample data", "unit speech 601"):
        own = runs[runs["data"] == dataset].set_index("decoder")
        pieces.append(own["processor seconds"].rename(f"seconds, {dataset}"))
    pieces.append(runs.groupby("decoder")["peak MB"].max().rename("peak MB, most"))
    table = pd.concat(pieces, axis=1)
    order = [name for name in NAMES if name in table.index]
    return table.loc[order].reset_index(names="decoder")


def main():
    """Make the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoders", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--runs", type=Path, default=RUNS)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    names = sorted(options.decoders, key=cost)
    for name, dataset in ((n, d) for n in names for d in options.data):
        known = pd.read_csv(options.runs, sep="\t") if options.runs.exists() else None
        if (
            known is not None
            and (known[["decoder", "data"]] == [name, dataset]).all(axis=1).any()
        ):
            continue
        row = run_alone(name, dataset)
        if row is None:
            continue
        runs = pd.concat([known, pd.DataFrame([row])])
        runs.to_csv(options.runs, sep="\t", index=False)
        summarize(runs).to_csv(options.table, sep="\t", index=False)
        print(*row.values(), sep="\t", flush=True)


if __name__ == "__main__":
    main()
