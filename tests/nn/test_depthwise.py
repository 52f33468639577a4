"""Temporal kernels of each contact, and convolutions that keep filters apart."""

import pytest
import torch
from torch.nn import functional

from mne_duin.nn import Classifier, ContactConvolution, build_encoder, encoder_sizes

SIZES = {"n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 16, "n_filters": 4}
SIZES |= {"conv_filters": (8, 8, 4)}
KINDS = ("depthwise", "depthwise-filters")
each_kind = pytest.mark.parametrize("kind", KINDS)


def make(kind, n_subjects=1, n_channels=5):
    """An encoder of which nothing is at its initial value."""
    torch.manual_seed(0)
    encoder = build_encoder(
        n_channels, n_subjects=n_subjects, patch_encoder=kind, **SIZES
    )
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    for norm in encoder.patch.layers[1::2]:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    return encoder.eval()


@pytest.mark.parametrize("n_subjects", [1, 3])
def test_every_channel_is_filtered_with_its_own_kernel(n_subjects):
    """Against a correlation written out, patch by patch, channel by channel."""
    torch.manual_seed(1)
    layer = ContactConvolution(4, n_subjects, kernel_size=7, patch_size=20)
    torch.nn.init.normal_(layer.weight)
    x, subject = torch.randn(6, 4, 60), torch.arange(6) % n_subjects
    y = layer(x, None if n_subjects == 1 else subject)
    for epoch in range(6):
        for channel in range(4):
            kernel = layer.weight[subject[epoch], channel]
            for start in (0, 20, 40):
                patch = functional.pad(x[epoch, channel, start : start + 20], (3, 3))
                expected = patch.unfold(0, 7, 1) @ kernel
                found = y[epoch, channel, start : start + 20]
                torch.testing.assert_close(found, expected)


def test_kernels_start_as_unit_impulses():
    x = torch.randn(3, 4, 200)
    assert torch.equal(ContactConvolution(4)(x), x)
    with pytest.raises(ValueError, match="odd length; got 20 samples"):
        ContactConvolution(4, kernel_size=20)


def test_an_untrained_depthwise_encoder_is_the_published_one():
    x = torch.randn(3, 5, 200)
    torch.manual_seed(0)
    published = build_encoder(5, **SIZES).eval()
    torch.manual_seed(0)
    depthwise = build_encoder(5, patch_encoder="depthwise", **SIZES).eval()
    torch.testing.assert_close(depthwise(x), published(x))


@pytest.mark.parametrize("n_subjects", [1, 2])
@each_kind
def test_folded_filters_are_the_encoder(kind, n_subjects):
    encoder = make(kind, n_subjects)
    x, subject = torch.randn(4, 5, 300), torch.arange(4) % n_subjects
    weight, bias = encoder.folded_filters()
    with torch.no_grad():
        tokens = encoder.tokenize(x, subject)
    patches = x.unflatten(2, (3, 100))
    expected = torch.einsum("ncpt,ndct->npd", patches, weight[subject])
    torch.testing.assert_close(
        tokens, expected + bias[subject][:, None], rtol=1e-3, atol=1e-4
    )


def test_filters_stay_apart_in_grouped_convolutions():
    """A feature of a step depends on one spatial filter alone."""
    patch = make("depthwise-filters").patch
    n_features = patch.dim // patch.n_steps
    reached = patch.folded()[0].abs().sum(1).unflatten(1, (-1, n_features)).sum(1)
    off = reached - torch.diag(reached.diagonal())
    assert (reached.diagonal() > 1e-3).all()
    assert off.abs().max() == 0
    published = build_encoder(5, **SIZES)
    grouped = build_encoder(5, patch_encoder="depthwise-filters", **SIZES)
    assert sum(p.numel() for p in grouped.patch.parameters()) < sum(
        p.numel() for p in published.patch.parameters()
    )


@each_kind
def test_sizes_build_a_like_encoder(kind):
    encoder = make(kind, 2)
    like = build_encoder(**encoder_sizes(encoder))
    assert type(like) is type(encoder)
    like.load_state_dict(encoder.state_dict())
    x, subject = torch.randn(4, 5, 200), torch.tensor([0, 1, 0, 1])
    torch.testing.assert_close(like.eval()(x, subject), encoder(x, subject))


@each_kind
def test_components_reach_the_tokens(kind):
    """After the start each feature follows one component of the channels."""
    torch.manual_seed(2)
    encoder = build_encoder(5, patch_encoder=kind, **SIZES)
    x = torch.nn.functional.avg_pool1d(torch.randn(40, 5, 430), 31, 1)
    encoder.start_from_components(x)
    with torch.no_grad():
        tokens = encoder.eval().tokenize(x)
        components = encoder.spatial(x)
    steps = tokens.unflatten(2, (10, 4)).flatten(1, 2)
    level = components[..., ::10]
    pairs = [(steps[..., k].flatten(), level[:, k].flatten()) for k in range(4)]
    for pair in pairs:
        assert torch.corrcoef(torch.stack(pair))[0, 1].abs() > 0.8


def test_one_more_subject_has_kernels_of_its_own():
    encoder = make("depthwise", 2)
    x = torch.randn(3, 5, 200)
    before = encoder(x, torch.tensor([0, 1, 1]))
    encoder.add_subject(1, 7)
    wide = functional.pad(x, (0, 0, 0, 2))
    after = encoder(wide, torch.tensor([0, 2, 2]))
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)
    kernels = encoder.contacts.weight
    assert kernels.shape[:2] == (3, 7)
    assert (kernels[1].sum(-1) == 1).all()
    own = {id(parameter) for parameter, row in encoder.subject_parameters(1)}
    assert own == {id(p) for p in (*encoder.spatial.parameters(), kernels)}
    other = make("depthwise", 3, 7)
    encoder.copy_subject(other, 1)
    assert torch.equal(encoder.contacts.weight[1], other.contacts.weight[1])


@each_kind
def test_all_parameters_learn(kind):
    torch.manual_seed(0)
    module = Classifier(build_encoder(5, patch_encoder=kind, **SIZES), 2, 3)
    loss = functional.cross_entropy(module(torch.randn(9, 5, 200)), torch.arange(9) % 3)
    loss.backward()
    still = [n for n, p in module.named_parameters() if not p.grad.abs().sum() > 0]
    # Batch normalization removes the offsets in front of it.
    assert all("bias" in name for name in still)
