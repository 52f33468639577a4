"""Segments of recordings, written to disk while they are read."""

import hashlib
from dataclasses import asdict

import numpy as np

from mne_duin.io._assemble import check_plans, describe_epochs, fill_windows
from mne_duin.io._preparation import usual_amplitude
from mne_duin.io._segments import SegmentWriter
from mne_duin.utils._segments import open_segments, read_notes

SEGMENT = {"segment": 1}


def write_windows(records, choice, plans, reject, folder, dtype):
    """Read the windows of all recordings into a folder, unless they are there.

    Parameters
    ----------
    records : list of Record
        The recordings.
    choice : ChannelChoice
        The channels.
    plans : list of Plan
        The windows of each recording.
    reject : "auto" | dict | None
        Which windows to drop.
    folder : path-like
        The folder.
    dtype : str
        Type of the stored numbers.

    Returns
    -------
    segments : DiskSegments
        The windows.
    amplitude : float
        Median standard deviation of the channels in volts.
    """
    shape = check_plans(records, choice, plans)
    source = _describe_source(records, choice, plans, reject)
    with SegmentWriter(folder, dtype, source) as writer:
        if not writer.found:
            data = writer.allocate(shape)
            kept, plans = fill_windows(records, choice, plans, reject, data)
            amplitude = usual_amplitude(data, np.flatnonzero(kept))
            del data
            parts = describe_epochs(records, choice, plans, SEGMENT, "label")
            writer.finish(
                parts["info"],
                parts["metadata"],
                tmin=parts["tmin"],
                kept=kept,
                amplitude=amplitude,
            )
    return open_segments(folder), read_notes(folder)["amplitude"]


def _describe_source(records, choice, plans, reject):
    """Return all that decides what the segments are, but the samples themselves."""
    processing = [asdict(plan.processing) for plan in plans]
    return {
        "recordings": [record.name for record in records],
        "lengths": [int(record.raw.n_times) for record in records],
        "channels": [str(name) for name in choice.contacts.index],
        "contacts": _digest(repr(list(choice.picks)).encode(), choice.matrix),
        "windows": _digest(*(plan.starts for plan in plans)),
        "window samples": int(plans[0].n_times),
        "filters": _digest(repr(processing).encode()),
        "reject": repr(reject),
    }


def _digest(*parts):
    found = hashlib.sha256()
    for part in parts:
        found.update(
            np.ascontiguousarray(part) if isinstance(part, np.ndarray) else part
        )
    return found.hexdigest()
