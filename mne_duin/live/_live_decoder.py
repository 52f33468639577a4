"""The decoder at the bedside: samples and markers in, decisions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from mne_duin.io._preparation import Preparation, noted_preparation
from mne_duin.live._calibration import LiveCalibration, calibrate_threshold
from mne_duin.live._decision import Decision
from mne_duin.live._engine import StreamEngine
from mne_duin.live._predictor import (
    Predictor,
    refuse_zero_phase,
    warn_of_unknown_filters,
)
from mne_duin.live._rt import make_rt_decoder
from mne_duin.utils._checks import as_list, check_number, check_option, first_names

MODES = ("triggered", "continuous")


@dataclass
class _Request:
    """A window that was asked for by a marker."""

    zero: int
    cue: str
    next_partial: int


class LiveDecoder:
    """Decode a stream with a decoder that was fitted on epochs.

    The samples are treated exactly as those of the training trials were: the same
    contacts by name, the same reference, causal filters, sampling rate, window and
    scaling. Where that is not possible (missing samples, values that are not numbers,
    flat contacts, a clock that jumps), no label is given, and the decision says why.

    Parameters
    ----------
    decoder : estimator
        Any fitted decoder with ``predict_proba`` (:class:`DuINClassifier`,
        :class:`DecoderEnsemble`, :func:`make_lda`, …), or :class:`DuINTokenDecoder`.
    contacts : DataFrame
        The table that :func:`read_epochs` or :func:`prepare_epochs` returned with the
        training trials, read with ``causal=True``.
    mode : "triggered" | "continuous"
        Triggered: a marker opens a window. Continuous: a window ends every ``step``.
    cues : str | sequence of str | None
        The markers that open a window; None takes all.
    step : float
        Time between two windows, or two partial sequences, in seconds.
    threshold : float | None
        Probability from which a continuous window is an event (see :meth:`calibrate`);
        None reports probabilities only.
    rest : str | sequence of str | None
        Labels that mean that nothing is said; they never are events.
    refractory : float
        Time after an event without another one, in seconds.
    rename : dict of str to str | None
        Name in the stream → name of the contact.
    bads : sequence of str
        Contacts that are bad now. Channels that measure them are set to zero, which
        our decoders take for a missing channel; averages that are a reference go
        without them.
    settle : float | None
        Seconds after a start or gap in which nothing is decided. None takes one period
        of ``l_freq``.
    subject : str | None
        Whose stream it is, for decoders of several subjects.
    decode : dict | None
        Keywords of :meth:`DuINTokenDecoder.decode`, such as ``beam_width``.

    Attributes
    ----------
    preparation : Preparation
        Contacts, reference, filters and window.
    state : str
        ``"not started"``, ``"running"``, or what is wrong.

    Raises
    ------
    ValueError
        If the training trials were not filtered causally, the decoder is not fitted,
        or a parameter cannot be used.

    See Also
    --------
    run_live : The same on a stream of the Lab Streaming Layer.

    Examples
    --------
    >>> import mne_duin
    >>> root = mne_duin.sample_data_path()
    >>> path = mne_duin.find_recordings(root, subject="01", run="1")[0]
    >>> epochs, contacts = mne_duin.read_epochs(path, causal=True, verbose=False)
    >>> y = epochs.metadata["trial_type"].to_numpy()
    >>> lda = mne_duin.make_lda().fit(epochs, y)
    >>> live = mne_duin.LiveDecoder(lda, contacts)
    >>> raw = mne_duin.read_raw(path, verbose=False)
    >>> live = live.start(raw.ch_names, raw.info["sfreq"])
    >>> live.mark("cue", time=3.0)
    >>> decisions = live.push(raw.get_data(stop=3072))
    >>> decisions[0].label == lda.predict(epochs[:1])[0]
    True
    """

    def __init__(
        self,
        decoder,
        contacts: pd.DataFrame,
        *,
        mode: str = "triggered",
        cues: str | Sequence[str] | None = None,
        step: float = 0.1,
        threshold: float | None = None,
        rest: str | Sequence[str] | None = None,
        refractory: float = 1.0,
        rename: dict | None = None,
        bads: Sequence[str] = (),
        settle: float | None = None,
        subject: str | None = None,
        decode: dict | None = None,
    ):
        check_option("mode", mode, MODES)
        check_number("step", step, low=0.0, closed=False)
        check_number("refractory", refractory, low=0.0)
        if threshold is not None:
            check_number("threshold", threshold, low=0.0, high=1.0)
        if settle is not None:
            check_number("settle", settle, low=0.0)
        given = isinstance(contacts, Preparation)
        done = contacts if given else noted_preparation(contacts)
        refuse_zero_phase(decoder, done)
        self.decoder, self.preparation = decoder, done
        self.mode, self.step, self.refractory = mode, step, refractory
        self.threshold, self.settle = threshold, settle
        self.cues = None if cues is None else [str(cue) for cue in as_list(cues)]
        self.rename, self.bads = dict(rename or {}), set(as_list(bads))
        self.predictor = Predictor(decoder, done, subject, decode)
        self.rest = self._check_rest(rest)
        self.predictor.warm_up()
        warn_of_unknown_filters(decoder)
        # A StreamEngine from `start` on.
        self.engine: Any = None
        self.log = None

    def _check_rest(self, rest):
        """Return the labels of rest, all of them known."""
        rest = [str(label) for label in as_list(rest)]
        if rest and self.predictor.is_sequential:
            raise ValueError("`rest` has no meaning for decoders of sequences.")
        known = [str(label) for label in self.predictor.classes or ()]
        unknown = [label for label in rest if label not in known]
        if unknown:
            raise ValueError(
                f"`rest` has {first_names(unknown)}; the labels of the decoder are "
                f"{first_names(known)}."
            )
        return rest

    @property
    def state(self) -> str:
        """What the stream is like now."""
        if self.engine is None:
            return "not started"
        end = self.engine.buffer.end
        trouble = self.engine.trouble
        return trouble or self.engine.buffer.reason_against(end - 1, end) or "running"

    @property
    def _seconds_left(self):
        """Seconds of signal until the next window is over; None where none is open."""
        done = self.preparation
        stops = [r.zero - done.lead + done.n_times for r in self._requests]
        if self.mode == "continuous":
            stops.append(self._next_stop)
        if not stops:
            return None
        return (min(stops) - self.engine.buffer.end) / done.processing.sfreq

    def start(self, ch_names: Sequence[str], sfreq: float, *, scale=1.0) -> Self:
        """Begin with a stream; what was known of an earlier one is forgotten.

        Parameters
        ----------
        ch_names : sequence of str
            The channels of the stream, in its order.
        sfreq : float
            Its sampling rate in Hz.
        scale : float | sequence of float
            Factor from the unit of the stream to volts: one, or one for each channel.

        Returns
        -------
        self : LiveDecoder
            The decoder.

        Raises
        ------
        ValueError
            If a contact is missing or the sampling rate is another one.
        """
        self.engine = self._new_engine(ch_names, sfreq, scale)
        self._requests: list[_Request] = []
        self._early: list[tuple[str, float]] = []
        self._next_stop = self.preparation.n_times
        self._quiet_until = 0
        self._late = False
        if self.log is not None:
            self.log.begin(self, ch_names, sfreq, scale)
        return self

    def _new_engine(self, ch_names, sfreq, scale):
        """Return an engine for a stream with these channels."""
        return StreamEngine(
            self.preparation,
            [str(name) for name in ch_names],
            float(sfreq),
            scale=scale,
            rename=self.rename,
            bads=self.bads,
            settle=self.settle,
        )

    def mark(self, cue: str, time: float) -> None:
        """Open a window; it is decided on as soon as its last sample is there.

        Parameters
        ----------
        cue : str
            The marker; those that are not among ``cues`` are not used.
        time : float
            Time zero of the window, on the clock of the stamps that :meth:`push` gets
            (without stamps, seconds from the first sample).
        """
        self._check_started()
        if self.log is not None:
            self.log.mark(cue, time)
        if self.cues is not None and str(cue) not in self.cues:
            return
        if self.engine.clock.zero is None:
            self._early.append((str(cue), time))
            return
        self._request(str(cue), time)

    def _request(self, cue, time):
        """Ask for the window around a time."""
        zero = self.engine.zero_of(time)
        start = zero - self.preparation.lead
        self._requests.append(_Request(zero, cue, start + self.predictor.n_fewest))

    def mark_bad(self, names: str | Sequence[str]) -> None:
        """Use some contacts no longer, from now on.

        Parameters
        ----------
        names : str | sequence of str
            The contacts.
        """
        self._check_started()
        names = as_list(names)
        unknown = [name for name in names if name not in self.preparation.picks]
        if unknown:
            raise ValueError(
                f"The decoder does not use {first_names(unknown)}; its contacts are "
                f"{first_names(self.preparation.picks)}."
            )
        if self.log is not None:
            self.log.mark_bad(list(names))
        self.engine.use_bads(self.engine.contacts.bads | set(names))

    def skip_late(self) -> None:
        """Leave out the windows that follow each other up to the newest sample.

        For a consumer that is slower than the stream: the next :meth:`push` decides on
        the newest window only.
        """
        self._check_started()
        if self.log is not None:
            self.log.skip_late()
        self._late = True

    def push(self, samples, stamps=None) -> list[Decision]:
        """Take the next samples of the stream.

        Parameters
        ----------
        samples : array, shape (n_channels, n_times)
            All channels of the stream, in its unit.
        stamps : array, shape (n_times,) | None
            The time of each sample in seconds on any steady clock; missing samples are
            found by them. None: no sample is missing, and the first is at 0 s.

        Returns
        -------
        decisions : list of Decision
            What could be decided now, in the order of the windows' ends.
        """
        self._check_started()
        samples = np.atleast_2d(np.asarray(samples))
        n_channels = len(self.engine.contacts.names)
        if len(samples) != n_channels:
            raise ValueError(
                f"`samples` must have shape ({n_channels}, n_times), the channels that "
                f"`start` was given; got shape {samples.shape}."
            )
        if self.log is not None:
            self.log.samples(samples, stamps)
        found = []
        for is_last in self.engine.push(samples, stamps):
            self._open_early()
            found += self._decide(is_last)
        return self._told(found)

    def _open_early(self):
        """Open the windows of the markers that came before the first sample."""
        early, self._early = self._early, []
        for cue, time in early:
            self._request(cue, time)

    def finish(self) -> list[Decision]:
        """End the stream.

        Returns
        -------
        decisions : list of Decision
            The windows that are still open, none of them decided.
        """
        self._check_started()
        open_ones, self._requests = self._requests, []
        reason = "the stream ended before it was over"
        found = [self._undecided("trial", r.zero, r.cue, reason) for r in open_ones]
        if self.log is not None:
            self.log.finish()
        return self._told(found)

    def _told(self, decisions):
        """Write the decisions to the log, if there is one."""
        if self.log is not None:
            self.log.decisions(decisions)
        return decisions

    def _check_started(self):
        if self.engine is None:
            raise ValueError("Call `start` with the channels of the stream first.")

    def _decide(self, is_last):
        """Return the decisions on all windows that are complete."""
        found = self._decide_requests()
        # Of what comes too late, the newest window counts.
        if self.mode == "continuous" and (is_last or not self._late):
            found += self._decide_continuous()
        return sorted(found, key=lambda one: one.end)

    def _decide_requests(self):
        """Decide on the windows of markers."""
        done, limit = self.preparation, self.engine.limit
        found, waiting = [], []
        for request in self._requests:
            start = request.zero - done.lead
            stop = start + done.n_times
            if self.predictor.is_sequential:
                found += self._partial(request, start, min(stop - 1, limit))
            if stop > limit:
                waiting.append(request)
                continue
            found.append(self._decision("trial", start, stop, request.cue))
        self._requests = waiting
        return found

    def _partial(self, request, start, limit):
        """Return what is known of a sequence that is not over."""
        found, rate = [], self.preparation.processing.sfreq
        while request.next_partial <= limit:
            stop = request.next_partial
            request.next_partial += max(round(self.step * rate), 1)
            found.append(self._decision("partial", start, stop, request.cue))
        return found

    def _decide_continuous(self):
        """Decide on the windows that follow each other."""
        done, limit = self.preparation, self.engine.limit
        step = max(round(self.step * done.processing.sfreq), 1)
        oldest = self.engine.buffer.first + done.n_times
        if self._late:
            oldest, self._late = max(oldest, limit - step + 1), False
        # Windows that nothing is left of, as after a long gap.
        behind = max(oldest - self._next_stop, 0)
        self._next_stop += -(-behind // step) * step
        found = []
        while self._next_stop <= limit:
            stop = self._next_stop
            self._next_stop += step
            kind = "partial" if self.predictor.is_sequential else "window"
            found.append(self._decision(kind, stop - done.n_times, stop))
            found += self._event(found[-1], stop)
        return found

    def _event(self, window, stop):
        """Return the event that a window is, if it is one."""
        if self.threshold is None or window.probabilities is None:
            return []
        if stop < self._quiet_until or self.score(window) < self.threshold:
            return []
        rate = self.preparation.processing.sfreq
        self._quiet_until = stop + round(self.refractory * rate)
        return [window.as_event(self._best_word(window))]

    def score(self, window: Decision) -> float:
        """Return how probable it is that something was said.

        Parameters
        ----------
        window : Decision
            A decision on a window.

        Returns
        -------
        score : float
            The largest probability of a label that is not rest.
        """
        return max(p for _, p in self._words(window))

    def _words(self, window):
        """Return the labels that are not rest with their probabilities."""
        pairs = zip(self.predictor.classes, window.probabilities, strict=True)
        return [(label, p) for label, p in pairs if str(label) not in self.rest]

    def _best_word(self, window):
        """Return the most probable label that is not rest."""
        label = max(self._words(window), key=lambda pair: pair[1])[0]
        return label.item() if isinstance(label, np.generic) else label

    def _decision(self, kind, start, stop, cue=None):
        """Decide on a window."""
        done = self.preparation
        data, reason = self.engine.window(start, stop)
        if reason is not None:
            return self._undecided(kind, start + done.lead, cue, reason, stop)
        label, probabilities, sequence = self.predictor.predict(data)
        rate = done.processing.sfreq
        onset, end = (start + done.lead) / rate, stop / rate
        return Decision(kind, onset, end, label, probabilities, sequence, cue)

    def _undecided(self, kind, zero, cue, reason, stop=None):
        """Return a decision that is none."""
        done = self.preparation
        stop = zero - done.lead + done.n_times if stop is None else stop
        rate = done.processing.sfreq
        return Decision(kind, zero / rate, stop / rate, cue=cue, reason=reason)

    def predict_window(
        self, window, ch_names: Sequence[str], sfreq: float
    ) -> np.ndarray:
        """Return the probabilities at the end of some samples, without a stream.

        Parameters
        ----------
        window : array, shape (n_channels, n_times)
            Samples in volts. The filters begin with the first one, so they must be
            longer than a window of the decoder, by the time that the filters need.
        ch_names : sequence of str
            The channels.
        sfreq : float
            The sampling rate in Hz.

        Returns
        -------
        probabilities : ndarray, shape (n_classes,)
            In the order of the decoder's classes.

        Raises
        ------
        ValueError
            If the samples are too few, or nothing can be decided on them.
        """
        if self.predictor.is_sequential:
            raise ValueError("Decoders of sequences have no probabilities of classes.")
        engine = self._new_engine(ch_names, sfreq, 1.0)
        for _ in engine.push(np.asarray(window), None):
            pass
        done, stop = self.preparation, engine.buffer.end
        n_needed = done.n_times + round(engine.settle * done.processing.sfreq)
        if stop < n_needed:
            rate = done.processing.sfreq
            raise ValueError(
                f"The samples last {stop / rate:.3g} s; the window of the decoder and "
                f"the time that its filters need are {n_needed / rate:.3g} s."
            )
        data, reason = engine.window(stop - done.n_times, stop)
        if reason is not None:
            raise ValueError(f"Nothing can be decided on these samples: {reason}.")
        return np.array(self.predictor.predict(data)[1])

    def as_rt_decoder(self, ch_names: Sequence[str], sfreq: float):
        """Return the decoder as ``RTStream.set_decoder`` of mne-rt takes it.

        Parameters
        ----------
        ch_names : sequence of str
            The channels of the session, in its order.
        sfreq : float
            Its sampling rate in Hz.

        Returns
        -------
        decoder : mne_rt.RTDecode
            Its windows must be as long as :meth:`predict_window` says (``winsize``).

        Raises
        ------
        ImportError
            If mne-rt is missing.
        """
        return make_rt_decoder(self, [str(name) for name in ch_names], sfreq)

    def calibrate(
        self, rest, ch_names: Sequence[str], sfreq: float, *, false_alarms: float = 1.0
    ) -> LiveCalibration:
        """Choose the threshold by a recording in which nothing is said.

        Parameters
        ----------
        rest : array, shape (n_channels, n_times)
            The recording in volts.
        ch_names : sequence of str
            Its channels.
        sfreq : float
            Its sampling rate in Hz.
        false_alarms : float
            Events per minute that are accepted in rest.

        Returns
        -------
        calibration : LiveCalibration
            The threshold, which is used from now on, and the false alarms per minute
            with an interval. Where the decoder is always sure of a word in rest, the
            threshold is above 1 and there are no events.

        Raises
        ------
        ValueError
            If the mode is not continuous or no window of the recording is usable.
        """
        check_number("false_alarms", false_alarms, low=0.0)
        if self.mode != "continuous" or self.predictor.is_sequential:
            raise ValueError(
                "A threshold is for mode='continuous' and decoders of classes only."
            )
        kept = self.threshold, self.log
        self.threshold = self.log = None
        try:
            self.start(ch_names, sfreq)
            found = self.push(rest)
        finally:
            self.threshold, self.log = kept
            self.engine = None
        usable = [one for one in found if one.decided]
        if not usable:
            why = sorted({str(one.reason) for one in found})
            raise ValueError(
                "No window of the rest recording can be decided on: "
                f"{'; '.join(why) or 'it is shorter than one window'}."
            )
        scores = np.array([self.score(one) for one in usable])
        ends = np.array([one.end for one in usable])
        done = calibrate_threshold(
            scores, ends, self.step, self.refractory, false_alarms
        )
        self.threshold = done.threshold
        return done
