"""Fit one small stage with checkpoints and save it, in a process that tests kill."""

import multiprocessing
import os
import resource
import traceback

import numpy as np
import torch
from toy_trials import as_epochs, fit_vqvae, make, simulate

from mne_duin.estimators import _resume as resume

CHANGES = {
    "vqvae": {"codex_init": "unquantized", "max_iter": 8, "n_codes": 8},
    "mae": {"max_iter": 8},
    "classifier": {"max_iter": 8, "validation_fraction": 0.25, "lr": 3e-3},
    "finetuned": {"max_iter": 8},
}


def make_stage(kind, **changes):
    """Data, labels and an unfitted estimator, the same every time."""
    X, y = simulate(12, n_times=200)
    epochs = as_epochs(X)
    first = None
    if kind in ("mae", "finetuned"):
        first = fit_vqvae(epochs, max_iter=1)
    return epochs, y, make(kind, first, **CHANGES[kind] | changes)


def tensors_of(estimator):
    """All that was learned, for a comparison bit by bit."""
    learned = {k: v.numpy() for k, v in estimator.module_.state_dict().items()}
    for name in ("code_counts_", "codebook_"):
        if hasattr(estimator, name):
            learned[name] = getattr(estimator, name)
    table = estimator.history_.to_frame().drop(columns="seconds")
    return learned | {f"history {name}": table[name].to_numpy() for name in table}


def send_after(number, end):
    """Send a signal to this process as soon as a checkpoint is written."""
    write_next = resume.write_next

    def write_and_send(*arguments):
        path = write_next(*arguments)
        if path.stem.endswith(f"-{number:05d}"):
            os.kill(os.getpid(), end)
        return path

    resume.write_next = write_and_send


def work(kind, folder, result, max_bytes=None, end=None):
    """Fit and save; an error is written next to the result."""
    torch.set_num_threads(1)
    if end is not None:
        send_after(3, end)
    epochs, y, estimator = make_stage(kind)
    if max_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
    try:
        estimator.fit(epochs, y, checkpoint_dir=folder)
        np.savez(result, **tensors_of(estimator))
    except BaseException:
        result.with_suffix(".error").write_text(traceback.format_exc())
        raise SystemExit(1) from None


def start_worker(*arguments):
    """Start :func:`work` in a process of its own, forked from one that never trains."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mne_duin.estimators", "torch._dynamo"])
    process = context.Process(target=work, args=arguments)
    process.start()
    return process
