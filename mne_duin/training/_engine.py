"""The training loop of all stages, with its optimizer and learning rates."""

import logging
import math
import sys
import time
from contextlib import ExitStack
from itertools import islice

import numpy as np
import torch
from mne.utils import logger

try:
    import ipywidgets  # noqa: F401
    from tqdm.auto import tqdm
except ImportError:
    # Without widgets tqdm.auto warns at every import in a notebook.
    from tqdm import tqdm

from mne_duin.training._compiling import compiled
from mne_duin.training._devices import (
    BorrowedRandomness,
    average_statistics_,
    is_main,
    local_batch,
    private_randomness,
    process_index,
    shared_statistics,
    sum_gradients_,
    sum_values,
)
from mne_duin.training._state import CheckpointHooks, TrainingState
from mne_duin.training._threads import FreeThreads


def pass_seed(seed, index, process=0):
    """Return the seed of a pass, so that every draw is a function of (seed, pass).

    Batches, crops and masks take that of process 0 everywhere, dropout its own.
    """
    words = [seed, index, process] if process else [seed, index]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0])


def is_shown(verbose):
    """Return whether a progress bar is wanted, by a level of MNE's log or a switch.

    A bar that is drawn again and again is of no use in a file: it is shown in terminals
    and notebooks only.
    """
    level = logger.level if verbose is None else verbose
    if isinstance(level, str):
        level = logging.getLevelName(level.upper())
    wanted = level if isinstance(level, bool) else level <= logging.INFO
    return bool(wanted) and (_in_notebook() or sys.stderr.isatty())


def _in_notebook():
    """Return whether a notebook's kernel runs this code; IPython knows, if loaded."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def train(
    module,
    step,
    data,
    *,
    max_iter,
    batch_size,
    lr,
    lr_min=0.0,
    n_warmup=0,
    weight_decay=0.0,
    betas=(0.9, 0.999),
    lr_scale=None,
    validation=None,
    monitor=None,
    begin_pass=None,
    end_pass=None,
    seed=0,
    dtype=None,
    compile=False,
    name="training",
    verbose=None,
    checkpoints=None,
):
    """Train a network and return what happened.

    Where several processes were started, each takes its part of every batch, and all
    end with the same network.

    Parameters
    ----------
    module : Module
        The network, on the device of the data; trained in place.
    step : callable
        ``step(module, batch) -> dict of Tensor`` with at least ``"loss"``; every value
        is a mean over the batch.
    data : SignalData
        The training epochs.
    max_iter : int
        Number of passes over the data.
    batch_size : int
        Epochs per step.
    lr, lr_min : float
        Highest and final learning rate.
    n_warmup : int
        Passes of linear warm-up.
    weight_decay : float
        Decay of matrices; biases and norms have none.
    betas : tuple of float
        Moments of AdamW.
    lr_scale : dict | None
        Factor of the learning rate for parameters whose name starts with the key; the
        longest matching key counts.
    validation : SignalData | dict of str to SignalData | None
        Evaluated after every pass. A dict holds several sets by the prefix of their
        metrics, which is ``"valid"`` for a single one.
    monitor : str | tuple of str | None
        Metric of the validation data whose best pass (the earliest on ties) is
        restored at the end; of several, each later one decides ties of the earlier
        ones. Losses are minimized, all others maximized.
    begin_pass, end_pass : callable | None
        ``f(module, index, generator)`` before and after a pass; the latter may return
        a dict that joins the record.
    seed : int
        Seed of all randomness.
    dtype : torch.dtype | None
        Type of autocast; None trains in float32.
    compile : bool
        Whether the training steps call a compiled network.
    name : str
        Label of the progress bar.
    verbose : bool | None
        Whether to show a progress bar.
    checkpoints : CheckpointHooks | None
        Keep the state after every pass, and may have one to continue from.

    Returns
    -------
    history : History
        One record per pass.
    best_iter : int | None
        The restored pass, counted from 1; None without a monitor.

    Raises
    ------
    ValueError
        If the loss of a pass or a number of the network after it is not finite, or the
        network cannot be compiled.
    RuntimeError
        If there is no compiler.
    """
    device = data.x.device
    # What may be refused comes first: a refused network must not stay frozen.
    network = compiled(module, device) if compile else module
    sets = _by_prefix(validation)
    frozen, still = _freeze_still(module, lr_scale)
    optimizer = make_optimizer(
        module, lr=lr, weight_decay=weight_decay, betas=betas, lr_scale=lr_scale
    )
    checkpoints = CheckpointHooks() if checkpoints is None else checkpoints
    state = TrainingState(module, optimizer, monitor)
    is_hidden = not (is_shown(verbose) and is_main())
    bar = tqdm(total=max_iter, desc=name, disable=is_hidden, leave=False)
    begin_pass, end_pass = begin_pass or _no_hook, end_pass or _no_hook
    draws = BorrowedRandomness(device) if compile else private_randomness(seed)
    threads = FreeThreads(device)
    with frozen, bar, threads, shared_statistics(module) as norms, checkpoints.watch():
        n_done = checkpoints.resume(state)
        state.broadcast_()
        bar.update(n_done)
        for index in range(n_done, max_iter):
            threads.adapt()
            started = time.perf_counter()
            rate = learning_rate(
                index, max_iter, lr=lr, lr_min=lr_min, n_warmup=n_warmup
            )
            _set_rate(optimizer, rate)
            generator = torch.Generator().manual_seed(pass_seed(seed, index))
            draws.seed(pass_seed(seed, index, process_index()) ^ 1)
            with draws:
                begin_pass(module, index, generator)
            batches = data.random_batches(batch_size, generator)
            _switch_to_training(network, still)
            means = _train_pass(network, step, batches, optimizer, dtype, draws, norms)
            record = {"pass": index + 1, "lr": rate} | means
            with draws:
                record |= end_pass(module, index, generator) or {}
                record |= _evaluate_all(module, step, sets, batch_size, dtype)
            _check_finite(record, module, lr)
            record["seconds"] = time.perf_counter() - started
            state.add_pass(record)
            checkpoints.after_pass(state, max_iter)
            bar.set_postfix_str(_summary(record), refresh=False)
            bar.update()
        if not sets and n_done < max_iter:
            # Nothing else sees what the last step did.
            with draws:
                last = evaluate(module, step, data, batch_size, n_batches=1)
            _check_finite({"pass": max_iter, "loss": last["valid_loss"]}, module, lr)
    state.restore_best()
    module.eval()
    return state.history, state.best_iteration


def _no_hook(module, index, generator):
    """Do nothing before or after a pass."""


def _scale_of(name, lr_scale):
    """Return the factor of the learning rate of a parameter."""
    matches = [key for key in (lr_scale or {}) if name.startswith(key)]
    return lr_scale[max(matches, key=len)] if matches else 1.0


def _freeze_still(module, lr_scale):
    """Compute no gradients of parameters that no step moves, until the context ends.

    Returns the context, and the parts of the network that no step moves: their running
    statistics stay as they are as well.
    """
    still = [
        parameter
        for name, parameter in module.named_parameters()
        if parameter.requires_grad and _scale_of(name, lr_scale) == 0
    ]
    context = ExitStack()
    for parameter in still:
        parameter.requires_grad_(False)
        context.callback(parameter.requires_grad_, True)
    names = [name for name, scale in (lr_scale or {}).items() if scale == 0]
    parts = [part for name, part in module.named_modules() if name in names]
    return context, parts


def decay_groups(module, weight_decay, lr_scale=None):
    """Group parameters: weight decay for matrices, none for biases and norms.

    Parameters
    ----------
    module : Module
        The network.
    weight_decay : float
        Decay of the tensors with two or more dimensions.
    lr_scale : dict of str to float | None
        Factor of the learning rate for parameters whose name starts with the key;
        the longest matching key counts.

    Returns
    -------
    groups : list of dict
        For ``torch.optim``; ``lr_scale`` holds the factor of the group.
    """
    groups = {}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = _scale_of(name, lr_scale)
        # A bias that is stored per subject has two dimensions and is still a bias.
        flat = parameter.ndim < 2 or name.endswith("bias")
        key = (0.0 if flat else weight_decay, scale)
        groups.setdefault(key, []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "lr_scale": scale}
        for (decay, scale), parameters in groups.items()
    ]


def make_optimizer(module, *, lr, weight_decay, betas=(0.9, 0.999), lr_scale=None):
    """Return AdamW over :func:`decay_groups`, fused where the device can."""
    groups = decay_groups(module, weight_decay, lr_scale)
    return torch.optim.AdamW(groups, lr=lr, betas=tuple(betas), fused=True)


def learning_rate(index, n_passes, *, lr, lr_min, n_warmup):
    """Return the learning rate of a pass: linear warm-up, then a cosine.

    Parameters
    ----------
    index : int
        Number of the pass, from 0.
    n_passes : int
        Number of passes in all.
    lr, lr_min : float
        Highest and final learning rate.
    n_warmup : int
        Passes of warm-up.

    Returns
    -------
    lr : float
        The learning rate.

    References
    ----------
    The published schedule: per pass, ``lr * (pass + 1) / n_warmup`` in warm-up.
    """
    if index < n_warmup:
        return lr * (index + 1) / n_warmup
    progress = (index - n_warmup) / max(n_passes - n_warmup - 1, 1)
    return lr_min + (lr - lr_min) * 0.5 * (1 + math.cos(math.pi * progress))


def _by_prefix(validation):
    """Return held-out sets by the prefix of their metrics."""
    if isinstance(validation, dict):
        return validation
    return {} if validation is None else {"valid": validation}


def _set_rate(optimizer, rate):
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]


def _switch_to_training(network, still):
    """Switch a network to training, but for the parts that no step moves."""
    network.train()
    for part in still:
        part.eval()


def _train_pass(module, step, batches, optimizer, dtype, draws, norms):
    """Run the steps of one pass; the host reads the losses once, at the end."""
    totals, count = {}, 0
    for batch in batches:
        local = local_batch(batch)
        for norm in norms:
            norm.counts = local.counts
        half = torch.autocast(batch.x.device.type, dtype, enabled=dtype is not None)
        # The steps alone draw; what follows would only pass through the mode.
        with draws, half:
            losses = step(module, local)
        optimizer.zero_grad(set_to_none=True)
        (losses["loss"] * local.weight).backward()
        sum_gradients_(module)
        optimizer.step()
        _add(totals, losses, local)
        count += len(batch)
    average_statistics_(module)
    return _means(totals, count, "train")


def _evaluate_all(module, step, sets, batch_size, dtype):
    """Return the means over every held-out set, by its prefix."""
    record = {}
    for prefix, data in sets.items():
        record |= evaluate(module, step, data, batch_size, dtype=dtype, prefix=prefix)
    return record


def _check_finite(record, module, lr):
    """Stop where a loss or a number of the network is none any more."""
    found = [
        f"the loss of pass {record['pass']} ({name}) is {value}"
        for name, value in record.items()
        if name.endswith("loss") and not math.isfinite(value)
    ]
    values = {k: v for k, v in module.state_dict().items() if v.is_floating_point()}
    is_finite = torch.stack([value.isfinite().all() for value in values.values()])
    # One answer for all, because the host waits for a device.
    if not is_finite.all():
        name = next(k for k, v in values.items() if not v.isfinite().all())
        found.append(f"{name} is not finite after pass {record['pass']}")
    if found:
        raise ValueError(
            f"Training diverged: {found[0]}. Lower `lr` (it is {lr:g}) or the weight "
            "decay, or use precision='32'."
        )


@torch.no_grad()
def evaluate(
    module, step, data, batch_size, *, dtype=None, prefix="valid", n_batches=None
):
    """Return the mean losses and metrics over some data, changing nothing.

    Parameters
    ----------
    module : Module
        The network.
    step : callable
        As in :func:`train`.
    data : SignalData
        The epochs, cropped in the middle.
    batch_size : int
        Epochs per step.
    dtype : torch.dtype | None
        Type of autocast.
    prefix : str
        Put before the names.
    n_batches : int | None
        Number of batches; None takes all of the data.

    Returns
    -------
    means : dict of float
        The means by name.
    """
    was_training = module.training
    module.eval()
    totals, count = {}, 0
    for batch in islice(data.batches(batch_size), n_batches):
        with torch.autocast(batch.x.device.type, dtype, enabled=dtype is not None):
            local = local_batch(batch)
            losses = step(module, local)
        _add(totals, losses, local)
        count += len(batch)
    module.train(was_training)
    return _means(totals, count, prefix)


def _add(totals, losses, local):
    for key, value in losses.items():
        value = value.detach().float() * (len(local) * local.counts)
        totals[key] = totals[key] + value if key in totals else value


def _means(totals, count, prefix):
    values = sum_values(torch.stack(list(totals.values()))).cpu() / count
    return {
        f"{prefix}_{key}": value.item()
        for key, value in zip(totals, values, strict=True)
    }


def _summary(record):
    shown = ("train_loss", "valid_loss", "valid_accuracy", "codes_used")
    return ", ".join(f"{key} {record[key]:.3g}" for key in shown if key in record)
