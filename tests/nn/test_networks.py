"""Properties of the networks: gradients, evaluation, folding, dropout, masks."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from mne_duin.nn import (
    MAE,
    Classifier,
    PatchEncoder,
    Quantizer,
    SubjectLinear,
    Transformer,
    build_encoder,
    build_network,
    build_vqvae,
    encoder_sizes,
    load_network,
    network_sizes,
    random_mask,
    reconstruction_loss,
)
from mne_duin.nn._layers import cheap_dropout, sine_positions
from mne_duin.nn._patch import fold

SMALL = {"n_layers": 2, "n_heads": 2, "head_dim": 8, "ff_dim": 16, "n_filters": 4}
STAGES = ("vqvae", "mae", "classifier", "codex-classifier")
N_CHANNELS, N_SUBJECTS = 5, 3


def make(stage, seed=0):
    torch.manual_seed(seed)
    encoder = build_encoder(N_CHANNELS, n_subjects=N_SUBJECTS, **SMALL)
    quantizer = Quantizer(encoder.dim, 16, 8)
    if stage == "vqvae":
        return build_vqvae(encoder, quantizer, n_decoder_layers=1)
    if stage == "mae":
        return MAE(encoder, 16)
    codex = quantizer if stage == "codex-classifier" else None
    return Classifier(encoder, 3, 4, hidden_dim=8, quantizer=codex, head_dropout=0.3)


def inputs(n_epochs=6, n_tokens=3):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n_epochs, N_CHANNELS, 100 * n_tokens, generator=generator)
    return x, torch.arange(n_epochs) % N_SUBJECTS


def apply(module, x, subject):
    if isinstance(module, MAE):
        mask = torch.arange(x.shape[-1] // 100).expand(len(x), -1) % 2 == 0
        return module(x, mask, subject)
    out = module(x, subject)
    return out[0] if isinstance(out, tuple) else out


@pytest.mark.parametrize("stage", STAGES)
def test_every_parameter_gets_a_gradient(stage):
    module, (x, subject) = make(stage), inputs()
    module.train()
    if stage == "vqvae":
        rebuilt, output = module(x, subject)
        loss = reconstruction_loss(rebuilt, x) + output.loss_commit
    else:
        loss = apply(module, x, subject).square().sum()
    loss.backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any() or name.endswith("norm_k.bias"), name


@pytest.mark.parametrize("stage", STAGES)
def test_evaluation_changes_nothing_and_repeats_itself(stage):
    module, (x, subject) = make(stage), inputs()
    module.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    first, again = (apply(module, x, subject) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("stage", STAGES)
def test_epochs_do_not_see_each_other_in_evaluation(stage):
    module, (x, subject) = make(stage).eval(), inputs()
    together = apply(module, x, subject)
    alone = torch.cat(
        [apply(module, x[i : i + 1], subject[i : i + 1]) for i in range(len(x))]
    )
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stage", STAGES)
def test_sizes_build_the_same_network(stage):
    module, (x, subject) = make(stage).eval(), inputs()
    sizes = network_sizes(module)
    state = torch.get_rng_state()
    copy = load_network(sizes, module.state_dict())
    assert torch.equal(torch.get_rng_state(), state)
    assert network_sizes(copy) == sizes == network_sizes(build_network(sizes))
    assert torch.equal(apply(copy, x, subject), apply(module, x, subject))
    encoder = build_encoder(**encoder_sizes(module.encoder))
    encoder.load_state_dict(module.encoder.state_dict())
    assert "positions" not in "".join(module.state_dict())


def test_the_published_size():
    encoder = build_encoder(10)
    assert encoder.dim == 160
    module = Classifier(encoder, 30, 61)
    n_parameters = sum(p.numel() for p in module.parameters())
    # The figure that braindecode's port of the same classifier reports.
    assert n_parameters == pytest.approx(4_182_813, rel=0.001)


@pytest.mark.parametrize("n_tokens", [1, 40, 64, 65, 200])
def test_positions_grow_with_the_signal(n_tokens):
    transformer = Transformer(8, 1, n_heads=1, head_dim=4, ff_dim=8).eval()
    assert transformer(torch.zeros(1, n_tokens, 8)).shape == (1, n_tokens, 8)
    table = sine_positions(n_tokens, 8)
    assert torch.equal(transformer.positions[:n_tokens], table)
    assert table[:, 0].tolist() == pytest.approx(np.sin(np.arange(n_tokens)).tolist())
    assert torch.equal(sine_positions(n_tokens, 7), table[:, :7]) or n_tokens > 0


@pytest.mark.parametrize("patch_size", [50, 100, 128])
@pytest.mark.parametrize(
    "sizes", [((8, 6, 4), (19, 3, 3), (10, 1, 1)), ((5,), (7,), (5,))]
)
def test_folding_is_exact_in_evaluation(patch_size, sizes):
    torch.manual_seed(0)
    spatial = SubjectLinear(N_CHANNELS, 4, N_SUBJECTS)
    torch.nn.init.normal_(spatial.weight)
    torch.nn.init.normal_(spatial.bias)
    patch = PatchEncoder(4, *sizes, patch_size)
    for _ in range(3):
        patch(torch.randn(8, 4, 2 * patch_size) + 0.5)
    patch.eval()
    x, subject = torch.randn(6, N_CHANNELS, 3 * patch_size), torch.arange(6) % 3
    weight, bias = fold(spatial, patch)
    assert weight.shape == (N_SUBJECTS, patch.dim, N_CHANNELS, patch_size)
    patches = x.view(6, N_CHANNELS, 3, patch_size)
    folded = torch.einsum("bclt,bdct->bld", patches, weight[subject])
    folded = folded + bias[subject][:, None]
    expected = patch(spatial(x, subject))
    torch.testing.assert_close(folded, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_folding_leaves_the_network_as_it_was(training):
    module = make("vqvae").train(training)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    fold(module.encoder.spatial, module.encoder.patch)
    assert module.encoder.patch.training is training
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(250_003,), (50, 71, 71)])
def test_dropout_has_the_right_probability_and_scale(p, shape):
    torch.manual_seed(1)
    x = torch.ones(shape)
    y = cheap_dropout(x, p, True)
    kept = y != 0
    drawn = round(p * 65536) / 65536
    assert set(y[kept].tolist()) == {float(torch.tensor(1 / (1 - drawn)))}
    deviation = math.sqrt(p * (1 - p) / x.numel())
    assert abs(kept.float().mean().item() - (1 - p)) < 5 * deviation
    assert abs(y.mean().item() - 1) < 5 * deviation / (1 - p)


def test_dropout_is_exact_to_one_lane_in_65536():
    torch.manual_seed(4)
    y = cheap_dropout(torch.ones(4_000_000), 4 / 65536, True)
    expected = 4_000_000 * 4 / 65536
    assert abs((y == 0).sum().item() - expected) < 5 * math.sqrt(expected)


def test_dropout_draws_its_values_independently():
    torch.manual_seed(2)
    kept = (cheap_dropout(torch.ones(400_000), 0.3, True) != 0).double() - 0.7
    for lag in (1, 2, 3, 4, 5, 8, 64):
        correlation = (kept[lag:] * kept[:-lag]).mean() / 0.21
        assert abs(correlation.item()) < 5 / math.sqrt(len(kept)), lag
    # The four lanes of one draw alike.
    lanes = kept.view(-1, 4).mean(0)
    assert (lanes.abs() < 5 * math.sqrt(0.21 / 100_000)).all()


def test_dropout_that_does_nothing():
    x = torch.randn(7, 3)
    state = torch.get_rng_state()
    for p, training in ((0.5, False), (0.0, True), (1e-6, True)):
        assert cheap_dropout(x, p, training) is x
    assert torch.equal(torch.get_rng_state(), state)
    assert cheap_dropout(torch.zeros(0), 0.5, True).shape == (0,)


def test_dropout_passes_gradients_where_it_kept_values():
    x = torch.ones(1000, requires_grad=True)
    y = cheap_dropout(x, 0.25, True)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


@pytest.mark.parametrize("n_tokens", [2, 3, 10, 40])
@pytest.mark.parametrize("ratio", [0.01, 0.25, 0.5, 0.9])
def test_masks_hide_the_same_number_everywhere(n_tokens, ratio):
    generator = torch.Generator().manual_seed(0)
    mask = random_mask(200, n_tokens, ratio, generator=generator)
    expected = min(max(round(n_tokens * ratio), 1), n_tokens - 1)
    assert mask.shape == (200, n_tokens)
    assert mask.dtype == torch.bool
    assert (mask.sum(1) == expected).all()
    share = mask.float().mean(0)
    assert (share - expected / n_tokens).abs().max() < 5 * 0.5 / math.sqrt(200)
    again = random_mask(
        200, n_tokens, ratio, generator=torch.Generator().manual_seed(0)
    )
    assert torch.equal(mask, again)


def test_a_hidden_token_cannot_be_seen_where_it_is_predicted():
    module, (x, subject) = make("mae").eval(), inputs()
    mask = torch.tensor([[True, False, False]]).expand(6, -1)
    changed = x.clone()
    changed[..., :100] += 1
    difference = module(changed, mask, subject) - module(x, mask, subject)
    assert difference[:, 0].abs().max() == 0
    assert difference[:, 1:].abs().max() > 0
    swapped = module(x, ~mask, subject)
    torch.testing.assert_close(swapped, module(x, mask, subject), atol=1e-6, rtol=1e-5)


def test_padded_channels_do_not_count():
    x, rebuilt = inputs()[0], torch.zeros(6, N_CHANNELS, 300)
    mask = torch.ones(6, N_CHANNELS, dtype=torch.bool)
    full = reconstruction_loss(rebuilt, x)
    torch.testing.assert_close(reconstruction_loss(rebuilt, x, mask), full)
    mask[2:, 3:] = False
    loss = reconstruction_loss(rebuilt, x, mask)
    expected = torch.cat([x[:2].flatten(), x[2:, :3].flatten()]).square().mean()
    torch.testing.assert_close(loss, expected)
    x[2:, 3:] = 1e6
    torch.testing.assert_close(reconstruction_loss(rebuilt, x, mask), expected)


def test_one_subject_needs_no_index():
    spatial = SubjectLinear(5, 4, 1)
    torch.nn.init.normal_(spatial.bias)
    x = torch.randn(6, 5, 10)
    expected = spatial(x)
    assert torch.equal(spatial(x, torch.zeros(6, dtype=torch.long)), expected)
    torch.testing.assert_close(
        expected, functional.linear(x.mT, spatial.weight[0], spatial.bias[0]).mT
    )
