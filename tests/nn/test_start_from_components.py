"""Networks that start from the principal components of their data."""

import numpy as np
import pytest
import torch

from mne_duin.nn import (
    Quantizer,
    _principal,
    build_encoder,
    build_vqvae,
    reconstruction_loss,
)

SMALL = {"n_layers": 2, "n_heads": 2, "head_dim": 8, "ff_dim": 16}


def sources(n_epochs=24, n_channels=6, n_times=600, n_sources=3, seed=0):
    """Slow sources mixed over channels, z-scored."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n_epochs, n_sources, n_times + 80, generator=generator)
    kernel = torch.hann_window(81, periodic=False)[None, None].repeat(n_sources, 1, 1)
    slow = torch.conv1d(noise, kernel, groups=n_sources)
    mixing = torch.randn(n_channels, n_sources, generator=generator)
    x = mixing @ slow
    x += 0.05 * x.std() * torch.randn(x.shape, generator=generator)
    x -= x.mean((0, 2), keepdim=True)
    return x / x.std((0, 2), keepdim=True)


def network(n_channels, *, n_filters=8, n_subjects=1, features=8, seed=0):
    torch.manual_seed(seed)
    encoder = build_encoder(
        n_channels,
        n_subjects=n_subjects,
        n_filters=n_filters,
        conv_filters=(16, 16, features),
        **SMALL,
    )
    quantizer = Quantizer(encoder.dim, 16, 32)
    vqvae = build_vqvae(encoder, quantizer, n_decoder_layers=1)
    vqvae.quantizer.active.fill_(False)
    return vqvae


@torch.no_grad()
def rebuild(vqvae, x, subject=None, *, whole=True):
    """Reconstruct a signal; not whole is without transformers and quantizer."""
    vqvae.eval()
    if whole:
        return vqvae(x, subject)[0]
    return vqvae.spatial(vqvae.patch(vqvae.encoder.tokenize(x, subject)), subject)


def error(vqvae, x, subject=None, mask=None, *, whole=True):
    return reconstruction_loss(rebuild(vqvae, x, subject, whole=whole), x, mask).item()


def correlation(vqvae, x):
    pair = torch.stack([rebuild(vqvae, x).flatten(), x.flatten()])
    return torch.corrcoef(pair)[0, 1].item()


@pytest.mark.parametrize(
    ("n_channels", "n_filters", "features"),
    [(6, 8, 8), (8, 4, 4), (6, 6, 6), (6, 4, 8), (6, 8, 4), (1, 4, 4)],
)
def test_the_untrained_network_already_rebuilds(n_channels, n_filters, features):
    x = sources(28, n_channels)
    x, held_out = x[:24], x[24:]
    options = {"n_filters": n_filters, "features": features}
    random, started = (network(n_channels, **options) for _ in range(2))
    started.start_from_components(x)
    variance = held_out.square().mean().item()
    # Patches there and back, without the transformers between, lose almost nothing.
    assert error(random, held_out, whole=False) > 0.95 * variance
    assert error(started, held_out, whole=False) < 0.1 * variance
    # Their normalisations take the scale away; the shape of the signal comes through.
    assert abs(correlation(random, held_out)) < 0.1
    assert correlation(started, held_out) > 0.5
    assert error(started, held_out) < 0.95 * error(random, held_out)
    for name, value in started.state_dict().items():
        assert torch.isfinite(value).all(), name


@pytest.mark.parametrize(("n_channels", "n_filters"), [(6, 4), (6, 6), (4, 8)])
def test_spatial_maps_are_whitening_components(n_channels, n_filters):
    x = sources(n_channels=n_channels, n_sources=n_channels)
    encoder = network(n_channels, n_filters=n_filters).encoder
    inverse = encoder.start_from_components(x)
    n_kept = min(n_channels, n_filters)
    filtered = encoder.spatial(x)[:, :n_kept].transpose(0, 1).flatten(1)
    covariance = filtered @ filtered.T / filtered.shape[1]
    torch.testing.assert_close(covariance, torch.eye(n_kept), atol=1e-3, rtol=0)
    rebuilt = inverse[0] @ encoder.spatial(x)
    signal = x.transpose(0, 1).flatten(1).double()
    variance = torch.linalg.eigvalsh(signal @ signal.T / signal.shape[1]).flip(0)
    lost = variance[n_kept:].sum() / n_channels
    assert (rebuilt - x).square().mean().item() == pytest.approx(lost.item(), abs=1e-4)
    assert not inverse[0][:, n_kept:].any()


def test_an_exact_start_hands_on_the_components_and_nothing_else():
    x = sources()
    encoder = network(6).encoder.eval()
    encoder.start_from_components(x, whitening="zca", exact=True)
    kernel, _, factors = encoder.patch.folded()
    across, in_time = factors
    # Every step is a mean of its own samples, of one filter.
    assert not (across - across.diag().diag()).any()
    product = torch.einsum("if,pt->iptf", across, in_time).flatten(2)
    torch.testing.assert_close(kernel, product)
    with torch.no_grad():
        quick, formula = encoder.tokenize(x), encoder.patch(encoder.spatial(x))
    torch.testing.assert_close(quick, formula, atol=1e-5, rtol=1e-5)


def test_training_can_use_what_an_exact_start_leaves_out():
    x = sources()
    encoder = network(6).encoder.train()
    encoder.start_from_components(x, whitening="zca", exact=True)
    first, _, third = encoder.patch.layers[::2]
    assert first.weight[8:].any()
    assert not third.weight[:, 8:].any()
    target = torch.randn(encoder.tokenize(x).shape)
    (encoder.tokenize(x) * target).sum().backward()
    assert (third.weight.grad[:, 8:].abs().amax((0, 2)) > 0).all()


def test_norms_have_the_statistics_of_the_data():
    x = sources()
    encoder = network(6).encoder
    encoder.start_from_components(x)
    norms = [m for m in encoder.patch.layers if hasattr(m, "running_mean")]
    assert {norm.momentum for norm in norms} == {0.1}
    evaluated = encoder.eval().tokenize(x)
    trained = encoder.train().tokenize(x)
    torch.testing.assert_close(evaluated, trained, atol=1e-2, rtol=1e-2)


def test_each_subject_gets_its_own_components():
    x, subject = sources(n_channels=6), torch.arange(24) % 2
    x[subject == 1, 4:] = 0
    vqvae = network(6, n_subjects=2)
    vqvae.start_from_components(x, subject)
    alone = network(6)
    alone.encoder.start_from_components(x[subject == 0])
    both, single = vqvae.encoder.spatial.weight[0], alone.encoder.spatial.weight[0]
    # The first rows are components; the others are random mixtures of them.
    torch.testing.assert_close(both[:6].abs(), single[:6].abs(), atol=1e-3, rtol=1e-3)
    assert not vqvae.encoder.spatial.weight[1][:, 4:].any()
    assert not vqvae.spatial.weight[1][4:].any()
    mask = torch.ones(24, 6, dtype=torch.bool)
    mask[subject == 1, 4:] = False
    fresh = network(6, n_subjects=2)
    before = error(fresh, x, subject, mask, whole=False)
    assert error(vqvae, x, subject, mask, whole=False) < 0.15 * before


def test_channels_that_repeat_each_other():
    x = sources(n_channels=3, n_sources=3)
    x = torch.cat([x, x[:, :2], x[:, :1] - x[:, 1:2]], 1)
    vqvae = network(6)
    vqvae.start_from_components(x)
    assert vqvae.encoder.spatial.weight.abs().max() < 100
    before = error(network(6), x, whole=False)
    assert error(vqvae, x, whole=False) < 0.15 * before


def test_the_start_is_a_function_of_the_random_state():
    x, weights = sources(), []
    for seed in (1, 1, 2):
        vqvae = network(6)
        torch.manual_seed(seed)
        vqvae.start_from_components(x)
        weights.append(vqvae.state_dict())
    same = [torch.equal(weights[0][name], weights[1][name]) for name in weights[0]]
    assert all(same)
    assert not torch.equal(
        weights[0]["patch.layers.0.weight"], weights[2]["patch.layers.0.weight"]
    )


def test_the_start_leaves_everything_trainable():
    x = sources(4)
    vqvae = network(6)
    vqvae.start_from_components(x)
    vqvae.quantizer.active.fill_(True)
    rebuilt, output = vqvae.train()(x)
    (reconstruction_loss(rebuilt, x) + output.loss_commit).backward()
    for name, parameter in vqvae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any() or name.endswith("norm_k.bias"), name


def correlated(n_channels, n_epochs=12):
    """Neighbors share most of their signal; the last channel repeats the first."""
    rng = np.random.default_rng(0)
    source = rng.standard_normal((n_epochs, n_channels, 400))
    x = source + 0.8 * np.roll(source, 1, axis=1)
    x[:, -1] = x[:, 0]
    return torch.tensor(x, dtype=torch.float32)


def shrunk_moment(x, shrinkage):
    """The second moment of the channels, whose correlations are shrunk."""
    moment = torch.einsum("nct,ndt->cd", x, x) / (x.shape[0] * x.shape[2])
    moment[~torch.eye(len(moment), dtype=bool)] *= 1 - shrinkage
    return moment


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_zca_whitens_and_is_symmetric(shrinkage):
    x = correlated(6)[:, :5]
    forward, backward = _principal.whitening_maps(x, 5, "zca", shrinkage=shrinkage)
    moment = forward @ shrunk_moment(x, shrinkage) @ forward.T
    torch.testing.assert_close(moment, torch.eye(5), atol=1e-3, rtol=0)
    torch.testing.assert_close(forward, forward.T, atol=1e-4, rtol=0)
    torch.testing.assert_close(backward @ forward, torch.eye(5), atol=1e-4, rtol=0)


def test_zca_leaves_channels_that_are_white_as_they_are():
    x = torch.randn(8, 4, 5000, generator=torch.Generator().manual_seed(0))
    x = torch.linalg.qr(x.transpose(0, 1).flatten(1).T)[0].T * (8 * 5000) ** 0.5
    x = x.unflatten(1, (8, 5000)).transpose(0, 1)
    forward, _ = _principal.whitening_maps(x, 6, "zca")
    torch.testing.assert_close(forward[:4], torch.eye(4), atol=1e-4, rtol=0)


def test_zca_of_padded_and_repeated_channels_is_finite():
    x = correlated(6)
    x[:, 2] = 0
    forward, backward = _principal.whitening_maps(x, 6, "zca")
    assert torch.isfinite(forward).all()
    assert forward[2].abs().max() < 1e-9
    assert forward[:, 2].abs().max() < 1e-9
    back = torch.einsum("kf,fd,edt->ekt", backward, forward, x)
    torch.testing.assert_close(back, x, atol=1e-3, rtol=0)


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_with_few_filters_zca_stays_close_to_some_channels(shrinkage):
    x = correlated(8)[:, :7]
    # Of equal variance, so that shrinking leaves the components as they are.
    x = x / x.square().mean((0, 2)).sqrt()[:, None]
    forward, backward = _principal.whitening_maps(x, 4, "zca", shrinkage=shrinkage)
    moment = forward @ shrunk_moment(x, shrinkage) @ forward.T
    torch.testing.assert_close(moment, torch.eye(4), atol=1e-3, rtol=0)
    white = torch.einsum("fc,ect->eft", forward, x)
    torch.testing.assert_close(forward @ backward, torch.eye(4), atol=1e-4, rtol=0)
    principal, _ = _principal.whitening_maps(x, 4, "principal")
    # The same subspace, but each filter has a channel of its own.
    both = torch.cat([forward, principal])
    assert torch.linalg.matrix_rank(both, rtol=1e-3) == 4
    signal = torch.einsum("eft,ect->fc", white, x).abs()
    assert len(set(signal.argmax(1).tolist())) == 4


def test_with_few_filters_labels_choose_the_channels():
    x = torch.randn(40, 8, 400, generator=torch.Generator().manual_seed(0))
    y = torch.arange(40) % 2
    x[y == 1, 5, 100:200] += 2
    forward, backward = _principal.whitening_maps(x, 1, "zca", y=y)
    assert forward[0].abs().argmax() == 5
    assert (forward @ backward).item() == pytest.approx(1, abs=1e-4)
