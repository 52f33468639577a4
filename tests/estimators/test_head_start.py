"""The head that starts from shrinkage LDAs computes exactly their weighted mean."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mne_duin import DuINClassifier
from mne_duin.estimators._head import (
    head_rate,
    head_readings,
    linear_discriminant,
    shrinkage_lda,
    start_head_,
    unit_discriminant,
    weigh,
)
from mne_duin.nn import Classifier, build_encoder
from mne_duin.training import SignalData


def make_data(n_classes, *, n_per_class=12, n_channels=3, n_times=400):
    """Epochs in which every class shifts one stretch of time of one channel."""
    rng = np.random.default_rng(n_classes)
    y = np.repeat(np.arange(n_classes), n_per_class)
    x = rng.standard_normal((len(y), n_channels, n_times)).astype(np.float32)
    for label in range(n_classes):
        start = 100 * (label % 4)
        x[y == label, label % n_channels, start : start + 100] += 1.5
    return SignalData(x, y=y)


@pytest.mark.parametrize("noise", [1.0, 1e-2, 1e-5])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize(("n_epochs", "n_features"), [(40, 300), (60, 12), (20, 1)])
def test_the_discriminant_is_that_of_scikit_learn(
    n_epochs, n_features, n_classes, noise
):
    """Few and many features, nearly equal ones, and one that does not vary."""
    rng = np.random.default_rng(n_features)
    y = np.arange(n_epochs) % n_classes
    features = rng.standard_normal((n_epochs, 2)) @ rng.standard_normal((2, n_features))
    features += noise * rng.standard_normal((n_epochs, n_features))
    features[:, : n_features // 3] += y[:, None]
    if n_features > 2:
        features[y == 1, 2] = 3.0
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    expected = reference.fit(features, y).decision_function(features)
    coefficients, offsets = shrinkage_lda(features, y)
    scores = features @ coefficients.T + offsets
    if n_classes == 2:
        scores = scores[:, 1] - scores[:, 0]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-9 * np.ptp(expected))


@pytest.mark.parametrize("n_per_class", [2, 3, 12])
@pytest.mark.parametrize("seed", range(5))
def test_features_that_depend_on_each_other_have_no_huge_weights(n_per_class, seed):
    """As with an average reference, or more filters than channels, in float32."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(40), n_per_class)
    features = rng.standard_normal((len(y), 12)) + rng.standard_normal((40, 12))[y]
    features = features @ rng.standard_normal((12, 20))
    features = features.astype(np.float32).astype(float)
    coefficients, offsets = shrinkage_lda(features, y)
    assert np.abs(coefficients).max() < 1e4
    found = (features @ coefficients.T + offsets).argmax(1)
    assert np.mean(found == y) > 0.7


@pytest.mark.parametrize(
    ("n_classes", "projected", "skip"),
    [(2, False, False), (2, True, True), (6, False, True), (6, True, True)],
)
def test_network_computes_the_discriminants_before_it_is_trained(
    n_classes, projected, skip
):
    torch.manual_seed(0)
    projection = None
    if projected:
        projection = np.random.default_rng(0).normal(size=(9, 160)).astype(np.float32)
    data, y = make_data(n_classes), make_data(n_classes).y.numpy()
    module = Classifier(build_encoder(3, n_layers=1), 4, n_classes, skip=skip).eval()
    start_head_(module, data, significance=0.01, projection=projection)
    with torch.no_grad():
        context = module.encoder(data.x)
        alone = module.encoder.tokenize(data.x)
        scores = module(data.x).numpy()
    parts = [context, alone] if skip else [context]
    # Ten steps of 16 filters make a token.
    tokens = torch.stack(parts, 2).numpy()
    readings = head_readings(tokens, 10, projection)
    steps = parts[-1].numpy().reshape(len(y), 40, 16)
    np.testing.assert_array_equal(readings[0].features, steps.reshape(len(y), -1))
    whole = steps.reshape(len(y), 4, 10, 16).mean(2).reshape(len(y), -1)
    np.testing.assert_allclose(readings[2].features, whole, atol=1e-5)
    # Four tokens are too short for a moving average of five.
    assert len(readings) == 5 + skip + 2 * (skip and projected)
    averaged = [(readings[4], steps.reshape(len(y), 4, 10, 16).mean(2))]
    if skip and projected:
        averaged.append((readings[-1], tokens[:, :, 0] @ projection.T))
    for reading, values in averaged:
        moving = np.stack([values[:, at : at + 3].mean(1) for at in (0, 1)], 1)
        moving = moving.reshape(len(y), -1)
        np.testing.assert_allclose(reading.features, moving, atol=1e-5)
    features = [reading.features for reading in readings]
    expected = 0
    for own, share in zip(features, weigh(features, y, 0.01), strict=True):
        if share > 0:
            weights, offsets = unit_discriminant(own, y, 0.01)
            expected = expected + share * (own @ weights.T + offsets)
    expected -= expected.mean(1, keepdims=True)
    scores -= scores.mean(1, keepdims=True)
    # The other hidden units add a small random part.
    correlation = np.corrcoef(scores.ravel(), expected.ravel())[0, 1]
    assert correlation > 0.995
    np.testing.assert_array_equal(scores.argmax(1), expected.argmax(1))


@pytest.mark.parametrize("n_parts", [1, 2])
def test_weights_of_readings_are_weights_of_the_tokens(n_parts):
    rng = np.random.default_rng(0)
    tokens = rng.standard_normal((7, 6, n_parts, 20))
    readings = head_readings(tokens, 5, rng.standard_normal((4, 20)))
    assert len(readings) == (6 if n_parts == 1 else 10)
    for reading in readings:
        coefficients = rng.standard_normal((2, reading.features.shape[1]))
        weights = reading.to_tokens(coefficients)
        assert weights.shape == (2, 6, 20)
        scores = np.einsum("etd,ctd->ec", tokens[:, :, reading.part], weights)
        np.testing.assert_allclose(scores, reading.features @ coefficients.T)


def responses(shape, jitter, seed=0):
    """Steps (60, 40, 2) of two classes with a response of 5 steps at another place."""
    rng = np.random.default_rng(seed)
    y = np.arange(60) % 2
    steps = rng.standard_normal((60, 40, 2)).astype(np.float32)
    for one, label in zip(steps, y, strict=True):
        start = 10 + 15 * label + rng.integers(-jitter, jitter + 1)
        one[start : start + 5, 0] += shape
    return steps, y


def shares_of_bins(steps, y):
    """Return how much averages over 1, 5, 10 and 20 steps count."""
    readings = head_readings(steps.reshape(len(y), 4, 1, 20), 10)
    return weigh([reading.features for reading in readings], y, 0.003)


def test_responses_that_jitter_are_averaged_in_longer_bins_than_locked_ones():
    wave = np.array([2.0, -2.0, 2.0, -2.0, 2.0])
    locked = shares_of_bins(*responses(wave, 0, seed=1))
    jittered = shares_of_bins(*responses(np.full(5, 1.5), 6, seed=1))
    assert locked.argmax() == 0
    assert jittered.argmax() >= 1
    for shares in (locked, jittered):
        assert shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("useful", [0, 1])
def test_what_is_read_better_counts_more(useful):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    features = [rng.standard_normal((60, 200)) for _ in range(2)]
    features[useful][:, :5] += 2 * y[:, None]
    assert weigh(features, y, 0.003)[useful] > 0.9
    assert weigh(features[:1], y, 0.003) == [1.0]


def test_too_few_epochs_to_compare_count_all_alike():
    steps, y = responses(np.ones(5), 0)
    # Four kinds of bins, and a moving average of three tokens.
    np.testing.assert_allclose(shares_of_bins(steps[:4], y[:4]), 1 / 5)


def test_discriminant_uses_informative_features_only():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 30)
    features = rng.standard_normal((90, 200))
    features[:, 7] += 3 * y
    weights, offsets = linear_discriminant(features, y, 1e-4)
    assert weights.shape == (3, 200)
    assert np.count_nonzero(weights.any(0)) == 20
    assert np.abs(weights[:, 7]).max() == np.abs(weights).max()
    assert np.mean((features @ weights.T + offsets).argmax(1) == y) > 0.8


def test_two_classes_give_two_opposite_scores():
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], 20)
    features = rng.standard_normal((40, 30)) + y[:, None]
    weights, offsets = linear_discriminant(features, y, 0.05)
    np.testing.assert_allclose(weights[0], -weights[1])
    np.testing.assert_allclose(offsets[0], -offsets[1])
    assert np.mean((features @ weights.T + offsets).argmax(1) == y) > 0.9


def test_a_head_from_discriminants_has_a_learning_rate_of_its_own():
    x, y = make_data(3).x.numpy(), make_data(3).y.numpy()
    options = {"n_layers": 1, "max_iter": 2, "random_state": 0, "verbose": False}
    options |= {"sfreq": 500.0, "bands": "raw", "lr_min": 0.0}

    def weights(lr, **own):
        classifier = DuINClassifier(lr=lr, **options, **own).fit(x, y)
        return classifier.module_.hidden.weight.detach()

    start = weights(1e-12, head_lr_scale=0.0)
    assert torch.equal(weights(1e-3, head_lr_scale=0.0), start)
    quick = (weights(1e-3) - start).abs().max()
    full = (weights(1e-3, head_lr_scale=1.0) - start).abs().max()
    assert 0 < quick < full / 5
    assert head_rate(None, 5) == head_rate(1.0, 40) == 1.0
    assert head_rate(None, 5.1) == 0.1
    # A random head knows nothing yet, and learns at the full rate.
    start = weights(1e-12, head_init="random")
    learned = weights(1e-3, head_init="random", head_lr_scale=0.0)
    assert (learned - start).abs().max() > 1e-4
