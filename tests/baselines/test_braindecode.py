"""Networks of braindecode in our folds; make test-braindecode installs it."""

import sys
import types

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from toy_networks import TRAINING, as_epochs, simulate

from mne_duin import EEGConformer, evaluate, read_baseline
from mne_duin.baselines import BraindecodeNetwork, make_braindecode, make_estimator
from mne_duin.baselines.networks._braindecode import RATES, UNRELEASED, import_models

# Epochs of a second are shorter than what ATCNet was made for; it shrinks its layers.
pytestmark = [
    pytest.mark.filterwarnings("ignore:n_times .* is smaller than the minimum"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
]
RELEASED = [name for name in RATES if name not in UNRELEASED]
SMALL = {"Labram": {"num_layers": 1}, "EEGConformer": {"num_layers": 1}}


@pytest.fixture(scope="module")
def models():
    reason = "braindecode has an environment of its own: make test-braindecode"
    try:
        return import_models()
    except ImportError:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def trials():
    X, y = simulate(n_times=1000)
    return as_epochs(X, run=np.repeat(["1", "2"], 12)), y


def make(name, **changes):
    options = {"network_params": SMALL.get(name), "max_iter": 3, "lr": 1e-3}
    return make_braindecode(name, **TRAINING | options | changes)


@pytest.mark.parametrize("name", RELEASED)
def test_a_network_in_our_folds(name, models, trials):
    epochs, y = trials
    estimator = make(name)
    assert clone(estimator).get_params() == estimator.get_params()
    result = evaluate(estimator, epochs, y, cv="leave-one-run-out", verbose=False)
    assert result.probabilities.shape == (24, 2)
    assert np.allclose(result.probabilities.sum(1), 1)
    fitted = estimator.fit(epochs, y)
    assert fitted.fit_groups_ == {"1", "2"}
    assert fitted.n_times_ == RATES[name]
    assert type(fitted.module_.network).__name__ == name


@pytest.mark.parametrize("name", RELEASED)
def test_gradient_and_seed(name, models, trials):
    before = torch.get_rng_state()
    first, again = (make(name, max_iter=1).fit(*trials) for _ in range(2))
    other = make(name, max_iter=1, random_state=1).fit(*trials)
    assert torch.equal(before, torch.get_rng_state())
    scores = [e.decision_function(trials[0]) for e in (first, again, other)]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


@pytest.mark.parametrize("name", RELEASED)
def test_saved_and_read_again(name, models, trials, tmp_path):
    fitted = make(name, max_iter=1).fit(*trials)
    again = read_baseline(fitted.save(tmp_path / "model"))
    expected = fitted.predict_proba(trials[0])
    assert np.array_equal(again.predict_proba(trials[0]), expected)
    assert again.get_params() == fitted.get_params()


@pytest.mark.parametrize("name", ["EEGNet", "ShallowFBCSPNet"])
def test_words_of_new_epochs_are_named(name, models, trials):
    X, y = simulate(40, n_times=1000, seed=1)
    params = {"drop_prob": 0.0}
    estimator = make(name, max_iter=40, lr=5e-3, network_params=params).fit(*trials)
    # Binomial(40, 0.5): 30 or more have a probability of 0.001.
    assert estimator.score(as_epochs(X), y) * 40 >= 30


def test_our_conformer_has_as_many_parameters(models):
    network = models.EEGConformer(n_chans=10, n_outputs=61, n_times=3000, sfreq=1000.0)
    ours = EEGConformer()
    ours.classes_ = np.arange(61)
    sizes = [
        sum(parameter.numel() for parameter in module.parameters())
        for module in (network, ours._build(10, 3000))
    ]
    assert sizes[0] == sizes[1]


def test_what_a_release_has_not(models):
    missing = [name for name in RATES if not hasattr(models, name)]
    for name in missing:
        message = rf"braindecode \d.*, which is installed, has no {name}; EEGNet, "
        with pytest.raises(ImportError, match=message):
            make_braindecode(name)
    with pytest.raises(ValueError, match="`name` must be one of 'EEGNet'"):
        make_braindecode("ResNet")
    estimator = make_estimator("braindecode-atcnet", random_state=3)
    assert (estimator.network, estimator.random_state) == ("ATCNet", 3)


def test_lengths(models, trials):
    epochs, y = trials
    with pytest.raises(ValueError, match="Labram sees whole patches of 1 s; `X` has e"):
        make("Labram").fit(epochs.copy().crop(0, 0.5), y)
    with pytest.raises(ValueError, match="cannot make ShallowFBCSPNet for 4 channels"):
        make("ShallowFBCSPNet").fit(epochs.copy().crop(0, 0.1), y)
    longer = as_epochs(simulate(n_times=1200)[0])
    assert make("Labram", max_iter=1).fit(longer, y).n_times_ == 200
    scores = cross_val_score(make("EEGNet", max_iter=1), epochs, y, cv=2)
    assert np.isfinite(scores).all()


def test_without_braindecode_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "braindecode.models", None)
    with pytest.raises(ImportError, match=r'pip install "mne-duin\[braindecode\]"'):
        make_braindecode("EEGNet")


def test_a_release_without_the_network_is_named(monkeypatch):
    package, own = types.ModuleType("braindecode"), types.ModuleType("models")
    package.__version__, own.EEGNet = "1.8.1", torch.nn.Identity
    monkeypatch.setitem(sys.modules, "braindecode", package)
    monkeypatch.setitem(sys.modules, "braindecode.models", own)
    with pytest.raises(
        ImportError, match=r"braindecode 1\.8\.1, .* has no Brant; EEGN"
    ):
        make_braindecode("Brant")
    assert make_braindecode("EEGNet").network_sfreq == 250
    X, y = simulate(n_times=1000)
    with pytest.raises(TypeError, match="`network_params` must be dict or NoneType"):
        BraindecodeNetwork(**TRAINING, network_params=3).fit(X, y, sfreq=1000)
