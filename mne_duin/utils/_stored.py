"""Signals that stay on disk: arrays of epochs of which only what is asked for is read.

A :class:`StoredArray` behaves like the array of the epochs as far as the estimators
choose rows, channels and times; choosing reads nothing. ``read`` returns numbers.
:func:`blocks` walks through an array, in memory or on disk, in the same steps, so that
what is computed from all epochs is the same number in both cases.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

# Values in one block of an array that is walked through.
BLOCK_VALUES = 2**20


@dataclass(frozen=True, eq=False)
class Source:
    """Epochs in a file or in memory.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_channels, n_times)
        The stored numbers, as a memory map where they are in a file.
    scale : ndarray of float32, shape (n_channels,) | None
        What the numbers are multiplied by; None leaves them.
    path : Path | None
        The file, if there is one.
    known_digest : str | None
        What tells the values from others, if it is known.
    """

    values: np.ndarray
    scale: np.ndarray | None = None
    path: object = None
    known_digest: str | None = None

    @property
    def digest(self):
        """What tells the values from others; of a file it is known, not computed."""
        if self.known_digest is not None:
            return self.known_digest
        found = hashlib.sha256(f"{self.values.dtype} {self.values.shape};".encode())
        for block in blocks(self.values):
            found.update(np.ascontiguousarray(block))
        return found.hexdigest()

    def __reduce__(self):
        if self.path is None:
            return Source, (np.array(self.values), self.scale, None, self.known_digest)
        return open_source, (self.path, self.scale, self.known_digest)


def open_source(path, scale=None, digest=None):
    """Open a .npy file as a memory map that cannot be written to."""
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    return Source(values.view(np.ndarray), scale, path, digest)


@dataclass(frozen=True, eq=False)
class Part:
    """Some channels of a source, from a sample on.

    Parameters
    ----------
    source : Source
        Where the numbers are.
    channels : ndarray of int, shape (n_channels,)
        Which channels; -1 is one of zeros.
    first : int
        The first sample.
    """

    source: Source
    channels: np.ndarray
    first: int = 0

    @cached_property
    def _places(self):
        """Where known channels go, where they are stored, and their factors."""
        known = self.channels >= 0
        own = self.channels[known]
        scale = self.source.scale
        factor = None if scale is None else scale[own][:, None]
        return _as_slice(np.flatnonzero(known)), _as_slice(own), factor

    def read_into(self, out, row, start):
        """Write the samples of rows from ``start`` on, (..., n_channels, n_times)."""
        target, own, factor = self._places
        first = self.first + start
        stored = self.source.values[row][..., first : first + out.shape[-1]]
        if (self.channels < 0).any():
            out[...] = 0.0
        out[..., target, :] = stored[..., own, :]
        if factor is not None:
            out[..., target, :] *= factor


def _as_slice(index):
    """Return consecutive numbers as a slice, which copies nothing."""
    if len(index) and (np.diff(index) == 1).all():
        return slice(index[0], index[-1] + 1)
    return index


class StoredArray:
    """Epochs that are read when they are needed.

    Parameters
    ----------
    views : list of tuple of Part
        The channels of an epoch: one part after the other. Epochs of different files
        have different views.
    which : ndarray of int, shape (n_epochs,)
        View of each epoch.
    rows : ndarray of int, shape (n_epochs,)
        Row of each epoch in the sources of its view.
    n_times : int
        Number of samples.
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(self, views, which, rows, n_times):
        self.views, self.which, self.rows = views, which, rows
        self.n_times = n_times

    @classmethod
    def of(cls, source):
        """Return all of a source."""
        n_rows, n_channels, n_times = source.values.shape
        part = Part(source, np.arange(n_channels))
        return cls([(part,)], np.zeros(n_rows, int), np.arange(n_rows), n_times)

    @classmethod
    def join(cls, arrays):
        """Return the epochs of one array after those of the other."""
        views, which = [], []
        for array in arrays:
            which.append(array.which + len(views))
            views += array.views
        rows = np.concatenate([array.rows for array in arrays])
        return cls(views, np.concatenate(which), rows, arrays[0].n_times)

    @property
    def shape(self):
        """Number of epochs, channels and samples."""
        n_channels = sum(len(part.channels) for part in self.views[0])
        return len(self.rows), n_channels, self.n_times

    @property
    def paths(self):
        """The files that are read."""
        found = [part.source.path for view in self.views for part in view]
        return list(dict.fromkeys(path for path in found if path is not None))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        """Choose epochs, ``[:, channels]`` or ``[..., first:last]``; reads nothing."""
        if not isinstance(key, tuple):
            chosen = np.arange(len(self))[key]
            chosen = np.atleast_1d(chosen)
            return StoredArray(
                self.views, self.which[chosen], self.rows[chosen], self.n_times
            )
        first, second = key
        if first is Ellipsis and isinstance(second, slice):
            low, high, step = second.indices(self.n_times)
            if step == 1:
                return self._with_parts(
                    lambda part: replace(part, first=part.first + low), high - low
                )
        if isinstance(first, slice) and first == slice(None):
            index = np.asarray(second)
            return self._with_parts(
                lambda part: replace(part, channels=part.channels[index])
            )
        raise IndexError(f"Epochs on disk cannot be indexed with {key!r}.")

    def _with_parts(self, change, n_times=None):
        """Change the parts of views that have one part only."""
        views = [(change(part),) for (part,) in self.views]
        n_times = self.n_times if n_times is None else n_times
        return StoredArray(views, self.which, self.rows, n_times)

    def pad_channels(self, n_more):
        """Return the array with channels of zeros behind its own."""
        more = np.full(n_more, -1)
        return self._with_parts(
            lambda part: replace(part, channels=np.append(part.channels, more))
        )

    def split_views(self, groups):
        """Return the same epochs, of which those of one view are of one group.

        Parameters
        ----------
        groups : ndarray of int, shape (n_epochs,)
            Group of each epoch.

        Returns
        -------
        array : StoredArray
            The same epochs.
        view_groups : ndarray of int, shape (n_views,)
            Group of each view.
        """
        pairs = np.stack([self.which, groups], axis=1)
        pairs, which = np.unique(pairs, axis=0, return_inverse=True)
        views = [self.views[view] for view in pairs[:, 0]]
        array = StoredArray(views, which.reshape(-1), self.rows, self.n_times)
        return array, pairs[:, 1]

    def with_parts(self, make):
        """Return the array with further channels behind its own.

        Parameters
        ----------
        make : callable
            Takes the number of a view and its Part, returns a tuple of Part.

        Returns
        -------
        array : StoredArray
            The same epochs.
        """
        views = [(part, *make(i, part)) for i, (part,) in enumerate(self.views)]
        return StoredArray(views, self.which, self.rows, self.n_times)

    def read(self, rows=None, start=0, n_times=None):
        """Read epochs.

        Parameters
        ----------
        rows : ndarray of int, shape (n_rows,) | None
            Which; None reads all.
        start : int | ndarray of int, shape (n_rows,)
            First sample, of each.
        n_times : int | None
            Number of samples; None reads all.

        Returns
        -------
        data : ndarray of float32, shape (n_rows, n_channels, n_times)
            The numbers.
        """
        rows = np.arange(len(self)) if rows is None else rows
        n_times = self.n_times if n_times is None else n_times
        starts = np.broadcast_to(start, len(rows))
        out = np.empty((len(rows), self.shape[1], n_times), np.float32)
        which, stored = self.which[rows], self.rows[rows]
        # Neighbors are read at once.
        breaks = (np.diff(which) != 0) | (np.diff(stored) != 1) | (np.diff(starts) != 0)
        edges = [0, *(np.flatnonzero(breaks) + 1), len(rows)]
        for begin, end in pairwise(edges):
            low = 0
            for part in self.views[which[begin]] if end > begin else ():
                own = out[begin:end, low : low + len(part.channels)]
                these = slice(stored[begin], stored[begin] + end - begin)
                part.read_into(own, these, starts[begin])
                low += len(part.channels)
        return out

    def __array__(self, dtype=None, copy=None):
        data = self.read()
        return data if dtype is None else data.astype(dtype, copy=False)

    def digest(self):
        """Return what tells these numbers from others; files are not read.

        It is made of the digests that were computed when the files were written, and of
        the chosen epochs, channels and samples.
        """
        found = hashlib.sha256(f"{self.shape};".encode())
        for view in self.views:
            for part in view:
                found.update(f"{part.source.digest} {part.first};".encode())
                found.update(np.ascontiguousarray(part.channels, np.int64))
        for numbers in (self.which, self.rows):
            found.update(np.ascontiguousarray(numbers, np.int64))
        return found.hexdigest()


def as_stored(data):
    """Return an array as a stored one, whether it is in memory or on disk.

    Shapes: ``data`` (n_epochs, n_channels, n_times).
    """
    return data if isinstance(data, StoredArray) else StoredArray.of(Source(data))


def join_arrays(arrays):
    """Return the epochs of several arrays; on disk if any of them is.

    Shapes: (n_epochs, n_channels, n_times) each.
    """
    if any(isinstance(array, StoredArray) for array in arrays):
        return StoredArray.join([as_stored(array) for array in arrays])
    return np.concatenate(arrays)


def block_rows(shape, rows=None):
    """Divide the epochs of an array into blocks.

    Parameters
    ----------
    shape : tuple of int
        Number of epochs, channels and samples.
    rows : ndarray of int, shape (n_rows,) | None
        Which epochs; None takes all.

    Returns
    -------
    parts : list of ndarray of int
        The epochs of each block.
    """
    rows = np.arange(shape[0]) if rows is None else rows
    size = max(BLOCK_VALUES // max(shape[1] * shape[2], 1), 1)
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def blocks(data, rows=None):
    """Walk through epochs in memory or on disk.

    Parameters
    ----------
    data : ndarray | StoredArray, shape (n_epochs, n_channels, n_times)
        The epochs.
    rows : ndarray of int, shape (n_rows,) | None
        Which epochs; None takes all.

    Yields
    ------
    block : ndarray, shape (n_block, n_channels, n_times)
        Some of them, in order; the same ones wherever they are.
    """
    for own in block_rows(data.shape, rows):
        if isinstance(data, StoredArray):
            yield data.read(own)
        elif rows is None:
            yield data[own[0] : own[-1] + 1]
        else:
            yield data[own]
