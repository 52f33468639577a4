"""Heads on tokens: shapes, neighbors, masks, and the CTC loss by its definition."""

import itertools

import numpy as np
import pytest
import torch

from mne_duin.nn import (
    TokenClassifier,
    TokenHead,
    build_encoder,
    build_network,
    network_sizes,
    sequence_loss,
    token_loss,
)

ENCODER = {
    "n_filters": 4,
    "conv_filters": (8, 8, 4),
    "n_layers": 1,
    "n_heads": 2,
    "head_dim": 8,
    "ff_dim": 16,
}


@pytest.fixture
def module():
    torch.manual_seed(0)
    encoder = build_encoder(3, **ENCODER)
    return TokenClassifier(encoder, (22, 36), hidden_dim=16, context=1).eval()


@pytest.fixture(autouse=True)
def _own_randomness():
    with torch.random.fork_rng(devices=[]):
        yield


def test_every_tier_scores_every_token(module):
    scores = module(torch.randn(2, 3, 500))
    assert scores.shape == (2, 5, 58)
    initials, finals = scores.split(module.n_classes, -1)
    assert (initials.shape[-1], finals.shape[-1]) == (22, 36)
    scores.sum().backward()
    assert all(weight.grad is not None for weight in module.parameters())


def test_sizes_build_a_like_network(module):
    again = build_network(network_sizes(module)).eval()
    again.load_state_dict(module.state_dict())
    x = torch.randn(2, 3, 400)
    assert torch.equal(again(x), module(x))


def test_a_head_sees_its_neighbours_and_no_others():
    head = TokenHead(4, 3, hidden_dim=8, context=1).eval()
    tokens = torch.randn(1, 6, 4)
    before = head(tokens)
    tokens[0, 2] += 1
    changed = (head(tokens) != before).any(-1)[0]
    assert changed.tolist() == [False, True, True, True, False, False]
    windows = head.gather(tokens)
    assert windows.shape == (1, 6, 12)
    assert torch.equal(windows[0, 2], tokens[0, 1:4].flatten())
    assert (windows[0, 0, :4] == 0).all()
    published = TokenHead(4, 3)
    assert torch.equal(published.gather(tokens), tokens)
    assert published.hidden.out_features == 128


def test_the_token_loss_is_the_published_one():
    scores, targets = torch.randn(4, 6, 5), torch.randint(5, (4, 6))
    mask = torch.rand(4, 6) < 0.6
    total, count = token_loss(scores, torch.where(mask, targets, -1))
    # ``duin_llm``: the cross-entropy of all tokens times the mask, over its sum.
    logs = scores.log_softmax(-1)
    every = -logs.gather(-1, targets[..., None])[..., 0]
    expected = (every * mask).sum() / mask.sum()
    assert torch.allclose(total.sum() / count.sum(), expected)
    assert torch.equal(count, mask.sum(1))


def test_masked_tokens_have_no_gradient():
    scores = torch.randn(2, 3, 4, requires_grad=True)
    targets = torch.tensor([[1, -1, 2], [-1, -1, -1]])
    token_loss(scores, targets)[0].sum().backward()
    has_gradient = scores.grad.abs().sum(-1) > 0
    assert has_gradient.tolist() == [[True, False, True], [False, False, False]]


def test_the_sequence_loss_sums_all_paths():
    scores = torch.randn(3, 4, 3, dtype=torch.float64)
    targets = torch.tensor([[0, 1], [1, 1], [1, -1]])
    loss, lengths = sequence_loss(scores, targets)
    assert lengths.tolist() == [2, 2, 1]
    probabilities = scores.softmax(-1).numpy()
    for epoch, sequence in enumerate([(1, 2), (2, 2), (2,)]):
        total = 0.0
        for path in itertools.product(range(3), repeat=4):
            joined = [code for code, _ in itertools.groupby(path)]
            if tuple(code for code in joined if code) == sequence:
                total += probabilities[epoch, range(4), path].prod()
        assert float(loss[epoch]) == pytest.approx(-np.log(total))


def test_a_silent_epoch_is_all_blank():
    scores = torch.randn(1, 5, 3)
    loss, lengths = sequence_loss(scores, torch.tensor([[-1, -1]]))
    assert lengths.tolist() == [0]
    assert torch.allclose(loss, -scores.log_softmax(-1)[..., 0].sum(1))
