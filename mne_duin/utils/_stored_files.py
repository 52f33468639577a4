"""Large .npy files: their space is taken before anything is written into it."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
from filelock import FileLock
from mne.utils import logger

from mne_duin.utils._atomic import move_file

# What NumPy writes before the numbers of an array of three dimensions.
HEADER = 128
LOCK = ".power.lock"


def check_space(folder, n_bytes):
    """Refuse to begin where a disk has not enough space.

    Parameters
    ----------
    folder : path-like
        Where files will be written.
    n_bytes : int
        How much.

    Raises
    ------
    OSError
        If there is less.
    """
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise OSError(
            errno.ENOSPC,
            f"{n_bytes / 1e9:.3g} GB are needed and {free / 1e9:.3g} GB are free; "
            "choose another folder, or free space",
            str(folder),
        )


def allocate(path, shape, dtype):
    """Make a .npy file of zeros and open it as a memory map.

    The space is taken at once: a disk that is full then raises an error here, while a
    write into a memory map without space would end the process.

    Parameters
    ----------
    path : path-like
        The file; one of this name is replaced.
    shape : tuple of int
        Of the array, three dimensions.
    dtype : dtype
        Type of its numbers.

    Returns
    -------
    values : memmap, shape ``shape``
        What is written into it goes to the file; ``flush`` ends the writing.

    Raises
    ------
    OSError
        If the file cannot be made; nothing is left of it.
    """
    path, dtype = Path(path), np.dtype(dtype).newbyteorder("<")
    n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    check_space(path.parent, n_bytes)
    try:
        with path.open("wb") as file:
            write_header(file, shape, dtype)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), HEADER, max(n_bytes, 1))
            file.truncate(HEADER + n_bytes)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return np.memmap(path, dtype, "r+", offset=HEADER, shape=tuple(shape))


def write_header(file, shape, dtype):
    """Write the head of a .npy file, always of the same length.

    Parameters
    ----------
    file : file object
        Open for writing bytes.
    shape : tuple of int
        Of the array, three dimensions.
    dtype : dtype
        Type of its numbers.
    """
    shape = tuple(int(size) for size in shape)
    text = f"{{'descr': {np.dtype(dtype).str!r}, 'fortran_order': False, "
    text += f"'shape': {shape!r}, }}"
    magic = np.lib.format.magic(1, 0)
    n_text = HEADER - len(magic) - 2
    content = text.ljust(n_text - 1) + "\n"
    file.write(magic + len(content).to_bytes(2, "little") + content.encode("latin1"))


def write_once(paths, shape, fill):
    """Write .npy files of float32, each whole or not at all, unless they are there.

    Of several processes that need them one writes and the others wait.

    Parameters
    ----------
    paths : dict of object to Path
        The files of one folder, by any name.
    shape : tuple of int
        Of each array.
    fill : callable
        Takes a dict with the arrays that are missing, and fills them in place.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    if all(path.exists() for path in paths.values()):
        return
    folder = next(iter(paths.values())).parent
    try:
        with FileLock(folder / LOCK):
            missing = {key: path for key, path in paths.items() if not path.exists()}
            if missing:
                _write_missing(missing, shape, fill)
    except OSError as error:
        raise OSError(
            error.errno,
            f"The band power of the segments could not be written ({error.strerror}). "
            "It is kept next to them: make their folder writable, or train with "
            "bands='raw'",
            str(folder),
        ) from error


def _write_missing(missing, shape, fill):
    """Write files under other names and give them theirs."""
    partial = {
        key: path.with_name(f".{path.name}.partial") for key, path in missing.items()
    }
    folder = next(iter(missing.values())).parent
    n_bytes = 4 * int(np.prod(shape, dtype=np.int64)) * len(missing)
    logger.info(
        f"Band power of all segments is computed once and kept in {str(folder)!r} "
        f"({n_bytes / 1e9:.3g} GB)."
    )
    try:
        check_space(folder, n_bytes)
        values = {key: allocate(partial[key], shape, np.float32) for key in missing}
        fill(values)
        for one in values.values():
            one.flush()
        # Some systems rename no file that is open.
        values.clear()
        del one
        for key, path in missing.items():
            move_file(partial[key], path)
    finally:
        for path in partial.values():
            path.unlink(missing_ok=True)
