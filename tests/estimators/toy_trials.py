"""Small recordings with one informative channel, and small estimators for them."""

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator

from mne_duin.estimators import DuINClassifier, DuINMAE, DuINVQVAE

PLANTED = 2
SFREQ = 1000.0
SIZES = {
    "n_layers": 1,
    "n_heads": 2,
    "head_dim": 8,
    "ff_dim": 32,
    "n_filters": 4,
    "conv_filters": (8, 8, 4),
}
TRAINING = {"max_iter": 3, "batch_size": 8, "random_state": 0, "verbose": False}
VQVAE = SIZES | TRAINING | {"n_decoder_layers": 1, "n_codes": 16, "code_dim": 8}
CLASSIFIER = SIZES | TRAINING | {"hidden_dim": 16}
KINDS = ("vqvae", "mae", "classifier", "finetuned")
# What does not depend on the kind is tried on one of them where time matters.
KINDS_BY_TIME = [
    pytest.param(kind, marks=() if kind == "classifier" else pytest.mark.slow)
    for kind in KINDS
]


def simulate(n_epochs=24, n_channels=6, n_times=400, *, n_classes=3, seed=0):
    """White noise in microvolts; a slow wave in one channel names the class."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_epochs, n_channels, n_times))
    y = np.arange(n_epochs) % n_classes
    time = np.arange(n_times) / n_times
    waves = [np.sin(2 * np.pi * (k + 1) * time) for k in range(n_classes)]
    X[:, PLANTED] += 2 * np.array(waves)[y]
    return 1e-5 * X, np.array(["ba", "da", "ga", "ka"])[y]


def as_epochs(X, *, names=None, sfreq=SFREQ, **columns):
    """Make Epochs with metadata out of an array."""
    names = names or [f"A{i + 1}" for i in range(X.shape[1])]
    metadata = pd.DataFrame(columns, index=range(len(X))) if columns else None
    info = mne.create_info(names, sfreq, "seeg")
    return mne.EpochsArray(X, info, metadata=metadata, verbose="error")


def one_by_one(epochs):
    """The list of one-epoch Epochs that scikit-learn's indexing makes."""
    return [epochs[i] for i in range(len(epochs))]


def fit_vqvae(X, **changes):
    return DuINVQVAE(**VQVAE | changes).fit(X, sfreq=None if is_epochs(X) else SFREQ)


def is_epochs(X):
    return isinstance(X, mne.BaseEpochs)


def make(kind, vqvae, **changes):
    """An unfitted estimator; the later stages get the fitted first one, frozen."""
    if kind == "vqvae":
        return DuINVQVAE(**VQVAE | changes)
    if kind == "mae":
        return DuINMAE(FrozenEstimator(vqvae), **TRAINING | changes)
    if kind == "classifier":
        return DuINClassifier(**CLASSIFIER | changes)
    options = TRAINING | {"hidden_dim": 16} | changes
    return DuINClassifier(FrozenEstimator(vqvae), **options)


def output(estimator, X, **options):
    """What an estimator says about some epochs."""
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X, **options)
    return estimator.transform(X, **options)


def over_components(estimator, values, *, subject):
    """Give channels the values of the components of unmixed bands, one by one.

    ``values`` (n_bands, n_channels), the signal itself as the first band.
    """
    n_channels, found = estimator.n_features_in_, values.copy()
    power = np.exp(estimator.scaler_.mean[subject].reshape(-1, n_channels))
    for number, band in enumerate(estimator.bands_, start=1):
        if band in estimator.unmixing_:
            mixing = np.linalg.inv(estimator.unmixing_[band][subject])
            for channel, row in enumerate(mixing):
                parts = row**2 * power[number]
                found[number, channel] = parts @ values[number] / parts.sum()
    return found
