"""Compile the network of the training steps, on request."""

import warnings

import torch

from mne_duin.training._devices import n_processes

BACKEND = "inductor"


def compiled(module, device):
    """Return a network that computes the same in compiled steps.

    Parameters are shared: what is trained through one is trained in the other. The
    names of the state dict remain those of ``module``, whose own calls stay as they
    are; so evaluation, checkpoints and prediction know nothing of the compiler.

    Parameters
    ----------
    module : Module
        The network.
    device : torch.device
        Where it is. On CUDA whole steps are captured as graphs
        (``mode="reduce-overhead"``).

    Returns
    -------
    network : Module
        Called like ``module``. The first call of each batch size compiles.

    Raises
    ------
    ValueError
        If there are several processes, or layers that belong to one subject, which see
        another number of epochs in every batch.
    RuntimeError
        If there is no compiler.
    """
    if n_processes() > 1:
        raise ValueError(
            f"`compile=True` is for one process; got {n_processes()}. Use "
            "compile=False."
        )
    if any(".subjects." in name for name, _ in module.named_parameters()):
        raise ValueError(
            "`compile=True` does not go with subject_layers='patch', whose layers see "
            "another number of epochs in every batch. Use compile=False."
        )
    mode = "reduce-overhead" if device.type == "cuda" else "default"
    _check_compiler(device)
    return torch.compile(module, backend=BACKEND, mode=mode, dynamic=False)


def _check_compiler(device):
    """Compile one addition."""
    try:
        with warnings.catch_warnings():
            # torch's compiler imports parts that torch itself calls deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.compile(lambda x: x + 1, backend=BACKEND)(
                torch.zeros(1, device=device)
            )
    except Exception as error:
        needed = "Triton" if device.type == "cuda" else "a C++ compiler such as g++"
        raise RuntimeError(
            f"`compile=True` needs {needed} and a version of torch that can use it "
            f"here; torch says: {str(error).strip().splitlines()[0]}. Install it, or "
            "use compile=False."
        ) from error
