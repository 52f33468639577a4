"""Band power in addition to the signal."""

import numpy as np
import pytest
from mne.utils import catch_logging, use_log_level
from sklearn.base import clone

from mne_duin import DuINClassifier
from mne_duin.baselines import EvokedPower
from mne_duin.estimators import _trained
from mne_duin.utils import _band_choice
from mne_duin.utils._band_choice import choose_bands
from mne_duin.utils._bands import BANDS, NAMED, add_bands
from mne_duin.utils._epochs import EpochsData

HIGH_GAMMA = {"high-gamma": BANDS["high-gamma"]}


def bursts(amplitude, *, frequency=100.0, n_times=2000, sfreq=1000.0):
    """A sine of high gamma in the second half, over weak noise."""
    rng = np.random.default_rng(0)
    time = np.arange(n_times) / sfreq
    signal = 0.01 * rng.standard_normal((2, 2, n_times))
    signal[:, 0, n_times // 2 :] += (
        amplitude * np.sin(2 * np.pi * frequency * time)[n_times // 2 :]
    )
    return signal


def test_power_of_a_sine_is_half_its_squared_amplitude():
    inputs = add_bands(bursts(3.0), 1000.0, HIGH_GAMMA)
    assert inputs.shape == (2, 4, 2000)
    np.testing.assert_allclose(inputs[0, 2, 1300:1700].mean(), np.log(4.5), atol=0.05)
    assert inputs[0, 2, :700].max() < np.log(4.5) - 4


@pytest.mark.parametrize("frequency", [10.0, 250.0])
def test_other_frequencies_are_left_out(frequency):
    inputs = add_bands(bursts(3.0, frequency=frequency), 1000.0, HIGH_GAMMA)
    assert inputs[0, 2, 1300:1700].max() < np.log(4.5) - 4


def test_signal_is_handed_on_and_epochs_do_not_depend_on_each_other():
    data = bursts(1.0).astype(np.float32)
    data[1] *= 100
    together = add_bands(data, 1000.0, HIGH_GAMMA)
    np.testing.assert_array_equal(together[:, :2], data)
    np.testing.assert_array_equal(together[:1], add_bands(data[:1], 1000.0, HIGH_GAMMA))


def test_scaling_a_channel_adds_a_constant():
    data = bursts(1.0)
    first, second = (
        add_bands(data, 1000.0, HIGH_GAMMA),
        add_bands(10 * data, 1000.0, HIGH_GAMMA),
    )
    np.testing.assert_allclose(second[:, 2:] - first[:, 2:], np.log(100), atol=1e-4)


def test_padded_channels_stay_zero():
    data = bursts(1.0)
    data[:, 1] = 0
    assert not add_bands(data, 1000.0, HIGH_GAMMA)[:, [1, 3]].any()


@pytest.mark.parametrize("name", BANDS)
def test_every_band_is_heard_alone(name):
    frequency = np.sqrt(np.prod(BANDS[name]))
    inputs = add_bands(bursts(3.0, frequency=frequency), 1000.0, BANDS)
    power = inputs[0, 2:].reshape(5, 2, 2000)[:, 0, 1300:1700].mean(-1)
    own = list(BANDS).index(name)
    assert power[own] == pytest.approx(np.log(4.5), abs=0.1)
    assert (np.delete(power, own) < np.log(4.5) - 1.5).all()


def epochs_with_bursts(amplitude):
    """Half of the epochs have bursts of 20 Hz with random phase in one channel."""
    rng = np.random.default_rng(0)
    y, data = np.repeat([0, 1], 30), rng.standard_normal((60, 2, 500))
    phase = rng.uniform(0, 2 * np.pi, (30, 1))
    time = np.arange(500) / 500.0
    data[30:, 0] += amplitude * np.sin(2 * np.pi * 20.0 * time + phase)
    order = rng.permutation(60)
    return EpochsData(data[order].astype(np.float32), 500.0), y[order]


def test_screening_keeps_high_gamma_and_what_differs_between_classes():
    epochs, y = epochs_with_bursts(1.0)
    always = ["high-gamma", "high-gamma-unmixed"]
    bands, unmixing, _ = choose_bands("screened", epochs, y)
    assert list(bands) == ["beta", "high-gamma", "beta-unmixed", "high-gamma-unmixed"]
    assert list(unmixing) == list(bands)[2:]
    shuffled = np.random.default_rng(1).permutation(y)
    bands, unmixing, _ = choose_bands("screened", epochs, shuffled)
    assert (list(bands), list(unmixing)) == (always, always[1:])
    two = np.arange(60) % 2
    bands, unmixing, _ = choose_bands("screened", epochs, y, two, 2)
    assert {"beta", "beta-unmixed"} < {*bands}
    assert unmixing["beta-unmixed"].shape == (2, 2, 2)


def test_bands_by_name_and_by_edges():
    epochs, y = epochs_with_bursts(1.0)
    assert choose_bands("raw", epochs) == ({}, {}, None)
    bands, unmixing, _ = choose_bands(("beta", "theta"), epochs)
    assert bands == {"theta": (4.0, 8.0), "beta": (13.0, 30.0)}
    assert unmixing == {}
    bands, unmixing, _ = choose_bands(("beta-unmixed", "beta"), epochs)
    assert bands == {"beta": (13.0, 30.0), "beta-unmixed": (13.0, 30.0)}
    assert unmixing["beta-unmixed"].shape == (1, 2, 2)
    own = {"mu": (9, 12), "mu-unmixed": (9, 12)}
    bands, unmixing, _ = choose_bands(own, epochs)
    assert (bands, list(unmixing)) == (own, ["mu-unmixed"])
    with pytest.raises(ValueError, match="`bands` has no gamma; the bands are theta"):
        choose_bands(["gamma"], epochs)
    with pytest.raises(TypeError, match="`bands` must be a list of names out of"):
        choose_bands("theta", epochs)


def test_of_one_channel_nothing_is_unmixed_or_counted_twice():
    epochs, y = epochs_with_bursts(1.0)
    one = EpochsData(epochs.data[:, :1], 500.0)
    bands, unmixing, _ = choose_bands("screened", one, y)
    assert {"beta", "high-gamma"} <= {*bands}
    assert not any(name.endswith("-unmixed") for name in bands)
    assert unmixing == {}
    # What is asked for alone stays, as a pre-trained codex has it.
    bands, unmixing, _ = choose_bands(["beta-unmixed"], one)
    assert list(bands) == ["beta-unmixed"]
    np.testing.assert_array_equal(unmixing["beta-unmixed"], [[[1.0]]])
    features = EvokedPower(sfreq=500.0, screening=None)
    several = features.fit_transform(epochs.data)
    assert features.fit_transform(one.data).shape[1] < several.shape[1] / 2
    assert not any(name.endswith("-unmixed") for name in features.bands_)


def test_bands_above_nyquist_are_left_out_and_named():
    epochs = EpochsData(np.ones((2, 2, 200), np.float32), 100.0)
    with use_log_level("INFO"), catch_logging() as log:
        bands, _, _ = choose_bands(tuple(NAMED), epochs)
    assert list(bands)[:3] == ["theta", "alpha", "beta"]
    assert list(bands)[3:] == [f"{name}-unmixed" for name in list(bands)[:3]]
    assert "low-gamma (30-70 Hz), high-gamma (70-150 Hz) cannot" in log.getvalue()


def count_calls(monkeypatch):
    """Return a list that grows with every computation of power."""
    calls = []
    for module in (_trained, _band_choice):
        original = module.add_bands
        monkeypatch.setattr(
            module, "add_bands", lambda *a, f=original: calls.append(1) or f(*a)
        )
    return calls


@pytest.mark.parametrize("fraction", [0.0, 0.25])
def test_power_is_computed_once_in_a_fit(monkeypatch, fraction):
    epochs, y = epochs_with_bursts(1.0)
    X, calls = epochs.data.copy(), count_calls(monkeypatch)
    options = {"n_layers": 1, "max_iter": 1, "validation_fraction": fraction}
    classifier = DuINClassifier(
        sfreq=500.0, random_state=0, verbose=False, **options
    ).fit(X, y)
    assert len(calls) == 1
    np.testing.assert_array_equal(X, epochs.data)
    # Without what was kept the power is computed again, and nothing differs.
    monkeypatch.setattr(EpochsData, "known_inputs", None)
    again = clone(classifier).fit(X, y)
    assert len(calls) > 3
    np.testing.assert_array_equal(classifier.predict_proba(X), again.predict_proba(X))
