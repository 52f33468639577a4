"""Segments in a folder on disk, as an object that the estimators take for Epochs.

The folder has ``segments.npy`` (the numbers), ``segments-info.fif`` (channels and
positions, as MNE stores them) and ``segments.json``, which is written last: without it,
or without ``"complete": true`` in it, the segments are not read.
"""

import hashlib
import json
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin._version import __version__
from mne_duin.utils._checks import first_names
from mne_duin.utils._slots import COLUMN, join_contacts, slot_names
from mne_duin.utils._stored import StoredArray, block_rows, open_source

VALUES, NOTES, INFO = "segments.npy", "segments.json", "segments-info.fif"
KIND, FORMAT = "segments of mne_duin", 1
# Stored type by name. Integers and half precision have a scale for each channel.
DTYPES = {"float32": "<f4", "float16": "<f2", "int16": "<i2"}
N_PROBES = 16


class DiskSegments:
    """Unlabeled segments that stay on disk while networks are trained on them.

    The three stages without labels (:class:`DuINCells`, :class:`DuINVQVAE`,
    :class:`DuINMAE`) and ``unlabelled`` of :class:`DuINDecoder` take it as they take
    Epochs. Training reads the segments of a batch only. Everything else that takes
    Epochs gets the segments in memory, from :meth:`to_epochs`.

    Made by :func:`open_segments`, :func:`write_segments` and :func:`read_segments`.

    Parameters
    ----------
    data : StoredArray, shape (n_segments, n_channels, n_times)
        The signal.
    info : mne.Info
        Channels, positions and sampling rate.
    metadata : DataFrame
        One row for each segment.
    tmin : float
        Time of the first sample in seconds.

    Attributes
    ----------
    ch_names : list of str
        The channels.

    See Also
    --------
    stack_subjects : Segments of several subjects as one.

    Examples
    --------
    >>> import mne, numpy as np
    >>> from mne_duin import write_segments
    >>> X = np.random.default_rng(0).standard_normal((8, 3, 400))
    >>> info = mne.create_info(["A1", "A2", "A3"], 1000.0, "seeg")
    >>> epochs = mne.EpochsArray(X, info, verbose=False)
    >>> segments = write_segments("segments", epochs)
    >>> segments
    <DiskSegments | 8 segments of 3 channels, 0.4 s at 1000 Hz>
    >>> len(segments[:2].to_epochs())
    2
    """

    def __init__(self, data, info, metadata, tmin=0.0):
        self.data, self.info, self.metadata = data, info, metadata
        self.tmin = tmin

    @property
    def ch_names(self):
        """Names of the channels."""
        return list(self.info["ch_names"])

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        """Return some of the segments; nothing is read."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        return DiskSegments(
            self.data[rows],
            self.info,
            self.metadata.iloc[rows].reset_index(drop=True),
            self.tmin,
        )

    def __repr__(self):
        rate = self.info["sfreq"]
        return (
            f"<DiskSegments | {len(self)} segments of {len(self.ch_names)} channels, "
            f"{self.data.n_times / rate:g} s at {rate:g} Hz>"
        )

    def get_montage(self):
        """Return the positions of the channels.

        Returns
        -------
        montage : DigMontage | None
            As for Epochs.
        """
        return self.info.get_montage()

    def to_epochs(self) -> mne.BaseEpochs:
        """Read the segments into memory.

        Returns
        -------
        epochs : mne.Epochs
            In volts, with the same metadata. Events are numbered, their samples are not
            those of the recording.
        """
        return mne.EpochsArray(
            self.data.read().astype(float),
            self.info.copy(),
            tmin=self.tmin,
            event_id={"segment": 1},
            metadata=self.metadata.copy(),
            baseline=None,
            proj=False,
            verbose="error",
        )

    def verify(self) -> None:
        """Read all files and compare them with what was written.

        Opening compares sizes and 16 segments only. Files of band power, which training
        computes, are not compared.

        Raises
        ------
        ValueError
            If a file has changed; the message names it.
        """
        for path in self.data.paths:
            notes = read_notes(path.parent)
            values = open_source(path).values
            found = hashlib.sha256()
            for rows in block_rows(values.shape):
                found.update(np.ascontiguousarray(values[rows[0] : rows[-1] + 1]).data)
            if found.hexdigest() != notes["digest"]:
                raise ValueError(_changed(path))


def open_segments(folder) -> DiskSegments:
    """Open segments that were written to a folder.

    Sizes, and 16 of the segments, are compared with what was written;
    :meth:`DiskSegments.verify` compares all.

    Parameters
    ----------
    folder : path-like
        The folder, as given to :func:`write_segments` or to :func:`read_segments`
        (``on_disk``).

    Returns
    -------
    segments : DiskSegments
        The segments; nothing but the probes is read.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or a file is missing.
    ValueError
        If the folder has no segments of this package, they were not completely
        written, or they were changed; the message names file, field and remedy.

    Examples
    --------
    >>> import mne, numpy as np
    >>> from mne_duin import open_segments, write_segments
    >>> X = np.random.default_rng(0).standard_normal((8, 3, 400))
    >>> info = mne.create_info(["A1", "A2", "A3"], 1000.0, "seeg")
    >>> epochs = mne.EpochsArray(X, info, verbose=False)
    >>> segments = write_segments("recording", epochs, dtype="float16")
    >>> open_segments("recording").ch_names
    ['A1', 'A2', 'A3']
    """
    folder = Path(folder)
    notes = read_notes(folder)
    if not notes["complete"]:
        raise ValueError(
            f"{str(folder / NOTES)!r}: the field 'complete' is false, because writing "
            "was interrupted. Write the segments again to the same folder."
        )
    path = folder / VALUES
    values = _open_values(path, notes)
    scale = None
    if notes["scale"] is not None:
        scale = np.array(notes["scale"], np.float32)
    digest = notes["digest"]
    if scale is not None:
        digest = hashlib.sha256(digest.encode() + scale.tobytes()).hexdigest()
    if not (folder / INFO).exists():
        raise FileNotFoundError(_missing(folder / INFO))
    if digest_file(folder / INFO) != notes["info"]:
        raise ValueError(_changed(folder / INFO))
    info = mne.io.read_info(folder / INFO, verbose="error")
    if info["ch_names"] != notes["channels"]:
        raise ValueError(
            f"{str(folder / INFO)!r} has other channels than the field 'channels' of "
            f"{NOTES}. Write the segments again to another folder."
        )
    source = open_source(path, scale, digest)
    for row, known in notes["probes"]:
        if digest_row(values, row) != known:
            raise ValueError(f"{_changed(path)} (segment {row})")
    metadata = pd.DataFrame(notes["metadata"], index=range(notes["shape"][0]))
    return DiskSegments(StoredArray.of(source), info, metadata, notes["tmin"])


def digest_file(path):
    """Return what tells a small file from others."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_row(values, row):
    """Return what tells a stored segment from others."""
    return hashlib.sha256(np.ascontiguousarray(values[row])).hexdigest()[:16]


# Fields of segments.json that have to be there, with their types.
FIELDS = {
    "complete": bool,
    "shape": list,
    "dtype": str,
    "scale": list | None,
    "tmin": float,
    "channels": list,
    "digest": str,
    "info": str,
    "probes": list,
    "metadata": dict,
}


def read_notes(folder):
    """Read and check ``segments.json`` of a folder.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    notes : dict
        What it says; of segments that are not complete only that they are not.

    Raises
    ------
    FileNotFoundError
        If there is no folder or no file.
    ValueError
        If it is damaged, or of something else.
    """
    folder = Path(folder)
    path = folder / NOTES
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {str(folder)!r}.")
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{str(folder)!r} has no {NOTES}, so it is no folder of segments. Write "
            "them with write_segments, or with read_segments (`on_disk`)."
        ) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{_changed(path)} ({error!s:.100})") from error
    if not isinstance(notes, dict) or notes.get("kind") != KIND:
        raise ValueError(
            f"{str(path)!r}: the field 'kind' is not {KIND!r}, so the folder was not "
            "written by this package. Choose another folder."
        )
    if notes.get("format") != FORMAT:
        raise ValueError(
            f"{str(path)!r}: the field 'format' is {notes.get('format')!r}; version "
            f"{__version__} of this package reads {FORMAT}. Update the package, or "
            "write the segments again to another folder."
        )
    if notes.get("complete") is False:
        return notes
    for name, kind in FIELDS.items():
        if not isinstance(notes.get(name, ...), kind):
            raise ValueError(_bad_field(path, name))
    _check_values(path, notes)
    return notes


def _check_values(path, notes):
    """Check what the fields hold."""
    shape, scale, channels = notes["shape"], notes["scale"], notes["channels"]
    if len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ValueError(_bad_field(path, "shape"))
    if notes["dtype"] not in DTYPES:
        raise ValueError(_bad_field(path, "dtype"))
    if len(channels) != shape[1]:
        raise ValueError(_bad_field(path, "channels"))
    if scale is not None:
        good = all(isinstance(one, float) and 0 < one < np.inf for one in scale)
        if len(scale) != shape[1] or not good:
            raise ValueError(_bad_field(path, "scale"))
    columns = notes["metadata"].values()
    if not all(isinstance(c, list) and len(c) == shape[0] for c in columns):
        raise ValueError(_bad_field(path, "metadata"))
    for pair in notes["probes"]:
        is_pair = isinstance(pair, list) and len(pair) == 2
        if not is_pair or pair[0] not in range(shape[0]):
            raise ValueError(_bad_field(path, "probes"))


def _bad_field(path, name):
    return (
        f"{str(path)!r}: the field {name!r} is missing or damaged. Write the segments "
        "again to another folder."
    )


def _changed(path):
    return (
        f"{str(path)!r} is damaged, or was changed after it was written. Write the "
        "segments again to another folder."
    )


def _missing(path):
    return (
        f"{str(path)!r} is missing. Write the segments again to another folder, or "
        "copy the whole folder."
    )


def _open_values(path, notes):
    """Open the numbers and compare their shape and type with the notes."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(_missing(path)) from None
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{_changed(path)} ({error!s:.100})") from error
    known = tuple(notes["shape"]), np.dtype(DTYPES[notes["dtype"]])
    if (values.shape, values.dtype) != known:
        raise ValueError(
            f"{_changed(path)} (it has {values.shape} of {values.dtype}; {NOTES} says "
            f"{known[0]} of {known[1]})"
        )
    return values


def stack_disk(segments):
    """Put segments of several subjects into one object, in numbered channel slots.

    Parameters
    ----------
    segments : dict of str to DiskSegments
        By subject; of the same length and rate.

    Returns
    -------
    stacked : DiskSegments
        Nothing is read or written. ``metadata`` has the subject and its contacts.
    """
    n_slots = max(len(one.ch_names) for one in segments.values())
    arrays, tables = [], []
    for name, one in segments.items():
        n_more = n_slots - len(one.ch_names)
        arrays.append(one.data.pad_channels(n_more) if n_more else one.data)
        columns = {"subject": name, COLUMN: join_contacts(one.ch_names)}
        tables.append(one.metadata.assign(**columns))
    first = next(iter(segments.values()))
    info = mne.create_info(slot_names(n_slots), first.info["sfreq"], "seeg")
    filters = {one.info["description"] for one in segments.values()}
    if len(filters) > 1:
        raise ValueError(
            "The segments were filtered in different ways: "
            f"{first_names(sorted(map(str, filters)))}. Read them with the same "
            "`causal`."
        )
    info["description"] = filters.pop()
    metadata = pd.concat(tables, ignore_index=True)
    return DiskSegments(StoredArray.join(arrays), info, metadata, first.tmin)
