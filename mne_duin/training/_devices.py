"""Where a network is trained: device, precision, randomness, several processes.

``torchrun`` starts the same program several times. Every process holds all the data and
draws the same batches, of which it takes its part. With the loss of a process weighted
by that share, the sum of the gradients is the gradient of the whole batch. Alone,
every function for several processes changes nothing.

torch's ``DistributedDataParallel`` takes the mean over equal parts, of networks that
are called as a whole; here a last batch can be smaller than the number of processes,
and steps call parts of a network.
"""

import os
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from time import perf_counter

import torch
from torch import nn

from mne_duin.training._data import Batch
from mne_duin.utils._checks import check_option
from mne_duin.utils._torch_random import PrivateRandomness

PRECISIONS = ("32", "bf16", "auto")
# What other work between the products costs in bfloat16 must be gained, too.
LEAST_SPEEDUP = 1.25


def has_cuda():
    """Return whether there is a GPU of CUDA here."""
    return torch.cuda.is_available()


def local_index():
    """Return the number of this process's GPU; alone, of the one that is set."""
    if "LOCAL_RANK" not in os.environ:
        return torch.cuda.current_device()
    index, n_devices = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if index >= n_devices:
        raise ValueError(
            f"Every process needs a GPU of its own: this is process {index + 1} of "
            f"those on this machine, which has {n_devices}. Start as many processes as "
            "there are GPUs, or use device='cpu'."
        )
    return index


def choose_device(device="auto"):
    """Return the device to train on.

    Parameters
    ----------
    device : str | torch.device
        ``"auto"`` takes CUDA or MPS where there is one (in several processes, the one
        of this process), else the CPU.

    Returns
    -------
    device : torch.device
        The device.

    Raises
    ------
    ValueError
        If the device does not exist here.
    """
    if device == "auto":
        if has_cuda():
            return torch.device("cuda", local_index())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"`device` must be 'auto' or a device of this machine such as 'cpu' or "
            f"'cuda:0'; got {device!r} ({str(error).splitlines()[0]})."
        ) from error
    return chosen


@cache
def speed_of_bfloat16():
    """Return how many times as fast as float32 the CPU multiplies bfloat16.

    Processors with the same instructions differ: with AVX-512 BF16 alone products take
    half the time on some and twice the time on others. Measured once in a process: the
    fastest of several products of either kind, in turns.
    """
    times = {torch.float32: [], torch.bfloat16: []}
    matrices = {dtype: torch.ones(512, 512, dtype=dtype) for dtype in times}
    with torch.no_grad():
        for _ in range(7):
            for dtype, matrix in matrices.items():
                start = perf_counter()
                torch.mm(matrix, matrix)
                times[dtype].append(perf_counter() - start)
    return min(times[torch.float32]) / min(times[torch.bfloat16])


def choose_precision(precision, device):
    """Return the dtype of autocast, or None for plain float32.

    Parameters
    ----------
    precision : str
        ``"32"``, ``"bf16"`` or ``"auto"``: bfloat16 where the hardware multiplies it
        natively (CUDA from Ampere on; CPUs with AMX or AVX-512 BF16) and, on a CPU,
        measurably faster than float32.
    device : torch.device
        The device.

    Returns
    -------
    dtype : torch.dtype | None
        ``torch.bfloat16`` or None.
    """
    check_option("precision", precision, PRECISIONS)
    if precision == "32":
        return None
    if precision == "bf16":
        return torch.bfloat16
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported()
    elif device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        native = any(capabilities.get(k) for k in ("amx_bf16", "avx512_bf16"))
        native = native and speed_of_bfloat16() > LEAST_SPEEDUP
    else:
        native = False
    return torch.bfloat16 if native else None


def private_randomness(seed):
    """Let a block draw random numbers that neither callers nor other threads notice.

    Parameters
    ----------
    seed : int
        The seed, on every device.

    Returns
    -------
    randomness : context manager
        Inside of it torch draws what it would draw after ``torch.manual_seed(seed)``;
        its method ``seed(seed)`` begins again.
    """
    return PrivateRandomness(seed)


class BorrowedRandomness:
    """torch's global random states, given back whenever a block ends.

    Compiled code draws from them and from nothing else; not for several threads.

    Parameters
    ----------
    device : torch.device
        The device on which numbers are drawn, in addition to the CPU.
    """

    def __init__(self, device):
        self._cuda = device if device.type == "cuda" else None
        self._own, self._lent = None, None

    def seed(self, seed):
        """Begin again from another seed; ``manual_seed`` would seed every device."""
        with self:
            torch.default_generator.manual_seed(seed)
            if self._cuda is not None:
                with torch.cuda.device(self._cuda):
                    torch.cuda.manual_seed(seed)

    def _states(self):
        cuda = None if self._cuda is None else torch.cuda.get_rng_state(self._cuda)
        return torch.get_rng_state(), cuda

    def _set(self, states):
        torch.set_rng_state(states[0])
        if self._cuda is not None:
            torch.cuda.set_rng_state(states[1], self._cuda)

    def __enter__(self):
        self._lent = self._states()
        if self._own is not None:
            self._set(self._own)
        return self

    def __exit__(self, *error):
        self._own = self._states()
        self._set(self._lent)


@dataclass(frozen=True)
class LocalBatch(Batch):
    """The part of a batch that belongs to one process.

    Parameters
    ----------
    first, n_total : int
        Where it begins in the whole batch, and how many epochs that has.
    counts : bool
        False for a process that got none: it takes the first epoch with weight zero,
        because all processes have to make the step together.
    """

    first: int = 0
    n_total: int = 1
    counts: bool = True

    @property
    def weight(self):
        """Fraction of the whole batch, between 0 and 1."""
        return len(self) / self.n_total if self.counts else 0.0


def join_processes(device="auto"):
    """Join the other processes, if there are any.

    Parameters
    ----------
    device : str | torch.device
        What the user asked for; ``"cpu"`` lets processes talk through gloo.

    Returns
    -------
    n_processes : int
        How many there are, this one included.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and n_processes() == 1:
        is_cuda = has_cuda() and str(device) in ("auto", "cuda")
        if is_cuda:
            torch.cuda.set_device(local_index())
        torch.distributed.init_process_group("nccl" if is_cuda else "gloo")
    return n_processes()


def leave_processes():
    """Shut down the connection to the other processes."""
    if n_processes() > 1:
        torch.distributed.destroy_process_group()


def n_processes():
    """Return how many processes train together.

    Returns
    -------
    n_processes : int
        1 where none were joined.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_world_size()
    return 1


def process_index():
    """Return the number of this process, from 0."""
    return torch.distributed.get_rank() if n_processes() > 1 else 0


def is_main():
    """Return whether this is the process that writes files and shows progress.

    Returns
    -------
    is_main : bool
        True in the first process, or where there is only one.
    """
    return process_index() == 0


def local_batch(batch):
    """Return this process's part of a batch.

    Parameters
    ----------
    batch : Batch
        The whole batch, the same on all processes.

    Returns
    -------
    local : LocalBatch
        Neighboring epochs of it; shares differ by one epoch at most.
    """
    n_total, n_all, index = len(batch), n_processes(), process_index()
    first, last = index * n_total // n_all, (index + 1) * n_total // n_all
    counts = last > first
    rows = slice(first, last) if counts else slice(0, 1)
    parts = {field.name: getattr(batch, field.name) for field in fields(Batch)}
    parts = {name: None if v is None else v[rows] for name, v in parts.items()}
    return LocalBatch(**parts, first=rows.start, n_total=n_total, counts=counts)


@torch.no_grad()
def sum_gradients_(module):
    """Replace the gradients by their sums over the processes, as one message."""
    if n_processes() == 1:
        return
    wanted = [p for p in module.parameters() if p.requires_grad]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in wanted]
    # A part that no process used has no gradient anywhere, and keeps none.
    used = torch.tensor([float(p.grad is not None) for p in wanted])
    flat = torch.cat([g.flatten() for g in gradients] + [used.to(gradients[0])])
    torch.distributed.all_reduce(flat)
    sizes = [g.numel() for g in gradients]
    *sums, used = flat.split([*sizes, len(wanted)])
    for parameter, value, n_users in zip(wanted, sums, used.tolist(), strict=True):
        parameter.grad = value.view_as(parameter).clone() if n_users else None


def sum_values(tensor):
    """Return the sum of a tensor over the processes; the tensor stays as it is."""
    if n_processes() == 1:
        return tensor
    tensor = tensor.clone()
    torch.distributed.all_reduce(tensor)
    return tensor


def gather_rows(tensor, local):
    """Put the rows that every process has of one batch together again.

    Parameters
    ----------
    tensor : Tensor, shape (n_epochs, ...)
        One row per epoch of the part.
    local : LocalBatch
        Which rows those are.

    Returns
    -------
    rows : Tensor, shape (n_total, ...)
        The rows of the whole batch, the same on all processes.
    """
    if n_processes() == 1:
        return tensor
    rows = tensor.new_zeros(local.n_total, *tensor.shape[1:])
    if local.counts:
        rows[local.first : local.first + len(local)] = tensor
    torch.distributed.all_reduce(rows)
    return rows


def broadcast_(tensors):
    """Give all processes the values that the main one has.

    Parameters
    ----------
    tensors : iterable of Tensor
        Changed in place.
    """
    if n_processes() > 1:
        for tensor in tensors:
            torch.distributed.broadcast(tensor.detach(), 0)


def from_main(value):
    """Return an object that only the main process needs to have."""
    if n_processes() == 1:
        return value
    box = [value]
    torch.distributed.broadcast_object_list(box, 0)
    return box[0]


@torch.no_grad()
def average_statistics_(module):
    """Average the running statistics, where processes have kept their own."""
    if n_processes() == 1:
        return
    for name, buffer in module.named_buffers():
        if ".subjects." in name and buffer.is_floating_point():
            torch.distributed.all_reduce(buffer)
            buffer /= n_processes()


class _Sum(torch.autograd.Function):
    """Sum over the processes; gradients are summed on their way back."""

    @staticmethod
    def forward(ctx, tensor):
        return sum_values(tensor)

    @staticmethod
    def backward(ctx, gradient):
        return sum_values(gradient)


class SharedBatchNorm(nn.BatchNorm1d):
    """Batch normalization by the statistics of the whole batch, on any device.

    ``torch.nn.SyncBatchNorm`` does the same on CUDA only. Parameters and running
    statistics are those of another layer, which learns them.

    Parameters
    ----------
    norm : BatchNorm1d
        The layer.

    Attributes
    ----------
    counts : bool
        Whether the rows of this process belong to the batch, see :class:`LocalBatch`.
    """

    def __init__(self, norm):
        super().__init__(norm.num_features, eps=norm.eps, momentum=norm.momentum)
        self.weight, self.bias = norm.weight, norm.bias
        for name, buffer in norm.named_buffers():
            self.register_buffer(name, buffer)
        self.train(norm.training)
        self.counts = True

    def forward(self, x):
        """Normalize.

        Parameters
        ----------
        x : Tensor, shape (n_rows, n_filters) | shape (n_rows, n_filters, n_times)
            The rows of this process.

        Returns
        -------
        x : Tensor
            The same shape.
        """
        if not self.training:
            return super().forward(x)
        axes = [axis for axis in range(x.ndim) if axis != 1]
        shape = [1, -1] + [1] * (x.ndim - 2)
        weight, n_own = float(self.counts), x.numel() / x.shape[1]
        values = x.float()
        sums = torch.cat([values.sum(axes), values.new_tensor([n_own])]) * weight
        mean, n = _Sum.apply(sums).split([x.shape[1], 1])
        mean = mean / n
        centered = values - mean.view(shape)
        variance = _Sum.apply(centered.square().sum(axes) * weight) / n
        self._remember(mean.detach(), variance.detach(), n.item())
        scaled = centered * torch.rsqrt(variance + self.eps).view(shape)
        scaled = scaled * self.weight.view(shape) + self.bias.view(shape)
        return scaled.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean, variance, n):
        """Move the running statistics as torch does."""
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * n / max(n - 1, 1), self.momentum)


@contextmanager
def shared_statistics(module):
    """Let batch normalisations see the whole batch while several processes train.

    Parameters
    ----------
    module : Module
        The network; afterwards it is made of its own layers again.

    Yields
    ------
    norms : list of SharedBatchNorm
        The layers.
    """
    places = []
    if n_processes() > 1:
        places = [
            (parent, name, layer)
            for path, parent in module.named_modules()
            for name, layer in parent.named_children()
            # A subject's own layers see the rows of that subject only; a process whose
            # share has none would leave the others waiting.
            if type(layer) is nn.BatchNorm1d and "subjects" not in path.split(".")
        ]
    norms = [SharedBatchNorm(layer) for *_, layer in places]
    try:
        for (parent, name, _), norm in zip(places, norms, strict=True):
            setattr(parent, name, norm)
        yield norms
    finally:
        for parent, name, layer in places:
            setattr(parent, name, layer)
