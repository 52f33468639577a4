"""Accuracy against the number of training trials: is Du-IN worth it with my data?

Three simulated subjects that differ in seed, noise and fraction of phase-locked and
induced information, and the sample dataset; Du-IN from scratch and pre-trained, and all
baselines. Every row of the table is one fit and is written as soon as it is done; rows
that are there already are not made again, so the script can be stopped and started::

    python tests/benchmarks/learning_curves.py                      # everything
    python tests/benchmarks/learning_curves.py --memory results/stages
    python tests/benchmarks/learning_curves.py --estimators lda mae --amounts 20
    python tests/benchmarks/learning_curves.py --quick --table quick.tsv

Du-IN pre-trains on the segments of the training runs, which cover the trials of these
runs whatever their number; with ``--memory`` every stage is trained once per dataset.
The networks of the comparison train for ``--passes`` passes (the published 200 or 500
take hours per row without an accelerator), those that pre-train for
``--pretrain-passes`` before; the table says how many a row had. As Du-IN they keep the
last pass: two trials per word are too few to choose a better one.
"""

import argparse
import csv
import time
from functools import cache
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from simulated_words import simulate_words

from mne_duin import (
    DecoderEnsemble,
    learning_curve,
    read_epochs,
    read_segments,
    sample_data_path,
)
from mne_duin.baselines._make_estimator import (
    ENSEMBLES,
    LDA,
    NAMES,
    NETWORKS,
    RIEMANN,
    make_estimator,
)
from mne_duin.datasets import SimulationSettings
from mne_duin.estimators._staged import VARIANTS
from mne_duin.evaluation._statistics import wilson_interval
from mne_duin.io import find_recordings
from mne_duin.utils._signature import takes_segments

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "learning_curves.tsv"
AMOUNTS = (5, 10, 20, 40, 60)
COLUMNS = (
    "dataset", "estimator", "n_per_class", "seed", "accuracy", "low", "high", "chance",
    "log_loss", "n_test", "n_train", "n_unlabelled", "passes", "seconds_fit",
    "seconds_pretraining", "seconds_predict", "device",
)  # fmt: skip
KEY = ("dataset", "estimator", "n_per_class", "seed")
# Seed, strength of the responses, fraction of them that is locked in phase.
SIMULATIONS = {
    "simulation 301, even": (301, 0.8, 0.5),
    "simulation 302, noisy, phase-locked": (302, 0.5, 0.8),
    "simulation 303, strong, induced": (303, 1.2, 0.2),
}
SAMPLE = "sample data, sub-01"
STAGED = ("vqvae", "vqvae+vq", "mae")
PRETRAINED = ("ts-tcc", "neuro-bert", "dewave")


@cache
def load(dataset, quick=False):
    """Return epochs, segments with their run, and the way of splitting."""
    if dataset == SAMPLE:
        paths = find_recordings(sample_data_path(), subject="01", task="wordreading")
        options = {"regions": ["vSMC", "STG"], "verbose": "WARNING"}
        epochs, _ = read_epochs(paths, align="response_time", **options)
        segments, _ = read_segments(paths, **options)
        return epochs, segments, "last-run"
    seed, snr, phase_locked = SIMULATIONS[dataset]
    settings = SimulationSettings(
        n_words=3 if quick else 8,
        n_runs=3 if quick else 8,
        n_trials_per_word=3 if quick else 10,
        sfreq=1000.0,
        line_noise=0.0,
        snr=snr,
        phase_locked=phase_locked,
    )
    epochs, segments = simulate_words(settings, seed)
    return epochs, segments, "last-run" if quick else "last-2-runs"


def make(name, options):
    """Make an estimator, with few passes where asked, and say how many it makes."""
    parameters, passes = {}, "preset"
    first = ENSEMBLES.get(name, (name,))[0]
    if first in STAGED:
        parameters = {"task_data": False}
    if name in NETWORKS:
        passes = options.passes
        parameters |= {"max_iter": passes, "validation_fraction": 0.0}
        if name in PRETRAINED:
            before = parameters["pretrain_iter"] = options.pretrain_passes or passes
            passes = f"{before}+{passes}"
    elif options.quick and first in VARIANTS:
        passes = options.passes
        stages = ("vqvae", "mae", "classifier")
        parameters |= {stage: {"max_iter": passes} for stage in stages}
    elif first in LDA or first in RIEMANN:
        passes = 0
    estimator = make_estimator(
        name,
        device=options.device,
        memory=options.memory,
        random_state=0,
        verbose=False,
        **parameters,
    )
    return estimator, passes


def measure(dataset, name, amount, seed, options):
    """Fit once and return the row."""
    epochs, segments, cv = load(dataset, options.quick)
    labels = {code: word for word, code in epochs.event_id.items()}
    y = np.array([labels[code] for code in epochs.events[:, 2]])
    estimator, passes = make(name, options)
    curve, (fitted,) = learning_curve(
        {name: estimator},
        epochs,
        y,
        n_per_class=[amount],
        cv=cv,
        random_state=seed,
        unlabelled=segments if takes_segments(estimator) else None,
        return_estimators=True,
    )
    (row,) = curve.to_dict(orient="records")
    low, high = wilson_interval(row["accuracy"] * row["n_test"], row["n_test"])
    row |= {"dataset": dataset, "seed": seed, "low": low, "high": high}
    row |= {"passes": passes, "device": options.device} | seconds_of(fitted, row)
    return {name: row[name] for name in COLUMNS}


def seconds_of(estimator, row):
    """Return the seconds of the stages, also of those that were read from memory.

    Of an ensemble those of its network, the only member that pre-trains.
    """
    if isinstance(estimator, DecoderEnsemble):
        estimator = estimator.decoders_.get("duin")
    stages = [getattr(estimator, name, None) for name in ("vqvae_", "mae_")]
    histories = [stage.history_ for stage in stages if stage is not None]
    if hasattr(estimator, "pretrain_history_"):
        histories.append(estimator.pretrain_history_)
    before = sum(record["seconds"] for each in histories for record in each.records)
    last = getattr(estimator, "classifier_", estimator)
    fit = row["seconds_fit"]
    if hasattr(last, "history_"):
        fit = sum(record["seconds"] for record in last.history_.records)
    return {"seconds_fit": fit, "seconds_pretraining": float(before)}


def plan(options):
    """Yield the rows that are wanted, the cheap ones first."""
    for dataset in options.datasets:
        for amount in options.amounts:
            for name in options.estimators:
                for seed in range(options.seeds):
                    yield dataset, name, amount, seed


def done(path):
    """Return the keys of the rows that are in the table."""
    if not path.exists():
        return set()
    table = pd.read_csv(path, sep="\t", dtype=str)
    return set(table[list(KEY)].itertuples(index=False, name=None))


def append(path, row):
    """Write one row behind the others, with a header before the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        if is_new:
            writer.writeheader()
        row = {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()}
        writer.writerow(row)


def parse():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*SIMULATIONS, SAMPLE]
    parser.add_argument("--datasets", nargs="+", choices=names, default=names)
    parser.add_argument("--estimators", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--amounts", nargs="+", type=int, default=list(AMOUNTS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--passes", type=int, default=50)
    parser.add_argument("--pretrain-passes", type=int, help="as --passes by default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--memory", type=Path, help="folder of pre-trained stages")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--quick", action="store_true", help="one tiny case")
    options = parser.parse_args()
    if options.quick:
        options.datasets, options.amounts = [next(iter(SIMULATIONS))], [3]
        options.passes = 1
    return options


def main():
    """Make the rows that are missing."""
    options = parse()
    mne.set_log_level("WARNING")
    for dataset, name, amount, seed in plan(options):
        if (dataset, name, str(amount), str(seed)) in done(options.table):
            continue
        start = time.perf_counter()
        try:
            row = measure(dataset, name, amount, seed, options)
        except ValueError as error:
            if "n_per_class" not in str(error):
                raise
            print(f"{dataset}: no {amount} trials of every word", flush=True)
            continue
        append(options.table, row)
        seconds = time.perf_counter() - start
        print(f"{dataset}  {name}  {amount}  {row['accuracy']:.3f}  {seconds:.0f} s")


if __name__ == "__main__":
    main()
