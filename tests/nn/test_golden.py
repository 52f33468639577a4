"""Our networks against the arrays that the published implementation computed."""

import importlib.util
import json
from pathlib import Path

import numpy as np
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

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SPEC = importlib.util.spec_from_file_location("fill", GOLDEN / "fill.py")
fill = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fill)

CASES = ("one_subject", "three_subjects", "poms_two_subjects")


def build(layout, stage):
    """A network of ours with the published weights, and how to name its gradients."""
    weights = fill.fill_state_dict(layout[stage])
    weights = {name: torch.as_tensor(value) for name, value in weights.items()}
    sizes = official_sizes(weights, stage)
    encoder = build_encoder(
        sizes["n_channels"],
        n_subjects=sizes["n_subjects"],
        subject_layers=sizes["subject_layers"],
        n_layers=sizes["n_layers"],
    )
    if stage == "vqvae":
        quantizer = Quantizer(encoder.dim, sizes["n_codes"], sizes["code_dim"])
        module = build_vqvae(encoder, quantizer)
    elif stage == "mae":
        module = MAE(encoder, sizes["n_codes"])
    else:
        module = Classifier(
            encoder, sizes["n_tokens"], sizes["n_classes"], head_activation="sigmoid"
        )
    module.load_state_dict(from_official(weights, stage))
    return module.eval(), sizes


def set_training_without_dropout(module):
    module.train()
    for part in module.modules():
        for name in ("dropout", "ff_dropout"):
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    arrays, layout = fill.load_case(request.param, GOLDEN)
    tensors = {k: torch.as_tensor(v) for k, v in arrays.items() if v.dtype.kind != "U"}
    tensors["x"] = tensors["X"].transpose(1, 2).contiguous()
    norms = {k: json.loads(str(v)) for k, v in arrays.items() if v.dtype.kind == "U"}
    return tensors, layout, norms


def assert_gradients(module, stage, sizes, expected):
    """Compare norms of gradients.

    In single precision, rounding puts a ReLU on the other side of its kink on some
    processors, which changes gradients by a thousandth: take double where possible.
    """
    gradients = {
        name: parameter.grad
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }
    ours = to_official(gradients, stage, sizes)
    # Own layers of a subject that has no epoch in the batch take no part.
    idle = [name for name in expected if name not in ours and expected[name] > 0]
    assert all(name.startswith(("contra_block.", "vq_block.")) for name in idle)
    compared = 0
    for name, norm in expected.items():
        # Exact zeros in real arithmetic: only rounding noise is there to compare.
        if name in ours:
            got = float(ours[name].norm())
            assert got == pytest.approx(norm, rel=1e-4, abs=2e-6), name
            compared += norm > 2e-6
    assert compared > 100


def test_vqvae_forward(case):
    arrays, layout, _ = case
    module, _ = build(layout, "vqvae")
    with torch.no_grad():
        tokens = module.encoder.tokenize(arrays["x"], arrays["subject"])
        encoding = module.encoder(arrays["x"], arrays["subject"])
        output = module.quantizer(encoding)
        reconstruction = module.decode(output.quantized, arrays["subject"])
    loss = reconstruction_loss(reconstruction, arrays["x"], arrays["channel_mask"])
    if "tokens" in arrays:
        torch.testing.assert_close(tokens, arrays["tokens"], atol=1e-5, rtol=0)
    torch.testing.assert_close(encoding, arrays["encoding"], atol=1e-5, rtol=0)
    assert torch.equal(output.codes, arrays["codes"])
    torch.testing.assert_close(output.quantized, arrays["quantized"], atol=1e-5, rtol=0)
    expected = arrays["reconstruction"].transpose(1, 2)
    torch.testing.assert_close(reconstruction, expected, atol=1e-5, rtol=0)
    assert output.loss_commit.item() == pytest.approx(
        float(arrays["loss_commit"]), rel=1e-5
    )
    assert loss.item() == pytest.approx(float(arrays["loss_reconstruction"]), rel=1e-5)


def test_vqvae_training_step(case):
    arrays, layout, norms = case
    module, sizes = build(layout, "vqvae")
    set_training_without_dropout(module)
    reconstruction, output = module(arrays["x"], arrays["subject"])
    loss = reconstruction_loss(reconstruction, arrays["x"], arrays["channel_mask"])
    total = loss + output.loss_commit
    total.backward()
    module.quantizer.update_(output)
    for ours, theirs in (
        (loss, "train_loss_reconstruction"),
        (output.loss_commit, "train_loss_commit"),
        (total, "train_loss_total"),
    ):
        assert ours.item() == pytest.approx(float(arrays[theirs]), rel=1e-5)
    assert_gradients(module, "vqvae", sizes, norms["vqvae_grad_norms"])
    codebook, counts = module.quantizer.codebook[:256], module.quantizer.counts
    torch.testing.assert_close(codebook, arrays["codex_after_ema"], atol=1e-5, rtol=0)
    torch.testing.assert_close(counts, arrays["counts_after_ema"], atol=1e-5, rtol=0)


def test_mae(case):
    arrays, layout, norms = case
    module, sizes = build(layout, "mae")
    with torch.no_grad():
        logits = module(arrays["x"], arrays["mask"], arrays["subject"])
    torch.testing.assert_close(
        logits[..., :8], arrays["mae_logits_first8"], atol=1e-5, rtol=0
    )
    assert torch.equal(logits.argmax(-1), arrays["mae_argmax"])
    torch.testing.assert_close(
        logits.logsumexp(-1), arrays["mae_logsumexp"], atol=1e-5, rtol=0
    )
    codes = arrays["codes"].flatten()
    loss = functional.cross_entropy(logits.flatten(0, 1), codes)
    assert loss.item() == pytest.approx(float(arrays["mae_loss"]), rel=1e-5)
    set_training_without_dropout(module)
    logits = module.double()(arrays["x"].double(), arrays["mask"], arrays["subject"])
    loss = functional.cross_entropy(logits.flatten(0, 1), codes)
    loss.backward()
    assert loss.item() == pytest.approx(float(arrays["mae_train_loss"]), rel=1e-5)
    assert_gradients(module, "mae", sizes, norms["mae_grad_norms"])


def test_classifier(case):
    arrays, layout, norms = case
    module, sizes = build(layout, "cls")
    with torch.no_grad():
        scores = module(arrays["x"], arrays["subject"])
    torch.testing.assert_close(scores, arrays["cls_scores"], atol=1e-5, rtol=0)
    loss = functional.cross_entropy(scores, arrays["y"])
    assert loss.item() == pytest.approx(float(arrays["cls_loss"]), rel=1e-5)
    set_training_without_dropout(module)
    scores = module.double()(arrays["x"].double(), arrays["subject"])
    loss = functional.cross_entropy(scores, arrays["y"])
    loss.backward()
    assert loss.item() == pytest.approx(float(arrays["cls_train_loss"]), rel=1e-5)
    assert_gradients(module, "cls", sizes, norms["cls_grad_norms"])


@pytest.mark.parametrize("stage", ["vqvae", "mae", "cls"])
def test_translation_there_and_back(case, stage):
    _, layout, _ = case
    weights = fill.fill_state_dict(layout[stage])
    weights = {name: torch.as_tensor(value) for name, value in weights.items()}
    back = to_official(
        from_official(weights, stage), stage, official_sizes(weights, stage)
    )
    for name, value in back.items():
        assert np.array_equal(value, weights[name]), name
