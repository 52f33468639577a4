"""Write segments to a folder, once, so that networks can be trained from there.

What is read goes to a working file in float32 first. When everything is there, it is
compared with itself (finite, no channel of zeros only), the scale of each channel is
known, and what is kept is written in its final type. ``segments.json`` is written
before, saying that the folder is not complete, and again as the last file.
"""

import hashlib
import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from filelock import FileLock
from mne.utils import logger, warn

from mne_duin._version import __version__
from mne_duin.utils._atomic import move_file, write_text
from mne_duin.utils._bands import POWER_NAME
from mne_duin.utils._checks import check_option, check_type, first_names
from mne_duin.utils._epochs import usable_channels
from mne_duin.utils._segments import (
    DTYPES,
    FORMAT,
    INFO,
    KIND,
    N_PROBES,
    NOTES,
    VALUES,
    DiskSegments,
    digest_file,
    digest_row,
    open_segments,
    read_notes,
)
from mne_duin.utils._stored import block_rows
from mne_duin.utils._stored_files import HEADER, allocate, check_space, write_header
from mne_duin.utils._stored_files import LOCK as POWER_LOCK

WORK, LOCK = ".segments.work", ".segments.lock"
# Fewer steps of an integer than this in the usual amplitude of a channel are few.
FEWEST_STEPS = 256
LARGEST_INTEGER, LARGEST_HALF = 32767, 2.0**15


def write_segments(
    folder,
    epochs: mne.BaseEpochs | Iterable[mne.BaseEpochs],
    *,
    dtype: str = "float32",
) -> DiskSegments:
    """Write segments to a folder from which networks can be trained.

    Recordings that do not fit into memory are given one after the other, by a
    generator; or :func:`read_segments` reads and writes them (``on_disk``).

    Parameters
    ----------
    folder : path-like
        A folder that does not exist or is empty, or one in which writing was
        interrupted. Other files are never replaced.
    epochs : Epochs | iterable of Epochs
        The segments. All have the same channels, sampling rate and length. Channels
        that are not neural or marked bad are left out with a warning.
    dtype : "float32" | "float16" | "int16"
        How numbers are stored. ``"float16"`` takes half of the space with a relative
        error of at most 1/2048. ``"int16"`` takes the same space with an error of at
        most 1/65534 of the largest absolute value of the channel.

    Returns
    -------
    segments : DiskSegments
        The segments.

    Raises
    ------
    FileExistsError
        If the folder has other files, or complete segments.
    OSError
        If the disk has not enough space.
    TypeError, ValueError
        If the segments differ in channels, rate or length, or hold values that are not
        finite.

    See Also
    --------
    open_segments : Open them again.

    Examples
    --------
    >>> import mne, numpy as np
    >>> from mne_duin import write_segments
    >>> X = np.random.default_rng(0).standard_normal((8, 3, 400))
    >>> info = mne.create_info(["A1", "A2", "A3"], 1000.0, "seeg")
    >>> hours = (mne.EpochsArray(X, info, verbose=False) for _ in range(3))
    >>> segments = write_segments("hours", hours, dtype="int16")
    >>> len(segments)
    24
    """
    parts = [epochs] if isinstance(epochs, mne.BaseEpochs) else epochs
    if not isinstance(parts, Iterable) or isinstance(parts, np.ndarray | str):
        raise TypeError(
            "`epochs` must be Epochs, or several of them one after the other; got "
            f"{type(epochs).__name__}."
        )
    first, tables = None, []
    with SegmentWriter(folder, dtype) as writer:
        for number, part in enumerate(parts, 1):
            check_type("epochs", part, mne.BaseEpochs)
            used = usable_channels(part, "epochs")
            data = part.get_data(picks=used, copy=False)
            described = _describe(part, used)
            first = described if first is None else first
            _check_alike(described, first, number)
            writer.append(data)
            tables.append(_metadata(part))
        if first is None:
            raise ValueError("`epochs` has no segments; give at least one.")
        if len({tuple(table.columns) for table in tables}) > 1:
            raise ValueError(
                "The Epochs in `epochs` have different columns of metadata; give all "
                "of them the same."
            )
        metadata = pd.concat(tables, ignore_index=True)
        writer.finish(first["info"], metadata, tmin=first["tmin"])
    return open_segments(folder)


def _describe(epochs, used):
    info = mne.pick_info(epochs.info, [epochs.ch_names.index(name) for name in used])
    return {"info": info, "tmin": float(epochs.tmin), "n_times": len(epochs.times)}


def _metadata(epochs):
    if epochs.metadata is None:
        return pd.DataFrame(index=range(len(epochs)))
    return epochs.metadata.reset_index(drop=True)


def _check_alike(own, first, number):
    """Refuse Epochs that cannot be rows of one array."""
    for name, get in {
        "channels": lambda one: one["info"]["ch_names"],
        "sampling rate": lambda one: one["info"]["sfreq"],
        "length": lambda one: one["n_times"],
        "start": lambda one: one["tmin"],
        "filters": lambda one: one["info"]["description"],
    }.items():
        if get(own) != get(first):
            raise ValueError(
                f"The Epochs in `epochs` differ in their {name}: number {number} has "
                f"{get(own)!r:.100}, the first {get(first)!r:.100}."
            )


class SegmentWriter:
    """Context in which one process, alone, writes a folder of segments.

    Parameters
    ----------
    folder : path-like
        The folder.
    dtype : str
        Type of the stored numbers.
    source : dict | None
        What the segments are made of. A complete folder with the same one is not
        written again: ``found`` is then True.
    """

    def __init__(self, folder, dtype, source=None):
        check_option("dtype", dtype, list(DTYPES))
        self.folder, self.dtype, self.source = Path(folder), dtype, source
        self.found = False
        self._work, self._file, self._shape = None, None, None
        self._stack = ExitStack()

    def __enter__(self):
        self._refuse_foreign()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(FileLock(self.folder / LOCK))
        try:
            # Another process may have written in the meantime.
            self.found = self._refuse_foreign()
            if not self.found:
                self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error):
        try:
            if self._file is not None:
                self._file.close()
            (self.folder / WORK).unlink(missing_ok=True)
        finally:
            self._stack.close()

    def _refuse_foreign(self):
        """Refuse a folder with other files; return whether it has these segments."""
        if not self.folder.exists():
            return False
        if not self.folder.is_dir():
            raise FileExistsError(
                f"{str(self.folder)!r} is a file. Choose another folder."
            )
        names = sorted(path.name for path in self.folder.iterdir())
        others = [name for name in names if name not in (LOCK, POWER_LOCK)]
        if not others:
            return False
        if NOTES not in others:
            raise FileExistsError(
                f"{str(self.folder)!r} has files that are no segments of this package "
                f"({first_names(others)}). Choose an empty or a new folder."
            )
        notes = read_notes(self.folder)
        if not notes["complete"]:
            return False
        if self.source is None:
            raise FileExistsError(
                f"{str(self.folder)!r} has complete segments. Open them with "
                "open_segments, or choose another folder."
            )
        known = notes.get("source")
        known = known if isinstance(known, dict) else {}
        wanted = self.source | {"dtype": self.dtype}
        known["dtype"] = notes["dtype"]
        differ = [name for name in wanted if wanted[name] != known.get(name)]
        if differ:
            raise FileExistsError(
                f"{str(self.folder)!r} has segments that differ in "
                f"{first_names(differ)}. Choose another folder, or delete this one."
            )
        return True

    def _begin(self):
        """Say that the folder is ours; remove what an interrupted writing left."""
        if (self.folder / NOTES).exists():
            logger.info(
                f"Writing to {str(self.folder)!r} was interrupted; it begins again."
            )
        write_text(self.folder / NOTES, json.dumps(self._head() | {"complete": False}))
        for path in self.folder.iterdir():
            if path.name in (VALUES, INFO, WORK) or POWER_NAME.fullmatch(path.name):
                path.unlink()

    def _head(self):
        return {"kind": KIND, "format": FORMAT, "mne_duin": __version__}

    def allocate(self, shape):
        """Return an array of float32 on disk, to be filled.

        Parameters
        ----------
        shape : tuple of int
            Number of segments, channels and samples.

        Returns
        -------
        work : memmap, shape ``shape``
            Zeros.
        """
        self._work = allocate(self.folder / WORK, shape, np.float32)
        return self._work

    def append(self, data):
        """Write some segments behind the others.

        Parameters
        ----------
        data : ndarray, shape (n_segments, n_channels, n_times)
            The segments.
        """
        if self._file is None:
            self._file = (self.folder / WORK).open("w+b")
            self._file.write(bytes(HEADER))
            self._shape = (0, *data.shape[1:])
        check_space(self.folder, 4 * data.size)
        self._file.write(np.ascontiguousarray(data, "<f4"))
        self._shape = (self._shape[0] + len(data), *self._shape[1:])

    def finish(self, info, metadata, *, tmin=0.0, kept=None, amplitude=None):
        """Write what is kept in its final type, and say that all is there.

        Parameters
        ----------
        info : mne.Info
            The channels.
        metadata : DataFrame
            One row for each segment that is kept.
        tmin : float
            Time of the first sample in seconds.
        kept : ndarray of bool, shape (n_segments,) | None
            Which segments to keep; None keeps all.
        amplitude : float | None
            Median standard deviation of the channels in volts, if it is known.
        """
        work = self._close_work()
        rows = np.arange(len(work))
        rows = rows if kept is None else rows[kept]
        names = info["ch_names"]
        largest, usual = _amplitudes(work, rows, names)
        scale = _choose_scale(self.dtype, largest)
        self._warn_of_coarse_steps(scale, usual, names)
        path = self.folder / VALUES
        if self.dtype == "float32" and len(rows) == len(work):
            values = work
        else:
            shape = (len(rows), *work.shape[1:])
            values = allocate(path, shape, DTYPES[self.dtype])
        digest, low = hashlib.sha256(), 0
        for own in block_rows(work.shape, rows):
            block = _encode(work[own], self.dtype, scale)
            if values is not work:
                values[low : low + len(own)] = block
            low += len(own)
            digest.update(np.ascontiguousarray(block))
        values.flush()
        probes = np.unique(np.linspace(0, len(rows) - 1, N_PROBES).round().astype(int))
        probes = [[int(row), digest_row(values, row)] for row in probes]
        shape = [int(size) for size in values.shape]
        is_work = values is work
        # Some systems rename no file that is open.
        del values, work
        self._work = None
        if is_work:
            move_file(self.folder / WORK, path)
        mne.io.write_info(self.folder / INFO, info, overwrite=True, verbose="error")
        notes = self._head() | {
            "complete": True,
            "shape": shape,
            "dtype": self.dtype,
            "scale": None if scale is None else scale.tolist(),
            "sfreq": float(info["sfreq"]),
            "tmin": float(tmin),
            "channels": list(names),
            "amplitude": amplitude,
            "digest": digest.hexdigest(),
            "info": digest_file(self.folder / INFO),
            "probes": probes,
            "source": self.source,
            "metadata": _columns(metadata),
        }
        write_text(self.folder / NOTES, json.dumps(notes))

    def _close_work(self):
        """Return the working file as a memory map."""
        if self._file is not None:
            self._file.seek(0)
            write_header(self._file, self._shape, "<f4")
            self._file.close()
            self._file = None
            self._work = np.memmap(
                self.folder / WORK, "<f4", "r+", HEADER, shape=self._shape
            )
        return self._work

    def _warn_of_coarse_steps(self, scale, usual, names):
        """Tell of channels whose usual amplitude is a few integers only."""
        if self.dtype != "int16":
            return
        coarse = (usual < FEWEST_STEPS * scale) & (usual > 0)
        if coarse.any():
            warn(
                f"{coarse.sum()} channels ("
                f"{first_names(np.array(names, object)[coarse])}) have values far "
                "beyond their usual amplitude, so that int16 resolves the usual "
                f"amplitude in fewer than {FEWEST_STEPS} steps. Drop these segments, "
                "or use dtype='float16'."
            )


def _amplitudes(work, rows, names):
    """Return largest absolute value and usual peak-to-peak amplitude of each channel.

    ValueError names channels with values that are not finite, or zeros only.
    """
    largest, peaks = np.zeros(work.shape[1]), []
    for own in block_rows(work.shape, rows):
        block = work[own]
        high, low = block.max(axis=-1), block.min(axis=-1)
        peaks.append(high - low)
        largest = np.maximum(largest, np.maximum(high, -low).max(axis=0))
    for wrong, text in {
        "hold values that are not finite": ~np.isfinite(largest),
        "are zero throughout": largest == 0,
    }.items():
        if text.any():
            found = first_names(np.array(names, object)[text])
            raise ValueError(
                f"{text.sum()} channels ({found}) {wrong}; mark them bad or drop them."
            )
    return largest, np.median(np.concatenate(peaks), axis=0)


def _choose_scale(dtype, largest):
    """Return the value of one unit of the stored numbers, by channel."""
    if dtype == "float32":
        return None
    if dtype == "int16":
        return (largest / LARGEST_INTEGER).astype(np.float32)
    # A power of two, so that only the mantissa is rounded.
    return (2.0 ** np.ceil(np.log2(largest)) / LARGEST_HALF).astype(np.float32)


def _encode(block, dtype, scale):
    """Turn values into the stored type."""
    if scale is None:
        return block
    units = block.astype(np.float64) / scale[:, None]
    if dtype == "int16":
        units = np.rint(units).clip(-LARGEST_INTEGER, LARGEST_INTEGER)
    return units.astype(DTYPES[dtype])


def _columns(metadata):
    """Return a table as lists that JSON can hold."""
    columns = {str(name): metadata[name].tolist() for name in metadata.columns}
    for name, values in columns.items():
        if not all(isinstance(v, str | int | float | bool | None) for v in values):
            raise TypeError(
                f"The column {name!r} of the metadata must hold texts or numbers."
            )
    return columns
