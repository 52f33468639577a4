"""What five patients' talk without labels saves the sixth, at 10 trials per word.

Six subjects of ``plain_speech.py`` say the same words, made of the same units, at 0.6
of the usual strength; where units are in the channels, and how channels are mixed, is
each one's own. Five talked
for 20 minutes, the sixth, the new patient, for six, and said eight words ten times each
(40 other trials of each word test). Hidden cells are learned on the talk of all six
with one map per subject and a shared trunk, or on that of the new patient alone, with
as many steps as the recordings are worth. *Ensembles* are those of the network that
starts from them and the one from scratch. Prints a table and writes it; simulations
that the table holds already are kept::

    OMP_NUM_THREADS=1 python tests/benchmarks/new_patient_talk.py
"""

import argparse
from pathlib import Path

import mne
import pandas as pd
import plain_speech
from new_patient import BASELINE, read_rows, score, summarize
from sklearn.frozen import FrozenEstimator

from mne_duin import (
    DecoderEnsemble,
    DuINCells,
    DuINClassifier,
    make_lda,
    stack_subjects,
)
from mne_duin.training import steps_for

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "new_patient_talk.tsv"
NAMES, NEW = ("01", "02", "03", "04", "05", "06"), "06"
HOURS = {name: 0.1 if name == NEW else 1 / 3 for name in NAMES}
N_TRAIN, N_TEST = 10, 40
COMMON = {"n_layers": 2, "random_state": 0, "verbose": False}


def simulate(seed):
    """Return talk by subject, and training and test trials of the new one."""
    talk = {}
    for index, name in enumerate(NAMES):
        n_trials = N_TRAIN + N_TEST if name == NEW else 1
        epochs, words, talk[name], _ = plain_speech.simulate(
            "both",
            10 * seed + index,
            HOURS[name],
            n_trials=n_trials,
            language=10 * seed + len(NAMES),
            strength=plain_speech.WEAK,
        )
    rank = pd.Series(words).groupby(words).cumcount().to_numpy()
    parts = [(epochs[own], words[own]) for own in (rank < N_TRAIN, rank >= N_TRAIN)]
    return talk, *parts


def stack(epochs):
    """Return the epochs of one or several subjects, by name, as those of a cohort."""
    pairs = {}
    for name, own in epochs.items():
        # Channels have no place in this simulation.
        pairs[name] = own, pd.DataFrame(index=pd.Index(own.ch_names, name="name"))
    return stack_subjects(pairs)[0]


def learn(talk):
    """Return hidden cells, learned in as many steps as the talk is worth."""
    segments = stack(talk)
    seconds = len(segments) * len(segments.times) / segments.info["sfreq"]
    return DuINCells(**COMMON, max_steps=steps_for(seconds)).fit(segments)


def variants(talk, epochs, words):
    """Yield name, fitted estimator and form of the test trials of each variant."""
    own = stack({NEW: epochs})
    yield "LDA, own trials only", make_lda().fit(epochs, words), False
    scratch = DuINClassifier(**COMMON).fit(own, words)
    yield BASELINE, scratch, True
    for name, part in {
        "hidden cells of own talk": {NEW: talk[NEW]},
        "hidden cells of the talk of all six": talk,
    }.items():
        fitted = DuINClassifier(learn(part), **COMMON).fit(own, words)
        yield name, fitted, True
        members = [("cells", fitted), ("scratch", scratch)]
        members = [(key, FrozenEstimator(one)) for key, one in members]
        yield f"{name}, ensemble", DecoderEnsemble(members).fit(own, words), True


def measure(seed):
    """Return one row per variant: accuracy on the test trials."""
    talk, train, (test, words) = simulate(seed)
    return score(variants(talk, *train), seed, test, stack({NEW: test}), words)


def main():
    """Run the simulations that are missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(51, 57)))
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    rows = read_rows(options.table) if options.table.exists() else []
    for seed in sorted(set(options.seeds) - {row[1] for row in rows}):
        rows += measure(seed)
        summarize(rows).to_csv(options.table, sep="\t")
    print(summarize(rows).to_string())


if __name__ == "__main__":
    main()
