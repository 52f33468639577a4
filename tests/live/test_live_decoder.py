"""Online equals offline; what is wrong with a stream is said, never decoded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_trials import ONSETS, RATE, SFREQ, prepared
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_duin import (
    DecoderEnsemble,
    DuINClassifier,
    DuINTokenDecoder,
    LiveDecoder,
    make_lda,
    read_estimator,
)

TINY = {"n_layers": 1, "max_iter": 1, "random_state": 0, "verbose": False}


def run(live, data, *, onsets=ONSETS, stamps=None, size=64):
    """Mark all onsets and push a recording in chunks."""
    for onset in onsets:
        live.mark("cue", onset)
    found = []
    for first in range(0, data.shape[1], size):
        part = slice(first, first + size)
        own = None if stamps is None else stamps[part]
        found += live.push(data[:, part], own)
    return found + live.finish()


def stamps_of(n_times, zero=0.0):
    return zero + np.arange(n_times) / RATE


@settings(deadline=None, max_examples=3)
@given(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=15))
def test_online_equals_offline_for_any_chunks(subject, sizes):
    live = LiveDecoder(subject.lda, subject.contacts)
    live.start(subject.raw.ch_names, RATE)
    data, first, found = subject.raw.get_data(), 0, []
    for onset in ONSETS:
        live.mark("cue", onset)
    while first < data.shape[1]:
        size = sizes[first % len(sizes)]
        found += live.push(data[:, first : first + size])
        first += size
    assert [one.reason for one in found] == [None] * len(subject.epochs)
    probabilities = np.array([one.probabilities for one in found])
    expected = subject.lda.predict_proba(subject.epochs)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-10)
    assert [one.label for one in found] == list(subject.lda.predict(subject.epochs))


def foreign(epochs, y):
    """A pipeline that knows nothing of this package, on the variance of channels."""
    power = FunctionTransformer(lambda X: np.log(X.get_data().var(-1)))
    return make_pipeline(power, LogisticRegression()).fit(epochs, y)


@pytest.mark.parametrize("kind", ["network", "ensemble", "foreign"])
def test_any_decoder_decides_as_offline(subject, kind):
    epochs, y = subject.epochs, subject.y
    network = DuINClassifier(bands=["low-gamma"], **TINY)
    make = {
        "network": lambda: network.fit(epochs, y),
        "ensemble": lambda: DecoderEnsemble(
            [("network", network), ("lda", make_lda("evoked", calibrated=True))]
        ).fit(epochs, y),
        "foreign": lambda: foreign(epochs, y),
    }[kind]
    decoder = make()
    if kind == "foreign":
        with pytest.warns(RuntimeWarning, match="does not know how its training"):
            live = LiveDecoder(decoder, subject.contacts)
    else:
        live = LiveDecoder(decoder, subject.contacts)
    live.start(subject.raw.ch_names, RATE)
    found = run(live, subject.raw.get_data())
    probabilities = np.array([one.probabilities for one in found])
    expected = decoder.predict_proba(epochs)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)


def test_sequences_come_in_parts_and_end_as_offline(subject):
    says = {"ba": ["b", "a"], "di": ["d", "i"]}
    y = [says[word] for word in subject.y]
    decoder = DuINTokenDecoder(loss="ctc", **TINY).fit(subject.epochs, y)
    live = LiveDecoder(decoder, subject.contacts, step=0.2)
    live.start(subject.raw.ch_names, RATE)
    found = run(live, subject.raw.get_data()[:, :2560], onsets=ONSETS[:4])
    whole = [one.sequence for one in found if one.kind == "trial"]
    assert whole == decoder.decode(subject.epochs[:4])
    parts = [one for one in found if one.kind == "partial"]
    # A window of 1 s has guesses from 0.3 s on, every 0.2 s.
    assert len(parts) == 4 * 4
    short = subject.epochs[:1].copy().crop(tmax=0.3, include_tmax=False)
    assert parts[1].sequence == decoder.decode(short)[0]
    with pytest.raises(ValueError, match="no meaning for decoders of sequences"):
        LiveDecoder(decoder, subject.contacts, rest=["b"])


def test_zero_phase_training_is_refused(subject):
    epochs, contacts = prepared(subject.raw)
    lda = make_lda("evoked").fit(epochs, subject.y)
    with pytest.raises(ValueError, match=r"zero-phase.*causal=True"):
        LiveDecoder(lda, contacts)
    # Contacts of another reading do not make the decoder causal.
    with pytest.raises(ValueError, match=r"zero-phase.*causal=True"):
        LiveDecoder(lda, subject.contacts)
    forgotten = subject.contacts.copy()
    forgotten.attrs = {}
    with pytest.raises(ValueError, match="does not say how"):
        LiveDecoder(lda, forgotten)


def test_a_saved_network_still_knows_its_filters(subject, tmp_path):
    epochs, _ = prepared(subject.raw)
    network = DuINClassifier(**TINY).fit(epochs, subject.y)
    again = read_estimator(network.save(tmp_path / "network.safetensors"))
    with pytest.raises(ValueError, match="zero-phase"):
        LiveDecoder(again, subject.contacts)


def test_channels_are_found_by_name(subject):
    data, names = subject.raw.get_data(), subject.raw.ch_names
    order = [3, 5, 0, 2, 1, 4]
    live = LiveDecoder(subject.lda, subject.contacts, rename={"left": "A1"})
    renamed = [{"A1": "left"}.get(names[k], names[k]) for k in order]
    more = np.vstack([np.full((1, data.shape[1]), np.nan), 1e6 * data[order]])
    live.start(["trigger", *renamed], RATE, scale=1e-6)
    found = run(live, more)
    expected = subject.lda.predict_proba(subject.epochs)
    probabilities = np.array([one.probabilities for one in found])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("names", "rate", "message"),
    [
        (["A1", "A2", "A3", "B1", "B2"], RATE, "lacks 1 of the 6 contacts.*A4"),
        (["A1", "A1", "A2", "A3", "A4", "B1", "B2"], RATE, "A1 more than once"),
        (["A1", "A2", "A3", "A4", "B1", "B2"], 512.0, "rate of 512 Hz.*256 Hz"),
    ],
)
def test_another_stream_is_refused(subject, names, rate, message):
    live = LiveDecoder(subject.lda, subject.contacts)
    with pytest.raises(ValueError, match=message):
        live.start(names, rate)


def touched(found, start, stop):
    """Decisions whose window overlaps a stretch of time."""
    return [one for one in found if one.onset - 0.2 < stop and one.end > start]


def check_only_there(live, subject, found, start, stop, reason):
    """What touches the stretch is undecided; the rest equals offline."""
    expected = subject.lda.predict_proba(subject.epochs)
    inside = touched(found, start, stop)
    assert inside
    assert all(reason in one.reason or "settle" in one.reason for one in inside)
    assert any(reason in one.reason for one in inside)
    for number, one in enumerate(found):
        if one.decided:
            assert one not in inside
            # The filters began again after the fault; their memory fades.
            tolerance = 1e-10 if one.end < start else 0.05
            np.testing.assert_allclose(
                one.probabilities, expected[number], rtol=0, atol=tolerance
            )
    assert sum(one.decided for one in found) > len(found) / 2


@pytest.mark.parametrize("lost", [13, 64, 300, 2000])
@pytest.mark.parametrize("size", [32, 128])
@pytest.mark.by_default("32-13", "32-2000", "128-64")
def test_dropped_chunks(live, subject, lost, size):
    data = subject.raw.get_data()
    first = 4096
    kept = np.r_[0:first, first + lost : data.shape[1]]
    found = run(live, data[:, kept], stamps=stamps_of(data.shape[1])[kept], size=size)
    assert live.engine.counts["lost"] == lost
    assert live.engine.clock.n_seen == data.shape[1]
    start = first / RATE
    check_only_there(live, subject, found, start, start + lost / RATE, "missing")


def test_jitter_is_no_gap(live, subject):
    data = subject.raw.get_data()
    rng = np.random.default_rng(0)
    stamps = stamps_of(data.shape[1])
    for first in range(512, len(stamps), 8):
        # Every third chunk is late, as with a busy driver.
        stamps[first : first + 8] += rng.choice([0.0, 0.0, 0.03]) * rng.random()
    found = run(live, data, stamps=stamps)
    assert live.engine.counts["lost"] == live.engine.counts["gaps"] == 0
    assert live.engine.counts["jitter"] > 10
    assert all(one.decided for one in found)
    expected = subject.lda.predict_proba(subject.epochs)
    probabilities = np.array([one.probabilities for one in found])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("jump", [-1000.0, -0.4, 3600.0])
def test_the_clock_jumps(live, subject, jump):
    data = subject.raw.get_data()
    stamps = stamps_of(data.shape[1])
    stamps[5120:] += jump
    onsets = [onset + jump * (onset > 20) for onset in ONSETS]
    found = []
    for onset in onsets[:9]:
        live.mark("cue", onset)
    found += live.push(data[:, :5120], stamps[:5120])
    found += live.push(data[:, 5120:5184], stamps[5120:5184])
    for onset in onsets[14:]:
        live.mark("cue", onset)
    found += live.push(data[:, 5184:], stamps[5184:])
    assert live.engine.counts["jumps"] + live.engine.counts["gaps"] == 1
    decided = [one for one in found if one.decided]
    assert len(decided) == len(onsets[:9]) + len(onsets[14:])
    expected = subject.lda.predict_proba(subject.epochs)[[*range(9), *range(14, 26)]]
    probabilities = np.array([one.probabilities for one in decided])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("factor", [0.5, 0.98, 1.02, 2.0])
@pytest.mark.by_default("0.98", "2.0")
def test_the_rate_changes(live, subject, factor):
    data = np.tile(subject.raw.get_data(), 2)
    stamps = stamps_of(data.shape[1])
    late = np.arange(data.shape[1] - 5120) / (factor * RATE)
    stamps[5120:] = stamps[5120] + late
    for onset in np.arange(3.0, stamps[-1] - 2.0, 1.0):
        live.mark("cue", onset)
    found, states = [], set()
    for first in range(0, data.shape[1], 64):
        found += live.push(data[:, first : first + 64], stamps[first : first + 64])
        states.add(live.state)
    wrong = [one for one in found if one.onset > 20 + 8]
    assert wrong
    assert not any(one.decided for one in wrong)
    assert states - {"running", "the filters settle"}


def test_values_that_are_not_numbers(live, subject):
    data = subject.raw.get_data()
    data[2, 5000:5010] = np.nan
    found = run(live, data)
    check_only_there(live, subject, found, 5000 / RATE, 5010 / RATE, "A3 hold no numb")


def test_a_flat_contact(live, subject):
    data = subject.raw.get_data()
    data[1, 5120:7000] = data[1, 5119]
    found = run(live, data, size=32)
    bad = touched(found, 5120 / RATE + 0.6, 7000 / RATE)
    assert bad
    assert all("A2 are flat" in one.reason for one in bad)


def test_the_wrong_unit(subject):
    live = LiveDecoder(subject.lda, subject.contacts)
    live.start(subject.raw.ch_names, RATE, scale=1.0)
    found = run(live, 1e6 * subject.raw.get_data())
    assert all("check the unit" in one.reason for one in found)


def test_bad_contacts_become_zero_as_stated(subject):
    with pytest.warns(RuntimeWarning, match=r"A1 are not used: 1 of 4 channels.*A1-A2"):
        live = LiveDecoder(subject.lda, subject.contacts, bads=["A1"]).start(
            subject.raw.ch_names, RATE
        )
    found = run(live, subject.raw.get_data())
    zeroed = subject.epochs.copy()
    zeroed._data[:, subject.epochs.ch_names.index("A1-A2")] = 0.0
    expected = subject.lda.predict_proba(zeroed)
    probabilities = np.array([one.probabilities for one in found])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-10)


def test_markers_too_early_late_or_not_meant(live, subject):
    data = subject.raw.get_data()
    live.mark("cue", -1.0)
    found = live.push(data[:, :5120])
    live.mark("cue", 5.0)
    live.mark("cue", 17.0)
    found += live.push(data[:, 5120:5184])
    live.mark("cue", 1000.0)
    found += live.finish()
    assert "before the stream" in found[0].reason
    assert "too late" in found[1].reason
    assert found[2].decided
    assert "ended" in found[3].reason
    chosen = LiveDecoder(subject.lda, subject.contacts, cues=["go"])
    chosen.start(subject.raw.ch_names, RATE)
    chosen.mark("stop", 5.0)
    chosen.mark("go", 7.0)
    assert [one.cue for one in chosen.push(data)] == ["go"]


def test_continuous_windows_events_and_refractory_time(subject):
    step = 0.05
    options = {"mode": "continuous", "step": step, "refractory": 0.5}
    live = LiveDecoder(subject.lda, subject.contacts, threshold=0.8, **options)
    live.start(subject.raw.ch_names, RATE)
    found = live.push(subject.raw.get_data())
    windows = [one for one in found if one.kind == "window"]
    ends = np.array([one.end for one in windows])
    np.testing.assert_allclose(np.diff(ends), step, atol=1e-9)
    events = [one for one in found if one.kind == "event"]
    assert events
    assert np.diff([one.end for one in events]).min() >= 0.5 - 1e-9
    assert min(one.probability for one in events) >= 0.8
    # Every window above the threshold is an event or lies in the refractory time.
    event_ends = np.array([one.end for one in events])
    for one in windows:
        if one.decided and one.probability >= 0.8:
            since = one.end - event_ends[event_ends <= one.end]
            assert since.min() < 0.5


def test_windows_that_are_too_late_are_left_out(subject):
    live = LiveDecoder(subject.lda, subject.contacts, mode="continuous", step=0.05)
    live.start(subject.raw.ch_names, RATE)
    data = subject.raw.get_data()
    live.push(data[:, :2560])
    live.skip_late()
    found = live.push(data[:, 2560:5120])
    assert len(found) == 1
    assert found[0].end == pytest.approx(20.0, abs=0.05)


def test_memory_does_not_grow(live, subject):
    data = subject.raw.get_data()
    live.push(data)
    before = live.engine.buffer.data.nbytes, live.engine.chain.tail.nbytes
    for _ in range(5):
        live.push(data)
    assert (live.engine.buffer.data.nbytes, live.engine.chain.tail.nbytes) == before
    assert len(live.engine.buffer.spans) < 5
    assert len(live.engine.clock.anchors) < 20
    # A sample is used once.
    assert live.engine.buffer.end == np.ceil(6 * data.shape[1] * SFREQ / RATE)


@pytest.mark.slow
def test_calibration_holds_on_the_rest_it_was_made_of(subject):
    rest = 2e-5 * np.random.default_rng(3).standard_normal((6, round(90 * RATE)))
    # Of labels by chance, a calibrated decoder is never sure.
    chance = np.random.default_rng(0).permutation(subject.y)
    lda = make_lda("evoked", calibrated=True).fit(subject.epochs, chance)
    for decoder, usable in ((lda, True), (subject.lda, False)):
        live = LiveDecoder(decoder, subject.contacts, mode="continuous")
        done = live.calibrate(rest, subject.raw.ch_names, RATE, false_alarms=4.0)
        live.start(subject.raw.ch_names, RATE)
        events = [one for one in live.push(rest) if one.kind == "event"]
        assert live.threshold == done.threshold
        assert len(events) == round(done.false_alarms * done.minutes)
        # A decoder that is always sure of a word cannot be given a threshold.
        assert (done.false_alarms > 0) == usable == (done.threshold <= 1)
        assert done.false_alarms <= 4.0
        assert done.interval[0] <= done.false_alarms < done.interval[1]
        assert "false alarms per minute" in str(done)
    triggered = LiveDecoder(subject.lda, subject.contacts)
    with pytest.raises(ValueError, match="mode='continuous'"):
        triggered.calibrate(rest, subject.raw.ch_names, RATE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "always"}, "mode"),
        ({"step": 0}, "step"),
        ({"threshold": 2.0}, "threshold"),
        ({"rest": ["silence"]}, "`rest` has silence; the labels.*ba, di"),
    ],
)
def test_parameters_are_checked(subject, options, message):
    with pytest.raises(ValueError, match=message):
        LiveDecoder(subject.lda, subject.contacts, **options)


def test_what_is_not_fitted_or_started_is_refused(subject):
    with pytest.raises(ValueError, match="must be a fitted decoder"):
        LiveDecoder(make_lda(), subject.contacts)
    live = LiveDecoder(subject.lda, subject.contacts)
    assert live.state == "not started"
    with pytest.raises(ValueError, match="Call `start`"):
        live.push(np.zeros((6, 10)))
    live.start(subject.raw.ch_names, RATE)
    with pytest.raises(ValueError, match=r"shape \(6, n_times\)"):
        live.push(np.zeros((5, 10)))


def test_getting_ready_changes_nothing_but_the_time(live, subject, monkeypatch):
    predictor, used = live.predictor, []
    original = predictor._predict
    monkeypatch.setattr(predictor, "_predict", lambda w: used.append(w) or original(w))
    predictor.cost, predictor.last_used = 0.01, -100.0
    assert not predictor.get_ready(0.5)
    assert not predictor.get_ready(-0.1)
    assert predictor.get_ready(0.005)  # too late for one more
    assert not used
    assert predictor.get_ready(0.05)
    assert len(used) == 1
    # The last one was a moment ago.
    predictor.cost = 0.01
    assert predictor.get_ready(0.05)
    assert len(used) == 1


def test_seconds_until_a_window_is_over(live, subject):
    data = subject.raw.get_data()
    live.push(data[:, : round(RATE)])
    assert live._seconds_left is None
    live.mark("cue", ONSETS[0])
    done = live.preparation
    end = ONSETS[0] + (done.n_times - done.lead) / done.processing.sfreq
    assert live._seconds_left == pytest.approx(end - 1.0, abs=0.02)
