"""MultiRocket-Hydra, where aeon is installed."""

import pickle
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from mne_duin.baselines import RandomConvolutions, make_multirocket_hydra

SMALL = {"n_kernels": 84, "hydra_kernels": 2, "hydra_groups": 4, "random_state": 0}


def test_without_aeon_the_message_says_how_to_install_it(monkeypatch):
    module = "aeon.transformations.collection.convolution_based"
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'pip install "mne-duin\[aeon\]"'):
        make_multirocket_hydra()


def simulate(n_epochs=40, n_times=128):
    rng = np.random.default_rng(0)
    y = np.arange(n_epochs) % 2
    wave = np.sin(2 * np.pi * np.arange(n_times) / 16)
    X = rng.standard_normal((n_epochs, 2, n_times))
    X[:, 0] += y[:, None] * wave
    return 1e-5 * X, np.array(["no", "yes"])[y]


@pytest.fixture(scope="module")
def trials():
    reason = "aeon is an extra of its own: it holds numpy and pandas back"
    pytest.importorskip("aeon", reason=reason)
    return simulate()


def test_it_decodes_and_is_kept(trials):
    X, y = trials
    decoder = make_multirocket_hydra(**SMALL)
    # Binomial(40, 0.5): 30 or more have a probability of 0.001.
    assert cross_val_score(decoder, X, y, cv=4).mean() * 40 >= 30
    copy = clone(decoder)
    assert copy.get_params()["convolutions__n_kernels"] == 84
    probability = decoder.fit(X, y).predict_proba(X)
    assert np.allclose(probability.sum(1), 1)
    again = pickle.loads(pickle.dumps(decoder)).predict_proba(X)
    assert np.array_equal(again, probability)


def test_the_seed_decides_and_global_randomness_is_left_alone(trials):
    X, _ = trials
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again = (RandomConvolutions(**SMALL).fit_transform(X) for _ in range(2))
    other = RandomConvolutions(**SMALL | {"random_state": 1}).fit_transform(X)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_every_epoch_is_treated_alone(trials):
    X, _ = trials
    features = RandomConvolutions(**SMALL).fit(X)
    together = features.transform(X)
    np.testing.assert_allclose(features.transform(X[3:5]), together[3:5], rtol=1e-5)
    assert np.isfinite(together).all()


def test_the_classes_of_aeon_name_the_same(trials):
    aeon = pytest.importorskip("aeon.classification.convolution_based")
    X, y = trials
    scaled = X / X.std((0, 2), keepdims=True)
    theirs = aeon.MultiRocketHydraClassifier(2, 4, random_state=0)
    theirs.fit(scaled[:30], y[:30])
    ours = make_multirocket_hydra(random_state=0, calibrated=False)
    ours.fit(X[:30], y[:30])
    assert (theirs.predict(scaled[30:]) == ours.predict(X[30:])).mean() >= 0.8


def test_messages(trials):
    X, y = trials
    with pytest.raises(ValueError, match="at least 10 samples.*; got 9"):
        make_multirocket_hydra(**SMALL).fit(X[..., :9], y)
    with pytest.raises(ValueError, match="`n_kernels` must be at least 84; got 1"):
        make_multirocket_hydra(n_kernels=1).fit(X, y)
    with pytest.raises(TypeError, match="`calibrated` must be bool"):
        make_multirocket_hydra(calibrated=1)
