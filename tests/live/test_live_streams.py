"""Real streams over loopback: each takes seconds, and bears a loaded machine."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid

import numpy as np
import pytest
from live_trials import ONSETS, RATE

from mne_duin import LiveDecoder, replay_recording, run_live
from mne_duin.live._page import StatusPage
from mne_duin.live._status import LiveStatus

lsl = pytest.importorskip("mne_lsl.lsl", reason="mne-lsl is not installed")
# Streams run in real time, and need a network interface that finds them.
pytestmark = pytest.mark.slow


@pytest.fixture
def name():
    """A name that no other test and no other machine uses."""
    return f"test-{uuid.uuid4().hex[:10]}"


def play(raw, name, **options):
    """Replay a recording in another thread."""
    thread = threading.Thread(
        target=replay_recording,
        args=(raw, name),
        kwargs={"speed": 8.0, "verbose": "error"} | options,
        daemon=True,
    )
    thread.start()
    return thread


class Amplifier:
    """A stream whose faults are chosen."""

    def __init__(self, subject, name, *, ch_names=None, rate=RATE, source="amplifier"):
        self.names = subject.raw.ch_names if ch_names is None else ch_names
        info = lsl.StreamInfo(name, "EEG", len(self.names), rate, "float64", source)
        info.set_channel_names(self.names)
        info.set_channel_units(["volts"] * len(self.names))
        self.outlet = lsl.StreamOutlet(info, max_buffered=60)
        about = lsl.StreamInfo(f"{name}-markers", "Markers", 1, 0.0, "string", source)
        self.markers = lsl.StreamOutlet(about)
        rows = [subject.raw.ch_names.index(each) for each in self.names]
        self.data, self.zero = subject.raw.get_data()[rows], lsl.local_clock()

    def push(self, first, last, shift=0.0, rate=RATE):
        """Send samples by their numbers; stamps may be shifted, or too dense."""
        for start in range(first, last, 64):
            stop = min(start + 64, last)
            stamps = first / RATE + (np.arange(start, stop) - first) / rate
            stamps += self.zero + shift
            chunk = np.ascontiguousarray(self.data[:, start:stop].T)
            self.outlet.push_chunk(chunk, timestamp=stamps)

    def end(self):
        """Leave the network."""
        self.outlet = self.markers = None

    def mark(self, onsets):
        for onset in onsets:
            self.markers.push_sample(["cue"], timestamp=self.zero + float(onset))


class Session:
    """A decoder that runs in another thread."""

    def __init__(self, subject, name, **options):
        self.live = LiveDecoder(subject.lda, subject.contacts)
        self.found, self.error, self.summary = [], None, None
        self.options = {"markers": f"{name}-markers", "patience": 8.0} | options
        self.options["on_decision"] = self.found.append
        self.thread = threading.Thread(target=self._run, args=(name,), daemon=True)
        self.thread.start()

    def _run(self, name):
        try:
            self.summary = run_live(self.live, name, **self.options)
        except (ValueError, OSError) as error:
            self.error = error

    def wait_for(self, count, seconds=30.0):
        deadline = time.monotonic() + seconds
        while len(self.found) < count and time.monotonic() < deadline:
            assert self.error is None
            time.sleep(0.02)
        assert len(self.found) >= count

    def end(self):
        self.thread.join(30)
        assert not self.thread.is_alive()
        return self.summary


def connected(amplifier):
    assert amplifier.outlet.wait_for_consumers(20)
    assert amplifier.markers.wait_for_consumers(20)
    return amplifier


def check_equal(found, expected, tolerance=1e-5):
    probabilities = np.array([one.probabilities for one in found])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=tolerance)


def test_a_replay_equals_offline(subject, name, tmp_path):
    thread = play(subject.raw, name)
    live = LiveDecoder(subject.lda, subject.contacts)
    done = run_live(
        live,
        name,
        markers=f"{name}-markers",
        patience=2.0,
        events=tmp_path / "sub-01_task-live_events.tsv",
        log=tmp_path / "log",
    )
    thread.join()
    assert [one.cue for one in done.decisions] == list(subject.y)
    check_equal(done.decisions, subject.lda.predict_proba(subject.epochs))
    assert done.counts["samples"] == subject.raw.n_times
    assert done.counts["lost"] == 0
    assert "26 decisions" in str(done)
    rows = (tmp_path / "sub-01_task-live_events.tsv").read_text().splitlines()
    assert rows[0].split("\t")[:3] == ["onset", "duration", "trial_type"]
    onsets = [float(row.split("\t")[0]) for row in rows[1:]]
    np.testing.assert_allclose(onsets, ONSETS, atol=1 / RATE)
    described = json.loads((tmp_path / "sub-01_task-live_events.json").read_text())
    assert set(described) == set(rows[0].split("\t"))


def test_results_are_a_stream_and_a_page(subject, name):
    amplifier = Amplifier(subject, name)
    session = Session(subject, name, results=f"{name}-words", page=0, patience=3.0)
    connected(amplifier)
    found = lsl.resolve_streams(timeout=5, name=f"{name}-words")
    inlet = lsl.StreamInlet(found[0])
    inlet.open_stream(timeout=5)
    amplifier.mark(ONSETS[:3])
    amplifier.push(0, 2560)
    session.wait_for(3)
    texts = [json.loads(inlet.pull_sample(timeout=5)[0][0]) for _ in range(3)]
    assert [text["label"] for text in texts] == [one.label for one in session.found]
    inlet.close_stream()
    amplifier.end()
    session.end()


def test_the_stream_drops_chunks_and_jitters(subject, name):
    amplifier = Amplifier(subject, name)
    session = Session(subject, name, patience=3.0)
    connected(amplifier)
    amplifier.mark(ONSETS)
    amplifier.push(0, 4096)
    for first in range(4096, 5120, 64):
        amplifier.push(first, first + 64, shift=0.02 * (first % 128 > 0))
    amplifier.push(5400, amplifier.data.shape[1])
    session.wait_for(len(ONSETS))
    amplifier.end()
    done = session.end()
    assert done.counts["lost"] == 280
    assert done.counts["jitter"] > 3
    expected = subject.lda.predict_proba(subject.epochs)
    for number, one in enumerate(session.found):
        inside = one.onset - 0.2 < 5400 / RATE + 1.0 and one.end > 5120 / RATE
        assert one.decided != inside
        if one.decided and one.end < 5120 / RATE:
            check_equal([one], expected[number : number + 1])


def test_the_stream_stops_and_resumes_with_other_channels(subject, name):
    first = Amplifier(subject, name)
    session = Session(subject, name, patience=6.0)
    connected(first)
    first.mark(ONSETS[:2])
    first.push(0, 1500)
    session.wait_for(2)
    time.sleep(1.5)
    first.end()
    # The amplifier is back, its channels in another order, and one more.
    second = connected(
        Amplifier(subject, name, ch_names=["B2", "A3", "A1", "A2", "B1", "A4"])
    )
    second.mark(ONSETS[:5])
    second.push(0, 2816)
    session.wait_for(7)
    expected = subject.lda.predict_proba(subject.epochs)
    check_equal(session.found[:2], expected[:2])
    check_equal(session.found[2:7], expected[:5])
    second.end()
    done = session.end()
    assert "the stream has stopped" in done.states
    assert any("waiting for it" in state for state in done.states)


def test_values_that_are_not_numbers(subject, name):
    amplifier = Amplifier(subject, name)
    amplifier.data[2, 5000:5010] = np.nan
    session = Session(subject, name, patience=3.0)
    connected(amplifier)
    amplifier.mark(ONSETS)
    amplifier.push(0, amplifier.data.shape[1])
    session.wait_for(len(ONSETS))
    amplifier.end()
    session.end()
    expected = subject.lda.predict_proba(subject.epochs)
    for number, one in enumerate(session.found):
        inside = one.onset - 0.2 <= 5010 / RATE <= one.end
        assert one.decided or "A3 hold no numbers" in one.reason or not inside
        assert not (one.decided and inside)
        if one.end < 5000 / RATE:
            check_equal([one], expected[number : number + 1])


@pytest.mark.parametrize("jump", [-500.0, 500.0])
def test_the_clock_jumps(subject, name, jump):
    amplifier = Amplifier(subject, name)
    session = Session(subject, name, patience=3.0)
    connected(amplifier)
    amplifier.mark(ONSETS[:9])
    amplifier.push(0, 5120)
    session.wait_for(9)
    # Markers of the new clock mean nothing before its first samples are there.
    amplifier.push(5120, 5184, shift=jump)
    counts, deadline = session.live.engine.counts, time.monotonic() + 10
    while not counts["jumps"] + counts["gaps"] and time.monotonic() < deadline:
        time.sleep(0.02)
    amplifier.mark(ONSETS[14:] + jump)
    amplifier.push(5184, amplifier.data.shape[1], shift=jump)
    session.wait_for(9 + len(ONSETS[14:]))
    amplifier.end()
    done = session.end()
    assert done.counts["jumps" if jump < 0 else "gaps"] == 1
    kept = [one for one in session.found if one.decided]
    rows = [*range(9), *range(14, len(ONSETS))]
    check_equal(kept, subject.lda.predict_proba(subject.epochs)[rows])


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_rate_changes_while_it_runs(subject, name, factor):
    amplifier = Amplifier(subject, name)
    session = Session(subject, name, patience=3.0)
    connected(amplifier)
    amplifier.mark(ONSETS[:3])
    amplifier.push(0, 2560)
    session.wait_for(3)
    late = 10.0 + np.arange(1.0, 7590 / RATE / factor - 2.0, 1.0)
    amplifier.mark(late)
    amplifier.push(2560, 10150, rate=factor * RATE)
    session.wait_for(3 + len(late))
    amplifier.end()
    done = session.end()
    expected = subject.lda.predict_proba(subject.epochs)
    check_equal(session.found[:3], expected[:3])
    # The stamps of the last five seconds tell the rate, those of one a gap.
    wrong = [one for one in session.found[3:] if one.onset > 10.0 + 6.0]
    assert wrong
    assert not any(one.decided for one in wrong)
    assert set(done.states) - {"running", "the filters settle"}


@pytest.mark.parametrize("fault", ["names", "rate"])
def test_another_stream_is_refused(subject, name, fault):
    changed = {"names": {"ch_names": ["A1", "A2"]}, "rate": {"rate": 128.0}}[fault]
    amplifier = Amplifier(subject, name, **changed)
    live = LiveDecoder(subject.lda, subject.contacts)
    message = {"names": "lacks 4 of the 6", "rate": "rate of 128 Hz"}[fault]
    with pytest.raises(ValueError, match=message):
        run_live(live, name, markers=f"{name}-markers")
    assert amplifier.outlet is not None


def test_two_streams_of_one_name(subject, name):
    pair = [Amplifier(subject, name, source=f"{name}-{side}") for side in "ab"]
    live = LiveDecoder(subject.lda, subject.contacts, mode="continuous")
    with pytest.raises(ConnectionError, match="2 streams with the name"):
        run_live(live, name)
    assert len(pair) == 2


def test_no_stream(subject, name):
    live = LiveDecoder(subject.lda, subject.contacts, mode="continuous")
    with pytest.raises(ConnectionError, match="There is no stream"):
        run_live(live, name, patience=0.2)
    with pytest.raises(ValueError, match="needs the stream of the markers"):
        run_live(LiveDecoder(subject.lda, subject.contacts), name)


def test_a_consumer_that_is_slower_than_the_stream(subject, name):
    live = LiveDecoder(subject.lda, subject.contacts, mode="continuous", step=0.25)
    slow, calls = live.predictor.predict, []

    def predict(window):
        calls.append(time.monotonic())
        time.sleep(0.2)
        return slow(window)

    live.predictor.predict = predict
    amplifier, done = Amplifier(subject, name), []
    thread = threading.Thread(
        target=lambda: done.append(run_live(live, name, patience=2.0)), daemon=True
    )
    thread.start()
    assert amplifier.outlet.wait_for_consumers(20)
    # Eight seconds that are due already; the outlet stays until they are decoded.
    amplifier.push(0, round(8.0 * RATE), shift=-8.0)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (
        not calls or time.monotonic() < calls[-1] + 2
    ):
        time.sleep(0.1)
    amplifier.end()
    thread.join(30)
    assert any("slower than the stream" in state for state in done[0].states)
    assert done[0].counts["samples"] == round(8.0 * RATE)
    assert done[0].counts["lost"] == 0


def test_the_page_is_for_this_machine_only(subject):
    page = StatusPage(LiveStatus("amplifier", ["ba", "di"]))
    try:
        assert page.url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{page.url}status.json", timeout=5) as answer:
            assert json.load(answer)["classes"] == ["ba", "di"]
        with urllib.request.urlopen(page.url, timeout=5) as answer:
            assert b"mne-duin live" in answer.read()
        elsewhere = urllib.request.Request(page.url, headers={"Host": "example.org"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(elsewhere, timeout=5)
    finally:
        page.close()
