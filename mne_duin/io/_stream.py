"""Read a recording piece by piece, and cut windows out of the processed pieces.

A recording is walked through in blocks of about a minute. Each block is read with a
margin on both sides that is as long as the filters reach, so that the pieces join to
what filtering the whole recording at once gives, while memory holds one block of the
chosen contacts and the windows that were asked for. Causal filters need no margin:
their state goes on from one block to the next.
"""

from dataclasses import dataclass

import numpy as np
from mne.utils import warn

from mne_duin.io._gaps import continuous_spans
from mne_duin.utils._checks import first_names

BLOCK_SECONDS = 60.0
BLOCK_VALUES = 2**24
SHORTEST_STUCK = 0.1


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

    Returns
    -------
    facts : SampleFacts
        What the samples that were read look like; None where none was.

    Raises
    ------
    ValueError
        If a contact holds a value that is not a number.
    """
    rows = np.array([raw.ch_names.index(name) for name in picks])
    watch = Watch(picks, processing.rate)
    filled = np.zeros(len(starts), dtype=int)
    walk = _causal_blocks if processing.causal else _zero_phase_blocks
    short = walk(raw, rows, matrix, processing, watch, (starts, out, filled))
    if (filled < out.shape[-1]).any():
        raise ValueError(
            f"{np.sum(filled < out.shape[-1])} window(s) reach into a gap of the "
            "acquisition that is not marked as one."
        )
    if short:
        warn(
            f"{len(short)} stretch(es) between gaps are shorter (from {min(short):.3g} "
            f"s) than the filters reach ({processing.margin / processing.rate:.3g} s); "
            "their edges are distorted. Choose a higher `l_freq`, or None."
        )
    return watch.facts()


def _zero_phase_blocks(raw, rows, matrix, processing, watch, windows):
    """Filter every block with margins and copy it; return the short stretches in s."""
    up, down = processing.ratio
    starts, out, _ = windows
    short = []
    for first, last, begin, end in blocks(raw, processing, len(rows)):
        span = -(-max(first, begin) * up // down), -(-last * up // down)
        if not _touched(starts, out.shape[-1], *span):
            continue
        low = max(begin // down * down, first - processing.margin)
        start, stop = max(low, begin), min(end, last + processing.margin)
        if end - begin < processing.margin:
            short.append((end - begin) / processing.rate)
        data = raw.get_data(picks=rows, start=start, stop=stop, verbose="error")
        watch.see(data[:, max(first, begin) - start : last - start], max(first, begin))
        data = np.pad(matrix @ data, ((0, 0), (start - low, 0)), mode="edge")
        copy_block(processing.apply(data), low // down * up, span, *windows)
    return short


def _causal_blocks(raw, rows, matrix, processing, watch, windows):
    """Filter the blocks one after the other and copy them; no stretch is too short."""
    starts, out, _ = windows
    stop = starts.max(initial=-1) + out.shape[-1]
    chain = None
    for first, last, begin, _ in blocks(raw, processing, len(rows)):
        first = max(first, begin)
        if chain is None or first == begin:
            chain = processing.start(len(matrix), begin)
        if chain.n_out >= stop:
            break
        data = raw.get_data(picks=rows, start=first, stop=last, verbose="error")
        watch.see(data, first)
        origin = chain.n_out
        data = chain.push(matrix @ data)
        copy_block(data, origin, (origin, chain.n_out), *windows)
    return []


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


def _touched(starts, n_times, first, last):
    """Return whether a window has samples between the first and the last."""
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


@dataclass(frozen=True)
class SampleFacts:
    """What the samples of the chosen contacts of a recording look like.

    Parameters
    ----------
    names : list of str
        The contacts.
    low, high : ndarray of float, shape (n_contacts,)
        Smallest and largest value in volts.
    typical : float
        Median standard deviation of the contacts in volts.
    stuck : dict of str -> list of tuple of float
        Stretches of one value of at least 0.1 s: onset and duration in seconds.
    railed : ndarray of float, shape (n_contacts,)
        Fraction of the samples that stay at the largest or smallest value.
    """

    names: list
    low: np.ndarray
    high: np.ndarray
    typical: float
    stuck: dict
    railed: np.ndarray


class Watch:
    """Looks at the samples that pass by.

    Parameters
    ----------
    names : sequence of str
        The contacts.
    rate : float
        Sampling rate in Hz.
    """

    def __init__(self, names, rate):
        self.names = list(names)
        self.rate = rate
        self.blocks, self.spread, self.stuck = [], [], {}

    def see(self, data, first):
        """Look at samples from number ``first`` on, shape (n_contacts, n_times).

        ValueError names the contacts with values that are not numbers.
        """
        low, high = data.min(axis=1), data.max(axis=1)
        broken = ~np.isfinite(low + high)
        if broken.any():
            names = first_names(np.array(self.names, dtype=object)[broken])
            raise ValueError(
                f"Channel(s) {names} hold values that are not numbers (NaN or "
                "infinite); mark them bad in channels.tsv."
            )
        railed = np.zeros(len(data))
        for limit in (low, high):
            at_limit = data == limit[:, None]
            railed = np.maximum(
                railed, np.count_nonzero(at_limit[:, 1:] & at_limit[:, :-1], axis=1)
            )
        self.blocks.append((low, high, railed, data.shape[1]))
        self.spread.append(np.median(data.std(axis=1)))
        self._find_stuck(data, first)

    def _find_stuck(self, data, first):
        """Keep the stretches in which a contact holds one value."""
        shortest = max(int(SHORTEST_STUCK * self.rate), 3)
        probes = data[:, :: max(shortest // 2, 1)]
        for row in np.flatnonzero((probes[:, 1:] == probes[:, :-1]).any(axis=1)):
            changes = np.flatnonzero(np.diff(data[row])) + 1
            edges = np.concatenate([[0], changes, [data.shape[1]]])
            lengths = np.diff(edges)
            for place in np.flatnonzero(lengths >= shortest):
                span = (first + edges[place]) / self.rate, lengths[place] / self.rate
                self.stuck.setdefault(self.names[row], []).append(span)

    def facts(self):
        """Return what was seen, None if nothing was."""
        if not self.blocks:
            return None
        lows, highs, railed, counts = (
            list(part) for part in zip(*self.blocks, strict=True)
        )
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        at_rail = [
            np.where((own_low == low) | (own_high == high), count, 0)
            for own_low, own_high, count in zip(lows, highs, railed, strict=True)
        ]
        fraction = np.sum(at_rail, axis=0) / sum(counts)
        typical = float(np.median(self.spread))
        return SampleFacts(self.names, low, high, typical, self.stuck, fraction)
