"""Weights for braindecode's DuIN and back: nothing is lost, and the numbers agree."""

import sys
import types

import braindecode_mirror
import numpy as np
import pytest
import safetensors.torch
import torch
from golden_weights import published

from mne_duin import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    from_braindecode,
    read_official,
    to_braindecode,
)
from mne_duin.checkpoints import braindecode_sizes

SMALL = {
    "n_layers": 2,
    "n_heads": 2,
    "head_dim": 6,
    "ff_dim": 10,
    "conv_filters": (6, 5, 4),
    "n_filters": 3,
    "bands": "raw",
    "max_iter": 1,
    "verbose": False,
}
# The head of braindecode's network sees tokens with context only.
WORDS = SMALL | {"skip": False, "max_shift": 0.0}
# Names and shapes as they are written in braindecode/models/duin.py at 15aff27, for ten
# channels, 61 words and three seconds: the first block, and what is there once.
NAMES = {
    "spatial_projection.weight": (16, 10),
    "spatial_projection.bias": (16,),
    "spatial_encoder.0.conv.weight": (128, 16, 19),
    "spatial_encoder.0.conv.bias": (128,),
    "spatial_encoder.1.conv.weight": (128, 128, 3),
    "spatial_encoder.2.conv.weight": (16, 128, 3),
    "spatial_encoder.2.bn.weight": (16,),
    "spatial_encoder.2.bn.bias": (16,),
    "spatial_encoder.2.bn.running_mean": (16,),
    "spatial_encoder.2.bn.running_var": (16,),
    "spatial_encoder.2.bn.num_batches_tracked": (),
    "encoder.0.attn.q.weight": (512, 160),
    "encoder.0.attn.q.bias": (512,),
    "encoder.0.attn.k.weight": (512, 160),
    "encoder.0.attn.v.weight": (512, 160),
    "encoder.0.attn.q_norm.weight": (64,),
    "encoder.0.attn.q_norm.bias": (64,),
    "encoder.0.attn.k_norm.weight": (64,),
    "encoder.0.attn.proj.weight": (160, 512),
    "encoder.0.attn.proj.bias": (160,),
    "encoder.0.norm_attn.weight": (160,),
    "encoder.0.ffn.0.weight": (320, 160),
    "encoder.0.ffn.3.weight": (160, 320),
    "encoder.0.norm_ffn.bias": (160,),
    "encoder.7.norm_ffn.weight": (160,),
    "head_hidden.0.weight": (128, 4800),
    "head_hidden.0.bias": (128,),
    "final_layer.weight": (61, 128),
    "final_layer.bias": (61,),
}


@pytest.fixture(scope="module")
def trials():
    random = np.random.default_rng(0)
    return random.standard_normal((12, 4, 300)), np.arange(12) % 3


@pytest.fixture(scope="module")
def classifier(trials):
    return DuINClassifier(**WORDS | {"hidden_dim": 7}).fit(*trials, sfreq=1000)


@pytest.fixture(scope="module")
def vqvae(trials):
    options = {"n_decoder_layers": 1, "n_codes": 4}
    return DuINVQVAE(**SMALL | options).fit(trials[0], sfreq=1000)


def scaled(estimator, X):
    subject = np.zeros(len(X), int)
    return torch.from_numpy(estimator.scaler_.apply(X.astype(np.float32), subject))


def build(estimator, state, n_times=300):
    """Braindecode's network, or its mirror where it is not installed, with weights."""
    sizes = braindecode_sizes(state)
    network = braindecode_mirror.DuIN(
        sizes.get("n_classes", 1),
        sizes["n_channels"],
        n_times,
        1000,
        n_neural=sizes["n_filters"],
        n_filters=sizes["conv_filters"],
        kernel_sizes=sizes["conv_kernels"],
        n_layers=sizes["n_layers"],
        n_heads=sizes["n_heads"],
        head_dim=sizes["head_dim"],
        ffn_dim=sizes["ff_dim"],
        head_hidden_dim=sizes.get("hidden_dim", 128),
    )
    network.load_state_dict(state, strict="n_classes" in sizes)
    return network.eval()


def test_names_shapes_and_number_of_parameters():
    _, weights = published("one_subject", "cls")
    state = to_braindecode(read_official(weights, stage="cls"))
    assert NAMES.items() <= {n: tuple(v.shape) for n, v in state.items()}.items()
    encoder = [n for n in state if not n.startswith(("head_hidden.", "final_layer."))]
    # The model card of braindecode/duin-pretrained counts 183 tensors of the encoder.
    assert len(encoder) == 183
    assert (
        state.keys() == braindecode_mirror.DuIN(61, 10, 3000, 1000).state_dict().keys()
    )
    trained = [n for n in state if "running" not in n and "num_batches" not in n]
    # What braindecode reports for ten channels, 61 words and 3000 samples.
    assert sum(state[name].numel() for name in trained) == 4_182_813


def test_published_weights_give_the_published_numbers_there():
    arrays, weights = published("one_subject", "cls")
    X = torch.from_numpy(arrays["X"].transpose(0, 2, 1).copy())
    state = to_braindecode(read_official(weights, stage="cls"))
    network = build(None, state, n_times=3000)
    with torch.no_grad():
        scores = network(X).sigmoid().numpy()
    np.testing.assert_allclose(scores, arrays["cls_scores"], atol=1e-5, rtol=0)
    _, weights = published("one_subject", "mae")
    network = build(None, to_braindecode(read_official(weights, stage="mae")), 3000)
    with torch.no_grad():
        encoding = network.encode(X).numpy()
    np.testing.assert_allclose(encoding, arrays["encoding"], atol=1e-5, rtol=0)


def test_the_numbers_agree(classifier, vqvae, trials):
    network = build(classifier, to_braindecode(classifier))
    with torch.no_grad():
        found = network(scaled(classifier, trials[0])).numpy()
    expected = classifier.decision_function(trials[0])
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    mae = DuINMAE(vqvae, max_iter=1, verbose=False).fit(trials[0], sfreq=1000)
    network = build(mae, to_braindecode(mae))
    with torch.no_grad():
        found = network.encode(scaled(mae, trials[0])).numpy()
    np.testing.assert_allclose(found, mae.transform(trials[0]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("form", ["dict", "safetensors", "pth", "compiled"])
def test_there_and_back(form, classifier, trials, tmp_path):
    state = source = to_braindecode(classifier)
    if form == "safetensors":
        source = tmp_path / "model.safetensors"
        safetensors.torch.save_file(state, source)
    elif form != "dict":
        source = tmp_path / "model.pth"
        before = "_orig_mod." if form == "compiled" else ""
        torch.save({before + name: value for name, value in state.items()}, source)
    names = ["A1", "A2", "B'1", "B'2"]
    again = from_braindecode(source, ch_names=names, classes=classifier.classes_)
    assert again.ch_names_ == names
    assert again.get_params()["conv_filters"] == (6, 5, 4)
    assert again.hidden_dim == 7
    X = scaled(classifier, trials[0]).numpy()
    expected = classifier.decision_function(trials[0])
    assert np.array_equal(again.decision_function(X), expected)
    assert np.array_equal(again.predict(X), classifier.predict(trials[0]))
    second = to_braindecode(again)
    assert second.keys() == state.keys()
    assert all(torch.equal(second[name], state[name]) for name in state)


def test_an_encoder_alone_pretrains_a_classifier(vqvae, trials):
    state = to_braindecode(vqvae)
    assert not any(name.startswith("final_layer") for name in state)
    encoder = from_braindecode(state)
    assert isinstance(encoder, DuINMAE)
    second = to_braindecode(encoder)
    assert all(torch.equal(second[name], state[name]) for name in state)
    clf = DuINClassifier(encoder, max_iter=1, max_shift=0.0, verbose=False)
    assert clf.fit(*trials, sfreq=1000).predict(trials[0]).shape == (12,)


def test_each_subject_has_a_map_of_its_own():
    arrays, weights = published("three_subjects", "cls")
    estimator = read_official(weights, stage="cls")
    X = torch.from_numpy(arrays["X"].transpose(0, 2, 1).copy())
    for subject in range(3):
        network = build(None, to_braindecode(estimator, subject=subject), 2000)
        rows = arrays["subject"] == subject
        with torch.no_grad():
            scores = network(X[rows]).sigmoid().numpy()
        np.testing.assert_allclose(scores, arrays["cls_scores"][rows], atol=1e-5)
    with pytest.raises(ValueError, match=r"`subject` must say which of \[0, 1, 2\]"):
        to_braindecode(estimator)
    with pytest.raises(ValueError, match="`subject` must be one of .* got 3"):
        to_braindecode(estimator, subject=3)


def test_parts_that_braindecode_has_not(vqvae, trials):
    X, y = trials
    gamma = DuINClassifier(**WORDS | {"bands": ["high-gamma"]})
    with pytest.raises(ValueError, match="band power .* braindecode's DuIN has n"):
        to_braindecode(gamma.fit(X, y, sfreq=1000))
    options = {"use_codex": True, "max_iter": 1, "max_shift": 0.0, "verbose": False}
    clf = DuINClassifier(vqvae, **options).fit(X, y, sfreq=1000)
    with pytest.raises(ValueError, match="a codex in front of the head"):
        to_braindecode(clf)
    _, weights = published("poms_two_subjects", "vqvae")
    with pytest.raises(ValueError, match="a patch encoder for each subject"):
        to_braindecode(read_official(weights, stage="vqvae"))
    even = DuINClassifier(**WORDS | {"conv_kernels": (19, 3, 4)})
    even.fit(X, y, sfreq=1000)
    with pytest.raises(ValueError, match="pads convolutions of even size otherwise"):
        to_braindecode(even)


def test_tensors_that_are_not_as_wanted(classifier):
    state = to_braindecode(classifier)
    for name in list(state)[::5]:
        rest = {k: v for k, v in state.items() if k != name}
        with pytest.raises(ValueError, match=f"has no '{name}', which braindecode's"):
            from_braindecode(rest)
    with pytest.raises(ValueError, match=r"braindecode's DuIN has not: \['more'\]"):
        from_braindecode(state | {"more": torch.zeros(1)})
    name = "encoder.1.attn.k.weight"
    with pytest.raises(ValueError, match="attention.qkv.weight' has shape .* wanted"):
        from_braindecode(state | {name: state[name][1:]})
    name = "encoder.0.ffn.0.weight"
    with pytest.raises(ValueError, match=f"'{name}' has shape .* 2 dimensions are wa"):
        from_braindecode(state | {name: state[name].flatten()})
    with pytest.raises(ValueError, match="`ch_names` has 1 names; the weights have 4"):
        from_braindecode(state, ch_names=["A1"])
    with pytest.raises(ValueError, match="`classes` has 1 names; the weights have 3"):
        from_braindecode(state, classes=["A1"])
    with pytest.raises(ValueError, match="`conv_strides` .* does not fit 3 convolutio"):
        from_braindecode(state, conv_strides=(10, 1))
    with pytest.raises(TypeError, match="`path_or_state_dict` must be str or Path"):
        from_braindecode(None)


def test_no_random_state_is_touched(classifier):
    before = torch.get_rng_state()
    from_braindecode(to_braindecode(classifier))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_module_is_built_where_braindecode_has_it(classifier, vqvae, monkeypatch):
    package, models = types.ModuleType("braindecode"), types.ModuleType("models")
    monkeypatch.setitem(sys.modules, "braindecode", package)
    monkeypatch.setitem(sys.modules, "braindecode.models", models)
    with pytest.raises(ImportError, match="has no DuIN here; version 1.8.2 or later"):
        to_braindecode(classifier, module=True)
    models.DuIN = braindecode_mirror.DuIN
    network = to_braindecode(classifier, module=True)
    assert not network.training
    state = to_braindecode(classifier)
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    with pytest.raises(ValueError, match="`n_times` must be given"):
        to_braindecode(vqvae, module=True)
    encoder = to_braindecode(vqvae, module=True, n_times=300).encode
    assert encoder(torch.zeros(1, 4, 300)).shape == (1, 3, 40)
    monkeypatch.setitem(sys.modules, "braindecode.models", None)
    with pytest.raises(ImportError, match=r"mne-duin\[braindecode\]"):
        to_braindecode(classifier, module=True)


def test_with_braindecode_itself(classifier, trials):
    models = pytest.importorskip("braindecode.models")
    if not hasattr(models, "DuIN"):
        pytest.skip("this version of braindecode has no DuIN")
    network = to_braindecode(classifier, module=True)
    with torch.no_grad():
        found = network(scaled(classifier, trials[0])).numpy()
    expected = classifier.decision_function(trials[0])
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
