"""Read a recording piece by piece, and cut windows out of the processed pieces.

A recording is walked through in blocks of about a minute. Each block is read with a
margin on both sides that is as long as the filters reach, so that the pieces join to
what filtering the whole recording at once gives, while memory holds one block of the
chosen contacts and the windows that were asked for.
"""

import numpy as np
from mne.utils import warn

BLOCK_SECONDS = 60.0
BLOCK_VALUES = 2**24
PLAUSIBLE_VOLTS = (1e-8, 0.05)


def read_windows(raw, picks, matrix, processing, starts, out):
    """Fill an array with windows of the processed recording.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    picks : sequence of str
        The contacts to read.
    matrix : ndarray, shape (n_channels, n_picks)
        The reference.
    processing : Processing
        Filters and rates.
    starts : ndarray of int, shape (n_windows,)
        First sample of each window, counted at ``processing.sfreq`` from the start of
        the recording.
    out : ndarray, shape (n_windows, n_channels, n_times)
        Where the windows go.

    Raises
    ------
    ValueError
        If a contact is flat or holds a value that is not a number.
    """
    rows = np.array([raw.ch_names.index(name) for name in picks])
    up, down = processing.ratio
    watch = Watch(picks)
    filled = np.zeros(len(starts), dtype=int)
    for first, last, begin, end in blocks(raw, processing, len(picks)):
        span = -(-max(first, begin) * up // down), -(-last * up // down)
        if not _touched(starts, out.shape[-1], *span):
            continue
        low = max(begin // down * down, first - processing.margin)
        start, stop = max(low, begin), min(end, last + processing.margin)
        data = raw.get_data(picks=rows, start=start, stop=stop, verbose="error")
        watch.see(data[:, max(first, begin) - start : last - start])
        data = np.pad(matrix @ data, ((0, 0), (start - low, 0)), mode="edge")
        copy_block(processing.apply(data), low // down * up, span, starts, out, filled)
    if (filled < out.shape[-1]).any():
        raise ValueError(
            f"{np.sum(filled < out.shape[-1])} window(s) reach into a gap of the "
            "acquisition that is not marked as one."
        )
    watch.report(raw)


def blocks(raw, processing, n_picks):
    """Divide a recording into blocks that start on the grid of both sampling rates.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    processing : Processing
        Filters and rates.
    n_picks : int
        Number of contacts to read; the more, the shorter the blocks.

    Yields
    ------
    first, last : int
        First sample of the block, and the one after its last. The first block of a
        stretch may start up to one step of the grid early.
    begin, end : int
        First sample of the continuous stretch, and the one after its last.
    """
    _, down = processing.ratio
    wanted = min(int(BLOCK_SECONDS * processing.rate), BLOCK_VALUES // n_picks)
    step = max(-(-wanted // down) * down, 2 * processing.margin)
    for begin, end in continuous_spans(raw):
        for first in range(begin // down * down, end, step):
            yield first, min(first + step, end), begin, end


def continuous_spans(raw):
    """Return the stretches of a recording between the gaps in its acquisition.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.

    Returns
    -------
    spans : list of tuple of int
        First sample, and the one after the last.
    """
    rate = raw.info["sfreq"]
    gaps = [
        (
            int(round(onset * rate)),
            int(round(onset * rate)) + int(np.ceil(length * rate)),
        )
        for onset, length in marked_spans(raw, ("BAD_ACQ_SKIP",))
    ]
    return between(gaps, raw.n_times)


def marked_spans(raw, words):
    """Return where annotations that start with one of the words lie.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    words : tuple of str
        Upper-case words.

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
        if word.upper().startswith(words)
    ]


def between(gaps, length):
    """Return the stretches that gaps leave.

    Parameters
    ----------
    gaps : list of tuple of int
        First sample of each gap, and the one after its last; they may overlap.
    length : int
        Number of samples of the whole.

    Returns
    -------
    spans : list of tuple of int
        First sample of each stretch, and the one after its last, in order.
    """
    spans, start = [], 0
    for first, last in [*sorted(gaps), (length, length)]:
        if first > start:
            spans.append((start, min(first, length)))
        start = max(start, last)
    return [(first, last) for first, last in spans if last > first]


def _touched(starts, n_times, first, last):
    """Tell whether a window has samples between the first and the last."""
    return bool(np.any((starts < last) & (starts + n_times > first)))


def copy_block(data, origin, span, starts, out, filled):
    """Copy the processed samples of a block into the windows that they belong to.

    Parameters
    ----------
    data : ndarray, shape (n_channels, n_times)
        Processed samples, margins included.
    origin : int
        Number of the first of them.
    span : tuple of int
        First sample of the block, and the one after the last.
    starts : ndarray of int, shape (n_windows,)
        First sample of each window.
    out : ndarray, shape (n_windows, n_channels, n_window_times)
        The windows.
    filled : ndarray of int, shape (n_windows,)
        How many samples of each window are there, counted on in place.
    """
    first, last = span[0], min(span[1], origin + data.shape[-1])
    n_times = out.shape[-1]
    for row in np.flatnonzero((starts < last) & (starts + n_times > first)):
        low, high = max(first, starts[row]), min(last, starts[row] + n_times)
        part = data[:, low - origin : high - origin]
        out[row, :, low - starts[row] : high - starts[row]] = part
        filled[row] += high - low


class Watch:
    """Looks out for contacts that recorded nothing.

    Parameters
    ----------
    names : sequence of str
        The contacts.
    """

    def __init__(self, names):
        self.names = np.array(names, dtype=object)
        self.low = np.full(len(names), np.inf)
        self.high = np.full(len(names), -np.inf)
        self.spread = []

    def see(self, data):
        """Look at samples; complain about values that are not numbers.

        Parameters
        ----------
        data : ndarray, shape (n_channels, n_times)
            Samples in volts.
        """
        broken = ~np.isfinite(data).all(axis=1)
        if broken.any():
            raise ValueError(
                f"Channel(s) {', '.join(self.names[broken])} hold values that are not "
                "numbers (NaN); mark them bad in channels.tsv."
            )
        self.low = np.minimum(self.low, data.min(axis=1))
        self.high = np.maximum(self.high, data.max(axis=1))
        self.spread.append(np.median(data.std(axis=1)))

    def report(self, raw):
        """Complain about contacts that never changed, warn about odd amplitudes.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            The recording, for the message.
        """
        if not self.spread:
            return
        flat = self.high == self.low
        if flat.any():
            raise ValueError(
                f"Channel(s) {', '.join(self.names[flat])} are flat (the same value "
                "throughout); mark them bad in channels.tsv."
            )
        typical = np.median(self.spread)
        if not PLAUSIBLE_VOLTS[0] <= typical <= PLAUSIBLE_VOLTS[1]:
            where = raw.filenames[0].name if raw.filenames[0] else "the recording"
            warn(
                f"{where}: the median standard deviation of the contacts is "
                f"{typical:.3g} V, which is no intracranial voltage; check the units "
                "in the file and in channels.tsv. The values are used as they are."
            )
