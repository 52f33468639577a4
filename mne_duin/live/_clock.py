"""Which sample of a stream came when, and whether one is missing.

Samples are counted; a straight line of the nominal rate leads from their numbers to
time stamps. A stamp off the line is jitter if the stamps come back to the line, and
samples were lost if they do not. Until that is known, nothing is decided on windows
that hold the place.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

ADAPTATION = 0.02  # of a deviation, per chunk: follows the drift of a device's clock
RATE_ERROR = 0.005
RATE_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """What the stamps of a piece of samples say.

    Parameters
    ----------
    kind : "ok" | "suspect" | "jitter" | "gap" | "jump" | "rate"
        Suspect: late, for a reason that is not known yet. Jitter: it was nothing. Gap:
        samples are missing. Jump: the clock went back. Rate: the stream has another
        sampling rate than it says.
    since : int
        Number of the first sample that is concerned.
    lost : int
        Number of samples that are missing.
    """

    kind: str
    since: int
    lost: int = 0


class StreamClock:
    """Counts the samples of a stream and watches their stamps.

    Parameters
    ----------
    rate : float
        Nominal sampling rate in Hz.
    tolerance : float
        Deviation of a stamp in seconds that means nothing.
    patience : float
        How long a deviation may last in seconds and still be jitter.
    largest : float
        Deviation in seconds that is never jitter.
    """

    def __init__(self, rate, *, tolerance=0.005, patience=0.25, largest=1.0):
        self.rate = rate
        # One sample more or less is a matter of rounding.
        self.tolerance = max(tolerance, 1.5 / rate)
        self.patience, self.largest = patience, largest
        self.n_seen, self.begin = 0, 0
        self.zero = None  # time of sample 0
        self.suspect = None
        self.excess = 0.0
        self.anchors = deque()

    def time(self, sample):
        """Return the time of a sample, by its number."""
        return self.zero + sample / self.rate

    def sample(self, time):
        """Return the number of the sample at a time, not rounded."""
        return (time - self.zero) * self.rate

    def pieces(self, stamps):
        """Cut the stamps of a chunk where they leave a line, as slices."""
        steps = np.diff(stamps)
        off = np.abs(steps - 1 / self.rate) > self.tolerance
        edges = [0, *(np.flatnonzero(off) + 1).tolist(), len(stamps)]
        return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]

    def see(self, stamp, count):
        """Count the samples of a piece whose first one has this stamp.

        Returns
        -------
        finding : Finding
            What it means; ``n_seen`` is then the number of the sample after the piece,
            and the piece has the ``count`` numbers before.
        """
        if self.zero is None:
            self.zero = stamp - self.n_seen / self.rate
        finding = self._judge(stamp, stamp - self.time(self.n_seen))
        if finding.lost:
            self.n_seen += finding.lost
        if finding.kind in ("gap", "jump"):
            self.begin, self.suspect = self.n_seen, None
            self.anchors.clear()
        self.n_seen += count
        return finding

    def _judge(self, stamp, deviation):
        """Return what a deviation from the line means."""
        now = self.n_seen
        if deviation < -self.tolerance:
            # The first stamps may have been late ones.
            is_new = now - self.begin < self.rate and self.suspect is None
            self.zero += deviation
            return Finding("ok" if is_new else "jump", now)
        if deviation <= self.tolerance:
            self.zero += ADAPTATION * deviation
            if self.suspect is not None:
                since, self.suspect = self.suspect, None
                return Finding("jitter", since)
            return self._check_rate(stamp)
        if deviation > self.largest:
            since = now if self.suspect is None else self.suspect
            return Finding("gap", since, round(deviation * self.rate))
        if self.suspect is None:
            self.suspect, self.excess = now, deviation
            return Finding("suspect", now)
        self.excess = min(self.excess, deviation)
        if now - self.suspect > self.patience * self.rate:
            return Finding("gap", self.suspect, round(self.excess * self.rate))
        return Finding("suspect", self.suspect)

    def _check_rate(self, stamp):
        """Compare the rate of the last seconds with the nominal one."""
        anchors, now = self.anchors, self.n_seen
        if not anchors or stamp - anchors[-1][1] >= 1.0:
            anchors.append((now, stamp))
        first, begin = anchors[0]
        if stamp - begin < RATE_SECONDS:
            return Finding("ok", now)
        if len(anchors) > 2 * RATE_SECONDS:
            anchors.popleft()
        real = (now - first) / (stamp - begin)
        allowed = RATE_ERROR + 2 * self.tolerance / (stamp - begin)
        wrong = abs(real / self.rate - 1) > allowed
        return Finding("rate" if wrong else "ok", first if wrong else now)
