"""What is predicted in bfloat16 is what float32 predicts, within its rounding."""

import numpy as np
import pytest
import torch
from toy_trials import CLASSIFIER, as_epochs, output, simulate

from mne_duin import DuINClassifier, read_estimator

# bfloat16 has 8 bits, so single roundings are below 2**-8; a handful of layers add up.
TOLERANCE = 0.03


@pytest.fixture(scope="module")
def classifier():
    """A classifier that is right about most trials, and trials it has not seen."""
    X, y = simulate(120, seed=1)
    options = CLASSIFIER | {"max_iter": 10, "precision": "32"}
    return DuINClassifier(**options).fit(as_epochs(X), y)


@pytest.mark.slow
def test_probabilities_agree(classifier):
    X, y = simulate(150, seed=2)
    exact = classifier.set_params(precision="32").predict_proba(as_epochs(X))
    rounded = classifier.set_params(precision="bf16").predict_proba(as_epochs(X))
    assert not np.array_equal(exact, rounded), "bfloat16 was not used"
    np.testing.assert_allclose(rounded, exact, atol=TOLERANCE)
    assert (exact.argmax(1) == rounded.argmax(1)).mean() >= 0.98
    assert classifier.score(as_epochs(X), y) > 0.8
    again = classifier.predict_proba(as_epochs(X))
    np.testing.assert_array_equal(rounded, again)


@pytest.mark.slow
def test_auto_predicts_as_float32(classifier):
    X, _ = simulate(20, seed=2)
    exact = classifier.set_params(precision="32").predict_proba(as_epochs(X))
    automatic = classifier.set_params(precision="auto").predict_proba(as_epochs(X))
    np.testing.assert_array_equal(exact, automatic)


@pytest.mark.slow
def test_a_file_keeps_the_precision(classifier, tmp_path):
    X, _ = simulate(20, seed=2)
    classifier.set_params(precision="bf16")
    again = read_estimator(classifier.save(tmp_path / "model"))
    assert again.precision == "bf16"
    np.testing.assert_array_equal(
        again.predict_proba(as_epochs(X)), classifier.predict_proba(as_epochs(X))
    )


@pytest.mark.parametrize("kind", ["vqvae", "mae"])
def test_earlier_stages(kind, fitted, trials):
    estimator = fitted[kind]
    exact, before = output(estimator, trials[0]), estimator.precision
    estimator.set_params(precision="bf16")
    try:
        rounded = output(estimator, trials[0])
    finally:
        estimator.set_params(precision=before)
    assert rounded.dtype == exact.dtype
    if kind == "vqvae":
        # Tokens between two codes may go to either.
        assert (rounded == exact).mean() > 0.9
    else:
        assert not np.array_equal(rounded, exact), "bfloat16 was not used"
        np.testing.assert_allclose(rounded, exact, atol=3 * TOLERANCE)


def test_codes_are_compared_in_float32(fitted, trials, monkeypatch):
    estimator, seen = fitted["vqvae"], []
    product = torch.Tensor.__matmul__

    def spy(first, second):
        result = product(first, second)
        seen.append((tuple(result.shape[-1:]), result.dtype))
        return result

    monkeypatch.setattr(torch.Tensor, "__matmul__", spy)
    monkeypatch.setattr(estimator, "precision", "bf16")
    estimator.transform(trials[0])
    n_codes = len(estimator.codebook_)
    assert ((n_codes,), torch.float32) in seen
    assert ((n_codes,), torch.bfloat16) not in seen
