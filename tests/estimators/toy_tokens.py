"""The toy trials with a label for every token, or a sequence for every epoch."""

import numpy as np
from toy_trials import SIZES, TRAINING, as_epochs, make

from mne_duin.estimators import DuINTokenDecoder

DECODER = SIZES | TRAINING | {"hidden_dim": 24}
TOKEN_KINDS = ("tokens", "sequences")


def token_labels(y, n_tokens=4):
    """Every token has the label of its epoch; the last token of each has none."""
    labels = np.repeat(np.asarray(y, dtype=object)[:, None], n_tokens, 1)
    labels[:, -1] = None
    return labels


def training(kind, trials):
    """Epochs and the labels that an estimator of some kind learns from."""
    epochs, y = trials
    if kind == "tokens":
        return epochs, token_labels(y)
    if kind == "sequences":
        return epochs, [(label,) for label in y]
    return epochs, y


def make_any(kind, vqvae, **changes):
    """An unfitted estimator of any kind."""
    if kind == "tokens":
        return DuINTokenDecoder(**DECODER | changes)
    if kind == "sequences":
        return DuINTokenDecoder(loss="ctc", **DECODER | changes)
    return make(kind, vqvae, **changes)


def simulate_streams(n_epochs=24, n_tokens=8, *, seed=0):
    """A label per token, told by which of three channels is loud."""
    rng = np.random.default_rng(seed)
    size = 100
    labels = np.array(["ba", "da", "ga"], dtype=object)
    codes = np.repeat(rng.integers(3, size=(n_epochs, n_tokens // 2)), 2, axis=1)
    loud = np.eye(3)[codes].transpose(0, 2, 1).repeat(size, axis=2)
    noise = rng.standard_normal((n_epochs, 3, n_tokens * size))
    X = noise * (0.2 + loud)
    return as_epochs(1e-5 * X), labels[codes]
