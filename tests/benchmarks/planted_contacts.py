"""Do channel contributions find the contacts that carry the words? Known truth.

Simulated subjects read 8 words; the classifier of the quick preset learns from three
runs and all channels. Its contributions are ranked against the planted contacts: 1 is
a perfect ranking, 0.5 a random one. Permutation is measured on the held-out run, as it
should be; patterns, which ask for no held-out data, on all epochs, and on the held-out
run for comparison. Seeds 401 to 403, which are not in the table, were looked at when
permutation came to exchange epochs instead of writing zeros. Prints a table and writes
it::

    python tests/benchmarks/planted_contacts.py
"""

import argparse
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from mne_duin import DuINClassifier, simulate_word_reading

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "planted_contacts.tsv"


def measure(seed):
    """Return accuracy on the held-out run and the ranking's area under the curve."""
    epochs, _, truth = simulate_word_reading(sfreq=1000.0, random_state=seed)
    run = epochs.metadata["run"].astype(int).to_numpy()
    names = {code: name for name, code in epochs.event_id.items()}
    y = np.array([names[code] for code in epochs.events[:, 2]])
    train, test = np.flatnonzero(run < 4), np.flatnonzero(run == 4)
    classifier = DuINClassifier(random_state=seed, verbose=False)
    classifier.fit(epochs[train], y[train])
    contributions = {
        "weights": classifier.channel_contributions("weights"),
        "patterns": classifier.channel_contributions("patterns", X=epochs),
        "patterns_held_out": classifier.channel_contributions(
            "patterns", X=epochs[test]
        ),
        "permutation": classifier.channel_contributions(
            "permutation", X=epochs[test], y=y[test]
        ),
    }
    planted = truth.loc[epochs.ch_names, "planted"]
    areas = {
        name: roc_auc_score(planted, values) for name, values in contributions.items()
    }
    return {"seed": seed, "accuracy": classifier.score(epochs[test], y[test]), **areas}


def main():
    """Run the simulations and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(301, 306)))
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    rows = []
    for seed in options.seeds:
        rows.append(measure(seed))
        print({name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    table = pd.DataFrame(rows).set_index("seed")
    table.loc["mean"] = table.mean()
    options.table.parent.mkdir(parents=True, exist_ok=True)
    table.round(3).to_csv(options.table, sep="\t")
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
