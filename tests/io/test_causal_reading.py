"""Causal filters: no sample of the future, and the same however a recording is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mne_duin import find_recordings, read_epochs, read_segments, sample_data_path
from mne_duin.io._preparation import noted_preparation
from mne_duin.io._processing import Processing
from mne_duin.utils._epochs import CAUSAL, ZERO_PHASE

RATES = [(512.0, 1000.0), (2048.0, 1000.0), (2000.0, 1000.0), (500.0, 500.0)]


def process(rate, sfreq):
    return Processing(0.5, 90.0, (50.0,), rate, sfreq, causal=True)


@settings(deadline=None, max_examples=20)
@given(
    rates=st.sampled_from(RATES),
    begin=st.integers(0, 700),
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=12),
)
def test_pieces_join_to_the_whole(rates, begin, sizes):
    rng = np.random.default_rng(len(sizes))
    data = 100 + rng.standard_normal((2, sum(sizes)))
    whole = process(*rates).start(2, begin)
    expected = whole.push(data)
    chain = process(*rates).start(2, begin)
    edges = np.cumsum([0, *sizes])
    parts = [
        chain.push(data[:, a:b]) for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]
    found = np.concatenate([np.empty((2, 0)), *parts], axis=1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert chain.n_out == whole.n_out
    up, down = process(*rates).ratio
    if data.size:
        assert whole.n_out == -(-(begin + sum(sizes)) * up // down)


@pytest.mark.parametrize(("rate", "sfreq"), RATES)
def test_nothing_is_known_of_the_future(rate, sfreq):
    rng = np.random.default_rng(0)
    data = rng.standard_normal((1, 3000))
    changed = data.copy()
    changed[:, 2000:] += 5.0
    one, other = (process(rate, sfreq).start(1).push(x) for x in (data, changed))
    before = int(np.ceil(2000 / rate * sfreq))
    np.testing.assert_array_equal(one[:, :before], other[:, :before])
    assert np.abs(one[:, before + 20 :] - other[:, before + 20 :]).max() > 0.1


@pytest.mark.parametrize(("rate", "sfreq"), RATES)
def test_pass_band_and_stop_band(rate, sfreq):
    time = np.arange(round(20 * rate)) / rate

    def gain(hertz):
        wave = np.sin(2 * np.pi * hertz * time)[None]
        out = process(rate, sfreq).start(1).push(wave)
        return np.sqrt(2 * np.mean(out[:, len(out[0]) // 2 :] ** 2))

    assert gain(10.0) == pytest.approx(1.0, abs=0.02)
    assert gain(70.0) > 0.75
    assert gain(0.1) < 0.05
    assert gain(50.0) < 0.01
    assert gain(200.0) < 0.06


def test_an_offset_makes_no_transient():
    out = process(500.0, 500.0).start(1).push(np.full((1, 1000), 3e-3))
    assert np.abs(out).max() < 1e-9


@pytest.fixture(scope="module")
def path():
    return find_recordings(sample_data_path(), subject="02", run="1")[0]


def test_epochs_say_how_they_were_filtered(path):
    words = ["gangqin", "doufu"]
    causal, contacts = read_epochs(path, words, causal=True, verbose="error")
    plain, others = read_epochs(path, words, verbose="error")
    assert causal.info["description"] == CAUSAL
    assert plain.info["description"] == ZERO_PHASE
    assert contacts.attrs["processing"]["causal"] is True
    assert others.attrs["processing"]["causal"] is False
    assert len(causal) == len(plain)
    done = noted_preparation(contacts)
    assert done.ch_names == causal.ch_names
    assert (done.n_times, done.tmin) == (len(causal.times), causal.tmin)


def test_segments_are_causal_too(path):
    segments, contacts = read_segments(path, causal=True, verbose="error")
    assert segments.info["description"] == CAUSAL
    assert contacts.attrs["processing"]["causal"] is True


def test_causal_is_true_or_false(path):
    with pytest.raises(TypeError, match="causal"):
        read_epochs(path, causal="yes", verbose="error")
