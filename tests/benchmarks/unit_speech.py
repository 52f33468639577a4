"""Does pre-training pay on talk that is made of the same units as the words?

Simulated subjects (:func:`mne_duin.simulate_unit_speech`) talk for some time without
labels and then say eight words. Every row pre-trains one encoder and fine-tunes it with
5, 10, 20 and 40 trials per word; 640 other trials test it. Rows are made one at a time,
the decisive ones first, and what is in the table is not made again, so the script can
be stopped at any time::

    python tests/benchmarks/unit_speech.py --set selection

``SELECTION`` are the subjects on which defaults are chosen, ``REPORT`` those on which
results are reported; no default was chosen on the latter.
"""

import argparse
import time
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator

from mne_duin import (
    DecoderEnsemble,
    DuINCells,
    DuINClassifier,
    DuINMAE,
    DuINTokenDecoder,
    DuINVQVAE,
    make_lda,
    simulate_unit_speech,
)

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "unit_speech.tsv"
SELECTION = {"seeds": (11, 12, 13), "kinds": ("both",)}
REPORT = {"seeds": (101, 102, 103), "kinds": ("both", "power", "phase-locked")}
SETS = {"selection": SELECTION, "report": REPORT}
AMOUNTS = (5, 10, 20, 40)
N_TRIALS = 120  # per word; those after the fortieth are test trials
ARCHITECTURE = {"n_layers": 2}
COMMON = {"random_state": 0, "verbose": False}
# What does not depend on unlabeled talk, then what does, in order of interest.
WITHOUT = ("lda", "scratch", "scratch+lda")
WITH = ("cells", "cells+lda", "cells+mae", "vqvae+mae", "ceiling")
AMOUNTS_OF_TALK = ((1.0, 4200), (0.3, 4200), (3.0, 14000), (1.0, 14000), (10.0, 14000))
KEY = ["set", "kind", "subject", "hours", "steps", "method"]


@cache
def simulate(kind, seed, hours):
    """Return trials, words, segments and the units of the segments' tokens."""
    epochs, _, talk, truth = simulate_unit_speech(
        kind=kind, hours=hours, n_trials_per_word=N_TRIALS, random_state=seed
    )
    units = truth.token_units("unlabelled", (len(talk), 80))
    return epochs, epochs.metadata["trial_type"].to_numpy(), talk, units


def pretrain(method, talk, units, steps):
    """Return a fitted stage to fine-tune from; None for a start from scratch."""
    common = COMMON | ARCHITECTURE
    # One pass of the published stages has so many batches of 16 segments.
    passes = {"max_iter": max(round(steps / np.ceil(len(talk) / 16)), 2)}
    if method in ("cells", "cells+lda", "cells+mae"):
        cells = DuINCells(max_steps=steps, **common).fit(talk)
        if method != "cells+mae":
            return cells
        return DuINMAE(cells, **COMMON | passes).fit(talk)
    if method == "vqvae+mae":
        vqvae = DuINVQVAE(**common | passes).fit(talk)
        return DuINMAE(vqvae, **COMMON | passes).fit(talk)
    if method == "ceiling":
        names = np.array([f"unit{unit}" for unit in range(units.max() + 1)], object)
        decoder = DuINTokenDecoder(max_iter=min(passes["max_iter"], 30), **common)
        return decoder.fit(talk, names[units])
    return None


def make_decoder(method, stage):
    """Return an unfitted decoder of words."""
    stage = None if stage is None else FrozenEstimator(stage)
    network = DuINClassifier(stage, **COMMON | ARCHITECTURE)
    if method == "lda":
        return make_lda()
    if not method.endswith("+lda"):
        return network
    members = [("duin", network), ("lda", make_lda(calibrated=True))]
    return DecoderEnsemble(members)


def measure(kind, seed, hours, steps, method):
    """Return the accuracies of one row."""
    epochs, words, talk, units = simulate(kind, seed, hours)
    started = time.perf_counter()
    stage = pretrain(method, talk, units, steps)
    row = {"pretraining_s": round(time.perf_counter() - started, 1)}
    rank = pd.Series(words).groupby(words).cumcount().to_numpy()
    test = rank >= max(AMOUNTS)
    for amount in AMOUNTS:
        train = rank < amount
        decoder = make_decoder(method, stage).fit(epochs[train], words[train])
        row[f"accuracy_{amount}"] = (
            decoder.predict(epochs[test]) == words[test]
        ).mean()
    check = getattr(stage, "check_", None)
    row["learned"] = "" if check is None else str(check.learned)
    return row


def wanted_rows(name, subset):
    """Yield the keys of all rows, the decisive ones first."""
    seeds, kinds = subset["seeds"], subset["kinds"]
    for kind, seed, method in product(kinds, seeds, WITHOUT):
        yield name, kind, seed, 0.0, 0, method
    for hours, steps in AMOUNTS_OF_TALK:
        for kind, seed, method in product(kinds, seeds, WITH):
            yield name, kind, seed, hours, steps, method


def main():
    """Make the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", default="selection", choices=SETS)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--limit", type=int, help="stop after so many new rows")
    options = parser.parse_args()
    known = pd.read_csv(options.table, sep="\t") if options.table.exists() else None
    done = set() if known is None else set(map(tuple, known[KEY].to_numpy().tolist()))
    missing = [
        key for key in wanted_rows(options.set, SETS[options.set]) if key not in done
    ]
    for key in missing[: options.limit]:
        name, kind, seed, hours, steps, method = key
        talk = hours or 16 / 3600 * 2
        row = dict(zip(KEY, key, strict=True)) | measure(
            kind, seed, talk, steps, method
        )
        known = pd.concat([known, pd.DataFrame([row])], ignore_index=True)
        known.to_csv(options.table, sep="\t", index=False, float_format="%.4g")
        print(known.iloc[-1].to_dict(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
