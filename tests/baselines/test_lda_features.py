"""Evoked and high-gamma features: what they measure, and scikit-learn's contract."""

import mne
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from mne_duin.baselines import EvokedHighGamma

SFREQ = 500.0


@pytest.fixture
def data():
    return np.random.default_rng(0).normal(size=(6, 3, 750)).astype(np.float32)


def tone(frequency, amplitude=1.0, seconds=2.0):
    time = np.arange(0.0, seconds, 1.0 / SFREQ)
    return amplitude * np.sin(2 * np.pi * frequency * time)[None, None]


@pytest.mark.parametrize(
    ("features", "n_features"), [("evoked", 180), ("high-gamma", 90), ("both", 270)]
)
def test_number_of_features(data, features, n_features):
    extract = EvokedHighGamma(features, sfreq=SFREQ)
    assert extract.fit_transform(data).shape == (6, n_features)
    assert extract.n_features_out_ == n_features


def test_both_is_evoked_then_high_gamma(data):
    parts = [
        EvokedHighGamma(kind, sfreq=SFREQ).fit_transform(data)
        for kind in ("evoked", "high-gamma", "both")
    ]
    np.testing.assert_array_equal(np.hstack(parts[:2]), parts[2])


def test_epochs_arrays_and_lists_give_the_same_features(data):
    epochs = mne.EpochsArray(data, mne.create_info(3, SFREQ, "seeg"))
    from_array = EvokedHighGamma(sfreq=SFREQ).fit_transform(data)
    extract = EvokedHighGamma()
    np.testing.assert_array_equal(extract.fit_transform(epochs), from_array)
    listed = extract.transform([epochs[n] for n in range(6)])
    np.testing.assert_array_equal(listed, from_array)


def test_every_epoch_is_treated_alone(data):
    extract = EvokedHighGamma(sfreq=SFREQ).fit(data)
    together = extract.transform(data)
    np.testing.assert_allclose(extract.transform(data[2:3]), together[2:3])


def test_evoked_keeps_a_slow_wave_and_drops_a_fast_one():
    slow = EvokedHighGamma("evoked", sfreq=SFREQ).fit_transform(tone(4.0))[0]
    fast = EvokedHighGamma("evoked", sfreq=SFREQ).fit_transform(tone(60.0))[0]
    assert slow[8:-8].max() == pytest.approx(1.0, abs=0.05)
    assert np.abs(fast[8:-8]).max() < 0.01


@pytest.mark.parametrize("amplitude", [1e-6, 1.0, 50.0])
def test_high_gamma_is_the_log_power_of_the_band(amplitude):
    inside = EvokedHighGamma("high-gamma", sfreq=SFREQ).fit_transform(
        tone(100.0, amplitude)
    )[0]
    outside = EvokedHighGamma("high-gamma", sfreq=SFREQ).fit_transform(
        tone(20.0, amplitude)
    )[0]
    np.testing.assert_allclose(inside[4:-4], 2 * np.log(amplitude), atol=0.1)
    assert (outside[4:-4] < inside[4:-4] - 7).all()


def test_bins_cover_every_sample_once():
    extract = EvokedHighGamma(sfreq=SFREQ).fit(tone(5.0))
    ramp = np.arange(1000.0)[None, None]
    bins = extract._bins(ramp, 0.03)
    assert bins.shape == (1, 1, 67)
    sizes = np.full(67, 15.0)
    sizes[-1] = 10.0
    assert (bins[0, 0] * sizes).sum() == pytest.approx(ramp.sum())


def test_clone_has_the_same_parameters():
    extract = EvokedHighGamma("evoked", sfreq=300.0, evoked_bin=0.05)
    assert clone(extract).get_params() == extract.get_params()


def test_not_fitted(data):
    with pytest.raises(NotFittedError, match="EvokedHighGamma instance is not fitted"):
        EvokedHighGamma(sfreq=SFREQ).transform(data)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"features": "theta"}, "`features` must be one of 'evoked', 'high-gamma'"),
        ({"sfreq": None}, "sampling rate of an array is not known; give it as `sfreq`"),
        ({"sfreq": 250.0}, "250 Hz is too low: both features reach up to 150 Hz and"),
        ({"evoked_bin": 0.0}, "`evoked_bin` must be at least 0.004; got 0.0"),
        ({"high_gamma_band": (80.0, 70.0)}, "`high_gamma_band.0.` must be above 0"),
        ({"sfreq": 4000.0}, "Epochs must last at least 0.25 s; got 0.1875 s"),
    ],
)
def test_parameters_are_checked_at_fit(data, parameters, message):
    extract = EvokedHighGamma(**({"sfreq": SFREQ} | parameters))
    with pytest.raises(ValueError, match=message):
        extract.fit(data)


def test_size_must_be_that_of_fit(data):
    extract = EvokedHighGamma(sfreq=SFREQ).fit(data)
    with pytest.raises(ValueError, match=r"as at fit; got \(2, 750, 500.0\)"):
        extract.transform(data[:, :2])
