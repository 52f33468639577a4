"""The head that starts as a shrinkage LDA computes exactly that discriminant."""

import numpy as np
import pytest
import torch

from mne_duin.estimators._head import linear_discriminant, start_head_
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


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_network_computes_the_discriminant_before_it_is_trained(n_classes):
    torch.manual_seed(0)
    data = make_data(n_classes)
    module = Classifier(build_encoder(3, n_layers=1), 4, n_classes).eval()
    start_head_(module, data, significance=0.01)
    with torch.no_grad():
        tokens = module.encoder(data.x).flatten(1).numpy()
        scores = module(data.x).numpy()
    weights, offsets = linear_discriminant(tokens, data.y.numpy(), 0.01)
    expected = tokens @ weights.T + offsets
    expected -= expected.mean(1, keepdims=True)
    scores -= scores.mean(1, keepdims=True)
    # The other hidden units add a small random part.
    correlation = np.corrcoef(scores.ravel(), expected.ravel())[0, 1]
    assert correlation > 0.995
    np.testing.assert_array_equal(scores.argmax(1), expected.argmax(1))


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
