"""What five patients save the sixth, at 10 trials per word. Known truth.

Six simulated subjects share their word codes but neither contacts nor mixing
(simulate_cohort). Five have two runs of 4 words, 20 trials per word. The sixth, the new
patient, has one run, 10 trials per word; another run (40 trials) is for testing. The
networks are smaller than the published ones: 2 transformer blocks of 4 heads, 32
convolution filters, patches of 100 samples at 500 Hz, 10 passes for the codex. Prints a
table and writes it; simulations that the table holds already are kept::

    python tests/benchmarks/new_patient.py
"""

import argparse
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from scipy import stats

from mne_duin import (
    DuINClassifier,
    DuINVQVAE,
    add_subject,
    make_lda,
    stack_subjects,
)
from mne_duin.datasets import SimulationSettings, cut_epochs, simulate_cohort

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "new_patient.tsv"
SFREQ = 500.0
NEW = "06"
SIZES = {
    "patch_duration": 0.2,
    "conv_filters": (32, 32, 16),
    "n_layers": 2,
    "n_heads": 4,
    "head_dim": 16,
    "ff_dim": 160,
}
BASELINE = "network, own trials only"


def simulate(seed):
    """Return trials and segments, each by subject with contacts."""
    settings = SimulationSettings(
        n_words=4, n_runs=2, n_trials_per_word=10, sfreq=SFREQ, line_noise=0.0
    )
    trials, segments = {}, {}
    for name, recording in simulate_cohort(6, settings, random_state=seed).items():
        epochs, contacts, _ = cut_epochs(recording, reference="bipolar")
        trials[name] = epochs, contacts
        n_runs = 1 if name == NEW else 2
        segments[name] = cut_segments(recording.raws[:n_runs], contacts), contacts
    return trials, segments


def cut_segments(raws, contacts):
    """Cut the bipolar channels of runs into segments of 6 s."""
    length, parts = round(6 * SFREQ), []
    for raw in raws:
        data = raw.get_data(list(contacts["anode"]))
        data -= raw.get_data(list(contacts["cathode"]))
        starts = range(0, data.shape[1] - length + 1, length)
        parts += [data[:, start : start + length] for start in starts]
    info = mne.create_info(list(contacts.index), SFREQ, "seeg")
    return mne.EpochsArray(np.stack(parts), info, verbose=False)


def labels(epochs):
    """Return the word of every trial."""
    names = {code: name for name, code in epochs.event_id.items()}
    return np.array([names[code] for code in epochs.events[:, 2]])


def in_runs(epochs, runs):
    """Return the trials of some runs."""
    return epochs[epochs.metadata["run"].isin(runs).to_numpy()]


def variants(trials, segments, seed):
    """Yield name, fitted estimator and form of the test trials of each variant."""
    common = {"random_state": seed, "verbose": False}
    epochs, contacts = trials[NEW]
    own = in_runs(epochs, ["1"])
    stacked, _ = stack_subjects({NEW: (own, contacts)})
    y = labels(own)
    yield "shrinkage LDA, own trials only", make_lda().fit(own, y), False
    yield BASELINE, DuINClassifier(**SIZES, **common).fit(stacked, y), True
    pairs = {name: (in_runs(e, ["1", "2"]), c) for name, (e, c) in trials.items()}
    everyone, _ = stack_subjects(pairs | {NEW: (own, contacts)})
    together = DuINClassifier(**SIZES, **common).fit(everyone, labels(everyone))
    yield "words of five and own trials together", together, True
    tuned = DuINClassifier(together, **common).fit(stacked, y)
    yield "and tuned to the own trials", tuned, True
    known = {name: segments[name] for name in segments if name != NEW}
    vqvae = DuINVQVAE(**SIZES, n_decoder_layers=1, max_iter=10, **common)
    vqvae.fit(stack_subjects(known)[0])
    added = add_subject(vqvae, segments[NEW][0], name=NEW, **common)
    fitted = DuINClassifier(added, **common).fit(stacked, y)
    yield "codex of five, own map without labels", fitted, True


def measure(seed):
    """Return one row per variant: accuracy on the held-out run."""
    trials, segments = simulate(seed)
    test = in_runs(trials[NEW][0], ["2"])
    stacked, _ = stack_subjects({NEW: (test, trials[NEW][1])})
    return score(variants(trials, segments, seed), seed, test, stacked, labels(test))


def score(fitted_variants, seed, test, stacked, y):
    """Return one row per variant, and print it."""
    rows, start = [], time.perf_counter()
    for name, fitted, takes_stack in fitted_variants:
        accuracy = fitted.score(stacked if takes_stack else test, y)
        seconds = time.perf_counter() - start
        rows.append((name, seed, accuracy))
        print(f"{seed}  {name:<42} {accuracy:.3f}  {seconds:6.1f} s", flush=True)
        start = time.perf_counter()
    return rows


def read_rows(path):
    """Return the rows behind a table that was written before."""
    table = pd.read_csv(path, sep="\t", index_col="variant")
    columns = [name for name in table if name.startswith("simulation ")]
    return [
        (variant, int(name.split()[1]), value)
        for name in columns
        for variant, value in table[name].items()
    ]


def summarize(rows):
    """Return accuracies by simulation, and the paired difference from the baseline."""
    table = pd.DataFrame(rows, columns=["variant", "seed", "accuracy"])
    wide = table.pivot(index="variant", columns="seed", values="accuracy")
    wide = wide.loc[table["variant"].unique()]
    gain = wide.sub(wide.loc[BASELINE], axis=1)
    n = wide.shape[1]
    summary = pd.DataFrame({"mean": wide.mean(axis=1), "gain": gain.mean(axis=1)})
    if n > 1:
        half = stats.t.ppf(0.975, n - 1) * gain.std(axis=1, ddof=1) / np.sqrt(n)
        summary["gain from"] = summary["gain"] - half
        summary["gain to"] = summary["gain"] + half
    wide.columns = [f"simulation {seed}" for seed in wide.columns]
    return wide.join(summary).round(3)


def main():
    """Run the simulations and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(501, 507)))
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    rows = read_rows(options.table) if options.table.exists() else []
    for seed in options.seeds:
        rows = [row for row in rows if row[1] != seed] + measure(seed)
        table = summarize(rows)
        options.table.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(options.table, sep="\t")
    print(table.to_string())


if __name__ == "__main__":
    main()
