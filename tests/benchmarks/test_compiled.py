"""Steps compiled to machine code are the plain ones; a missing compiler is named.

The tests of the default run stop before the machine code, which takes half a minute.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mne_duin.training import _compiling

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from test_compiling import CPU, classifier, fit  # noqa: E402


def test_machine_code():
    torch._dynamo.reset()
    plain, ours = classifier(), classifier()
    expected, history = fit(plain, False), fit(ours, True)
    for name in ("train_loss", "valid_loss"):
        np.testing.assert_allclose(history[name], expected[name], rtol=1e-5)


def test_gradients():
    torch._dynamo.reset()
    plain, ours = classifier(), classifier()
    x = torch.randn(4, 3, 300, generator=torch.Generator().manual_seed(1))
    for network in (plain, _compiling.compiled(ours, CPU)):
        network(x).square().sum().backward()
    largest = max(float(p.grad.abs().max()) for p in plain.parameters())
    for one, other in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=2e-6 * largest, rtol=1e-4)


def test_without_a_compiler():
    _compiling.compiled(classifier(), CPU)
    config = torch._inductor.config
    torch._dynamo.reset()
    with (
        config.patch({"cpp.cxx": ("no-such-compiler",), "force_disable_caches": True}),
        pytest.raises(RuntimeError, match=r"`compile=True` needs a C\+\+ compiler"),
    ):
        _compiling.compiled(classifier(), CPU)
