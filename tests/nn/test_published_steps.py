"""The plainly written published steps, and ours against them, gradient by gradient."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from mne_duin.checkpoints import from_official, official_sizes, to_official
from mne_duin.nn import (
    MAE,
    Classifier,
    Quantizer,
    build_encoder,
    build_vqvae,
    reconstruction_loss,
)

TESTS = Path(__file__).parents[1]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fill = load(TESTS / "data" / "golden" / "fill.py")
published = load(TESTS / "benchmarks" / "published_steps.py")


@pytest.fixture(scope="module")
def arrays():
    loaded, _ = fill.load_case("one_subject", TESTS / "data" / "golden")
    return {k: torch.as_tensor(v) for k, v in loaded.items() if v.dtype.kind != "U"}


def weights_of(stage):
    _, layout = fill.load_case("one_subject", TESTS / "data" / "golden")
    filled = fill.fill_state_dict(layout[stage])
    return {name: torch.as_tensor(value) for name, value in filled.items()}


def doubled(tensors):
    """Return numbers in double precision, in which no ReLU is at its kink."""
    return {k: v.double() if v.is_floating_point() else v for k, v in tensors.items()}


def published_loss(stage, weights, arrays):
    x, mask = arrays["X"], arrays["mask"]
    subject, options = torch.ones(len(x), 1, dtype=x.dtype), {"dropout": 0.0}
    if stage == "vqvae":
        return published.vqvae_loss(
            weights, x, subject, arrays["channel_mask"], **options
        )
    if stage == "mae":
        one_hot = functional.one_hot(arrays["codes"], 2048).to(x)
        return published.mae_loss(weights, x, subject, mask, one_hot, **options)
    one_hot = functional.one_hot(
        arrays["y"], len(weights["cls_block.cls_head.2.0.bias"])
    )
    return published.classifier_loss(weights, x, subject, one_hot.to(x), **options)


def our_loss(stage, module, arrays):
    x = arrays["X"].transpose(1, 2).contiguous()
    if stage == "vqvae":
        rebuilt, output = module(x)
        module.quantizer.update_(output)
        return reconstruction_loss(rebuilt, x) + output.loss_commit
    if stage == "mae":
        logits = module(x, arrays["mask"])
        return functional.cross_entropy(logits.flatten(0, 1), arrays["codes"].flatten())
    return functional.cross_entropy(module(x), arrays["y"])


def our_network(stage, weights):
    sizes = official_sizes(weights, stage)
    dropout = {"attention_dropout": 0.0, "ff_dropout": 0.0}
    encoder = build_encoder(sizes["n_channels"], n_layers=sizes["n_layers"], **dropout)
    if stage == "vqvae":
        module = build_vqvae(encoder, Quantizer(encoder.dim, sizes["n_codes"]))
    elif stage == "mae":
        module = MAE(encoder, sizes["n_codes"])
    else:
        module = Classifier(
            encoder, sizes["n_tokens"], sizes["n_classes"], head_activation="sigmoid"
        )
    module.load_state_dict(from_official(weights, stage))
    return module.train(), sizes


# Codes are compared in single precision, so the first stage is, too.
@pytest.mark.parametrize(
    ("stage", "rtol", "atol"),
    [("vqvae", 1e-3, 3e-6), ("mae", 1e-5, 1e-7), ("cls", 1e-5, 1e-7)],
)
def test_our_training_step_is_the_published_one(stage, rtol, atol, arrays):
    weights = weights_of(stage)
    module, sizes = our_network(stage, weights)
    if stage != "vqvae":
        weights, arrays, module = doubled(weights), doubled(arrays), module.double()
    published.trainable(weights)
    loss, ours = published_loss(stage, weights, arrays), our_loss(stage, module, arrays)
    golden = {"vqvae": "train_loss_total"}.get(stage, f"{stage}_train_loss")
    assert loss.item() == pytest.approx(float(arrays[golden]), rel=1e-5)
    assert ours.item() == pytest.approx(loss.item(), rel=1e-6)
    loss.backward()
    ours.backward()
    named = {name: p.grad for name, p in module.named_parameters()}
    gradients = to_official(named, stage, sizes)
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, gradient in gradients.items():
        expected = weights[name].grad
        torch.testing.assert_close(
            gradient, expected, rtol=rtol, atol=atol * largest, msg=name
        )
    if stage == "vqvae":
        codes = weights["vq_block.codex.embeddings"]
        torch.testing.assert_close(module.quantizer.codebook, codes)
