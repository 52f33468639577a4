"""The checkpoints of a training run: numbered files in one folder, the newest few kept.

A run that is killed at any moment leaves whole files only, because each is written
under a temporary name; a file that the disk damaged later is told by its checksum.
"""

import re
from pathlib import Path

import torch
from mne.utils import warn

from mne_duin.checkpoints._format import (
    DamagedError,
    LaterVersionError,
    read_checkpoint,
    write_checkpoint,
)
from mne_duin.utils._atomic import remove_partial
from mne_duin.utils._checks import check_number

NAME = re.compile(r"checkpoint-(\d{5,})\.safetensors")


def list_checkpoints(folder: Path | str) -> list[Path]:
    """List the numbered checkpoints of a folder, the newest first.

    Parameters
    ----------
    folder : path-like
        The folder; it need not exist.

    Returns
    -------
    paths : list of Path
        The files, damaged ones included.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
    return sorted(found, key=_number, reverse=True)


def _number(path):
    return int(NAME.fullmatch(path.name)[1])


def write_next(
    folder: Path | str, tensors: dict[str, torch.Tensor], meta: dict, *, keep: int = 2
) -> Path:
    """Write the next checkpoint of a run and remove the oldest ones.

    Parameters
    ----------
    folder : path-like
        The folder; it is made where it is missing.
    tensors : dict of str to Tensor
        The tensors by name.
    meta : dict
        Anything JSON can hold.
    keep : int
        How many good checkpoints stay, this one included. Damaged ones do not count,
        so that a good one is always left.

    Returns
    -------
    path : Path
        The file, ``checkpoint-00001.safetensors`` and so on.

    Raises
    ------
    OSError
        If the file cannot be written; the earlier ones are left as they were.
    """
    check_number("keep", keep, low=1, integer=True)
    folder = Path(folder)
    earlier = list_checkpoints(folder)
    number = _number(earlier[0]) + 1 if earlier else 1
    path = folder / f"checkpoint-{number:05d}.safetensors"
    write_checkpoint(path, tensors, meta)
    n_good = 1
    for other in earlier:
        if n_good >= keep:
            other.unlink(missing_ok=True)
        elif _is_good(other):
            n_good += 1
    remove_partial(folder)
    return path


def _is_good(path):
    try:
        read_checkpoint(path)
    except (ValueError, FileNotFoundError):
        return False
    return True


def read_latest(folder: Path | str):
    """Read the newest good checkpoint of a run.

    A damaged one is named in a warning, and the one before it is read. What a killed
    writer left behind is removed.

    Parameters
    ----------
    folder : path-like
        The folder.

    Returns
    -------
    latest : tuple of (dict of str to Tensor, dict, Path) | None
        The tensors on the CPU, what was written with them, and the file; None if
        the folder is missing or holds no checkpoint.

    Raises
    ------
    DamagedError
        If every checkpoint is damaged; a kind of ValueError.
    LaterVersionError
        If the newest whole one was written by a later version of the package.
    """
    paths = list_checkpoints(folder)
    if Path(folder).is_dir():
        remove_partial(folder)
    reasons = []
    for path in paths:
        try:
            tensors, meta = read_checkpoint(path)
        except LaterVersionError:
            raise
        except ValueError as error:
            reasons.append(str(error))
            continue
        if reasons:
            warn(f"{' '.join(reasons)} Using the one before, {path.name}.")
        return tensors, meta, path
    if reasons:
        raise DamagedError(
            f"All {len(reasons)} checkpoints in {str(folder)!r} are damaged: "
            f"{' '.join(reasons)} Remove them to start again."
        )
    return None
