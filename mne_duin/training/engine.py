"""The training loop of all stages."""

import math
import time

import numpy as np
import torch
from mne.utils import logger
from tqdm.auto import tqdm

from mne_duin.training.devices import private_randomness, seed_randomness
from mne_duin.training.history import History
from mne_duin.training.optim import learning_rate, make_optimizer


def pass_seed(seed, index):
    """Return the seed of a pass, so that every draw is a function of (seed, pass)."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])


def is_shown(verbose):
    """Tell whether a progress bar is wanted; None follows the level of MNE's log."""
    return logger.level <= 20 if verbose is None else bool(verbose)


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
    name="training",
    verbose=None,
):
    """Train a network and return what happened.

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
        See ``mne_duin.training.optim.decay_groups``.
    validation : SignalData | dict of str to SignalData | None
        Evaluated after every pass. A dict holds several sets by the prefix of their
        metrics, which is ``"valid"`` for a single one.
    monitor : str | tuple of str | None
        Metric of the validation data whose best pass (the earliest on ties) is
        restored at the end; of several, each later one decides ties of the earlier
        ones. Losses are minimised, all others maximised.
    begin_pass, end_pass : callable | None
        ``f(module, index, generator)`` before and after a pass; the latter may return
        a dict that joins the record.
    seed : int
        Seed of all randomness.
    dtype : torch.dtype | None
        Type of autocast; None trains in float32.
    name : str
        Label of the progress bar.
    verbose : bool | None
        Whether to show a progress bar.

    Returns
    -------
    history : History
        One record per pass.
    best_iter : int | None
        The restored pass, counted from 1; None without a monitor.

    Raises
    ------
    ValueError
        If the loss of a pass is not finite.
    """
    optimizer = make_optimizer(
        module, lr=lr, weight_decay=weight_decay, betas=betas, lr_scale=lr_scale
    )
    device = data.x.device
    history, best = History(), _Best(monitor)
    bar = tqdm(total=max_iter, desc=name, disable=not is_shown(verbose), leave=False)
    with bar, private_randomness(device):
        for index in range(max_iter):
            started = time.perf_counter()
            rate = learning_rate(
                index, max_iter, lr=lr, lr_min=lr_min, n_warmup=n_warmup
            )
            generator = torch.Generator().manual_seed(pass_seed(seed, index))
            seed_randomness(pass_seed(seed, index) ^ 1, device)
            record = {"pass": index + 1, "lr": rate}
            if begin_pass is not None:
                begin_pass(module, index, generator)
            batches = data.random_batches(batch_size, generator)
            record |= _train_pass(module, step, batches, optimizer, rate, dtype)
            _check_loss(record, lr)
            if end_pass is not None:
                record |= end_pass(module, index, generator) or {}
            for prefix, held_out in _by_prefix(validation).items():
                record |= evaluate(
                    module, step, held_out, batch_size, dtype=dtype, prefix=prefix
                )
            record["seconds"] = time.perf_counter() - started
            history.records.append(record)
            best.see(record, module)
            bar.set_postfix_str(_summary(record), refresh=False)
            bar.update()
    best.restore(module)
    module.eval()
    return history, best.iteration


def _by_prefix(validation):
    """Return held-out sets by the prefix of their metrics."""
    if isinstance(validation, dict):
        return validation
    return {} if validation is None else {"valid": validation}


def _train_pass(module, step, batches, optimizer, rate, dtype):
    """Run the steps of one pass; the host reads the losses once, at the end."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]
    module.train()
    totals, count = {}, 0
    for batch in batches:
        with torch.autocast(batch.x.device.type, dtype, enabled=dtype is not None):
            losses = step(module, batch)
        optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        optimizer.step()
        _add(totals, losses, len(batch))
        count += len(batch)
    return _means(totals, count, "train")


def _check_loss(record, lr):
    if not math.isfinite(record["train_loss"]):
        raise ValueError(
            f"Training diverged: the loss of pass {record['pass']} is "
            f"{record['train_loss']}. Lower `lr` (it is {lr:g}), or use precision='32'."
        )


@torch.no_grad()
def evaluate(module, step, data, batch_size, *, dtype=None, prefix="valid"):
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

    Returns
    -------
    means : dict of float
        The means by name.
    """
    was_training = module.training
    module.eval()
    totals = {}
    for batch in data.batches(batch_size):
        with torch.autocast(batch.x.device.type, dtype, enabled=dtype is not None):
            losses = step(module, batch)
        _add(totals, losses, len(batch))
    module.train(was_training)
    return _means(totals, len(data), prefix)


def _add(totals, losses, weight):
    for key, value in losses.items():
        value = value.detach().float() * weight
        totals[key] = totals[key] + value if key in totals else value


def _means(totals, count, prefix):
    values = torch.stack(list(totals.values())).cpu() / count
    return {
        f"{prefix}_{key}": value.item()
        for key, value in zip(totals, values, strict=True)
    }


def _summary(record):
    shown = ("train_loss", "valid_loss", "valid_accuracy", "codes_used")
    return ", ".join(f"{key} {record[key]:.3g}" for key in shown if key in record)


class _Best:
    """Remember the weights of the best pass; an equal later one does not count."""

    def __init__(self, monitor):
        self.monitor = (monitor,) if isinstance(monitor, str) else monitor
        self.iteration, self.value, self.state = None, None, None

    def see(self, record, module):
        if self.monitor is None:
            return
        value = [-record[m] if m.endswith("loss") else record[m] for m in self.monitor]
        if self.value is None or value > self.value:
            self.iteration, self.value = record["pass"], value
            self.state = {k: v.clone() for k, v in module.state_dict().items()}

    def restore(self, module):
        if self.state is not None:
            module.load_state_dict(self.state)
