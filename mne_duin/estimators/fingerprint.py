"""What tells a training from another one: its data, its circumstances, the changes."""

import hashlib
import platform
from importlib.metadata import version

import torch

from mne_duin._version import __version__
from mne_duin.estimators.persistence import LIBRARIES
from mne_duin.training import n_processes


def circumstances_of(device, dtype, compile=False):
    """Say on what a network is trained, beside its parameters and data.

    Parameters
    ----------
    device : torch.device
        The device.
    dtype : torch.dtype | None
        Type of autocast.
    compile : bool
        Whether the steps are compiled.

    Returns
    -------
    circumstances : dict
        Kind of device, precision, compiled or not, processes, versions.
    """
    return {
        "device": device.type,
        "precision": "32" if dtype is None else str(dtype).removeprefix("torch."),
        "compiled": bool(compile),
        "processes": n_processes(),
        "mne_duin": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def fingerprint(estimator, data, held_out):
    """Return what tells data from other data.

    Parameters
    ----------
    estimator : TrainedNetwork
        The estimator, which knows its channels and scales.
    data : SignalData
        The training epochs.
    held_out : dict of str to SignalData
        Held-out epochs by name.

    Returns
    -------
    fingerprint : dict
        Names and sizes as they are, values as SHA-256.
    """
    known = {
        "channels": estimator.ch_names_,
        "sampling rate": float(estimator.info_["sfreq"]),
        "subjects": list(estimator.subjects_),
        "number of epochs": len(data),
    }
    for prefix, part in {"": data, **held_out}.items():
        name = f"{prefix} " if prefix else ""
        known[f"{name}values"] = digest([part.x])
        known[f"{name}labels"] = digest([part.y])
        known[f"{name}subject of each epoch"] = digest([part.subject])
    stage = getattr(estimator, "vqvae_", None) or _pretrained(estimator)
    if stage is not None:
        known["earlier stage"] = digest(stage.module_.state_dict().values())
    return known


def _pretrained(estimator):
    """Return the earlier stage of a classifier, out of its frozen wrapper."""
    stage = getattr(estimator, "pretrained", None)
    return getattr(stage, "estimator", stage)


def digest(tensors):
    """Return what tells tensors from others.

    Parameters
    ----------
    tensors : iterable of (Tensor | None)
        The tensors; their types and shapes count, too.

    Returns
    -------
    digest : str | None
        Their SHA-256; None for none.
    """
    present = [value for value in tensors if value is not None]
    if not present:
        return None
    found = hashlib.sha256()
    for value in present:
        found.update(f"{value.dtype} {tuple(value.shape)};".encode())
        whole = value.detach().cpu().contiguous().reshape(-1)
        found.update(memoryview(whole.view(torch.uint8).numpy()))
    return found.hexdigest()


def changes(old, new):
    """Say in words what differs between two descriptions.

    Parameters
    ----------
    old, new : dict
        What two trainings have, by name.

    Returns
    -------
    text : str
        "name old -> new; ...", names only where a value is a checksum; empty if
        nothing differs.
    """
    names = [*old, *(name for name in new if name not in old)]
    changed = [name for name in names if old.get(name) != new.get(name)]
    return "; ".join(
        name
        if _is_digest(old.get(name)) or _is_digest(new.get(name))
        else f"{name} {old.get(name)!r} -> {new.get(name)!r}"
        for name in changed
    )


def _is_digest(value):
    return isinstance(value, str) and len(value) == 64
