"""Where and in which precision a network is trained, and its private randomness."""

import os

import torch

from mne_duin.utils._checks import check_option
from mne_duin.utils._torch_random import PrivateRandomness

PRECISIONS = ("32", "bf16", "auto")


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


def choose_precision(precision, device):
    """Return the dtype of autocast, or None for plain float32.

    Parameters
    ----------
    precision : str
        ``"32"``, ``"bf16"`` or ``"auto"``: bfloat16 where the hardware multiplies it
        natively (CUDA from Ampere on; CPUs with AMX or AVX-512 BF16).
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
