"""Published weights through the public estimators, and files that are no such thing."""

import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from harmful import Touch

from mne_duin import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    read_estimator,
    read_official,
)

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SPEC = importlib.util.spec_from_file_location("fill", GOLDEN / "fill.py")
fill = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fill)
STAGES = ("vqvae", "mae", "cls")


def published(case, stage):
    arrays, layout = fill.load_case(case, GOLDEN)
    weights = fill.fill_state_dict(layout[stage])
    return arrays, {name: torch.as_tensor(value) for name, value in weights.items()}


@pytest.fixture(scope="module")
def weights():
    return {stage: published("one_subject", stage)[1] for stage in STAGES}


@pytest.mark.parametrize(
    "case",
    [
        "one_subject",
        pytest.param("three_subjects", marks=pytest.mark.slow),
        pytest.param("poms_two_subjects", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("form", ["dict", pytest.param("file", marks=pytest.mark.slow)])
def test_golden_arrays_through_the_estimators(case, form, tmp_path):
    arrays = published(case, "vqvae")[0]
    X, subject = arrays["X"].transpose(0, 2, 1), arrays["subject"]
    estimators = {}
    for stage in STAGES:
        source = published(case, stage)[1]
        if form == "file":
            torch.save(source, tmp_path / f"{stage}.pth")
            source = tmp_path / f"{stage}.pth"
        estimators[stage] = read_official(source, stage=stage)
    options = {} if case == "one_subject" else {"subject": subject}
    vqvae = estimators["vqvae"]
    assert np.array_equal(vqvae.transform(X, **options), arrays["codes"])
    rebuilt = vqvae.reconstruct(X, **options)
    expected = arrays["reconstruction"].transpose(0, 2, 1)
    np.testing.assert_allclose(rebuilt, expected, atol=1e-5, rtol=0)
    encoding = estimators["mae"].transform(X, **options)
    np.testing.assert_allclose(encoding, arrays["encoding"], atol=1e-5, rtol=0)
    scores = estimators["cls"].decision_function(X, **options)
    np.testing.assert_allclose(scores, arrays["cls_scores"], atol=1e-5, rtol=0)
    assert np.array_equal(
        estimators["cls"].predict(X, **options), arrays["cls_scores"].argmax(1)
    )


@pytest.mark.parametrize(
    "stage",
    [pytest.param(s, marks=() if s == "cls" else pytest.mark.slow) for s in STAGES],
)
def test_they_count_as_fitted_and_can_be_saved(stage, weights, tmp_path):
    names = [f"A'{i}" for i in range(10)]
    estimator = read_official(weights[stage], stage=stage, ch_names=names)
    kind = {"vqvae": DuINVQVAE, "mae": DuINMAE, "cls": DuINClassifier}[stage]
    assert type(estimator) is kind
    assert estimator.ch_names_ == names
    assert estimator.channel_contributions().index.tolist() == names
    X = published("one_subject", stage)[0]["X"].transpose(0, 2, 1)
    method = "decision_function" if stage == "cls" else "transform"
    again = read_estimator(estimator.save(tmp_path / "model"))
    expected = getattr(estimator, method)(X)
    assert np.array_equal(getattr(again, method)(X), expected)


def test_the_parameters_tell_the_sizes(weights):
    vqvae = read_official(weights["vqvae"], stage="vqvae")
    assert (vqvae.n_layers, vqvae.n_decoder_layers, vqvae.n_filters) == (8, 4, 16)
    assert (vqvae.n_codes, vqvae.code_dim) == vqvae.codebook_.shape == (2048, 64)
    classifier = read_official(weights["cls"], stage="cls")
    assert classifier.head_activation == "sigmoid"
    assert classifier.n_layers == len(classifier.module_.encoder.transformer.blocks)


def test_a_published_first_stage_pretrains_a_classifier(weights):
    X = np.random.default_rng(0).standard_normal((8, 10, 200))
    y = np.arange(8) % 2
    vqvae = read_official(weights["vqvae"], stage="vqvae")
    clf = DuINClassifier(vqvae, max_iter=1, max_shift=0.0, verbose=False)
    assert clf.fit(X, y, sfreq=1000).predict(X).shape == y.shape


def test_what_needs_the_first_stage_says_so(weights):
    mae = read_official(weights["mae"], stage="mae")
    X = published("one_subject", "mae")[0]["X"].transpose(0, 2, 1)
    with pytest.raises(ValueError, match="read without its first stage"):
        mae.score(X)
    with pytest.raises(ValueError, match="which `pretrained` has not or was read"):
        DuINClassifier(mae, use_codex=True, max_iter=1).fit(X, np.arange(len(X)) % 2)


def test_names_must_fit_the_sizes(weights):
    words = [f"word {i}" for i in range(61)]
    scores = weights["cls"]["cls_block.cls_head.2.0.weight"]
    named = read_official(weights["cls"], stage="cls", classes=words[: len(scores)])
    assert named.classes_.tolist() == words[: len(scores)]
    with pytest.raises(ValueError, match="`classes` has 2 names; the weights have"):
        read_official(weights["cls"], stage="cls", classes=["a", "b"])
    with pytest.raises(ValueError, match="`ch_names` has 2 names; the weights have 10"):
        read_official(weights["cls"], stage="cls", ch_names=["a", "b"])
    with pytest.raises(ValueError, match="`n_subjects` is 3, but .* of 1 subjects"):
        read_official(weights["cls"], stage="cls", n_subjects=3)
    assert read_official(weights["cls"], stage="cls", n_subjects=1).subjects_.size == 1


def test_reading_touches_no_random_state(weights):
    before = torch.get_rng_state()
    for stage in STAGES:
        read_official(weights[stage], stage=stage)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("stage", STAGES)
def test_every_missing_tensor_is_named(stage, weights):
    idle = ("time_encodings", "attention.scale", "initted", "contra_block.")
    idle += ("vq_block.",) if stage == "cls" else ()
    names = [name for name in weights[stage] if not any(i in name for i in idle)]
    for name in names[:: len(names) // 5]:
        rest = {k: v for k, v in weights[stage].items() if k != name}
        with pytest.raises(ValueError, match=f"has no '{name}', which a published"):
            read_official(rest, stage=stage)


@pytest.mark.parametrize("stage", STAGES)
def test_every_tensor_of_another_shape_is_named(stage, weights):
    names = [
        "encoder.1.xfmr_blocks.3.mha.W_k.W.weight",
        "encoder.1.xfmr_blocks.3.mha.W_k.W.bias",
        "tokenizer.conv_blocks.1.0.1.weight",
        "tokenizer.conv_blocks.2.1.1.running_var",
    ]
    names += {"vqvae": ["vq_block.counts"], "mae": ["mask_emb"], "cls": []}[stage]
    for name in names:
        changed = weights[stage] | {name: weights[stage][name][1:]}
        with pytest.raises(ValueError, match=f"'{name}' has shape .* is wanted"):
            read_official(changed, stage=stage)
    name = "subj_block.subj_layer.W.weight"
    changed = weights[stage] | {name: weights[stage][name][:-1]}
    with pytest.raises(ValueError, match=f"'{name}' has shape .* is wanted"):
        read_official(changed, stage=stage)
    changed = weights[stage] | {name: weights[stage][name].flatten()}
    with pytest.raises(ValueError, match=f"'{name}' has shape .* a matrix is wanted"):
        read_official(changed, stage=stage)


@pytest.mark.parametrize("stage", STAGES)
def test_unknown_tensors_are_named(stage, weights):
    changed = weights[stage] | {"encoder.extra": torch.zeros(1)}
    with pytest.raises(ValueError, match=r"Unknown tensors in .*\['encoder.extra'\]"):
        read_official(changed, stage=stage)
    with pytest.raises(ValueError, match="'mask_emb' is a list, no tensor|Unknown"):
        read_official(weights[stage] | {"mask_emb": [1.0]}, stage=stage)


def test_another_stage_than_said(weights):
    with pytest.raises(ValueError, match="has no 'vq_block.codex.embeddings'"):
        read_official(weights["mae"], stage="vqvae")
    with pytest.raises(ValueError, match="Unknown tensors in the 'mae'|has no"):
        read_official(weights["cls"], stage="mae")
    with pytest.raises(
        ValueError, match="`stage` must be one of 'vqvae', 'mae', 'cls'"
    ):
        read_official(weights["cls"], stage="classifier")
    with pytest.raises(TypeError, match="`path_or_state_dict` must be str or Path"):
        read_official(None, stage="cls")


@pytest.mark.parametrize("how", ["torch", "torch-legacy", "pickle"])
def test_a_file_that_would_run_something_is_refused(how, weights, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "model.pth"
    content = {"mask_emb": torch.zeros(3), "trap": Touch(mark)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))
        pickle.loads(path.read_bytes())
    else:
        new = how == "torch"
        torch.save(content, path, _use_new_zipfile_serialization=new)
        torch.load(path, weights_only=False)
    assert mark.exists(), "the trap itself must work"
    mark.unlink()
    for stage in STAGES:
        with pytest.raises(
            ValueError, match="more than tensors; nothing in it was run"
        ):
            read_official(path, stage=stage)
    assert not mark.exists()


def test_damaged_and_foreign_files(weights, tmp_path):
    path = tmp_path / "model.pth"
    torch.save(weights["mae"], path)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2], whole[:100]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="model.pth is damaged or holds more"):
            read_official(path, stage="mae")
    for content in ([torch.zeros(2)], {1: torch.zeros(2)}, {"epoch": 3}):
        torch.save(content, path)
        with pytest.raises(ValueError, match="model.pth must hold a dict of names"):
            read_official(str(path), stage="mae")
    with pytest.raises(FileNotFoundError, match="There is no file '.*missing.pth'"):
        read_official(tmp_path / "missing.pth", stage="mae")


def test_scales_are_learned_for_published_weights(weights):
    random = np.random.default_rng(0)
    estimator = read_official(weights["vqvae"], stage="vqvae")
    n_channels = estimator.n_features_in_
    z = random.standard_normal((6, n_channels, 400))
    z = (z - z.mean((0, 2), keepdims=True)) / z.std((0, 2), keepdims=True)
    offset, unit = random.uniform(1e-6, 1e-5, (2, n_channels, 1))
    before = estimator.transform(z)
    learned = estimator.learn_scales(z * unit + offset)
    assert learned is estimator
    np.testing.assert_allclose(estimator.scaler_.scale[0], unit[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(estimator.transform(z * unit + offset), before)
    with pytest.raises(ValueError, match=f"has {n_channels - 1} channels"):
        estimator.learn_scales(z[:, 1:])
