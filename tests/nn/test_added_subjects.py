"""A network takes one more subject, and keeps what it knows of the others."""

import copy

import pytest
import torch

from mne_duin.nn import (
    MAE,
    Classifier,
    OneSubject,
    Quantizer,
    TokenClassifier,
    build_encoder,
    build_network,
    build_vqvae,
    random_mask,
)

SIZES = {"n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 16, "n_filters": 4}
SIZES |= {"conv_filters": (8, 8, 4)}
N_CHANNELS, N_BANDS = 3, 2
STAGES = ("VQVAE", "MAE", "Classifier", "TokenClassifier")
each_network = pytest.mark.parametrize("stage", STAGES)
each_kind = pytest.mark.parametrize("layers", ["spatial", "patch"])


def make(stage, layers):
    """A network of two subjects that sees every channel twice."""
    torch.manual_seed(0)
    encoder = build_encoder(
        N_CHANNELS * N_BANDS, n_subjects=2, subject_layers=layers, **SIZES
    )
    if stage == "VQVAE":
        quantizer = Quantizer(encoder.dim, 8, 4)
        return build_vqvae(encoder, quantizer, n_decoder_layers=1).eval()
    if stage == "MAE":
        return MAE(encoder, 8).eval()
    if stage == "Classifier":
        return Classifier(encoder, 2, 5).eval()
    return TokenClassifier(encoder, (3, 4)).eval()


def widen(x, n_channels):
    """Give every band of a signal more channels, of noise."""
    bands = x.unflatten(1, (N_BANDS, -1))
    extra = torch.randn(len(x), N_BANDS, n_channels - bands.shape[2], x.shape[-1])
    return torch.cat([bands, extra], 2).flatten(1, 2)


@torch.no_grad()
def apply(module, x, subject):
    """The output; of a reconstruction the channels that all have."""
    if module.name == "MAE":
        mask = random_mask(len(x), 2, generator=torch.Generator().manual_seed(0))
        return module(x, mask, subject)
    if module.name == "VQVAE":
        return module(x, subject)[0].unflatten(1, (N_BANDS, -1))[:, :, :N_CHANNELS]
    return module(x, subject)


@each_kind
@each_network
@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("n_channels", [N_CHANNELS, 5])
def test_the_known_subjects_answer_as_before(stage, layers, position, n_channels):
    module, x = make(stage, layers), torch.randn(4, N_CHANNELS * N_BANDS, 200)
    subject = torch.tensor([0, 1, 1, 0])
    before = apply(module, x, subject)
    module.add_subject(position, n_channels, N_BANDS)
    moved = subject + (subject >= position).long()
    # Noise in the channels that were added must not reach the known subjects.
    after = apply(module, widen(x, n_channels), moved)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)
    sizes = module.sizes()
    assert sizes["encoder"]["n_subjects"] == module.encoder.n_subjects == 3
    assert sizes["encoder"]["n_channels"] == n_channels * N_BANDS
    own = apply(module, widen(x, n_channels), torch.full((4,), position))
    assert torch.isfinite(own).all()
    shapes = {k: v.shape for k, v in module.state_dict().items()}
    like = build_network(sizes).state_dict()
    assert {k: v.shape for k, v in like.items()} == shapes


@each_kind
@each_network
def test_only_the_layers_of_one_subject_learn(stage, layers):
    module, x = make(stage, layers), torch.randn(6, N_CHANNELS * N_BANDS, 200)
    module.start_subject(1, x)
    before = copy.deepcopy(module.state_dict())
    fit = OneSubject(module, 1)
    subject = torch.ones(6, dtype=torch.long)
    optimizer = torch.optim.SGD(
        [p for p in fit.parameters() if p.requires_grad], lr=1.0
    )
    arguments = (random_mask(6, 2),) if stage == "MAE" else ()
    outputs = module(x, *arguments, subject)
    outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    outputs.square().sum().backward()
    optimizer.step()
    fit.release()
    others = torch.zeros(6, dtype=torch.long)
    known, again = make(stage, layers), copy.deepcopy(module)
    known.load_state_dict(before)
    torch.testing.assert_close(
        apply(again, x, others), apply(known, x, others), atol=0, rtol=0
    )
    assert not torch.allclose(apply(again, x, subject), apply(known, x, subject))
    assert all(parameter.requires_grad for parameter in module.parameters())


@each_kind
def test_a_copied_subject_is_encoded_alike(layers):
    first, second = make("MAE", layers).encoder, make("MAE", layers).encoder
    x, subject = torch.randn(4, N_CHANNELS * N_BANDS, 200), torch.ones(4).long()
    others = torch.zeros(4, dtype=torch.long)
    second.start_subject(1, x)
    if second.has_own_statistics:
        second.calibrate(x, subject, 1)
    before = first.tokenize(x, others)
    assert not torch.allclose(first.tokenize(x, subject), second.tokenize(x, subject))
    first.copy_subject(second, 1)
    torch.testing.assert_close(
        first.tokenize(x, subject), second.tokenize(x, subject), atol=0, rtol=0
    )
    torch.testing.assert_close(first.tokenize(x, others), before, atol=0, rtol=0)


@each_kind
def test_first_weights_are_of_the_channels(layers):
    encoder = make("MAE", layers).encoder
    x = torch.randn(8, N_CHANNELS * N_BANDS, 200)
    x[:, 2] = 0
    encoder.start_subject(0, x)
    weights = encoder.first_weights()
    assert weights.shape == (2, N_CHANNELS * N_BANDS)
    assert weights[0].argmin() == 2
