"""Evoked and high-gamma features: what they measure, and scikit-learn's contract."""

import mne
import numpy as np
import pytest
from scipy.stats import f_oneway
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from mne_duin.baselines import EvokedHighGamma, EvokedPower
from mne_duin.utils._bands import BANDS
from mne_duin.utils._screening import group_p_value

SFREQ = 500.0


@pytest.fixture
def data():
    return np.random.default_rng(0).normal(size=(6, 3, 750)).astype(np.float32)


def tone(frequency, amplitude=1.0, seconds=2.0):
    time = np.arange(0.0, seconds, 1.0 / SFREQ)
    return amplitude * np.sin(2 * np.pi * frequency * time)[None, None]


@pytest.mark.parametrize(
    ("features", "n_features"),
    [
        ("evoked", 180),
        ("high-gamma", 180),
        ("both", 360),
        ("power", 450),
        ("all", 630),
    ],
)
def test_number_of_features(data, features, n_features):
    extract = EvokedPower(features, sfreq=SFREQ)
    assert extract.fit_transform(data).shape == (6, n_features)
    assert extract.n_features_out_ == n_features
    plain = EvokedPower(features, sfreq=SFREQ, unmixed=False).fit_transform(data)
    # Power once instead of twice; the evoked signal stays as it is.
    n_evoked = 180 if features in ("evoked", "both", "all") else 0
    assert plain.shape == (6, n_evoked + (n_features - n_evoked) // 2)


def test_unmixed_power_is_that_of_the_unmixed_signal(data):
    mixed = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]) @ data
    extract = EvokedPower("high-gamma", sfreq=SFREQ).fit(mixed)
    unmixed = extract.unmixing_["high-gamma-unmixed"] @ mixed
    plain = EvokedPower("high-gamma", sfreq=SFREQ, unmixed=False)
    own = extract.groups_["high-gamma-unmixed"]
    np.testing.assert_allclose(
        extract.transform(mixed)[:, own], plain.fit_transform(unmixed), atol=1e-6
    )
    # Later epochs with other correlations are multiplied by the same matrix.
    unmixed = extract.unmixing_["high-gamma-unmixed"] @ data
    np.testing.assert_allclose(
        extract.transform(data)[:, own], plain.fit_transform(unmixed), atol=1e-5
    )


def test_both_is_evoked_then_high_gamma(data):
    parts = [
        EvokedPower(kind, sfreq=SFREQ).fit_transform(data)
        for kind in ("evoked", "high-gamma", "both")
    ]
    np.testing.assert_array_equal(np.hstack(parts[:2]), parts[2])


def test_all_is_evoked_then_power(data):
    parts = [
        EvokedPower(kind, sfreq=SFREQ).fit_transform(data)
        for kind in ("evoked", "power", "all")
    ]
    np.testing.assert_array_equal(np.hstack(parts[:2]), parts[2])


def test_epochs_arrays_and_lists_give_the_same_features(data):
    epochs = mne.EpochsArray(data, mne.create_info(3, SFREQ, "seeg"))
    from_array = EvokedPower(sfreq=SFREQ).fit_transform(data)
    extract = EvokedPower()
    np.testing.assert_array_equal(extract.fit_transform(epochs), from_array)
    listed = extract.transform([epochs[n] for n in range(6)])
    np.testing.assert_array_equal(listed, from_array)


def test_every_epoch_is_treated_alone(data):
    extract = EvokedPower(sfreq=SFREQ).fit(data)
    together = extract.transform(data)
    np.testing.assert_allclose(extract.transform(data[2:3]), together[2:3])


def test_evoked_keeps_a_slow_wave_and_drops_a_fast_one():
    slow = EvokedPower("evoked", sfreq=SFREQ).fit_transform(tone(4.0))[0]
    fast = EvokedPower("evoked", sfreq=SFREQ).fit_transform(tone(60.0))[0]
    assert slow[8:-8].max() == pytest.approx(1.0, abs=0.05)
    assert np.abs(fast[8:-8]).max() < 0.01


@pytest.mark.parametrize("amplitude", [1e-6, 1.0, 50.0])
def test_high_gamma_is_the_log_power_of_the_band(amplitude):
    inside = EvokedPower("high-gamma", sfreq=SFREQ).fit_transform(
        tone(100.0, amplitude)
    )[0]
    outside = EvokedPower("high-gamma", sfreq=SFREQ).fit_transform(
        tone(20.0, amplitude)
    )[0]
    np.testing.assert_allclose(inside[4:-4], 2 * np.log(amplitude), atol=0.1)
    assert (outside[4:-4] < inside[4:-4] - 7).all()


def test_bins_cover_every_sample_once():
    extract = EvokedPower(sfreq=SFREQ).fit(tone(5.0))
    ramp = np.arange(1000.0)[None, None]
    bins = extract._bins(ramp, 0.03)
    assert bins.shape == (1, 1, 67)
    sizes = np.full(67, 15.0)
    sizes[-1] = 10.0
    assert (bins[0, 0] * sizes).sum() == pytest.approx(ramp.sum())


def test_clone_has_the_same_parameters():
    extract = EvokedPower("evoked", sfreq=300.0, evoked_bin=0.05)
    assert clone(extract).get_params() == extract.get_params()


def test_not_fitted(data):
    with pytest.raises(NotFittedError, match="EvokedPower instance is not fitted"):
        EvokedPower(sfreq=SFREQ).transform(data)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"features": "theta"}, "`features` must be one of 'evoked', 'high-gamma'"),
        ({"sfreq": None}, "sampling rate of an array is not known; give it as `sfreq`"),
        (
            {"sfreq": 250.0, "features": "high-gamma"},
            "250 Hz is too low: high-gamma features reach up to 150 Hz and",
        ),
        ({"evoked_bin": 0.0}, "`evoked_bin` must be above 0.0; got 0.0"),
        ({"bands": ["mu"]}, "`bands` has no mu; the bands are theta, alpha, beta, low"),
        ({"bands": {"mu": (12.0, 8.0)}}, "`bands.'mu'..0.` must be above 0.0 and at"),
        ({"input": "high-gamma", "features": "both"}, "have no evoked signal; `feat"),
        ({"screening": 2.0}, "`screening` must be at least 0.0 and at most 1.0"),
        ({"high_gamma_band": (80.0, 70.0)}, "`high_gamma_band.0.` must be above 0"),
        ({"sfreq": 4000.0}, "Epochs must last at least 0.25 s; got 0.1875 s"),
    ],
)
def test_parameters_are_checked_at_fit(data, parameters, message):
    extract = EvokedPower(**({"sfreq": SFREQ} | parameters))
    with pytest.raises(ValueError, match=message):
        extract.fit(data)


def test_size_must_be_that_of_fit(data):
    extract = EvokedPower(sfreq=SFREQ).fit(data)
    with pytest.raises(ValueError, match=r"as at fit; got \(2, 750, 500.0\)"):
        extract.transform(data[:, :2])


@pytest.mark.parametrize("band", BANDS)
def test_every_band_is_heard_by_its_own_features(band):
    low, high = BANDS[band]
    extract = EvokedPower(sfreq=SFREQ).fit(tone(5.0))
    inside = extract.transform(tone((low * high) ** 0.5))[0]
    others = [extract.transform(tone(f))[0] for f in (low / 2, 1.6 * high)]
    middle = slice(*np.array(extract.groups_[band].indices(10**6)[:2]) + [4, -4])
    np.testing.assert_allclose(inside[middle], 0.0, atol=0.3)
    assert all((other[middle] < inside[middle] - 2).all() for other in others)


@pytest.mark.parametrize(
    ("sfreq", "bands"),
    [
        (50.0, ["theta", "alpha"]),
        (100.0, ["theta", "alpha", "beta"]),
        (250.0, ["theta", "alpha", "beta", "low-gamma"]),
        (512.0, ["high-gamma", "theta", "alpha", "beta", "low-gamma"]),
        (2048.0, ["high-gamma", "theta", "alpha", "beta", "low-gamma"]),
    ],
)
def test_any_sampling_rate_and_bands_above_nyquist_are_named(sfreq, bands):
    data = np.random.default_rng(0).normal(size=(4, 2, int(sfreq)))
    with mne.utils.use_log_level("INFO"), mne.utils.catch_logging() as log:
        extract = EvokedPower(sfreq=sfreq).fit(data)
    unmixed = [f"{name}-unmixed" for name in bands]
    assert list(extract.bands_) == bands + unmixed
    assert list(extract.unmixing_) == unmixed
    assert np.isfinite(extract.transform(data)).all()
    left_out = [name for name in BANDS if name not in bands]
    said = log.getvalue()
    assert all(name in said for name in left_out)
    assert bool(left_out) == ("left out" in said)


def test_unmixed_bands_can_be_named():
    X = np.random.default_rng(0).standard_normal((6, 2, 500))
    options = {"sfreq": SFREQ, "bands": ["theta", "beta-unmixed"]}
    assert list(EvokedPower("power", **options).fit(X).bands_) == [
        "high-gamma",
        "theta",
        "beta-unmixed",
        "high-gamma-unmixed",
        "theta-unmixed",
    ]
    extract = EvokedPower("power", unmixed=False, **options).fit(X)
    assert list(extract.bands_) == ["high-gamma", "theta", "beta-unmixed"]
    assert list(extract.unmixing_) == ["beta-unmixed"]
    own = {"mu": (8.0, 12.0), "mu-unmixed": (9.0, 11.0)}
    extract = EvokedPower("power", sfreq=SFREQ, bands=own).fit(X)
    assert extract.bands_["mu-unmixed"] == (9.0, 11.0)
    assert extract.transform(X).shape == (6, extract.n_features_out_)


def test_high_gamma_that_is_power_already_is_averaged_in_bins():
    power = np.random.default_rng(0).exponential(size=(3, 2, 100))
    features = EvokedPower(input="high-gamma", sfreq=100.0).fit_transform(power)
    expected = power.astype(np.float32).reshape(3, 2, 20, 5).mean(-1).reshape(3, -1)
    np.testing.assert_allclose(features, expected, rtol=1e-6)


def test_a_band_without_information_is_left_out():
    rng = np.random.default_rng(0)
    y, data = np.repeat([0, 1], 30), rng.normal(size=(60, 2, 500))
    phase = rng.uniform(0, 2 * np.pi, (60, 1, 1))
    time = np.arange(500) / SFREQ
    data += (y[:, None, None] == 1) * np.sin(2 * np.pi * 20.0 * time + phase)
    extract = EvokedPower(sfreq=SFREQ)
    features = extract.fit_transform(data, y)
    assert "beta" in extract.bands_
    assert "theta" not in extract.bands_
    assert {name for name in extract.bands_ if "unmixed" in name} == {
        *extract.unmixing_
    }
    np.testing.assert_array_equal(features, extract.transform(data))
    everything = EvokedPower(sfreq=SFREQ, screening=None).fit(data, y)
    names = ["high-gamma", *list(BANDS)[:4]]
    assert list(everything.bands_) == names + [f"{name}-unmixed" for name in names]


def test_permutation_test_holds_its_level_and_finds_one_feature_of_many():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 8)
    noise = rng.normal(size=(100, 24, 12)).cumsum(-1)
    p_values = np.array([group_p_value(one, y) for one in noise])
    assert 0.01 < (p_values <= 0.05).mean() < 0.1
    signal = noise[0].copy()
    signal[:, 3] += 6 * y
    assert f_oneway(*(signal[y == label, 3] for label in range(3))).pvalue < 1e-4
    assert group_p_value(signal, y) <= 0.02
    assert group_p_value(signal, np.arange(24)) == 1.0


def test_the_former_name_warns_and_gives_the_same_features(data):
    new = EvokedPower("both", sfreq=SFREQ, unmixed=False).fit_transform(data)
    with pytest.warns(FutureWarning, match=r"now EvokedPower\(features='both', "):
        old = EvokedHighGamma(sfreq=SFREQ).fit_transform(data)
    np.testing.assert_array_equal(old, new)


def test_power_keeps_its_bands_where_none_passes_the_screening():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 2, 200)), np.arange(12) % 2
    with mne.utils.use_log_level("ERROR"):
        extract = EvokedPower("power", sfreq=100.0, screening=0.0).fit(X, y)
    names = ["theta", "alpha", "beta"]
    assert list(extract.bands_) == names + [f"{name}-unmixed" for name in names]
    with (
        mne.utils.use_log_level("ERROR"),
        pytest.raises(ValueError, match="10 Hz is too low"),
    ):
        EvokedPower("power", sfreq=10.0).fit(X, y)
