"""Copies of trials are found, whatever their gain, and nothing else is."""

import numpy as np
import pytest

from mne_duin.utils._epochs import peak_to_peak, usual_limits
from mne_duin.utils._similarity import same_trials


def make_trials(n_trials=40, n_channels=6, n_times=300, seed=0):
    """Brown noise, as slow as recordings are."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.standard_normal((n_trials, n_channels, n_times)), axis=2)


@pytest.mark.parametrize("gain", [1.0, -1.0, 1e-6, 40.0])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_copies_are_found(gain, noise):
    first, second = make_trials(seed=0), make_trials(seed=1)
    rng = np.random.default_rng(2)
    scale = first[7].std(axis=1, keepdims=True)
    second[3] = first[7] + noise * scale * rng.standard_normal(first[7].shape)
    second[3] = gain * second[3] + 5.0
    assert same_trials(first, second) == ([(7, 3)] if gain > 0 else [])


def test_nothing_is_found_among_different_trials():
    trials = make_trials(80)
    assert same_trials(trials, trials) == [(i, i) for i in range(80)]
    assert same_trials(trials[:40], trials[40:]) == []
    assert same_trials(trials[:, :1], make_trials(80, seed=5)[:, :1]) == []


def test_constant_channels_do_not_count():
    first, second = make_trials(4), make_trials(4, seed=1)
    second[0, :5] = first[2, :5]
    for trials in (first, second):
        trials[:, 5] = 0
    assert same_trials(first, second) == [(2, 0)]
    assert same_trials(0 * first, 0 * second) == []


def test_limits_follow_the_median():
    trials = make_trials(30)
    peaks = peak_to_peak(trials)
    np.testing.assert_allclose(peaks, np.ptp(trials, axis=2))
    limits = usual_limits(peaks)
    assert not (peaks > limits).any()
    trials[4, 2] *= 100
    far = peak_to_peak(trials) > usual_limits(peak_to_peak(trials))
    assert np.argwhere(far).tolist() == [[4, 2]]
    assert np.isinf(usual_limits(peaks[:4])).all()
    assert np.isinf(usual_limits(0 * peaks)).all()
