"""Compiled steps are the plain ones.

The graphs are captured by torch's compiler and run by its ``aot_eager`` backend, which
makes no machine code and needs no C++ compiler; ``tests/benchmarks/test_compiled.py``
makes it.
"""

import copy

import numpy as np
import pytest
import torch

from mne_duin.nn import Classifier, build_encoder
from mne_duin.training import SignalData, _compiling, train

SIZES = {
    "n_layers": 1,
    "n_heads": 2,
    "head_dim": 8,
    "ff_dim": 16,
    "n_filters": 4,
    "conv_filters": (8, 8, 4),
    "attention_dropout": 0.0,
    "ff_dropout": 0.0,
}
CPU = torch.device("cpu")


@pytest.fixture
def graphs(monkeypatch):
    """Capture graphs without making machine code, and count the captured ones."""
    captured = []
    eager = torch._dynamo.lookup_backend("aot_eager")

    def count(graph, inputs):
        captured.append(len(graph.graph.nodes))
        return eager(graph, inputs)

    monkeypatch.setattr(_compiling, "BACKEND", count)
    torch._dynamo.reset()
    return captured


def classifier(**changes):
    torch.manual_seed(0)
    return Classifier(build_encoder(3, **SIZES | changes), 3, 2)


def classify(module, batch):
    scores = module(batch.x, batch.subject)
    return {"loss": torch.nn.functional.cross_entropy(scores, batch.y)}


def fit(module, compile, device="cpu"):
    x = np.random.default_rng(0).standard_normal((10, 3, 300)).astype(np.float32)
    data = SignalData(x, y=np.arange(10) % 2, device=device)
    options = {"max_iter": 3, "batch_size": 4, "lr": 1e-3, "verbose": False}
    history, _ = train(
        module.to(device), classify, data, validation=data, compile=compile, **options
    )
    return history


@pytest.mark.slow
def test_dropout_does_not_break_the_graph(graphs):
    network = classifier(attention_dropout=0.2, ff_dropout=0.2).train()
    ours = _compiling.compiled(network, CPU)
    graphs.clear()
    outputs = [ours(torch.ones(4, 3, 300)) for _ in range(2)]
    assert len(graphs) == 1
    assert not torch.equal(*outputs)


@pytest.mark.slow
def test_compiled_training_equals_plain_training(graphs):
    plain, ours = classifier(), classifier()
    names = list(ours.state_dict())
    expected, history = fit(plain, False), fit(ours, True)
    # The check of the compiler, batches of four, and the last one of two.
    assert len(graphs) >= 3
    assert list(ours.state_dict()) == names
    for name in ("train_loss", "valid_loss"):
        np.testing.assert_allclose(history[name], expected[name], rtol=1e-5)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(
            ours.state_dict()[name], value, atol=1e-5, rtol=1e-4, msg=name
        )
    n_graphs = len(graphs)
    ours(torch.randn(7, 3, 300))
    copy.deepcopy(ours)
    assert len(graphs) == n_graphs, "the network's own calls must stay plain"


@pytest.mark.slow
def test_a_missing_compiler_is_named(monkeypatch):
    def missing(graph, inputs):
        raise OSError("No working C++ compiler found")

    monkeypatch.setattr(_compiling, "BACKEND", missing)
    torch._dynamo.reset()
    with pytest.raises(RuntimeError, match=r"`compile=True` needs a C\+\+ compiler"):
        _compiling.compiled(classifier(), CPU)


@pytest.mark.slow
def test_what_cannot_be_compiled_is_refused(monkeypatch, graphs):
    several = classifier(n_subjects=2, subject_layers="patch")
    with pytest.raises(ValueError, match="subject_layers='patch'"):
        _compiling.compiled(several, CPU)
    monkeypatch.setattr(_compiling, "n_processes", lambda: 2)
    with pytest.raises(ValueError, match="for one process; got 2"):
        _compiling.compiled(classifier(), CPU)
    assert not graphs


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_graphs_on_a_gpu():
    expected = fit(classifier(), False, "cuda")
    history = fit(classifier(), True, "cuda")
    np.testing.assert_allclose(history["train_loss"], expected["train_loss"], rtol=1e-3)
