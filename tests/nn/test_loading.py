"""Weights are compared with a network before that network is made."""

import time
import tracemalloc

import pytest
import torch

from mne_duin.nn import build_encoder, build_network, load_network, network_sizes
from mne_duin.nn._models import MAE

SMALL = {"n_layers": 1, "n_heads": 1, "head_dim": 4, "ff_dim": 8, "n_filters": 4}


def make(**options):
    options = SMALL | {"conv_filters": (8, 8, 4)} | options
    return MAE(build_encoder(3, **options), 16)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subject_layers": "patch", "n_subjects": 2},
        {"patch_encoder": "depthwise", "n_subjects": 2},
        {"patch_encoder": "depthwise-filters", "conv_filters": (8, 8, 4)},
    ],
    ids=str,
)
def test_the_weights_of_a_network_are_taken(options):
    module = make(**options).eval()
    again = load_network(network_sizes(module), module.state_dict())
    x = torch.randn(2, 3, 200)
    assert torch.equal(again.encoder(x), module.encoder(x))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_layers", 10**9),
        ("n_subjects", 10**9),
        ("n_heads", 10**6),
        ("ff_dim", 10**9),
        ("patch_size", 10**12),
        ("n_filters", 10**9),
    ],
)
@pytest.mark.parametrize("layers", ["spatial", "patch"])
def test_inflated_sizes_cost_neither_time_nor_memory(name, value, layers):
    module = make(subject_layers=layers)
    sizes = network_sizes(module)
    if name not in sizes["encoder"]:
        assert (name, layers) == ("n_filters", "patch")
        return
    sizes["encoder"][name] = value
    started = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="sizes|there are .* tensors"):
            load_network(sizes, module.state_dict())
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - started < 30
    assert build_network(network_sizes(module)) is not None
