"""What the quick preset needs to reach the accuracy of the paper preset.

Simulated subjects read 8 words; the networks learn from two of six runs (18 trials per
word, 7 minutes for pre-training) and are tested on the other four (288 trials). Codex,
masked model and classifier are trained one after the other, by the quick preset with a
part or all of its passes, and by the paper preset with 100 of its 400 passes of
pre-training and with all. Neither the sample data nor simulations that were looked at
before are among them. Costs are passes and seconds of processor time, in one thread.

Every stage is kept when it is done and every row is written when it is known, so an
interrupted run goes on where it was::

    python tests/benchmarks/cost_to_accuracy.py
"""

import argparse
import json
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import torch
from simulated_words import simulate_words

from mne_duin import DuINClassifier, DuINMAE, DuINVQVAE, read_estimator
from mne_duin.datasets import SimulationSettings

HOME = Path(__file__).parents[2]
TABLE = HOME / "doc" / "benchmarks" / "cost_to_accuracy.tsv"
N_RUNS, N_TRAINING_RUNS = 6, 2
# Preset, and passes of codex, masked model and classifier; None is the preset's own.
CONDITIONS = {
    "quick, half": ("quick", 3, 4, 4),
    "quick": ("quick", None, None, None),
    "quick, three times": ("quick", 15, 24, 24),
    "paper, 100 passes": ("paper", 100, 100, None),
    "paper": ("paper", None, None, None),
}


def simulate(seed):
    """Return labeled epochs, their runs, and segments of the training runs."""
    settings = SimulationSettings(n_runs=N_RUNS, sfreq=1000.0, line_noise=0.0)
    epochs, segments = simulate_words(settings, seed)
    run = segments.metadata["run"].astype(int).to_numpy()
    return epochs, segments[np.flatnonzero(run <= N_TRAINING_RUNS)]


def kept(path, make):
    """Return an estimator and its costs: from disk, or made and written there."""
    costs = path.with_suffix(".json")
    if costs.exists():
        return read_estimator(path), json.loads(costs.read_text())
    start = time.process_time()
    estimator = make()
    cost = {"passes": estimator.n_iter_, "seconds": time.process_time() - start}
    path.parent.mkdir(parents=True, exist_ok=True)
    estimator.save(path)
    costs.write_text(json.dumps(cost))
    return estimator, cost


def measure(seed, name, epochs, segments, cache, precision):
    """Train the three stages and return a row of the table."""
    preset, *passes = CONDITIONS[name]
    run = epochs.metadata["run"].astype(int).to_numpy()
    names = {code: label for label, code in epochs.event_id.items()}
    y = np.array([names[code] for code in epochs.events[:, 2]])
    train = np.flatnonzero(run <= N_TRAINING_RUNS)
    test = np.flatnonzero(run > N_TRAINING_RUNS)
    folder = cache / f"{seed}-{name.replace(', ', '-').replace(' ', '-')}-{precision}"
    common = {"random_state": seed, "verbose": False, "precision": precision}
    common["preset"] = preset
    vqvae, first = kept(
        folder / "vqvae.safetensors",
        lambda: DuINVQVAE(n_layers=8, max_iter=passes[0], **common).fit(segments),
    )
    mae, second = kept(
        folder / "mae.safetensors",
        lambda: DuINMAE(vqvae, max_iter=passes[1], **common).fit(segments),
    )
    classifier, third = kept(
        folder / "classifier.safetensors",
        lambda: DuINClassifier(mae, max_iter=passes[2], **common).fit(
            epochs[train], y[train]
        ),
    )
    costs = (first, second, third)
    return {
        "simulation": seed,
        "condition": name,
        "precision": precision,
        "passes": "+".join(str(cost["passes"]) for cost in costs),
        "seconds": round(sum(cost["seconds"] for cost in costs), 1),
        "accuracy": round(classifier.score(epochs[test], y[test]), 4),
    }


def main():
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[601, 602, 603])
    parser.add_argument("--conditions", nargs="+", default=list(CONDITIONS))
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument(
        "--cache", type=Path, default=HOME / "results" / "cost_to_accuracy"
    )
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    torch.set_num_threads(1)
    options.table.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    if options.table.exists():
        rows = pd.read_csv(options.table, sep="\t").to_dict("records")
    done = {(row["simulation"], row["condition"], row["precision"]) for row in rows}
    for name in options.conditions:
        for seed in options.seeds:
            if (seed, name, options.precision) in done:
                continue
            data = simulate(seed)
            rows.append(measure(seed, name, *data, options.cache, options.precision))
            print(rows[-1], flush=True)
            pd.DataFrame(rows).to_csv(options.table, sep="\t", index=False)


if __name__ == "__main__":
    main()
