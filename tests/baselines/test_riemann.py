"""The Riemannian pipeline decodes power, and only power."""

import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score

from mne_duin.baselines import make_riemann, make_xdawn_riemann
from mne_duin.baselines._riemann import BandSignal

pytest.importorskip("pyriemann")


@pytest.fixture(scope="module")
def powers():
    """Class 1 has more power at 100 Hz in one channel, class 2 in another one."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    time = np.arange(300) / 500
    X = rng.standard_normal((60, 4, 300))
    phase = rng.uniform(0, 2 * np.pi, (60, 1))
    wave = np.sin(2 * np.pi * 100 * time + phase)
    for channel in (1, 2):
        X[:, channel] += 1.0 * (y == channel)[:, None] * wave
    return X * 1e-5, y


@pytest.mark.parametrize("classifier", ["logistic", "lda"])
@pytest.mark.by_default("lda")
def test_power_is_decoded_in_its_band(powers, classifier):
    X, y = powers
    options = {"classifier": classifier, "sfreq": 500.0}
    inside = make_riemann(band=(80.0, 120.0), **options)
    assert cross_val_score(inside, X, y, cv=3).mean() > 0.8
    outside = make_riemann(band=(10.0, 40.0), **options)
    assert cross_val_score(outside, X, y, cv=3).mean() < 0.6
    assert clone(inside).get_params()["signal__band"] == (80.0, 120.0)


@pytest.mark.slow
def test_only_windows_know_when_something_happened(powers):
    X, _ = powers
    y = np.arange(60) % 2
    X = X.copy()
    X[y == 0, 3, :150] *= 3
    X[y == 1, 3, 150:] *= 3
    whole, halves = (make_riemann("lda", n_windows=n, sfreq=500.0) for n in (1, 2))
    assert cross_val_score(whole, X, y, cv=3).mean() < 0.7
    assert cross_val_score(halves, X, y, cv=3).mean() > 0.9
    assert halves.fit(X, y)[:2].transform(X).shape == (60, 2 * 10)


def test_calibration_changes_how_sure_it_is_and_nothing_else(powers):
    X, y = powers
    rng = np.random.default_rng(1)
    train = rng.permutation(60) < 40
    sure, calibrated = (
        make_riemann("lda", n_windows=4, sfreq=500.0, calibrated=flag)
        .fit(X[train], y[train])
        .predict_proba(X[~train])
        for flag in (False, True)
    )
    assert np.array_equal(sure.argmax(1), calibrated.argmax(1))
    assert log_loss(y[~train], calibrated) < log_loss(y[~train], sure)


def test_units_do_not_matter(powers):
    X, y = powers
    scaled = X * np.array([1.0, 1e3, 1e-2, 5.0])[:, None]
    one, other = (
        make_riemann(sfreq=500.0).fit(data, y).predict_proba(data)
        for data in (X, scaled)
    )
    assert np.allclose(one, other, atol=1e-3)


def test_messages(powers, monkeypatch):
    X, y = powers
    with pytest.raises(ValueError, match="sampling rate of an array is not known"):
        BandSignal((10.0, 20.0)).fit(X)
    with pytest.raises(ValueError, match="must lie below 250 Hz"):
        BandSignal((10.0, 300.0), sfreq=500.0).fit(X)
    with pytest.raises(ValueError, match="`classifier` must be one of 'logistic'"):
        make_riemann("svm")
    with pytest.raises(TypeError, match="`calibrated` must be bool"):
        make_riemann(calibrated=1)
    with pytest.raises(ValueError, match="`n_windows` must be at least 1; got 0"):
        make_riemann(n_windows=0)
    monkeypatch.setitem(sys.modules, "pyriemann.estimation", None)
    with pytest.raises(ImportError, match=r'pip install "mne-duin\[baselines\]"'):
        make_riemann()


@pytest.mark.parametrize(
    "calibrated", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_xdawn_decodes_what_is_locked_to_the_phase(powers, calibrated):
    X, y = powers
    options = {"sfreq": 500.0, "calibrated": calibrated}
    time = np.arange(300) / 500
    rng = np.random.default_rng(2)
    sign = np.array([-1.0, 0.0, 1.0])[y][:, None]
    locked, induced = X.copy(), X.copy()
    phase = rng.uniform(0, 2 * np.pi, (60, 1))
    locked[:, 3] += 1e-5 * sign * np.sin(2 * np.pi * 5 * time)
    induced[:, 3] += 1e-5 * np.sin(2 * np.pi * 5 * time + phase)
    decoder = make_xdawn_riemann(**options)
    assert cross_val_score(decoder, locked, y, cv=3).mean() > 0.9
    # Binomial(60, 1/3): 32 or more have a probability of 0.001.
    assert cross_val_score(decoder, induced, y, cv=3).mean() * 60 < 32


def test_xdawn_filters_per_class(powers):
    X, y = powers
    decoder = make_xdawn_riemann("lda", n_filters=2, sfreq=500.0).fit(X, y)
    rows = 2 * 2 * 3
    assert decoder[:2].transform(X).shape == (60, rows, rows)
    assert decoder[:3].transform(X).shape == (60, rows * (rows + 1) // 2)
    with pytest.raises(ValueError, match="`n_filters` must be at least 1; got 0"):
        make_xdawn_riemann(n_filters=0)
    with pytest.raises(ValueError, match="`classifier` must be one of 'logistic'"):
        make_xdawn_riemann("svm")
