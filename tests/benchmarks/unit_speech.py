"""Does pre-training pay on talk that is made of the same units as the words?

Simulated subjects (:func:`mne_duin.simulate_unit_speech`) talk for some time without
labels and then say eight words. Every row pre-trains one encoder and fine-tunes it with
3, 5, 10, 20 and 40 trials per word; 640 other trials test it. Rows are made one at a
time, the decisive ones first, and what is in the table is not made again, so the script
can be stopped at any time, and several can run at once on different subjects::

    python tests/benchmarks/unit_speech.py --set selection
    python tests/benchmarks/unit_speech.py --set report --seeds 101 --methods pretrained
    python tests/benchmarks/unit_speech.py --summary

The sets that begin with ``plain`` use the simpler simulation of ``plain_speech.py``.
In those that end with ``weak`` what units add to the signal is multiplied by 0.6, which
was set on subject 31 (``plain-selection-weak``) so that a network that is told the
units decodes two thirds of the words with 10 trials (at full strength nine tenths).
``SELECTION`` are the subjects on which defaults are chosen, ``REPORT`` those on which
results are reported; no default was chosen on the latter. ``--summary`` pairs every
method with the better of LDA and Du-IN from scratch, trial by trial, and writes
accuracies and differences to ``unit_speech_paired.tsv``. ``unit_speech_earlier.tsv``
has rows of an earlier version, in which all decoders were given the power of channels
only, not of unmixed ones.
"""

import argparse
import tempfile
import time
from functools import cache, partial
from itertools import product
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import plain_speech
from filelock import FileLock
from sklearn.frozen import FrozenEstimator

from mne_duin import (
    DecoderEnsemble,
    DuINClassifier,
    DuINMAE,
    DuINTokenDecoder,
    DuINVQVAE,
    make_duin,
    make_lda,
    simulate_unit_speech,
)
from mne_duin.utils._bands import NAMED, UNMIXED

FOLDER = Path(__file__).parents[2] / "doc" / "benchmarks"
TABLE = FOLDER / "unit_speech.tsv"
SELECTION = {"seeds": (11, 12, 13), "kinds": ("both",)}
REPORT = {"seeds": (101, 102, 103), "kinds": ("both", "power", "phase-locked")}
# The plain simulation of plain_speech.py: another kind than the one above.
PLAIN = {"seeds": (41, 42, 43), "kinds": ("both", "power", "phase-locked")}
PLAIN_SELECTION = {"seeds": (31,), "kinds": ("both",)}
SETS = {
    "selection": SELECTION,
    "report": REPORT,
    "report-weak": REPORT,
    "plain-selection": PLAIN_SELECTION,
    "plain-selection-weak": PLAIN_SELECTION,
    "plain-report": PLAIN,
    "plain-report-weak": PLAIN,
}
AMOUNTS = (3, 5, 10, 20, 40)
N_TRIALS = 120  # per word; those after the fortieth are test trials
ARCHITECTURE = {"n_layers": 2}
COMMON = {"random_state": 0, "verbose": False}
# The network that is told the units has the inputs of the hidden cells, and tokens
# enough for a head at the full rate.
CEILING = {
    "head_lr_scale": 1.0,
    "bands": tuple(name for name in NAMED if name.endswith(UNMIXED)),
    "n_filters": 48,
    "conv_filters": (64, 64, 48),
}
# What does not depend on unlabeled talk, then what does, in order of interest.
WITHOUT = ("lda", "scratch", "scratch+lda")
WITH = ("pretrained", "pretrained+lda", "ceiling", "cells+mae", "vqvae+mae")
AMOUNTS_OF_TALK = (
    (1.0, 4200),
    (0.3, 1400),
    (3.0, 14000),
    (0.3, 4200),
    (1.0, 14000),
    (10.0, 14000),
)
KEY = ["set", "kind", "subject", "hours", "steps", "method"]


@cache
def simulate(name, kind, seed, hours):
    """Return trials, words, segments and the units of the segments' tokens of a set."""
    strength = plain_speech.WEAK if name.endswith("weak") else 1.0
    if name.startswith("plain"):
        return plain_speech.simulate(
            kind, seed, hours, n_trials=N_TRIALS, strength=strength
        )
    epochs, _, talk, truth = simulate_unit_speech(
        kind=kind,
        hours=hours,
        n_trials_per_word=N_TRIALS,
        snr=strength,
        random_state=seed,
    )
    units = truth.token_units("unlabelled", (len(talk), 80))
    return epochs, epochs.metadata["trial_type"].to_numpy(), talk, units


def make_decoder(method, talk, units, steps, memory):
    """Return a function that fits a decoder of words, and the fitted stages if any."""
    base = method.removesuffix("+lda") or "lda"
    common = COMMON | ARCHITECTURE
    passes = {"max_iter": n_passes(steps, talk)}
    if method == "lda":
        return lambda X, y: make_lda().fit(X, y)
    if base == "scratch":
        network = DuINClassifier(**common)
    elif base in ("pretrained", "cells+mae"):
        # The stages without labels are learned once, whatever the number of trials.
        network = make_duin(
            base,
            architecture=ARCHITECTURE,
            cells={"max_steps": steps},
            mae=passes,
            task_data=False,
            memory=memory,
            **COMMON,
        )
        if method == base:
            return lambda X, y: network.fit(X, y, unlabelled=talk)
        network = partial(network.fit, unlabelled=talk)
    elif base == "vqvae+mae":
        stage = DuINMAE(DuINVQVAE(**common | passes).fit(talk), **COMMON | passes)
        network = DuINClassifier(FrozenEstimator(stage.fit(talk)), **common)
    else:
        names = np.array([f"unit{unit}" for unit in range(units.max() + 1)], object)
        # Whole segments of 8 s would make a quarter of the steps.
        talk, units = in_pieces(talk, units)
        options = common | CEILING | {"max_iter": min(n_passes(steps, talk), 30)}
        stage = DuINTokenDecoder(**options)
        stage = FrozenEstimator(stage.fit(talk, names[units]))
        network = DuINClassifier(stage, **common)
    if method == base:
        return network.fit
    return lambda X, y: _with_lda(network, X, y)


def n_passes(steps, talk):
    """Return how many passes of batches of 16 segments have so many steps."""
    return max(round(steps / np.ceil(len(talk) / 16)), 2)


def in_pieces(talk, units, seconds=2.0):
    """Cut segments and the units of their tokens into pieces as long as trials."""
    data = talk.get_data(copy=False)
    n_times = round(seconds * talk.info["sfreq"])
    pieces = data.reshape(*data.shape[:2], -1, n_times).swapaxes(1, 2)
    pieces = mne.EpochsArray(pieces.reshape(-1, data.shape[1], n_times), talk.info)
    return pieces, units.reshape(len(pieces), -1)


def _with_lda(network, X, y):
    """Return the ensemble of a network, or of what fits one, with LDA."""
    fitted = network(X, y) if callable(network) else network.fit(X, y)
    members = [
        ("duin", FrozenEstimator(fitted)),
        ("lda", make_lda(calibrated=True)),
    ]
    return DecoderEnsemble(members).fit(X, y)


def measure(name, kind, seed, hours, steps, method, memory):
    """Return the accuracies of one row, and which test trials were right."""
    epochs, words, talk, units = simulate(name, kind, seed, hours)
    started = time.perf_counter()
    fit = make_decoder(method, talk, units, steps, memory)
    rank = pd.Series(words).groupby(words).cumcount().to_numpy()
    test = rank >= max(AMOUNTS)
    row, used = {}, []
    for amount in AMOUNTS:
        train = rank < amount
        decoder = fit(epochs[train], words[train])
        used.append(getattr(decoder, "uses_pretraining_", ""))
        hits = decoder.predict(epochs[test]) == words[test]
        row[f"accuracy_{amount}"] = hits.mean()
        row[f"hits_{amount}"] = np.packbits(hits).tobytes().hex()
    row["seconds"] = round(time.perf_counter() - started, 1)
    row["uses_pretraining"] = "/".join(map(str, used)).strip("/")
    return row


def wanted_rows(options):
    """Yield the keys of all rows, the decisive ones first."""
    subset = SETS[options.set]
    seeds, kinds = options.seeds or subset["seeds"], options.kinds or subset["kinds"]
    methods = options.methods or (*WITHOUT, *WITH)
    for kind, seed, method in product(kinds, seeds, WITHOUT):
        if method in methods:
            yield options.set, kind, seed, 0.0, 0, method
    for hours, steps in AMOUNTS_OF_TALK:
        if options.hours and hours not in options.hours:
            continue
        if options.steps and steps not in options.steps:
            continue
        for kind, seed, method in product(kinds, seeds, WITH):
            if method in methods:
                yield options.set, kind, seed, hours, steps, method


def read_table(path):
    """Return the rows that were made, hits as text."""
    if not path.exists():
        return pd.DataFrame(columns=KEY)
    text = {f"hits_{amount}": str for amount in AMOUNTS}
    return pd.read_csv(path, sep="\t", dtype=text, keep_default_na=False)


def add_row(path, row):
    """Append a row; another process may have written meanwhile."""
    with FileLock(path.with_suffix(".lock")):
        known = read_table(path)
        known = pd.concat([known, pd.DataFrame([row])], ignore_index=True)
        known.to_csv(path, sep="\t", index=False, float_format="%.4g")


def hits_of(row, amount):
    """Return which of the test trials of a row were right."""
    hits = np.frombuffer(bytes.fromhex(row[f"hits_{amount}"]), np.uint8)
    return np.unpackbits(hits).astype(float)


def summarize(table):
    """Return mean accuracies, and differences from the better of LDA and scratch.

    The differences are paired by trial. The interval is that of the mean over subjects
    and trials: subjects drawn with replacement, then their trials (bootstrap, 95 %).
    """
    rng = np.random.default_rng(0)
    rows = []
    keys = ["set", "kind", "method", "hours", "steps"]
    table = table.sort_values(keys, key=_in_order, kind="stable")
    by_subject = table.set_index(["set", "kind", "subject"]).sort_index()
    for key, group in table.groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True)) | {"subjects": len(group)}
        members = group.to_dict("records")
        for amount in AMOUNTS:
            if f"hits_{amount}" not in table:  # earlier versions had no row with three
                continue
            mean = 100 * np.mean([hits_of(one, amount).mean() for one in members])
            row[f"{amount} trials"] = f"{mean:.1f}"
            if row["method"] in ("lda", "scratch"):
                continue
            differences = []
            for one in members:
                own = by_subject.loc[(one["set"], one["kind"], one["subject"])]
                rivals = own[own.method.isin(("lda", "scratch"))].to_dict("records")
                best = max(rivals, key=lambda rival: hits_of(rival, amount).mean())
                differences.append(hits_of(one, amount) - hits_of(best, amount))
            low, high = bootstrap(rng, differences)
            mean = 100 * np.mean([one.mean() for one in differences])
            row[f"{amount} trials"] += f"; {mean:+.1f} ({low:+.1f} to {high:+.1f})"
        rows.append(row)
    return pd.DataFrame(rows)


def _in_order(column):
    """Return what the rows of a column are sorted by: methods as they are listed."""
    methods = {name: rank for rank, name in enumerate(WITHOUT + WITH)}
    return column.map(methods) if column.name == "method" else column


def bootstrap(rng, differences, n_draws=2000):
    """Return the limits of the mean difference in per cent."""
    draws = []
    for _ in range(n_draws):
        drawn = rng.choice(len(differences), len(differences))
        means = [rng.choice(differences[k], len(differences[k])).mean() for k in drawn]
        draws.append(np.mean(means))
    return 100 * np.percentile(draws, (2.5, 97.5))


def main():
    """Make the rows that are missing, or the table of paired differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", default="selection", choices=SETS)
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--kinds", nargs="+")
    parser.add_argument("--hours", type=float, nargs="+")
    parser.add_argument("--steps", type=int, nargs="+", help="of the hidden cells")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--memory", type=Path, help="where learned stages are kept")
    parser.add_argument("--limit", type=int, help="stop after so many new rows")
    parser.add_argument("--summary", action="store_true", help="pair what is there")
    options = parser.parse_args()
    if options.summary:
        paired = summarize(read_table(options.table))
        path = options.table.with_name(f"{options.table.stem}_paired.tsv")
        paired.to_csv(path, sep="\t", index=False)
        print(paired.to_string(index=False))
        return
    done = set(map(tuple, read_table(options.table)[KEY].to_numpy().tolist()))
    missing = [key for key in wanted_rows(options) if key not in done]
    memory = options.memory or Path(tempfile.mkdtemp(prefix="unit_speech-"))
    for key in missing[: options.limit]:
        name, kind, seed, hours, steps, method = key
        talk = hours or 16 / 3600 * 2
        row = dict(zip(KEY, key, strict=True)) | measure(
            name, kind, seed, talk, steps, method, memory
        )
        add_row(options.table, row)
        print({name: row[name] for name in row if "hits" not in name}, flush=True)


if __name__ == "__main__":
    main()
