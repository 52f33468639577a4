"""Own patch encoders and regression heads for each subject, a shared transformer."""

import pytest
import torch

from mne_duin.nn import (
    PomsEncoder,
    PomsVQVAE,
    Quantizer,
    build_encoder,
    build_network,
    build_vqvae,
    network_sizes,
    reconstruction_loss,
)
from mne_duin.nn._patch import fold_subjects

SIZES = {
    "n_layers": 1,
    "n_heads": 2,
    "head_dim": 8,
    "ff_dim": 32,
    "conv_filters": (24, 24, 6),
    "attention_dropout": 0.0,
    "ff_dropout": 0.0,
}
N_CHANNELS, N_SUBJECTS = 5, 3


def make(layers="patch", n_subjects=N_SUBJECTS):
    torch.manual_seed(0)
    encoder = build_encoder(
        N_CHANNELS, n_subjects=n_subjects, subject_layers=layers, n_filters=6, **SIZES
    )
    quantizer = Quantizer(encoder.dim, 16, 8)
    return build_vqvae(encoder, quantizer, n_decoder_layers=1, decoder_filters=24)


@pytest.fixture
def batch():
    torch.manual_seed(1)
    x = torch.randn(7, N_CHANNELS, 400)
    return x, torch.tensor([2, 0, 0, 2, 1, 2, 0])


def renumber_(module, order):
    """Give the layers of subject ``order[i]`` to subject i."""
    with torch.no_grad():
        for part in module.modules():
            if hasattr(part, "subjects"):
                states = [one.state_dict() for one in part.subjects]
                states = [{k: v.clone() for k, v in s.items()} for s in states]
                for one, index in zip(part.subjects, order, strict=True):
                    one.load_state_dict(states[index])
            elif type(part).__name__ == "SubjectLinear":
                for parameter in (part.weight, part.bias):
                    parameter.copy_(parameter[list(order)].clone())


def test_every_epoch_goes_through_its_subject(batch):
    x, subject = batch
    module = make().eval()
    together = module(x, subject)[0]
    for index in range(len(x)):
        alone = module(x[index : index + 1], subject[index : index + 1])[0]
        torch.testing.assert_close(together[index : index + 1], alone)
        others = torch.full((1,), (int(subject[index]) + 1) % 3)
        assert not torch.allclose(module(x[index : index + 1], others)[0], alone)


def test_no_subject_is_the_first(batch):
    x, _ = batch
    module = make().eval()
    first = module(x, torch.zeros(len(x), dtype=torch.long))[0]
    assert torch.equal(module(x)[0], first)


@pytest.mark.parametrize("layers", ["spatial", "patch"])
def test_permuted_subjects_change_nothing(layers, batch):
    x, subject = batch
    module = make(layers).eval()
    expected = module(x, subject)[0]
    order = torch.tensor([2, 0, 1])
    renumber_(module, order.tolist())
    again = module(x, order.argsort()[subject])[0]
    torch.testing.assert_close(again, expected)


@pytest.mark.parametrize("layers", ["spatial", "patch"])
def test_statistics_of_a_batch_are_of_one_subject(layers, batch):
    x, subject = batch
    module = make(layers).train()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    module(x[subject == 2], subject[subject == 2])
    changed = {
        k for k, v in module.state_dict().items() if not torch.equal(v, before[k])
    }
    if layers == "patch":
        assert changed
        assert all(k.startswith("encoder.patch.subjects.2.") for k in changed)
    else:
        assert all(k.startswith("encoder.patch.layers.") for k in changed)


@pytest.mark.parametrize("layers", ["spatial", "patch"])
def test_absent_subjects_and_padded_channels_get_no_gradient(layers, batch):
    x, _ = batch
    x[:, 3:] = 0
    subject = torch.ones(len(x), dtype=torch.long)
    mask = torch.arange(N_CHANNELS).expand(len(x), -1) < 3
    module = make(layers).train()
    rebuilt, output = module(x, subject)
    (reconstruction_loss(rebuilt, x, mask) + output.loss_commit).backward()
    if layers == "patch":
        first = module.encoder.patch.subjects[1].layers[0].weight.grad.sum((0, 2))
        last = module.patch.subjects[1].layers[3].weight.grad
        for index in (0, 2):
            parts = module.encoder.patch.subjects[index], module.patch.subjects[index]
            assert all(p.grad is None for part in parts for p in part.parameters())
    else:
        first = module.encoder.spatial.weight.grad[1].abs().sum(0)
        last = module.spatial.weight.grad[1]
        assert not module.encoder.spatial.weight.grad[[0, 2]].any()
        assert not module.spatial.weight.grad[[0, 2]].any()
    assert not first[3:].any()
    assert first[:3].all()
    assert not last[3:].any()
    assert last[:3].abs().sum((1,) if last.ndim == 2 else (1, 2)).all()


def test_sizes_build_a_like_network(batch):
    module = make()
    sizes = network_sizes(module)
    assert sizes["stage"] == "VQVAE"
    assert sizes["encoder"]["subject_layers"] == "patch"
    assert "n_filters" not in sizes["encoder"]
    again = build_network(sizes)
    assert isinstance(again, PomsVQVAE)
    assert isinstance(again.encoder, PomsEncoder)
    # The filters of the decoder are always the published 128; the rest is alike.
    ours = {k: v.shape for k, v in module.encoder.state_dict().items()}
    assert {k: v.shape for k, v in again.encoder.state_dict().items()} == ours


def test_folded_filters_are_the_patch_encoders(batch):
    x, subject = batch
    module = make().eval()
    for norm in module.modules():
        if isinstance(norm, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(norm.running_mean)
            torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    weight, bias = fold_subjects(module.encoder.patch)
    assert weight.shape == (N_SUBJECTS, module.encoder.dim, N_CHANNELS, 100)
    patches = x.reshape(len(x), N_CHANNELS, 4, 100)
    tokens = torch.einsum("bcpt,bdct->bpd", patches, weight[subject])
    tokens = tokens + bias[subject][:, None]
    expected = module.encoder.tokenize(x, subject)
    torch.testing.assert_close(tokens, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_principal_start_rebuilds_slow_signals():
    torch.manual_seed(2)
    time = torch.arange(400) / 1000
    frequency = torch.rand(12, N_CHANNELS, 1) * 6 + 1
    x = torch.sin(2 * torch.pi * frequency * time + torch.rand(12, N_CHANNELS, 1) * 6)
    subject = torch.arange(12) % 3
    x[subject == 1, 3:] = 0
    module = make().eval()
    errors = []
    for is_started in (False, True):
        if is_started:
            module.start_from_components(x, subject)
        rebuilt = module.patch(module.encoder.tokenize(x, subject), subject)
        errors.append(float((rebuilt - x).square().mean() / x.square().mean()))
    assert errors[0] > 0.9
    assert errors[1] < 0.2
