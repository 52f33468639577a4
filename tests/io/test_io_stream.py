"""Piece by piece gives what filtering at once gives, and bad samples are noticed."""

import mne
import numpy as np
import pytest

from mne_duin.io import _stream as stream
from mne_duin.io._gaps import continuous_spans
from mne_duin.io._processing import Processing, choose_processing
from mne_duin.io._stream import read_windows


def make_raw(sfreq=512.0, seconds=90.0, n_channels=3):
    """Brown noise with line noise."""
    rng = np.random.default_rng(0)
    n_times = int(sfreq * seconds)
    data = np.cumsum(rng.standard_normal((n_channels, n_times)), axis=1) * 1e-6
    data += 1e-5 * np.sin(2 * np.pi * 50 * np.arange(n_times) / sfreq)
    names = [f"A{i + 1}" for i in range(n_channels)]
    raw = mne.io.RawArray(data, mne.create_info(names, sfreq, "seeg"), verbose="error")
    with raw.info._unlock():
        raw.info["line_freq"] = 50.0
    return raw


def read_all(raw, process, matrix=None):
    """The whole processed recording as one window."""
    length = int(raw.n_times * process.sfreq / raw.info["sfreq"])
    matrix = np.eye(len(raw.ch_names)) if matrix is None else matrix
    out = np.full((1, len(matrix), length), np.nan)
    read_windows(raw, raw.ch_names, matrix, process, np.array([0]), out)
    return out[0]


@pytest.mark.parametrize(
    "sfreq",
    [
        512.0,
        499.907,
        *(pytest.param(f, marks=pytest.mark.slow) for f in (1e3, 1024.0, 2e3, 2048.0)),
    ],
)
def test_pieces_join_to_the_whole(sfreq, monkeypatch):
    raw = make_raw(sfreq, seconds=50.0)
    process = choose_processing(raw, 0.5, 120.0, "auto", 1000.0, "x")
    monkeypatch.setattr(stream, "BLOCK_SECONDS", 1e9)
    whole = read_all(raw, process)
    monkeypatch.setattr(stream, "BLOCK_SECONDS", 3.0)
    pieces = read_all(raw, process)
    assert np.isfinite(whole).all()
    assert process.margin < raw.n_times / 2
    np.testing.assert_allclose(pieces, whole, atol=1e-9 * np.abs(whole).max())


def test_the_whole_equals_mne(monkeypatch):
    raw = make_raw(1000.0, 30.0)
    process = choose_processing(raw, 0.5, 120.0, "auto", None, "x")
    monkeypatch.setattr(stream, "BLOCK_SECONDS", 7.0)
    ours = read_all(raw, process)
    theirs = raw.copy().notch_filter([50, 100], filter_length="6600ms", verbose="error")
    theirs.filter(0.5, 120.0, verbose="error")
    scale = np.abs(theirs.get_data()).max()
    np.testing.assert_allclose(ours, theirs.get_data(), atol=1e-9 * scale)


def test_resampling_keeps_the_signal_and_its_time():
    times = np.arange(int(512 * 20)) / 512
    wave = 1e-5 * np.sin(2 * np.pi * 190 * times)[None]
    raw = mne.io.RawArray(wave, mne.create_info(["A1"], 512.0, "seeg"), verbose="error")
    process = Processing(None, None, (), 512.0, 1000.0)
    out = read_all(raw, process)[0]
    wanted = 1e-5 * np.sin(2 * np.pi * 190 * np.arange(len(out)) / 1000)
    np.testing.assert_allclose(out[500:-500], wanted[500:-500], atol=1e-9)


def test_line_noise_and_its_harmonics_are_removed():
    raw = make_raw(1000.0, 30.0)
    process = choose_processing(raw, 1.0, 180.0, "auto", 1000.0, "x")
    assert process.notch == (50.0, 100.0, 150.0)
    power = np.abs(np.fft.rfft(read_all(raw, process)[0, 5000:25000])) ** 2
    freqs = np.fft.rfftfreq(20000, 1e-3)
    at_line = power[np.abs(freqs - 50) < 0.1].mean()
    beside = power[(np.abs(freqs - 45) < 1) | (np.abs(freqs - 55) < 1)].mean()
    assert at_line < beside


def test_notch_choices():
    raw = make_raw()
    for notch, wanted in (
        (60, (60.0, 120.0, 180.0)),
        ([33.0, 400.0], (33.0,)),
        (None, ()),
    ):
        assert choose_processing(raw, None, 200.0, notch, None, "x").notch == wanted
    with raw.info._unlock():
        raw.info["line_freq"] = None
    with pytest.warns(RuntimeWarning, match="does not say PowerLineFrequency"):
        assert choose_processing(raw, None, 200.0, "auto", None, "x").notch == ()


def test_acquisition_gaps_are_not_filtered_across():
    raw = make_raw(500.0, 60.0)
    raw.set_annotations(mne.Annotations([20.0], [5.0], ["BAD_ACQ_SKIP"]))
    raw.load_data()._data[:, 10000:12500] = 1.0
    assert continuous_spans(raw) == [(0, 10000), (12500, 30000)]
    process = Processing(1.0, 100.0, (), 500.0, 500.0)
    out = np.full((2, 3, 1000), np.nan)
    read_windows(raw, raw.ch_names, np.eye(3), process, np.array([8900, 12600]), out)
    assert np.abs(out).max() < 1e-2
    first = raw.copy().crop(0, 19.998).filter(1.0, 100.0, verbose="error")
    np.testing.assert_allclose(out[0], first.get_data()[:, 8900:9900], atol=1e-12)


def test_resampling_after_a_gap_fills_every_sample(monkeypatch):
    raw = make_raw(512.0, 40.0)
    raw.set_annotations(mne.Annotations([10.001], [2.0], ["BAD_ACQ_SKIP"]))
    ((_, first), (second, _)) = continuous_spans(raw)
    assert second % 64
    process = Processing(None, 200.0, (), 512.0, 1000.0)
    start = int(np.ceil(second * 1000 / 512))
    out = np.full((2, 3, 3000), np.nan)
    where = np.array([start, first * 1000 // 512 - 3000])
    read_windows(raw, raw.ch_names, np.eye(3), process, where, out)
    assert np.isfinite(out).all()
    with pytest.raises(ValueError, match="2 window.s. reach into a gap"):
        read_windows(raw, raw.ch_names, np.eye(3), process, where + [-9, 9], out)


def test_many_contacts_make_short_blocks(monkeypatch):
    raw = make_raw(500.0, 60.0)
    process = Processing(None, None, (), 500.0, 500.0)
    monkeypatch.setattr(stream, "BLOCK_VALUES", 3 * 2500)
    assert len(list(stream.blocks(raw, process, 3))) == 12
    np.testing.assert_array_equal(read_all(raw, process), raw.get_data())


def test_only_blocks_with_a_window_are_read(monkeypatch):
    raw = make_raw(500.0, 200.0)
    spans = []
    get_data = mne.io.BaseRaw.get_data

    def spy(self, **kwargs):
        spans.append((kwargs["start"], kwargs["stop"]))
        return get_data(self, **kwargs)

    monkeypatch.setattr(mne.io.BaseRaw, "get_data", spy)
    monkeypatch.setattr(stream, "BLOCK_SECONDS", 5.0)
    out = np.empty((1, 3, 500))
    process = Processing(None, None, (), 500.0, 500.0)
    read_windows(raw, raw.ch_names, np.eye(3), process, np.array([60000]), out)
    assert spans == [(60000, 62500)]


def test_values_that_are_no_numbers_are_named():
    raw = make_raw()
    raw._data[1, 1000] = np.nan
    process = Processing(None, None, (), 512.0, 512.0)
    with pytest.raises(ValueError, match="A2 hold values that are not numbers"):
        read_all(raw, process)


@pytest.mark.parametrize("block_seconds", [1e9, 3.0])
def test_what_the_samples_look_like(block_seconds, monkeypatch):
    monkeypatch.setattr(stream, "BLOCK_SECONDS", block_seconds)
    raw = make_raw(500.0, 60.0)
    data = raw._data
    data[0, 5000:6000] = data[0, 5000]
    top = np.quantile(data[1], 0.9)
    np.clip(data[1], None, top, out=data[1])
    out = np.empty((1, 3, raw.n_times))
    process = Processing(None, None, (), 500.0, 500.0)
    facts = read_windows(raw, raw.ch_names, np.eye(3), process, np.array([0]), out)
    np.testing.assert_array_equal(facts.low, data.min(axis=1))
    np.testing.assert_array_equal(facts.high, data.max(axis=1))
    assert facts.typical > 0
    held = sum(length for _, length in facts.stuck["A1"])
    assert held == pytest.approx(2.0, abs=0.01)
    assert facts.stuck["A1"][0][0] == pytest.approx(10.0)
    assert facts.railed[1] > 0.02
    assert facts.railed[2] < 1e-3
    assert "A3" not in facts.stuck
