"""The loop that joins stream, decoder, log and views."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from mne.utils import logger

from mne_duin.live._events import EventsFile
from mne_duin.live._live_decoder import LiveDecoder
from mne_duin.live._log import DecisionLog
from mne_duin.live._page import StatusPage
from mne_duin.live._status import LiveStatus
from mne_duin.live._stream import Inlet, ResultOutlet, local_clock
from mne_duin.live._terminal import TerminalView
from mne_duin.utils._checks import check_number, check_type

PAUSE = 0.002  # s between two looks at the stream
STALE = 1.0  # s without samples after which a stream has stopped
LARGEST_LAG = 1.0  # s behind the stream at which windows are left out
SHOWN_EVERY = 0.2  # s


@dataclass(frozen=True)
class LiveSummary:
    """What came of a stream.

    Parameters
    ----------
    decisions : list of Decision
        Those on cues, and the events; the windows in between are in the log only.
    seconds : float
        Length of what was received.
    counts : dict of str to int
        Samples received and lost, gaps, jitter, jumps of the clock.
    latency : tuple of float
        Median and 95th percentile of the time from the last sample of a window to the
        decision on it, in seconds; NaN where the stream is faster than real time.
    states : list of str
        What the stream was like, one after the other.
    """

    decisions: list = field(repr=False)
    seconds: float
    counts: dict
    latency: tuple
    states: list

    def __str__(self):
        decided = sum(one.decided for one in self.decisions)
        return (
            f"{self.seconds:.1f} s of signal; {decided} decisions on cues and events, "
            f"{len(self.decisions) - decided} without a label; {self.counts['lost']} "
            f"samples lost in {self.counts['gaps']} gap(s); latency {self._latency()}"
        )

    def _latency(self):
        """Return the latency in words."""
        median, high = (1000 * value for value in self.latency)
        return f"{median:.1f} ms (95 %: {high:.1f} ms)" if median >= 0 else "not known"


def run_live(
    live: LiveDecoder,
    stream: str,
    *,
    markers: str | None = None,
    duration: float | None = None,
    unit: str | None = None,
    log=None,
    events=None,
    results: str | None = None,
    page: int | None = None,
    terminal: bool = False,
    patience: float = 10.0,
    on_decision: Callable | None = None,
) -> LiveSummary:
    """Decode a stream of the Lab Streaming Layer until it ends.

    Parameters
    ----------
    live : LiveDecoder
        The decoder.
    stream : str
        Name of the stream, or its source id.
    markers : str | None
        The stream of the markers that open windows.
    duration : float | None
        Stop after so many seconds; None goes on until the stream ends or Ctrl-C.
    unit : "V" | "mV" | "uV" | "nV" | None
        The unit of the stream; None takes what the stream says.
    log : path-like | None
        A new folder for everything that comes in and is decided.
    events : path-like | None
        An ``…_events.tsv`` that gets a row for each cue and event.
    results : str | None
        Name of a stream of decisions, as JSON texts.
    page : int | None
        Port of a page with the newest results, on this machine only; 0 takes a free
        one.
    terminal : bool
        Whether the terminal shows the newest results.
    patience : float
        How long to wait for the stream, at the beginning and when it has ended, in
        seconds.
    on_decision : callable | None
        Called with every :class:`Decision`.

    Returns
    -------
    summary : LiveSummary
        Decisions, lost samples and latency.

    Raises
    ------
    ImportError
        If mne-lsl is missing.
    ConnectionError
        If there is no stream of the name, or two.
    ValueError
        If the stream lacks contacts, or has another sampling rate or no unit.
    FileExistsError
        If the log or the events are there already.
    """
    check_type("live", live, LiveDecoder)
    check_number("patience", patience, low=0.0)
    if live.mode == "triggered" and markers is None:
        raise ValueError(
            "mode='triggered' needs the stream of the markers (`markers`, --markers)."
        )
    session = _Session(live, stream, markers, unit, patience, on_decision)
    try:
        session.open(log, events, results, page, terminal)
        with contextlib.suppress(KeyboardInterrupt):
            session.run(duration)
    finally:
        session.close()
    return session.summary()


class _Session:
    """One run of :func:`run_live`."""

    def __init__(self, live, stream, markers, unit, patience, on_decision):
        self.live, self.stream, self.markers = live, stream, markers
        self.unit, self.patience, self.on_decision = unit, patience, on_decision
        classes = [str(label) for label in live.predictor.classes or ()]
        self.status = LiveStatus(stream, classes)
        self.inlet = self.marker_inlet = self.first_zero = None
        self.parts = []  # what shows or writes decisions
        self.kept, self.states, self.latencies = [], [], []
        self.shown, self.last_sample = 0.0, time.monotonic()

    def open(self, log, events, results, page, terminal):
        """Find the streams and open everything that is written."""
        live = self.live
        # First, so that no marker of the first samples is missed.
        if self.markers is not None:
            self.marker_inlet = Inlet(
                self.markers, kind="marker stream", timeout=self.patience
            )
        self.inlet = Inlet(self.stream, timeout=self.patience)
        scale = self.inlet.scale(self.unit)
        live.log = None if log is None else DecisionLog(log)
        live.start(self.inlet.ch_names, self.inlet.sfreq, scale=scale)
        if events is not None:
            self.parts.append(EventsFile(events))
        if results is not None:
            self.parts.append(ResultOutlet(results))
        if page is not None:
            self.parts.append(StatusPage(self.status, page))
            logger.info(f"Results are shown at {self.parts[-1].url}")
        if terminal:
            self.parts.append(TerminalView(self.status))

    def run(self, duration):
        """Receive and decide until the stream ends."""
        begin = time.monotonic()
        while duration is None or time.monotonic() - begin < duration:
            try:
                if not self.step() and not self.is_window_near():
                    time.sleep(PAUSE)
            except ConnectionError:
                if not self.find_again():
                    return

    def step(self):
        """Take what has come; return whether there was anything."""
        if self.marker_inlet is not None:
            for text, stamp in self.marker_inlet.pull_markers():
                self.live.mark(text, stamp)
        samples, stamps = self.inlet.pull()
        if len(stamps):
            self.last_sample = time.monotonic()
            self.tell(self.live.push(samples, stamps))
            if local_clock() - stamps[-1] > LARGEST_LAG:
                self.live.skip_late()
                self.note("slower than the stream; late windows are left out")
            else:
                self.note(self.live.state)
        elif time.monotonic() - self.last_sample > STALE:
            self.note("the stream has stopped")
            # Not every end of a stream is told by the connection.
            if not self.inlet.is_there():
                raise ConnectionError(f"The stream {self.stream!r} has ended.")
        self.show()
        return len(stamps) > 0

    def is_window_near(self):
        """Get ready for a window that is over soon; return whether one is."""
        left = self.live._seconds_left
        return left is not None and self.live.predictor.get_ready(left)

    def find_again(self):
        """Wait for the stream that has ended; return whether it is back."""
        self.note("the stream has ended; waiting for it")
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            self.show()
            try:
                inlet = Inlet(self.stream, timeout=0.5)
                self.go_on_with(inlet)
            except (ConnectionError, ValueError) as error:
                self.note(str(error))
                time.sleep(PAUSE)
                continue
            return True
        return False

    def go_on_with(self, inlet):
        """Go on with a stream that is back; ValueError if it is another one."""
        live, old = self.live, self.inlet
        if self.marker_inlet is not None:
            self.marker_inlet = Inlet(self.markers, kind="marker stream", timeout=2.0)
        scale = inlet.scale(self.unit)
        same_scale = np.array_equal(scale, old.scale(self.unit))
        if (inlet.ch_names, inlet.sfreq) != (old.ch_names, old.sfreq) or not same_scale:
            self.tell(live.finish())
            live.start(inlet.ch_names, inlet.sfreq, scale=scale)
        self.inlet = inlet

    def tell(self, decisions):
        """Hand decisions to all that show or write them."""
        if not decisions:
            return
        clock = self.live.engine.clock
        if self.first_zero is None:
            self.first_zero = clock.zero
        for one in decisions:
            now = local_clock()
            end = clock.time(one.end * clock.rate)
            # Stamps of the future: a replay that is faster than real time.
            latency = now - end if now >= end else None
            self.status.take(one, latency)
            if one.decided and latency is not None:
                self.latencies.append(latency)
            if one.kind in ("trial", "event"):
                self.kept.append(one)
            shift = clock.zero - (self.first_zero or 0.0)
            for part in self.parts:
                if isinstance(part, ResultOutlet):
                    part.send(one, end)
                elif isinstance(part, EventsFile):
                    part.write(one, shift)
            if self.on_decision is not None:
                self.on_decision(one)

    def note(self, state):
        """Note a state that is a new one."""
        if self.states and self.states[-1] == state:
            return
        self.states.append(state)
        self.status.state = state
        if self.live.log is not None:
            self.live.log.state(state, local_clock())

    def show(self):
        """Show the newest results, some times a second."""
        now = time.monotonic()
        if now - self.shown < SHOWN_EVERY:
            return
        self.shown = now
        self.status.look(self.live)
        self.status.state = self.states[-1] if self.states else self.status.state
        for part in self.parts:
            if isinstance(part, TerminalView):
                part.show()

    def close(self):
        """End the stream, the log and the views."""
        live = self.live
        if live.engine is not None and self.inlet is not None:
            self.tell(live.finish())
        for inlet in (self.inlet, self.marker_inlet):
            if inlet is not None:
                inlet.close()
        for part in self.parts:
            part.close()
        if live.log is not None:
            live.log.close()
            live.log = None

    def summary(self):
        """Return the outcome."""
        engine, known = self.live.engine, self.latencies
        nothing = (float("nan"),) * 2
        latency = tuple(np.percentile(known, [50, 95]).tolist()) if known else nothing
        seconds = engine.clock.n_seen / engine.clock.rate
        return LiveSummary(self.kept, seconds, engine.counts, latency, self.states)
