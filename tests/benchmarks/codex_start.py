"""How the codex survives its start, on 0.3, 1, 3 and 10 hours of simulated recording.

One simulated subject; the bipolar channels of nine contacts at 1000 Hz, cut into
segments of 8 s without overlap. Every network makes about the same number of steps,
whatever the amount of data. So that the table takes one core less than an hour, the
network is smaller than the default (one block each, 32 filters, no high gamma, 512
codes) and trained on batches of 32 crops of 1 s. Writes a table; rows that it has
already are kept::

    python tests/benchmarks/codex_start.py
"""

import argparse
import time
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin import DuINVQVAE
from mne_duin.channels import bipolar_pairs
from mne_duin.datasets import SimulationSettings
from mne_duin.datasets.simulation._brain import draw_brain, record_run
from mne_duin.datasets.simulation._lexicon import vocabulary
from mne_duin.datasets.simulation._montages import get_montage, montage_table
from mne_duin.datasets.simulation._schedule import draw_trials, draw_utterances

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "codex_start.tsv"
SFREQ, SECONDS, N_CONTACTS, N_HELD_OUT = 1000.0, 8, 9, 120
N_STEPS, BATCH_SIZE, N_CODES = 423, 32, 512
NETWORK = {
    "n_layers": 1,
    "n_decoder_layers": 1,
    "conv_filters": (32, 32, 16),
    "crop_duration": 1.0,
    "bands": "raw",
    "n_codes": N_CODES,
    "batch_size": BATCH_SIZE,
    "precision": "32",
    "device": "cpu",
}
STARTS = {
    "ours": {"codex_init": "unquantized", "revive_codes": True},
    "published": {"codex_init": "first-batch", "revive_codes": False},
}


def simulate(seed, n_segments):
    """Return segments of one subject, (n_segments, n_channels, n_times), in volts."""
    settings = SimulationSettings(n_runs=1, sfreq=SFREQ, line_noise=0.0, rest=450.0)
    words = vocabulary(settings.n_words)
    contacts = montage_table(get_montage(settings.montage)).iloc[:N_CONTACTS]
    pairs = bipolar_pairs(contacts)
    rng = np.random.default_rng(seed)
    brain = draw_brain(rng, contacts)
    segments, n_found = [], 0
    while n_found < n_segments:
        trials = draw_trials(rng, words, settings)
        utterances = draw_utterances(rng, trials, words, settings)
        raw = record_run(rng, brain, trials, utterances, settings)
        segments.append(cut(raw, pairs))
        n_found += len(segments[-1])
    return np.concatenate(segments)[:n_segments]


def cut(raw, pairs):
    """Cut the bipolar channels of a run into segments."""
    data = raw.get_data([a for a, _ in pairs]) - raw.get_data([b for _, b in pairs])
    size = int(SECONDS * SFREQ)
    n_segments = data.shape[1] // size
    data = data[:, : n_segments * size].reshape(len(pairs), n_segments, size)
    return data.swapaxes(0, 1).astype(np.float32)


def measure(segments, held_out, start, initial, seed):
    """Train one first stage and say what became of its codex."""
    n_passes = max(round(N_STEPS / np.ceil(len(segments) / BATCH_SIZE)), 2)
    vqvae = DuINVQVAE(
        **NETWORK,
        **STARTS[start],
        init=initial,
        max_iter=int(n_passes),
        random_state=seed,
        verbose=False,
    )
    began = time.perf_counter()
    with warnings.catch_warnings():
        # A codex that collapses is what is measured here.
        warnings.filterwarnings("ignore", "Only .* codes are in use")
        vqvae.fit(segments, sfreq=SFREQ)
    seconds = time.perf_counter() - began
    codes = vqvae.transform(held_out)
    share = np.bincount(codes.ravel(), minlength=N_CODES) / codes.size
    return {
        "hours": round(len(segments) * SECONDS / 3600, 1),
        "initial": initial,
        "start": start,
        "passes": n_passes,
        "codes in use": np.count_nonzero(vqvae.code_counts_),
        "codes, held out": np.count_nonzero(share),
        "perplexity, held out": np.exp(-(share * np.log(share + 1e-12)).sum()),
        "variance reconstructed, held out": vqvae.score(held_out),
        "seconds": seconds,
    }


def main():
    """Train all of them and write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=301)
    parser.add_argument("--hours", nargs="+", type=float, default=[0.3, 1, 3, 10])
    parser.add_argument("--initial", nargs="+", default=["random", "principal"])
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    amounts = [round(hours * 3600 / SECONDS) for hours in options.hours]
    everything = simulate(options.seed, max(amounts) + N_HELD_OUT)
    held_out = everything[:N_HELD_OUT]
    key = ["hours", "initial", "start"]
    table = pd.DataFrame(columns=key)
    if options.table.exists():
        table = pd.read_csv(options.table, sep="\t")
    for initial in options.initial:
        for hours, amount in zip(options.hours, amounts, strict=True):
            for start in STARTS:
                if (table[key] == [hours, initial, start]).all(axis=1).any():
                    continue
                segments = everything[N_HELD_OUT : N_HELD_OUT + amount]
                row = measure(segments, held_out, start, initial, options.seed)
                print(row, flush=True)
                table = pd.concat([table, pd.DataFrame([row]).round(3)])
                table.to_csv(options.table, sep="\t", index=False)
    print(table.to_string())


if __name__ == "__main__":
    main()
