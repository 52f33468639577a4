"""How long does pre-training by hidden cells take for one hour of recording?

Noise stands for the recording; a few steps are timed, of which one hour takes 4200. The
whole of ``fit`` also makes the inputs, clusters the tokens and compares with rules.
Writes doc/benchmarks/cells_time.tsv; nothing else should compute meanwhile::

    python tests/benchmarks/cells_time.py
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from mne_duin import DuINCells
from mne_duin.training._sampling import steps_for

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "cells_time.tsv"
# Channels and sampling rate.
RECORDINGS = (8, 400.0), (12, 400.0), (10, 500.0)
SECONDS, N_SEGMENTS, N_STEPS = 8, 40, 60
COMMON = {"validation_fraction": 0, "n_codes": 2, "precision": "32", "random_state": 0}


def seconds_per_step(n_channels, sfreq):
    """Time the steps of one training."""
    shape = N_SEGMENTS, n_channels, int(SECONDS * sfreq)
    X = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    for n_steps in (3, N_STEPS):  # the first one warms up
        cells = DuINCells(max_steps=n_steps, verbose=False, **COMMON)
        cells.fit(X, sfreq=sfreq)
    return cells.history_["seconds"].sum() / N_STEPS


def main():
    """Write the table."""
    n_steps = steps_for(3600)
    rows = []
    for n_channels, sfreq in RECORDINGS:
        seconds = seconds_per_step(n_channels, sfreq)
        minutes = round(seconds * n_steps / 60, 1)
        rows.append([n_channels, sfreq, torch.get_num_threads()])
        rows[-1] += [round(1000 * seconds), n_steps, minutes]
    columns = ["channels", "sfreq (Hz)", "threads", "ms per step"]
    columns += ["steps for 1 h", "minutes for 1 h"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(TABLE, sep="\t", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
