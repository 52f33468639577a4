"""The three measures on a recording of which one channel tells the class."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional
from toy_trials import CLASSIFIER, PLANTED, TRAINING, as_epochs, fit_vqvae, simulate

from mne_duin.estimators import DuINClassifier, DuINMAE, DuINVQVAE
from mne_duin.estimators._contributions import N_SHUFFLES, other_epochs

TRAIN = CLASSIFIER | {"max_iter": 10, "n_filters": 8}


@pytest.fixture(
    scope="module", params=["raw", ("high-gamma",)], ids=["signal", "high-gamma"]
)
def planted(request):
    X, y = simulate(96, 6, 300, seed=8)
    names = ["a", "b", "hot", "d", "e", "f"]
    epochs, held_out = as_epochs(X[:64], names=names), as_epochs(X[64:], names=names)
    clf = DuINClassifier(**TRAIN, bands=request.param).fit(epochs, y[:64])
    assert clf.score(held_out, y[64:]) > 0.8
    return clf, held_out, y[64:]


@pytest.mark.parametrize("method", ["permutation", "patterns"])
@pytest.mark.by_default("signal-permutation", "signal-patterns")
def test_the_planted_channel_is_the_hottest(method, planted):
    clf, X, y = planted
    values = clf.channel_contributions(method, X=X, y=y)
    assert values.index.tolist() == clf.ch_names_
    assert values.index.name == "name"
    assert values.name == method
    assert values.idxmax() == "hot"
    assert values["hot"] > 1.2 * values.drop("hot").max()


def test_ablation_is_the_rise_of_the_loss(planted):
    clf, X, y = planted
    index = torch.from_numpy(np.searchsorted(clf.classes_, y))
    x, subject = clf._scaled(clf._check_fitted(X))
    rng = np.random.default_rng(0)
    donors = [other_epochs(x, subject, rng) for _ in range(N_SHUFFLES)]
    silent = [PLANTED, PLANTED + 6][: 1 + len(clf.bands_)]
    losses = []
    for donor in [np.arange(len(x)), *donors]:
        inputs = x.copy()
        inputs[:, silent] = x[donor][:, silent]
        scores = clf.module_(torch.from_numpy(inputs)).detach()
        losses.append(functional.cross_entropy(scores, index).item())
    values = clf.channel_contributions("permutation", X=X, y=y)
    assert values["hot"] == pytest.approx(np.mean(losses[1:]) - losses[0], abs=1e-5)
    assert clf.channel_contributions("permutation", X=X, y=y).equals(values)


@pytest.mark.parametrize("stage", [DuINVQVAE, DuINMAE])
def test_stages_without_labels_exchange_tokens(stage, monkeypatch):
    X, _ = simulate(24, 6, 300, seed=8)
    fitted = vqvae = fit_vqvae(X)
    if stage is DuINMAE:
        fitted = DuINMAE(vqvae, **TRAINING).fit(X)
    by_tokens = fitted.channel_contributions("permutation", X=X)
    monkeypatch.setattr(stage, "_reads_tokens", False)
    by_inputs = fitted.channel_contributions("permutation", X=X)
    assert by_inputs.abs().max() > 1e-5
    pd.testing.assert_series_equal(by_tokens, by_inputs, rtol=1e-3, atol=1e-6)


def test_donors_are_other_epochs_of_the_same_subject():
    rng = np.random.default_rng(0)
    subject = np.repeat([0, 1, 2], [2, 5, 9])[rng.permutation(16)]
    x = rng.standard_normal((16, 1, 1))
    donor = other_epochs(x, subject, np.random.default_rng(1))
    assert (donor != np.arange(16)).all()
    np.testing.assert_array_equal(subject[donor], subject)
    np.testing.assert_array_equal(np.sort(donor), np.arange(16))
    mixed = rng.permutation(16)
    again = other_epochs(x[mixed], subject[mixed], np.random.default_rng(1))
    np.testing.assert_array_equal(mixed[again], donor[mixed])
    with pytest.raises(ValueError, match="at least 2 epochs per subject; got 1"):
        other_epochs(x[:3], np.array([0, 0, 1]), rng)


def test_the_first_stage_is_measured_against_the_signal_as_it_was(codes):
    vqvae, X = codes
    x, subject = vqvae._scaled(vqvae._check_fitted(X))
    donor = other_epochs(x, subject, np.random.default_rng(0))
    inputs = x.copy()
    inputs[:, PLANTED::6] = x[donor][:, PLANTED::6]
    rebuilt = vqvae._rebuild(inputs, subject)
    expected = np.square(rebuilt - x).mean((1, 2))
    np.testing.assert_allclose(vqvae._loss_of(inputs, subject, x), expected, rtol=1e-5)
    mae = DuINMAE(vqvae, **TRAINING).fit(X)
    same = mae._loss_of(x, subject, x)
    np.testing.assert_array_equal(same, mae._loss_of(x, subject))
    assert (mae._loss_of(inputs, subject, x) != mae._loss_of(inputs, subject)).any()


def test_weights_are_the_published_measure(planted):
    clf, X, _ = planted
    values = clf.channel_contributions()
    bands = ("broadband", "high-gamma")[: 1 + len(clf.bands_)]
    weights = np.stack([clf.spatial_weights(band)[0] for band in bands])
    assert np.allclose(values, np.abs(weights).mean((0, 1)))
    assert clf.channel_contributions("weights", X=X).equals(values)
    weights[:] = 0
    assert np.allclose(clf.channel_contributions(), values), "a copy was handed out"


def test_patterns_of_a_classifier_are_correlations_with_its_scores(planted):
    clf, X, _ = planted
    x, subject = clf._scaled(clf._check_fitted(X))
    scores = clf.decision_function(X)
    halves = x.reshape(len(x), -1, 6, 50).mean(-1)
    expected = []
    for channel in range(x.shape[1]):
        squares = [
            np.corrcoef(halves[:, channel, half], scores[:, k])[0, 1] ** 2
            for half in range(6)
            for k in range(3)
        ]
        excess = np.mean(squares) - 1 / (len(x) - 1)
        expected.append(np.sqrt(max(excess, 0)))
    expected = np.reshape(expected, (-1, 6)).mean(0)
    values = clf.channel_contributions("patterns", X=X)
    np.testing.assert_allclose(values, expected, atol=1e-3)
    with pytest.raises(ValueError, match="needs at least 8 epochs per subject; got 7"):
        clf.channel_contributions("patterns", X=X[:7])


@pytest.fixture(scope="module")
def codes():
    # What is planted is in the signal; four filters would not keep it of six bands.
    X, _ = simulate(24, 6, 300, seed=8)
    return fit_vqvae(X, max_iter=4, bands="raw"), X


def test_patterns_of_the_first_stage_are_covariances_with_its_tokens(codes):
    vqvae, X = codes
    x, _ = vqvae._scaled(vqvae._check_fitted(X))
    tokens = vqvae.module_.encoder.tokenize(vqvae._on_device(x, None).x)
    tokens = tokens.detach().numpy().reshape(-1, vqvae.module_.encoder.dim)
    n_inputs = x.shape[1]
    patches = x.reshape(len(x), n_inputs, -1, 100).transpose(0, 2, 1, 3)
    patches = patches.reshape(len(tokens), -1)
    covariance = (tokens - tokens.mean(0)).T @ patches / len(tokens)
    pattern = covariance / tokens.std(0)[:, None]
    expected = np.sqrt((pattern.reshape(-1, n_inputs, 100) ** 2).mean((0, 2)))
    expected = expected.reshape(-1, 6).mean(0)
    values = vqvae.channel_contributions("patterns", X=X)
    np.testing.assert_allclose(values, expected, rtol=2e-3)


def test_the_unlabelled_stages_have_contributions_too(codes):
    vqvae, X = codes
    mae = DuINMAE(vqvae, **TRAINING).fit(X)
    for stage in (vqvae, mae):
        for method in ("weights", "patterns", "permutation"):
            values = stage.channel_contributions(method, X=X)
            assert values.shape == (6,)
            assert np.isfinite(values).all()
    assert vqvae.channel_contributions("patterns", X=X).idxmax() == str(PLANTED)


def test_what_the_measures_need(planted):
    clf, X, _ = planted
    with pytest.raises(
        ValueError, match="`method` must be one of 'weights', 'patterns'"
    ):
        clf.channel_contributions("gradient")
    for method in ("patterns", "permutation"):
        with pytest.raises(ValueError, match=f"method='{method}' needs `X`"):
            clf.channel_contributions(method)
    with pytest.raises(ValueError, match="'permutation' of a classifier needs `y`"):
        clf.channel_contributions("permutation", X=X)
    wrong = "nothing" if clf.bands_ else "high-gamma"
    with pytest.raises(ValueError, match=f"`band` must be one of .*; got '{wrong}'"):
        clf.spatial_weights(wrong)
