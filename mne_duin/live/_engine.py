"""From the samples of a stream to windows that may be decided on.

Nothing here knows where samples come from or what is decided: the engine counts them,
filters them as the training trials were filtered, and says of every window whether it
is whole. It depends on its input only, so the same samples give the same windows.
"""

import math

import numpy as np

from mne_duin.live._buffer import SignalBuffer
from mne_duin.live._clock import StreamClock
from mne_duin.live._contacts import StreamContacts, reference_without, warn_of_bads
from mne_duin.utils._checks import first_names

HISTORY = 5.0  # s that a marker may be late
LARGEST_PIECE = 0.25  # s that are processed at once
FLAT_SECONDS = 0.5
LARGEST_RATIO = 100.0  # of the amplitude to that of the training trials
REASONS = {
    "gap": "samples are missing",
    "jump": "the clock of the stream went back",
    "rate": "the stream has another sampling rate than it says",
}


class StreamEngine:
    """Processes one stream.

    Parameters
    ----------
    preparation : Preparation
        What the decoder's windows are.
    ch_names : list of str
        Channels of the stream, in its order.
    rate : float
        Nominal sampling rate of the stream in Hz.
    scale : float | sequence of float
        Factor to volts.
    rename, bads : dict, set
        As for :class:`StreamContacts`.
    settle : float | None
        Seconds without decisions after every start of the filters; None: what the
        filters need.
    """

    def __init__(self, preparation, ch_names, rate, *, scale, rename, bads, settle):
        process = preparation.processing
        if abs(rate - process.rate) > 1e-3 * process.rate:
            raise ValueError(
                f"The stream has a sampling rate of {rate:g} Hz; the decoder was "
                f"fitted on recordings of {process.rate:g} Hz, and its causal filters "
                "are not the same at another rate. Set the amplifier to "
                f"{process.rate:g} Hz, or fit the decoder on recordings of {rate:g} Hz."
            )
        self.preparation = preparation
        self.clock = StreamClock(process.rate)
        picks = preparation.picks
        self.contacts = StreamContacts(ch_names, picks, rename, set(bads), scale)
        self.settle = preparation.settling if settle is None else settle
        self.up, self.down = process.ratio
        rate_out = process.sfreq
        n_kept = preparation.n_times + math.ceil((HISTORY + LARGEST_PIECE) * rate_out)
        self.buffer = SignalBuffer(len(preparation.ch_names), n_kept)
        self.chain = None
        self.trouble = None
        self.counts = {"samples": 0, "lost": 0, "gaps": 0, "jitter": 0, "jumps": 0}
        self._last = np.full(len(picks), np.nan)
        self._flat = np.zeros(len(picks), int)
        self.spread = np.zeros(len(picks))
        self.use_bads(bads)

    def use_bads(self, bads):
        """Leave out contacts from now on, and warn of it."""
        done = self.preparation
        self.contacts.bads = set(bads)
        self.matrix, silent = reference_without(done.matrix, done.picks, bads)
        if bads:
            warn_of_bads(bads, done.ch_names, silent)

    def grid(self, sample):
        """Return the first number at the new rate that is not before a sample's."""
        return -(-sample * self.up // self.down)

    @property
    def limit(self):
        """Windows that end up to here are complete and their time is certain."""
        suspect = self.clock.suspect
        end = self.buffer.end
        return end if suspect is None else min(end, suspect * self.up // self.down)

    def zero_of(self, time):
        """Return the number at the new rate of the sample at a time."""
        return round((time - self.clock.zero) * self.preparation.processing.sfreq)

    def push(self, samples, stamps):
        """Process the next samples, piece by piece.

        Parameters
        ----------
        samples : ndarray, shape (n_channels, n_times)
            All channels of the stream.
        stamps : ndarray, shape (n_times,) | None
            Their times in seconds; None: they follow the last ones without a gap.

        Yields
        ------
        is_last : bool
            After every piece, whose windows have to be asked for before the next one:
            whether it was the last one.
        """
        clock, n_times = self.clock, samples.shape[-1]
        if stamps is None:
            zero = 0.0 if clock.zero is None else clock.zero
            stamps = zero + (clock.n_seen + np.arange(n_times)) / clock.rate
        largest = max(int(LARGEST_PIECE * clock.rate), 1)
        for piece in clock.pieces(stamps) if n_times else []:
            for first in range(piece.start, piece.stop, largest):
                part = slice(first, min(first + largest, piece.stop))
                self._take(samples[:, part], float(stamps[first]))
                yield part.stop == n_times

    def _take(self, samples, stamp):
        """Process samples whose stamps lie on a line."""
        count = samples.shape[-1]
        finding = self.clock.see(stamp, count)
        begin = self.clock.n_seen - count
        self.counts["samples"] += count
        self.counts["lost"] += finding.lost
        self.trouble = REASONS.get(finding.kind)
        if finding.kind == "suspect":
            self.trouble = "the samples come late"
        for kind, name in (("gap", "gaps"), ("jump", "jumps"), ("jitter", "jitter")):
            self.counts[name] += finding.kind == kind
        if finding.kind in ("gap", "jump"):
            self._restart(finding.since, begin, REASONS[finding.kind])
        data = self.contacts.take(samples)
        finite = np.isfinite(data).all(axis=0)
        changes = np.flatnonzero(np.diff(finite)) + 1
        edges = [0, *changes.tolist(), count]
        for first, last in zip(edges[:-1], edges[1:], strict=True):
            if finite[first]:
                self._filter(data[:, first:last], begin + first)
            else:
                broken = ~np.isfinite(data[:, first:last]).all(axis=1)
                names = np.array(self.contacts.picks, dtype=object)[broken]
                self.trouble = f"contact(s) {first_names(names)} hold no numbers (NaN)"
                self._restart(begin + first, begin + last, self.trouble)
        if finding.kind == "rate":
            self.buffer.mark(self.grid(finding.since), self.buffer.end, self.trouble)

    def _restart(self, since, begin, reason):
        """Forget the filters' state; nothing is decided on what lies between."""
        self.chain = None
        stop = self.grid(begin)
        self.buffer.skip_to(stop)
        self.buffer.mark(since * self.up // self.down - 1, stop + 1, reason)

    def _filter(self, data, first):
        """Filter samples and keep them."""
        if self.chain is None:
            process = self.preparation.processing
            self.chain = process.start(len(self.matrix), first)
            n_settle = round(self.settle * process.sfreq)
            start = self.chain.n_out
            self.buffer.mark(start, start + n_settle, "the filters settle")
        out = self.chain.push(self.matrix @ data)
        self.buffer.extend(out, self.chain.n_out)
        self._find_flat(data, first)

    def _find_flat(self, data, first):
        """Find contacts that hold one value: they are not connected."""
        n_times = data.shape[-1]
        same = (data == self._last[:, None]).all(axis=1)
        self._flat = np.where(same, self._flat + n_times, 0)
        self._last = data[:, -1].copy()
        self.spread = data.std(axis=1)
        flat = self._flat >= FLAT_SECONDS * self.clock.rate
        flat &= ~np.isin(self.contacts.picks, list(self.contacts.bads))
        if flat.any():
            names = np.array(self.contacts.picks, dtype=object)[flat]
            self.trouble = f"contact(s) {first_names(names)} are flat"
            since = first + n_times - self._flat[flat].max()
            start = max(self.grid(int(since)), 0)
            self.buffer.mark(start, self.buffer.end, self.trouble)

    def window(self, start, stop):
        """Return a window and why it cannot be decided on, one of them None."""
        buffer = self.buffer
        if start < 0:
            return None, "it begins before the stream"
        reason = buffer.reason_against(start, stop)
        if reason is not None:
            return None, reason
        if start < buffer.first:
            return None, f"its marker came more than {HISTORY:g} s too late"
        data = buffer.window(start, stop)
        expected = self.preparation.amplitude
        if expected and not self.contacts.bads:
            ratio = float(np.median(data.std(axis=1))) / expected
            if not 1 / LARGEST_RATIO < ratio < LARGEST_RATIO:
                return None, (
                    f"its amplitude is {ratio:.3g} times that of the training trials; "
                    "check the unit of the stream"
                )
        return data, None
