"""Does training in bfloat16 change the accuracy of the sample job? Five seeds each.

The sample job is what ``mne-duin decode`` does with the sample data: codex, masked
model and classifier learn from all runs but the last, which tests them. Every row is
written when it is known and missing rows are computed, ``--rows`` at a time::

    python tests/benchmarks/precision_accuracy.py
"""

import argparse
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    evaluate,
    find_recordings,
    read_epochs,
    read_segments,
    sample_data_path,
)

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "precision_accuracy.tsv"
SEEDS, PRECISIONS = range(5), ("32", "bf16")


def read():
    """Return the trials and the segments of all runs but the last."""
    paths = find_recordings(sample_data_path(), subject="01", task="wordreading")
    regions = ("vSMC", "STG")
    epochs, _ = read_epochs(paths, align="response_time", regions=regions)
    segments, _ = read_segments(paths, regions=regions)
    runs = segments.metadata["run"].to_numpy()
    return epochs, segments[np.flatnonzero(runs != runs[-1])]


def measure(seed, precision, epochs, segments):
    """Train the three stages and return a row of the table."""
    start = time.process_time()
    common = {"random_state": seed, "precision": precision, "verbose": False}
    vqvae = DuINVQVAE(n_layers=8, **common).fit(segments)
    mae = DuINMAE(vqvae, **common).fit(segments)
    classifier = DuINClassifier(mae, **common)
    result = evaluate(classifier, epochs, cv="last-run", random_state=seed)
    return {
        "seed": seed,
        "precision": precision,
        "accuracy": round(result.accuracy, 4),
        "trials": len(result.epoch),
        "processor seconds": round(time.process_time() - start, 1),
    }


def main():
    """Compute missing rows, write the table and compare the precisions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=len(SEEDS) * len(PRECISIONS))
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    rows = []
    if options.table.exists():
        table = pd.read_csv(options.table, sep="\t", dtype={"precision": str})
        rows = table.to_dict("records")
    done = {(row["seed"], row["precision"]) for row in rows}
    wanted = [(s, p) for s in SEEDS for p in PRECISIONS if (s, p) not in done]
    data = read() if wanted else None
    for seed, precision in wanted[: options.rows]:
        rows.append(measure(seed, precision, *data))
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(options.table, sep="\t", index=False)
    wide = pd.DataFrame(rows).pivot(
        index="seed", columns="precision", values="accuracy"
    )
    print(wide.to_string())
    if set(PRECISIONS) <= set(wide):
        difference = (wide["bf16"] - wide["32"]).dropna()
        error = difference.std() / np.sqrt(len(difference))
        print(f"bf16 minus 32: {difference.mean():.4f}, standard error {error:.4f}")


if __name__ == "__main__":
    main()
