"""What interrupts a recording: marked spans, pauses, and stretches that are missing.

A mark is an annotation ``BAD_…``; a boundary is a place where the samples on both
sides were not recorded one after the other; a gap is time without samples, which is
filled with zeros and marked ``BAD_ACQ_SKIP``. Nothing is filtered or cut across a
boundary or a gap.
"""

import re

import mne
import numpy as np

GAP, BOUNDARY = "BAD_ACQ_SKIP", "BAD boundary"
# "badge", "edge" and "bad luck" are words. MNE writes the two boundaries.
MARK = re.compile(r"BAD$|BAD |(?i:bad|edge)_|EDGE boundary$")
PAUSE = re.compile(r"New Segment(/.*)?$|boundary$|(BAD|EDGE) boundary$")


def is_mark(word, words=()):
    """Return whether an annotation marks a span as bad; what is in ``words`` does not.

    Marks are ``BAD``, ``BAD_…``, ``BAD …`` in capitals, ``bad_…`` and ``EDGE_…`` in any
    case, ``BAD boundary`` and ``EDGE boundary``.
    """
    return str(word) not in words and bool(MARK.match(str(word)))


def is_boundary(word):
    """Return whether an annotation marks a boundary, in the words of any format."""
    return bool(PAUSE.match(str(word)))


def set_boundaries(raw, samples=()):
    """Write boundaries the same way for every format, in place.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording; the pauses that its file marks become boundaries of no length.
    samples : sequence of int
        Further samples that follow a boundary.
    """
    marks = raw.annotations
    pauses = np.array([is_boundary(word) for word in marks.description], dtype=bool)
    if not pauses.any() and not len(samples):
        return
    shift = raw.first_time if raw.info["meas_date"] is not None else 0.0
    rate = raw.info["sfreq"]
    places = np.round((marks.onset[pauses] - shift) * rate).astype(int)
    places = np.unique(np.concatenate([places, np.asarray(samples, dtype=int)]))
    places = places[(places > 0) & (places < raw.n_times)]
    kept = marks[np.flatnonzero(~pauses)]
    new = mne.Annotations(
        places / rate + shift, 0.0, [BOUNDARY] * len(places), orig_time=marks.orig_time
    )
    raw.set_annotations(kept + new, verbose="error")


def marked_spans(raw, chosen):
    """Return where the annotations lie whose word ``chosen(word)`` accepts.

    Returns
    -------
    spans : list of tuple of float
        Onset from the first sample, and duration, in seconds.
    """
    shift = raw.first_time if raw.info["meas_date"] is not None else 0.0
    marks = raw.annotations
    return [
        (float(onset) - shift, float(duration))
        for onset, duration, word in zip(
            marks.onset, marks.duration, marks.description, strict=True
        )
        if chosen(word)
    ]


def continuous_spans(raw):
    """Return the stretches of a recording between its gaps and boundaries.

    Returns
    -------
    spans : list of tuple of int
        First sample, and the one after the last.
    """
    rate = raw.info["sfreq"]
    gaps = []
    for onset, length in marked_spans(raw, lambda word: word.upper().startswith(GAP)):
        first = int(round(onset * rate))
        gaps.append((first, first + int(np.ceil(round(length * rate, 6)))))
    for onset, _ in marked_spans(raw, is_boundary):
        gaps.append((int(round(onset * rate)),) * 2)
    return between(gaps, raw.n_times)


def between(gaps, length):
    """Return the stretches that gaps leave, in order.

    Parameters
    ----------
    gaps : list of tuple of int
        First sample of each gap, and the one after its last; they may overlap, and be
        of no length.
    length : int
        Number of samples of the whole.

    Returns
    -------
    spans : list of tuple of int
        First sample of each stretch, and the one after its last.
    """
    spans, start = [], 0
    for first, last in [*sorted(gaps), (length, length)]:
        if first > start:
            spans.append((start, min(first, length)))
        start = max(start, last)
    return [(first, last) for first, last in spans if last > first]


def stretches(begins, size, rate, tolerance=0.005):
    """Join blocks that follow each other into stretches.

    Parameters
    ----------
    begins : ndarray of float, shape (n_blocks,)
        When each block begins, in seconds.
    size : int
        Samples of a block.
    rate : float
        Sampling rate in Hz.
    tolerance : float
        How far a block may lie from where the one before ends, in seconds.

    Returns
    -------
    places : ndarray of int, shape (n_stretches, 3)
        First sample on the time axis of the recording, which begins with the first
        block; first stored sample; number of samples.

    Raises
    ------
    ValueError
        If blocks overlap.
    """
    tolerance = max(tolerance, 1.5 / rate)
    rows = []
    for block, begin in enumerate(begins - begins[0]):
        stored = block * size
        if rows:
            place, first, _ = rows[-1]
            late = begin - (place + stored - first) / rate
            if abs(late) <= tolerance:
                rows[-1][2] += size
                continue
            if late < 0:
                raise ValueError(
                    f"the samples from {begin:g} s on overlap those before by "
                    f"{-late:g} s"
                )
        rows.append([int(round(begin * rate)), stored, size])
    return np.array(rows, dtype=int).reshape(-1, 3)


class RawWithGaps(mne.io.BaseRaw):
    """A recording on its own time axis: where nothing was recorded there are zeros.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The stored samples, one after the other.
    places : ndarray of int, shape (n_stretches, 3)
        What :func:`stretches` returned.
    annotations : mne.Annotations
        What the file says, in seconds from the start of the recording.
    verbose : bool | str | int | None
        How much MNE logs.
    """

    def __init__(self, raw, places, annotations, verbose=None):
        info = raw.info.copy()
        for channel in info["chs"]:
            # The samples of ``raw`` are volts already.
            channel["cal"] = channel["range"] = 1.0
        super().__init__(
            info,
            last_samps=[int(places[-1, 0] + places[-1, 2]) - 1],
            filenames=[raw.filenames[0]],
            raw_extras=[{"raw": raw, "places": places}],
            orig_units=raw._orig_units,
            verbose=verbose,
        )
        rate = info["sfreq"]
        ends = (places[:-1, 0] + places[:-1, 2]) / rate
        gaps = mne.Annotations(
            ends, places[1:, 0] / rate - ends, GAP, orig_time=info["meas_date"]
        )
        marks = mne.Annotations(
            annotations.onset,
            annotations.duration,
            annotations.description,
            orig_time=info["meas_date"],
        )
        self.set_annotations(gaps + marks, verbose="error")

    def _read_segment_file(self, data, idx, fi, start, stop, cals, mult):
        raw, places = (self._raw_extras[fi][key] for key in ("raw", "places"))
        block = np.zeros((len(raw.ch_names), stop - start))
        for place, first, size in places:
            low, high = max(start, place), min(stop, place + size)
            if low < high:
                stored = raw.get_data(
                    start=low - place + first, stop=high - place + first
                )
                block[:, low - start : high - start] = stored
        data[:] = block[idx] if mult is None else mult @ block
