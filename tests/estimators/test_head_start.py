"""The head that starts as a shrinkage LDA computes exactly that discriminant."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mne_duin.estimators import _head
from mne_duin.estimators._head import (
    average,
    choose_bins,
    choose_blocks,
    head_blocks,
    linear_discriminant,
    shrinkage_lda,
    start_head_,
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
def test_network_computes_the_discriminant_before_it_is_trained(
    n_classes, projected, skip, monkeypatch
):
    torch.manual_seed(0)
    projection = None
    if projected:
        projection = np.random.default_rng(0).normal(size=(9, 160)).astype(np.float32)
        if skip:
            # All blocks together, whichever is read best.
            monkeypatch.setattr(_head, "choose_blocks", lambda blocks, *_: [0, 1, 2])
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
    blocks, bins = head_blocks(tokens, y, 10, 0.01, projection)
    steps = parts[-1].numpy().reshape(len(y), 40, 16)
    np.testing.assert_array_equal(blocks[0], average(steps, bins))
    assert len(blocks) == 1 + skip + (skip and projected)
    used = _head.choose_blocks(blocks, y, 0.01)
    features = np.concatenate([blocks[block] for block in used], axis=1)
    weights, offsets = linear_discriminant(features, y, 0.01)
    expected = features @ weights.T + offsets
    expected -= expected.mean(1, keepdims=True)
    scores -= scores.mean(1, keepdims=True)
    # The other hidden units add a small random part.
    correlation = np.corrcoef(scores.ravel(), expected.ravel())[0, 1]
    assert correlation > 0.995
    np.testing.assert_array_equal(scores.argmax(1), expected.argmax(1))


def responses(shape, jitter, seed=0):
    """Steps (60, 40, 2) of two classes with a response of 5 steps at another place."""
    rng = np.random.default_rng(seed)
    y = np.arange(60) % 2
    steps = rng.standard_normal((60, 40, 2)).astype(np.float32)
    for one, label in zip(steps, y, strict=True):
        start = 10 + 15 * label + rng.integers(-jitter, jitter + 1)
        one[start : start + 5, 0] += shape
    return steps, y


def test_responses_that_jitter_are_averaged_in_longer_bins_than_locked_ones():
    wave = np.array([2.0, -2.0, 2.0, -2.0, 2.0])
    locked = choose_bins(*responses(wave, 0, seed=1), 10, 0.003)
    jittered = choose_bins(*responses(np.full(5, 1.5), 6, seed=1), 10, 0.003)
    assert (locked.astype(bool).sum(1) == 1).any()
    assert jittered.astype(bool).sum(1).min() >= 5
    np.testing.assert_allclose(locked.sum(1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(jittered.sum(1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("useful", [0, 1])
def test_a_head_starts_from_the_block_that_is_read_better(useful):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    blocks = [rng.standard_normal((60, 200)) for _ in range(2)]
    blocks[useful][:, :5] += 2 * y[:, None]
    assert useful in choose_blocks(blocks, y, 0.003)
    assert choose_blocks(blocks[:1], y, 0.003) == [0]


def test_bins_of_too_few_epochs_are_of_all_lengths():
    steps, y = responses(np.ones(5), 0)
    bins = choose_bins(steps[:4], y[:4], 10, 0.003)
    assert sorted(set(bins.astype(bool).sum(1))) == [1, 5, 10]


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
