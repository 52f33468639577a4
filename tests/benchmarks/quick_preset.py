"""What each ingredient of the quick preset brings, on simulations with known truth.

Every simulated subject reads 8 words; the networks learn from three runs (27 trials per
word, 11 minutes) and are tested on five more runs (360 trials). The shipped sample data
are not among them. Prints a table and writes it::

    python tests/benchmarks/quick_preset.py
"""

import argparse
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from simulated_words import simulate_words

from mne_duin import DuINClassifier, DuINMAE, DuINVQVAE, make_lda
from mne_duin.datasets import SimulationSettings
from mne_duin.utils._bands import BANDS

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "quick_preset.tsv"
N_TRAINING_RUNS = 3
# What the published classifier starts from, with the passes that it needs.
PUBLISHED = {"bands": "raw", "init": "random", "head_init": "random", "skip": False}
PUBLISHED |= {"max_iter": 25, "lr": 5e-4}


def simulate(seed):
    """Return epochs at 1000 Hz and segments of the training runs, vSMC and STG only."""
    settings = SimulationSettings(n_runs=8, sfreq=1000.0, line_noise=0.0)
    epochs, segments = simulate_words(settings, seed)
    run = segments.metadata["run"].astype(int).to_numpy()
    return epochs, segments[np.flatnonzero(run <= N_TRAINING_RUNS)]


def variants(segments, seed):
    """Yield the estimators by name, and the seconds their pre-training took."""
    common = {"random_state": seed, "verbose": False}
    recipe = dict(PUBLISHED)
    steps = {
        "from scratch, published start": {},
        "and high-gamma power": {"bands": ["high-gamma"]},
        "and ZCA": {"init": "zca"},
        "and head from discriminants, 8 passes": {"head_init": "lda"},
        "and tokens without context": {"skip": True},
        "and power of all bands": {"bands": list(BANDS)},
    }
    for name, changed in steps.items():
        recipe |= changed
        if recipe["head_init"] == "lda":
            recipe = {k: v for k, v in recipe.items() if k not in ("max_iter", "lr")}
        yield name, DuINClassifier(**recipe, **common), 0.0
    name = "and power of unmixed channels (quick preset)"
    yield name, DuINClassifier(**common), 0.0
    start = time.perf_counter()
    vqvae = DuINVQVAE(**common).fit(segments)
    seconds = time.perf_counter() - start
    yield "with the codex", DuINClassifier(vqvae, **common), seconds
    mae = DuINMAE(vqvae, **common).fit(segments)
    seconds = time.perf_counter() - start
    yield "with codex and masked model", DuINClassifier(mae, **common), seconds
    yield "shrinkage LDA", make_lda(), 0.0


def measure(seed):
    """Return one row per variant: accuracy on the held-out runs and seconds."""
    epochs, segments = simulate(seed)
    run = epochs.metadata["run"].astype(int).to_numpy()
    names = {code: name for name, code in epochs.event_id.items()}
    y = np.array([names[code] for code in epochs.events[:, 2]])
    train = np.flatnonzero(run <= N_TRAINING_RUNS)
    test = np.flatnonzero(run > N_TRAINING_RUNS)
    rows = []
    for name, estimator, pretraining in variants(segments, seed):
        start = time.perf_counter()
        estimator.fit(epochs[train], y[train])
        seconds = pretraining + time.perf_counter() - start
        accuracy = estimator.score(epochs[test], y[test])
        rows.append((name, seed, accuracy, seconds))
        print(f"{seed}  {name:<44} {accuracy:.3f}  {seconds:6.1f} s", flush=True)
    return rows


def main():
    """Run the simulations and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[201, 202, 203])
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    rows = [row for seed in options.seeds for row in measure(seed)]
    table = pd.DataFrame(rows, columns=["variant", "seed", "accuracy", "seconds"])
    wide = table.pivot(index="variant", columns="seed", values="accuracy")
    wide = wide.loc[table["variant"].unique()]
    wide.columns = [f"simulation {seed}" for seed in wide.columns]
    seconds = table.groupby("variant")["seconds"].mean()
    wide = wide.assign(mean=wide.mean(axis=1), seconds=seconds).round(3)
    options.table.parent.mkdir(parents=True, exist_ok=True)
    wide.to_csv(options.table, sep="\t")
    print(wide.to_string())


if __name__ == "__main__":
    main()
