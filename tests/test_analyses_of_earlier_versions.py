"""Analyses, memories and networks that version 0.1 wrote still open."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from mne_duin import read_decoding, read_model, read_result
from mne_duin.workflows._reporting import read_settings

HERE = Path(__file__).parent / "data" / "analyses_by_0.1"


@pytest.fixture(scope="module")
def expected():
    return json.loads((HERE / "expected.json").read_text("utf-8"))


def unpack(name, folder):
    with tarfile.open(HERE / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def derivative(tmp_path_factory):
    return unpack("derivative", tmp_path_factory.mktemp("derivative"))


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    return unpack("memory", tmp_path_factory.mktemp("memory"))


def test_a_decoding_is_read_as_it_was(derivative, expected):
    (manifest,) = derivative.rglob("sub-01_*_desc-decode*_manifest.json")
    decoding = read_decoding(manifest)
    accuracy = {name: one.accuracy for name, one in decoding.results.items()}
    assert accuracy == expected["accuracy"]
    assert list(decoding.contacts.index) == expected["channels"]
    found = decoding.result.probabilities
    np.testing.assert_allclose(found, expected["probabilities"], rtol=0, atol=1e-6)
    assert decoding.results["shrinkage LDA"].y_pred.tolist() == expected["lda"]
    assert decoding.classifier.ch_names_ == expected["channels"]
    assert set(decoding.lda.classes_) == set(decoding.result.y_true)
    assert read_settings(manifest)["regions"] == ["vSMC"]


def test_every_model_and_result_is_read(derivative):
    models = [*derivative.rglob("*.safetensors"), *derivative.rglob("*.skops")]
    kinds = {type(read_model(path)).__name__ for path in models}
    assert kinds == {"DuINMAE", "DuINClassifier", "Pipeline"}
    results = [
        path
        for path in derivative.rglob("*_predictions.json")
        if "desc-predict" not in path.name
    ]
    assert len(results) >= 7
    for path in results:
        assert 0 <= read_result(path).accuracy <= 1


def test_a_memory_and_hidden_cells_are_read(memory, expected):
    (stage,) = memory.glob("*/estimator.safetensors")
    np.testing.assert_array_equal(read_model(stage).codebook_, expected["codebook"])
    cells = read_model(memory / "cells.safetensors")
    signal = np.random.default_rng(0).standard_normal((8, 2, 400)).astype(np.float32)
    tokens = cells.transform(signal[:1]).ravel()[:8]
    np.testing.assert_allclose(tokens, expected["tokens"], rtol=1e-4, atol=1e-5)
