"""Fit small stages in one process of several: ``torchrun ... two_processes.py OUT``.

Every process writes what it holds after each pass to a file of its own.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "estimators"))

from toy_trials import SIZES, as_epochs, simulate  # noqa: E402

from mne_duin.estimators import DuINClassifier, DuINMAE, DuINVQVAE  # noqa: E402
from mne_duin.training import engine  # noqa: E402
from mne_duin.training.processes import leave_processes, process_index  # noqa: E402

COMMON = {
    "max_iter": 4,
    "batch_size": 5,
    "random_state": 0,
    "device": "cpu",
    "precision": "32",
    "verbose": False,
}
QUIET = {"attention_dropout": 0.0, "ff_dropout": 0.0}
CODEX = {"n_decoder_layers": 1, "n_codes": 4, "code_dim": 8}


def two_subjects():
    """Epochs of two subjects, the second without the last channel."""
    X, y = simulate(16, n_times=200)
    X[1::2, -1] = 0
    # Sixteen epochs in batches of five: the last batch has one, for two processes.
    return as_epochs(X, subject=np.arange(16) % 2), y


def stages(quiet):
    """Yield the names of the stages and functions that fit them."""
    epochs, y = two_subjects()
    sizes = SIZES | (QUIET if quiet else {})

    def fit_vqvae(**options):
        return DuINVQVAE(**sizes, **CODEX, **COMMON, **options).fit(epochs)

    yield "unquantized", lambda: fit_vqvae(codex_start="unquantized")
    yield "first-batch", lambda: fit_vqvae(codex_start="first-batch", initial="random")
    original = watch([], quiet)
    first = fit_vqvae(codex_start="random")
    engine._train_pass = original
    yield "mae", lambda: DuINMAE(first, encoder_lr_scale=1.0, **COMMON).fit(epochs)
    yield (
        "classifier",
        lambda: DuINClassifier(
            **sizes, **COMMON, hidden_dim=16, validation_fraction=0.25
        ).fit(epochs, y),
    )


def freeze_norms(module):
    """Keep batch normalisations in evaluation mode, whatever the engine asks for."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.train = lambda mode=True, layer=layer: layer
            layer.training = False


def watch(kept, quiet):
    """Let the engine report the state after every pass."""
    original = engine._train_pass

    def train_pass(module, step, batches, optimizer, *rest):
        if quiet:
            freeze_norms(module)
        means = original(module, step, batches, optimizer, *rest)
        kept.append({k: v.clone().numpy() for k, v in module.state_dict().items()})
        return means

    engine._train_pass = train_pass
    return original


def fit_all(folder, quiet):
    """Fit every stage and write what this process holds after each pass."""
    for name, fit in stages(quiet):
        kept = []
        original = watch(kept, quiet)
        try:
            estimator = fit()
        finally:
            engine._train_pass = original
        arrays = {f"{i} {k}": v for i, part in enumerate(kept) for k, v in part.items()}
        arrays |= {
            f"end {k}": v.numpy() for k, v in estimator.module_.state_dict().items()
        }
        table = estimator.history_.to_frame().drop(columns="seconds")
        arrays |= {f"history {column}": table[column].to_numpy() for column in table}
        mode = "quiet" if quiet else "usual"
        np.savez(Path(folder) / f"{name} {mode} {process_index()}.npz", **arrays)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for quiet in (True, False):
        fit_all(sys.argv[1], quiet)
    leave_processes()
