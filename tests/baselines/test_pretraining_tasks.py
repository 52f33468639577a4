"""The parts of the tasks without labels, against what the papers' formulas say."""

import numpy as np
import torch
from torch.nn import functional

from mne_duin.baselines.networks._dewave import GradientCodex, RelativeAttention
from mne_duin.baselines.networks._neuro_bert import FourierInversion, PatchTransformer
from mne_duin.baselines.networks._ts_tcc import Contrasting, strong_view, weak_view


class Constant(torch.nn.Module):
    """A head that always predicts the same."""

    def __init__(self, value):
        super().__init__()
        self.value = torch.from_numpy(value).float()

    def forward(self, x):
        return self.value


def test_the_strong_view_only_moves_pieces():
    torch.manual_seed(0)
    x = torch.arange(3 * 2 * 50.0).view(3, 2, 50)
    view = strong_view(x, 6, 0.0)
    assert torch.equal(view.sort(-1).values, x)
    assert not torch.equal(view, x)
    moved = view[:, 1] - view[:, 0]
    assert torch.equal(moved, x[:, 1] - x[:, 0]), "channels must be cut alike"
    steps = (view.diff(dim=-1) != 1).sum(-1)
    assert (steps <= 5).all()


def test_the_weak_view_scales_channels_and_adds_noise():
    torch.manual_seed(0)
    x = torch.randn(200, 3, 40)
    factor = (weak_view(x, 0.1, 0.0) / x)[..., 0]
    assert torch.allclose(weak_view(x, 0.0, 0.0), x)
    assert abs(factor.mean() - 1) < 0.03
    assert abs(factor.std() - 0.1) < 0.02
    assert abs((weak_view(x, 0.0, 0.3) - x).std() - 0.3) < 0.01


def test_contextual_contrast_is_nt_xent():
    torch.manual_seed(0)
    task = Contrasting(
        torch.nn.Identity(), 16, context_dim=8, n_layers=1, n_heads=2, n_steps=1,
        scale_deviation=0.1, jitter=0.1, max_segments=3,
    )  # fmt: skip
    contexts = torch.randn(10, 8)
    with torch.no_grad():
        found = task._contextual(contexts)
        z = functional.normalize(task.project(contexts), dim=-1).numpy()
    similarity = np.exp(z @ z.T / 0.2)
    expected = [
        -np.log(similarity[i, (i + 5) % 10] / (similarity[i].sum() - similarity[i, i]))
        for i in range(10)
    ]
    assert np.isclose(found, np.mean(expected), rtol=1e-5)


def test_temporal_contrast_is_lowest_where_the_future_is_foretold():
    torch.manual_seed(0)
    task = Contrasting(
        torch.nn.Identity(), 16, context_dim=16, n_layers=1, n_heads=2, n_steps=2,
        scale_deviation=0.1, jitter=0.1, max_segments=3,
    )  # fmt: skip
    for predict in task.predict:
        torch.nn.init.eye_(predict.weight)
        torch.nn.init.zeros_(predict.bias)
    past = 10 * torch.eye(16)
    future = past[:, None].repeat(1, 4, 1)
    assert task._temporal(past, future, 1) < 1e-3
    assert task._temporal(past, future.roll(1, 0), 1) > 10


def test_amplitudes_and_phases_are_inverted_to_the_signal():
    task = FourierInversion(PatchTransformer(2, 8, 10, n_layers=1), 8, 2, 10, 4, 0.5)
    x = np.random.default_rng(0).standard_normal((3, 2, 40))
    spectrum = np.pad(np.fft.rfft(x, norm="ortho"), [(0, 0), (0, 0), (0, 3)])
    # Token k predicts the k-th part of the spectrum of every channel.
    parts = spectrum.reshape(3, 2, 4, 6).transpose(0, 2, 1, 3).reshape(3, 4, 12)
    task.amplitude = Constant(np.abs(parts))
    task.phase = Constant(np.angle(parts))
    inverted = task._invert(torch.zeros(3, 4, 8))
    assert np.allclose(inverted, x, atol=1e-5)


def test_the_codex_is_pulled_to_the_tokens_and_gradients_pass_through():
    torch.manual_seed(0)
    codex = GradientCodex(6, 4)
    tokens = torch.randn(5, 7, 4, requires_grad=True)
    quantized, loss = codex(tokens)
    distance = torch.cdist(tokens.detach(), codex.codebook.detach()[None])
    assert torch.equal(codex.encode(tokens), distance.argmin(-1))
    assert torch.allclose(quantized, codex.codebook[codex.encode(tokens)], atol=1e-6)
    quantized.sum().backward(retain_graph=True)
    assert torch.equal(tokens.grad, torch.ones_like(tokens))
    optimizer = torch.optim.SGD([codex.codebook], 1.0)
    loss.backward()
    optimizer.step()
    assert codex(tokens)[1] < loss


def test_relative_attention_scores_know_distances():
    torch.manual_seed(0)
    scores = torch.randn(2, 1, 5, 9)
    shifted = RelativeAttention._shift(scores)
    for i in range(5):
        for j in range(5):
            assert torch.equal(shifted[..., i, j], scores[..., i, 4 - (i - j)])
    attention = RelativeAttention(8, 2, 0.0).eval()
    x = torch.randn(1, 1, 8).repeat(1, 6, 1)
    # All values are alike, so weights that add up to one must not matter.
    found = attention(x)
    assert torch.allclose(found, found[:, :1].expand(-1, 6, -1), atol=1e-5)
