"""Small Epochs with known information."""

import mne
import numpy as np
import pandas as pd


def make_epochs(strength=0.6, *, n_per_run=6, runs=("1", "2", "10"), seed=0):
    """Four words over runs; word k raises channel k."""
    rng = np.random.default_rng(seed)
    words = ["aa", "bb", "cc", "dd"]
    codes = np.concatenate(
        [rng.permutation(np.repeat(np.arange(4), n_per_run)) for _ in runs]
    )
    data = rng.standard_normal((len(codes), 5, 12))
    data[np.arange(len(codes)), codes] += strength
    events = np.column_stack([np.arange(len(codes)) * 99, codes * 0, codes + 1])
    return mne.EpochsArray(
        data,
        mne.create_info(5, 50.0, "seeg"),
        events,
        event_id={word: code + 1 for code, word in enumerate(words)},
        metadata=pd.DataFrame({"run": np.repeat(runs, 4 * n_per_run)}),
        verbose="error",
    )
