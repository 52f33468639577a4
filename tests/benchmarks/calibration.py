"""Are probabilities usable with and without the published sigmoid before the softmax?

Small networks, simulated subjects, the last run held out; both heads start from the
same random values, see the same trials in the same order, and differ in nothing else::

    python tests/benchmarks/calibration.py --seeds 6
"""

import argparse
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from scipy import stats

from mne_duin import DuINClassifier, evaluate, simulate_word_reading

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "calibration.tsv"
HEADS = {"none": None, "sigmoid": "sigmoid"}
MEASURES = ("accuracy", "log-loss", "calibration error")
NETWORK = {
    "n_layers": 2,
    "n_heads": 2,
    "head_dim": 16,
    "ff_dim": 64,
    "head_init": "random",
    "max_iter": 30,
    "lr": 1e-3,
    "verbose": False,
}


def measure(seed):
    """Return one row per head."""
    epochs, _, truth = simulate_word_reading(
        n_words=8, n_trials_per_word=9, n_runs=4, sfreq=500.0, snr=1.5, tmin=-0.3,
        tmax=1.2, random_state=seed,
    )  # fmt: skip
    epochs.pick(list(truth.index[truth["planted"] == 1]))
    rows = []
    for head, activation in HEADS.items():
        network = DuINClassifier(
            head_activation=activation, random_state=seed, **NETWORK
        )
        result = evaluate(
            network, epochs, cv="last-run", random_state=seed, n_label_permutations=0
        )
        values = (result.accuracy, result.log_loss, result.calibration().error)
        rows.append(
            {"seed": seed, "head": head, **dict(zip(MEASURES, values, strict=True))}
        )
        print(rows[-1], flush=True)
    return rows


def summarize(table):
    """Return means, the paired difference and Wilcoxon's p of every measure."""
    rows = []
    for name in MEASURES:
        wide = table.pivot(index="seed", columns="head", values=name)
        difference = wide["none"] - wide["sigmoid"]
        p = stats.wilcoxon(difference).pvalue if difference.any() else np.nan
        error = 1.96 * difference.std() / np.sqrt(len(difference))
        rows.append(
            {
                "measure": name,
                "no activation": wide["none"].mean(),
                "sigmoid": wide["sigmoid"].mean(),
                "difference": difference.mean(),
                "95 % of the mean": f"± {error:.3f}",
                "p (Wilcoxon)": p,
                "seeds": len(difference),
            }
        )
    return pd.DataFrame(rows).round(4)


def main():
    """Run the simulations and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    rows = [row for seed in range(options.seeds) for row in measure(400 + seed)]
    table = summarize(pd.DataFrame(rows))
    options.table.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.table, sep="\t", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
