"""Files that appear whole or not at all, and the traces of writers that were killed."""

import contextlib
import errno
import io
import os
import re
import secrets
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

PARTIAL = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.partial")
# Some network file systems cannot flush a folder; the rename is done all the same.
NO_FOLDER_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


def write_file(path, content):
    """Write a file, whole or not at all.

    The content goes to a temporary name in the same folder, is flushed to the disk,
    takes the file's name, and the folder is flushed.

    Parameters
    ----------
    path : path-like
        The file; an existing one is replaced.
    content : bytes
        What it is to hold.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be written; an earlier one is left as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_and_rename(temporary, path, content)
    except OSError as error:
        raise OSError(
            error.errno,
            f"Writing failed, an earlier file is as it was ({error.strerror})",
            str(path),
        ) from error
    _flush_folder(path.parent)
    remove_partial(path.parent, path.name)
    return path


def write_text(path, text):
    """Write a text file in UTF-8, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file; an existing one is replaced.
    text : str
        What it is to hold; lines end as in the text.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be written; an earlier one is left as it was.
    """
    return write_file(path, text.encode())


def move_file(source, target):
    """Give a file its final name in the same folder, for good.

    Parameters
    ----------
    source, target : path-like
        The file and its new name; what has that name is replaced.

    Returns
    -------
    target : Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be renamed.
    """
    target = Path(target)
    os.replace(source, target)
    _flush_folder(target.parent)
    return target


def write_figure(path, figure, **options):
    """Write a figure, whole or not at all.

    Parameters
    ----------
    path : path-like
        The picture; its ending is the format.
    figure : Figure
        The figure.
    **options : dict
        Passed to ``figure.savefig``.

    Returns
    -------
    path : Path
        The picture.

    Raises
    ------
    OSError
        If the file cannot be written; an earlier one is left as it was.
    ValueError
        If matplotlib does not know the format.
    """
    path, content = Path(path), io.BytesIO()
    kind = path.suffix.removeprefix(".") or "png"
    figure.savefig(content, format=kind, **options)
    return write_file(path, content.getvalue())


def _write_and_rename(temporary, path, content):
    """Write the temporary file and give it its name; leave no trace on failure."""
    try:
        with temporary.open("xb") as file:
            # Tells a writer at work from one that was killed.
            with contextlib.suppress(OSError):
                _lock(file)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:
                os.replace(temporary, path)
        if fcntl is None:
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _lock(file):
    """Hold a file until it is closed; an error says that another process does."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _flush_folder(folder):
    """Make a rename in a folder last."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_FLUSH:
            raise
    finally:
        os.close(descriptor)


def remove_partial(folder, name=None):
    """Remove what writers that were killed left behind.

    Parameters
    ----------
    folder : path-like
        The folder.
    name : str | None
        Only what was to become this file; None takes every file.

    Returns
    -------
    removed : list of Path
        What was removed. The file of a writer that is still at work stays.
    """
    removed = []
    for path in sorted(Path(folder).iterdir()):
        match = PARTIAL.fullmatch(path.name)
        if match and name in (None, match["name"]) and _remove_if_idle(path):
            removed.append(path)
    return removed


def _remove_if_idle(path):
    """Remove a temporary file unless its writer holds it."""
    try:
        with path.open("rb") as file:
            _lock(file)
        path.unlink()
    except OSError:
        # At work, gone already, or in a folder that cannot be written: no harm done.
        return False
    return True
