"""What the choices of the paper are worth: one thing changed at a time.

A simulated subject that nothing was tuned on reads 8 words in five runs; all stages
learn from three of them (27 trials per word, and their segments for pre-training) with
the quick preset, and the last two (144 trials) test them. The networks have two
transformer blocks instead of eight, which makes this an hour instead of a working
day, and ``VALUES`` has fewer values than ``mne-duin ablate``. Differences are from the
preset as it is, on the same trials (exact McNemar test, Holm's correction within a
parameter)::

    python tests/benchmarks/ablations.py --memory results/ablations

``channels`` is the sweep of the paper's figure: of a subject with 64 channels, all over
the brain, those that contribute most to a classifier are chosen inside the training
part, and the codex and the classifier learn from these. Rows that are in the tables are
not made again.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from simulated_words import simulate_words

from mne_duin import ablate
from mne_duin.baselines._make_estimator import make_estimator
from mne_duin.datasets import SimulationSettings
from mne_duin.datasets.simulation._montages import MONTAGES, Montage, Shaft
from mne_duin.workflows._ablating import ABLATIONS, ablation_grid

FOLDER = Path(__file__).parents[2] / "doc" / "benchmarks"
SEED = 311
SETTINGS = SimulationSettings(n_runs=5, sfreq=1000.0, line_noise=0.0)
SIZES = {"n_layers": 2}
VALUES = {
    "codex-size": (16, 128, 2048),
    "code-dimension": (16, 64, 128),
    "mask-ratio": (0.1, 0.3, 0.5, 0.7),
    "codex-passes": (2, 5, 20),
    "masked-passes": (3, 8, 25),
}
COLUMNS = (
    "parameter", "value", "accuracy", "low", "high", "difference", "p_paired",
    "p_holm", "log_loss",
)  # fmt: skip


def many_shafts():
    """Return a montage with seven more shafts far from the speech areas."""
    shafts = list(MONTAGES["left"].shafts)
    hippocampus, frontal = shafts[2:]
    for number, millimetres in enumerate((-14, -7, 7, 14)):
        for shaft, n_contacts in ((hippocampus, 7), (frontal, 8)):
            if len(shafts) == 11:
                break
            ends = [
                tuple(np.add(end, (0.0, millimetres, 0.0)))
                for end in (shaft.tip, shaft.entry)
            ]
            name = f"{'ABCD'[number]}{shaft.name}"
            labels = (shaft.labels * 2)[:n_contacts]
            shafts.append(Shaft(name, *ends, labels))
    return Montage(shafts=tuple(shafts))


MANY = replace(SETTINGS, montage=many_shafts())


def measure(what, memory):
    """Return the rows of an ablation."""
    estimator = make_estimator(
        "mae",
        architecture=SIZES,
        vqvae={"n_decoder_layers": 1},
        memory=memory,
        random_state=0,
        verbose=False,
    )
    if what == "channels":
        epochs, segments = simulate_words(MANY, SEED, regions=None)
        estimator.set_params(mae=None)
    else:
        epochs, segments = simulate_words(SETTINGS, SEED)
    estimator, grid = ablation_grid(
        estimator, what, VALUES.get(what), n_channels=len(epochs.ch_names)
    )
    return ablate(
        estimator, grid, epochs, cv="last-2-runs", random_state=0, unlabelled=segments
    )


def main():
    """Make the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--what", nargs="+", choices=list(ABLATIONS), default=list(ABLATIONS)
    )
    parser.add_argument("--memory", type=Path, help="folder of pre-trained stages")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    options.folder.mkdir(parents=True, exist_ok=True)
    for what in options.what:
        name = "channel_sweep" if what == "channels" else "ablations"
        path = options.folder / f"{name}.tsv"
        known = pd.read_csv(path, sep="\t") if path.exists() else pd.DataFrame()
        if len(known) and ABLATIONS[what][0] in set(known["parameter"]):
            continue
        start = time.perf_counter()
        rows = measure(what, options.memory)[list(COLUMNS)].round(4)
        pd.concat([known, rows]).to_csv(path, sep="\t", index=False)
        print(rows.to_string(), f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
