"""Ridge and support vectors: decode power, choose their penalty in training."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score

from mne_duin.baselines import make_band_power
from mne_duin.baselines._band_power import ALPHAS, CLASSIFIERS, PENALTIES


@pytest.fixture(scope="module")
def powers():
    """Class k has more power at a frequency of its own, at any phase."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    time = np.arange(500) / 500
    X = rng.standard_normal((60, 3, 500))
    phase = rng.uniform(0, 2 * np.pi, (60, 1))
    frequency = np.array([10.0, 20.0, 110.0])[y][:, None]
    X[:, 0] += np.sin(2 * np.pi * frequency * time + phase)
    return X * 1e-5, np.array(["ba", "da", "ga"])[y]


@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.by_default("ridge")
def test_power_is_decoded(powers, classifier):
    X, y = powers
    decoder = make_band_power(classifier, sfreq=500.0, calibrated=False)
    assert cross_val_score(decoder, X, y, cv=3).mean() > 0.9
    shuffled = np.random.default_rng(1).permutation(y)
    # Binomial(60, 1/3): 32 or more have a probability of 0.001.
    assert cross_val_score(decoder, X, shuffled, cv=3).mean() * 60 < 32
    assert clone(decoder).get_params()["features__features"] == "power"


@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.by_default("ridge")
def test_probabilities_and_pickle(powers, classifier):
    X, y = powers
    decoder = make_band_power(classifier, sfreq=500.0).fit(X[:40], y[:40])
    probability = decoder.predict_proba(X[40:])
    assert np.array_equal(
        decoder.classes_[probability.argmax(1)], decoder.predict(X[40:])
    )
    assert log_loss(y[40:], probability) < np.log(3)
    again = pickle.loads(pickle.dumps(decoder)).predict_proba(X[40:])
    assert np.array_equal(again, probability)
    plain = make_band_power(classifier, sfreq=500.0, calibrated=False)
    assert not hasattr(plain.fit(X, y), "predict_proba")


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_the_penalty_is_chosen_by_the_training_trials(powers, classifier):
    X, y = powers
    options = {"sfreq": 500.0, "calibrated": False}
    noise = np.random.default_rng(2).standard_normal(X.shape)
    chosen = []
    for data in (X, noise):
        last = make_band_power(classifier, **options).fit(data, y)[-1]
        chosen.append(last.alpha_ if classifier == "ridge" else last.best_params_["C"])
    assert {*chosen} <= {*(ALPHAS if classifier == "ridge" else PENALTIES)}
    # Noise calls for the stronger penalty: a high alpha, a low C.
    assert chosen[1] >= chosen[0] if classifier == "ridge" else chosen[1] <= chosen[0]


def test_messages(powers):
    X, y = powers
    with pytest.raises(ValueError, match="`classifier` must be one of 'ridge', 'svm'"):
        make_band_power("lda")
    with pytest.raises(TypeError, match="`calibrated` must be bool"):
        make_band_power(calibrated=1)
    with pytest.raises(ValueError, match="needs 3 trials of every class; `y` has 2"):
        make_band_power(sfreq=500.0).fit(X[:8], y[:8])
