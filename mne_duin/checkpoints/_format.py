"""Our own file format: tensors in safetensors, everything else as JSON in its header.

One file, so that writing it is one rename (``atomic``). Reading never runs anything; a
checksum over all of it, computed alike in every version, detects damage.
"""

import hashlib
import json
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from mne_duin.utils._atomic import write_file

FORMAT = "mne_duin"
# The latest that is understood, and what is written unless a file needs a later one:
# one that an earlier version of the package would read without a word, but wrong.
VERSION, FIRST_VERSION = 2, 1


# What a reader meets in bytes that are not what they should be.
DAMAGE = (safetensors.SafetensorError, json.JSONDecodeError, KeyError, RecursionError)


class DamagedError(ValueError):
    """A file that is not as it was written, or not what it says it is."""


class LaterVersionError(ValueError):
    """A whole checkpoint, written by a later version of this package."""


def write_checkpoint(
    path: Path | str,
    tensors: dict[str, torch.Tensor],
    meta: dict,
    *,
    version: int = FIRST_VERSION,
) -> Path:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file; an existing one is replaced.
    tensors : dict of str to Tensor
        The tensors by name.
    meta : dict
        Anything JSON can hold.
    version : int
        The first version of the format that can say what the file holds.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be written; an earlier one is left as it was.
    TypeError
        If JSON cannot hold ``meta``.
    """
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in tensors.items()
    }
    # Tensors that share memory are one tensor under two names; each gets its own copy.
    tensors = {name: value.clone() for name, value in tensors.items()}
    header = {"version": version, "meta": meta}
    header["sha256"] = checksum(tensors, header)
    # One entry only: safetensors writes several in an order that differs every time.
    text = json.dumps(header, ensure_ascii=False)
    content = safetensors.torch.save(tensors, metadata={FORMAT: text})
    return write_file(path, content)


def checksum(tensors, header):
    """Return the SHA-256 over tensors (names, types, shapes, values) and header.

    An earlier checksum in the header does not count.
    """
    rest = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_checkpoint(path: Path | str):
    """Read a checkpoint and check that it is whole.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    tensors : dict of str to Tensor
        The tensors by name, on the CPU.
    meta : dict
        What was written with them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedError
        If the file is damaged or of another kind; a kind of ValueError.
    LaterVersionError
        If it is whole, but of a later version; a kind of ValueError.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {str(path)!r}.")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = _read_header(file.metadata() or {}, path)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        meta = header["meta"]
        is_whole = checksum(tensors, header) == header["sha256"]
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise DamagedError(
            f"{path} is damaged or not a checkpoint of mne_duin ({reason:.100})."
        ) from error
    if not is_whole:
        raise DamagedError(
            f"{path} is damaged: its content does not match its checksum."
        )
    _check_version(header.get("version"), path)
    return tensors, meta


def _read_header(metadata, path):
    """Return what was written with the tensors."""
    if FORMAT not in metadata:
        raise DamagedError(
            f"{path} is a safetensors file, but not a checkpoint of mne_duin."
        )
    header = json.loads(metadata[FORMAT])
    if not isinstance(header, dict):
        raise KeyError("meta")
    return header


def _check_version(version, path):
    """Check that this version of the package understands a file."""
    if not isinstance(version, int) or version > VERSION:
        raise LaterVersionError(
            f"{path} has format version {version!r}; this mne_duin reads up to "
            f"{VERSION}. Update mne_duin."
        )
