"""What should a pre-trained network count in an ensemble with one from scratch?

For subjects on which defaults are chosen (``SELECTION`` in ``unit_speech.py``), with
several disjoint sets of training trials: how much better linear discriminants read the
encoder alone than the signal (in standard errors of the difference of log losses), and
the accuracy of the ensemble with several weights of the pre-trained network. Writes
doc/benchmarks/ensemble_weights.tsv, and prints what was gained over equal weights by
the weights that :class:`mne_duin.DuINDecoder` would have taken; rows that are there are
not made again::

    python tests/benchmarks/ensemble_weights.py
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator
from unit_speech import ARCHITECTURE, COMMON, FOLDER, simulate

from mne_duin import DuINCells, DuINClassifier
from mne_duin.estimators._probe import WEIGHT_IF_BETTER, probe_encoder, weight_of
from mne_duin.estimators.memory import fit_or_recall
from mne_duin.training._check import lead_in_errors
from mne_duin.utils._pooling import pool_probabilities

TABLE = FOLDER / "ensemble_weights.tsv"
# Simulation without anatomy (plain) and with it, subject, hours of talk, steps.
SUBJECTS = (
    (True, 31, 0.3, 1400),
    (True, 31, 1.0, 4200),
    (True, 31, 3.0, 14000),
    (False, 11, 1.0, 4200),
    (False, 12, 1.0, 4200),
)
SETS = {5: 4, 10: 4, 20: 2, 40: 1}  # sets of training trials with so many per word
WEIGHTS = (0.0, 0.5, 0.6, WEIGHT_IF_BETTER, 0.75, 1.0)
KEY = ["plain", "subject", "hours", "steps"]


def measure(plain, seed, hours, steps, memory):
    """Return a row for each set of training trials of a subject."""
    epochs, words, talk, _ = simulate("both", seed, hours, plain)
    words = np.asarray(words)
    stage = DuINCells(max_steps=steps, **ARCHITECTURE, **COMMON)
    stage = fit_or_recall(stage, talk, "cells", memory)
    rank = pd.Series(words).groupby(words).cumcount().to_numpy()
    test = rank >= max(SETS)
    rows = []
    for amount, n_sets in SETS.items():
        for index in range(n_sets):
            train = rank // amount == index
            X, y = epochs[train], words[train]
            tuned = DuINClassifier(FrozenEstimator(stage), **COMMON)
            probe = probe_encoder(tuned, X, y)
            networks = [tuned, DuINClassifier(**ARCHITECTURE, **COMMON)]
            members = [own.fit(X, y).predict_proba(epochs[test]) for own in networks]
            row = dict(zip(KEY, (plain, seed, hours, steps), strict=True))
            row |= {"trials per word": amount, "lead": lead_in_errors(probe)}
            for weight in WEIGHTS:
                pooled = pool_probabilities(members, (weight, 1 - weight))
                named = tuned.classes_[pooled.argmax(1)]
                row[f"{weight:.2f}"] = 100 * np.mean(named == words[test])
            rows.append(row)
    return pd.DataFrame(rows)


def main():
    """Make the rows that are missing, and say what the rule gains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", type=Path, help="where learned stages are kept")
    options = parser.parse_args()
    memory = options.memory or Path(tempfile.mkdtemp(prefix="ensemble_weights-"))
    table = pd.read_csv(TABLE, sep="\t") if TABLE.exists() else pd.DataFrame()
    done = set() if table.empty else set(map(tuple, table[KEY].to_numpy().tolist()))
    for key in SUBJECTS:
        if key not in done:
            table = pd.concat([table, measure(*key, memory)], ignore_index=True)
            table.to_csv(TABLE, sep="\t", index=False, float_format="%.4g")
    taken = table["lead"].map(weight_of) == WEIGHT_IF_BETTER
    equal, more = table["0.50"], table[f"{WEIGHT_IF_BETTER:.2f}"]
    table["gain"] = more.where(taken, equal) - equal
    gains = table.groupby(["trials per word", *KEY])["gain"].mean()
    print(gains.unstack(0).round(1).to_string())  # noqa: T201
    print(gains.groupby(level=0).mean().round(1).to_string())  # noqa: T201


if __name__ == "__main__":
    main()
