"""Tiny versions of the networks, and epochs they can learn from."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin.baselines import (
    CNN2D,
    TSTCC,
    CNNBiGRU,
    DeWave,
    EEGConformer,
    NeuroBERT,
)

TRAINING = {
    "max_iter": 2,
    "batch_size": 16,
    "validation_fraction": 0.0,
    "max_shift": 0.0,
    "random_state": 0,
    "verbose": False,
}
PRETRAINING = {"pretrain_iter": 2, "pretrain_batch_size": 16}
KINDS = {
    "cnn_2d": (
        CNN2D,
        {"dims": (8, 16), "depths": (1, 1), "n_bands": 4, "step": 0.04}
        | {"window": 0.1, "dropout": 0.0},
    ),
    "cnn_bigru": (CNNBiGRU, {"n_filters": 8, "stride": 10, "hidden_dim": 16}),
    "eeg_conformer": (
        EEGConformer,
        {"dim": 8, "n_layers": 1, "n_heads": 2, "ff_dim": 16, "hidden_dims": (16, 8)},
    ),
    "ts_tcc": (
        TSTCC,
        PRETRAINING
        | {"filters": (8, 8, 16), "pools": (5, 2, 2), "n_steps": 2, "context_dim": 16}
        | {"n_layers": 1},
    ),
    "neuro_bert": (
        NeuroBERT,
        PRETRAINING
        | {"dim": 16, "n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 32},
    ),
    "dewave": (
        DeWave,
        PRETRAINING
        | {"dim": 16, "n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 32}
        | {"n_codes": 32, "hidden_dim": 16, "kernels": (9, 3), "strides": (5, 4)},
    ),
}
PRETRAINED = ("ts_tcc", "neuro_bert", "dewave")
# Recurrent and large networks learn slowly.
KINDS_BY_TIME = [
    pytest.param(kind, marks=pytest.mark.slow)
    if kind in ("cnn_bigru", "dewave")
    else kind
    for kind in KINDS
]


def make(kind, **changes):
    """An unfitted tiny network."""
    cls, sizes = KINDS[kind]
    return cls(**TRAINING | sizes | changes)


def simulate(n_epochs=24, n_channels=4, n_times=400, *, n_classes=2, seed=0):
    """Noise in microvolts; the sign of a slow wave in two channels names the class."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_epochs, n_channels, n_times))
    y = np.arange(n_epochs) % n_classes
    wave = np.sin(2 * np.pi * np.arange(n_times) / n_times)
    X[:, :2] += 3 * np.linspace(-1, 1, n_classes)[y][:, None, None] * wave
    return 1e-5 * X, np.array(["ba", "da", "ga"])[y]


def as_epochs(X, names=None, **columns):
    """Epochs at 1000 Hz."""
    names = names or [f"A{i + 1}" for i in range(X.shape[1])]
    metadata = pd.DataFrame(columns) if columns else None
    info = mne.create_info(names, 1000.0, "seeg")
    return mne.EpochsArray(X, info, metadata=metadata, verbose="error")
