"""Fit small stages in one process of several, as torchrun would start them.

Every process writes what it holds after each pass to a file of its own, in three ways:

``exact``
    No dropout and plain gradient descent, with the gradients of every step: what
    several processes do can be compared with what one does, because a step is in
    proportion to the gradient. AdamW would make whole steps of rounding.
``usual``
    As in use.
``planted``
    As ``exact``, with an error in the last process, which the comparison has to find.
"""

import multiprocessing
import os
import socket
import sys
import warnings
from contextlib import ExitStack, nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "estimators"))

from toy_trials import SIZES, as_epochs, simulate  # noqa: E402

from mne_duin.estimators import DuINClassifier, DuINMAE, DuINVQVAE  # noqa: E402
from mne_duin.training import _engine, join_processes, leave_processes, n_processes
from mne_duin.training._devices import LocalBatch, SharedBatchNorm, process_index
from mne_duin.training._engine import decay_groups

COMMON = {
    "max_iter": 4,
    "batch_size": 5,
    "random_state": 0,
    "device": "cpu",
    "precision": "32",
    "verbose": False,
}
NO_DROPOUT = {"attention_dropout": 0.0, "ff_dropout": 0.0}
CODEX = {"n_decoder_layers": 1, "n_codes": 4, "code_dim": 8}
# How far plain gradient descent goes in a step, in units of the gradient.
RATE = 0.01


def two_subjects():
    """Epochs of two subjects, the second without the last channel."""
    X, y = simulate(16, n_times=200)
    X[1::2, -1] = 0
    # Sixteen epochs in batches of five: the last batch has one, for two processes.
    return as_epochs(X, subject=np.arange(16) % 2), y


def stages(exact, names):
    """Return functions that fit the stages of some names."""
    epochs, y = two_subjects()
    sizes = SIZES | (NO_DROPOUT if exact else {})

    def fit_vqvae(**changes):
        with warnings.catch_warnings():
            # So few steps may leave all tokens to one code.
            warnings.filterwarnings("ignore", "Only . of 4 codes")
            return DuINVQVAE(**sizes | CODEX | COMMON | changes).fit(epochs)

    head = {"hidden_dim": 16, "validation_fraction": 0.25}
    fits = {
        "unquantized": lambda: fit_vqvae(codex_init="unquantized"),
        "first-batch": lambda: fit_vqvae(codex_init="first-batch", init="random"),
        "classifier": lambda: DuINClassifier(**sizes, **COMMON, **head).fit(epochs, y),
    }
    if "mae" in names:
        with descend_plainly({}) if exact else nullcontext():
            first = fit_vqvae(codex_init="random", max_iter=1)
        mae = DuINMAE(first, encoder_lr_scale=1.0, **COMMON)
        fits["mae"] = lambda: mae.fit(epochs)
    return {name: fits[name] for name in names}


class PlainDescent(torch.optim.SGD):
    """Gradient descent that keeps the gradients of every step."""

    def __init__(self, module, kept, lr_scale):
        super().__init__(decay_groups(module, 0.0, lr_scale))
        self.module, self.kept, self.n_steps = module, kept, 0

    def step(self):
        """Keep the gradients, then go against them."""
        for group in self.param_groups:
            group["lr"] = RATE * group["lr_scale"]
        for name, parameter in self.module.named_parameters():
            if parameter.grad is not None:
                key = f"gradient {self.n_steps} {name}"
                self.kept[key] = parameter.grad.numpy().copy()
        self.n_steps += 1
        return super().step()


def keep_passes(kept):
    """Let the engine report the network after every pass."""
    original, n_done = _engine._train_pass, iter(range(COMMON["max_iter"]))

    def train_pass(module, *rest):
        means = original(module, *rest)
        index, state = next(n_done), module.state_dict()
        kept.update({f"{index} {k}": v.clone().numpy() for k, v in state.items()})
        return means

    return patch.object(_engine, "_train_pass", train_pass)


def descend_plainly(kept):
    """Let the engine train by plain gradient descent."""

    def make_optimizer(module, *, lr_scale=None, **ignored):
        return PlainDescent(module, kept, lr_scale)

    return patch.object(_engine, "make_optimizer", make_optimizer)


def wrong_weight():
    """The last process weighs its loss by one part in a thousand too much."""
    factor = 1.001 if process_index() == n_processes() - 1 else 1.0
    weight = LocalBatch.weight.fget
    return patch.object(
        LocalBatch, "weight", property(lambda local: factor * weight(local))
    )


def own_statistics():
    """Batch normalization by the rows of each process alone."""
    return patch.object(SharedBatchNorm, "forward", torch.nn.BatchNorm1d.forward)


def wrong_step():
    """A last process that steps a little further than the others."""
    step, factor = PlainDescent.step, 1.001 if process_index() else 1.0

    def longer(self):
        self.module.get_parameter("scores.bias").grad.mul_(factor)
        return step(self)

    return patch.object(PlainDescent, "step", longer)


ERRORS = {
    "weight": wrong_weight,
    "statistics": own_statistics,
    "step": wrong_step,
}


def fit_and_write(folder, name, fit, *contexts, exact):
    """Fit a stage and write what this process holds after each pass."""
    kept = {}
    with ExitStack() as stack:
        if exact:
            stack.enter_context(descend_plainly(kept))
        stack.enter_context(keep_passes(kept))
        for context in contexts:
            stack.enter_context(context)
        estimator = fit()
    state = estimator.module_.state_dict()
    kept |= {f"end {name}": value.numpy() for name, value in state.items()}
    table = estimator.history_.to_frame().drop(columns=["seconds", "lr"])
    kept |= {f"history {column}": table[column].to_numpy() for column in table}
    np.savez(Path(folder) / f"{name} {process_index()}.npz", **kept)


def fit_exact(folder, names):
    """Fit stages so that several processes can be compared with one."""
    for name, fit in stages(True, names).items():
        fit_and_write(folder, f"{name} exact", fit, exact=True)


def fit_usual(folder, names):
    """Fit stages as in use."""
    for name, fit in stages(False, names).items():
        fit_and_write(folder, f"{name} usual", fit, exact=False)


def fit_planted(folder, name, errors):
    """Fit a stage with errors in one process."""
    fit = stages(True, [name])[name]
    for error in errors:
        fit_and_write(folder, f"{name} {error}", fit, ERRORS[error](), exact=True)


def work(index, port, folder, names, ways):
    """Be one of the two processes, as torchrun would start it."""
    torch.set_num_threads(1)
    place = {"RANK": index, "LOCAL_RANK": index, "WORLD_SIZE": 2, "MASTER_PORT": port}
    os.environ |= {name: str(value) for name, value in place.items()}
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    join_processes("cpu")
    fit_exact(folder, names)
    if "usual" in ways:
        fit_usual(folder, names)
    fit_planted(folder, names[0], [error for error in ERRORS if error in ways])
    leave_processes()


def run_two(folder, names, ways):
    """Fit in two processes, forked from one that never trains; return exit codes.

    ``ways`` are those in addition to "exact": "usual" and names of ``ERRORS``.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mne_duin.estimators", "torch._dynamo"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = [(index, port, folder, names, ways) for index in range(2)]
    processes = [context.Process(target=work, args=place) for place in places]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    return [process.exitcode for process in processes]
