"""Layers of the comparison against torch's own."""

import pytest
import torch
from torch import nn

from mne_duin.baselines.networks._layers import Dropout, PreNormLayer


def test_the_layer_is_that_of_torch():
    torch.manual_seed(0)
    layer = PreNormLayer(12, 3, 20, 0.3).eval()
    plain = nn.TransformerEncoderLayer(
        12, 3, 20, 0.3, "gelu", batch_first=True, norm_first=True
    ).eval()
    names = {
        "self_attn.in_proj_weight": "qkv.weight",
        "self_attn.in_proj_bias": "qkv.bias",
        "self_attn.out_proj.weight": "out.weight",
        "self_attn.out_proj.bias": "out.bias",
        "norm1.weight": "norm.weight",
        "norm1.bias": "norm.bias",
        "norm2.weight": "feed_forward.0.weight",
        "norm2.bias": "feed_forward.0.bias",
        "linear1.weight": "feed_forward.1.weight",
        "linear1.bias": "feed_forward.1.bias",
        "linear2.weight": "feed_forward.4.weight",
        "linear2.bias": "feed_forward.4.bias",
    }
    ours = layer.state_dict()
    assert set(names.values()) == set(ours)
    plain.load_state_dict({name: ours[other] for name, other in names.items()})
    x = torch.randn(4, 7, 12, requires_grad=True)
    found, wanted = layer(x), plain(x)
    assert torch.allclose(found, wanted, atol=1e-5)
    gradient = torch.autograd.grad(found.square().sum(), x)[0]
    expected = torch.autograd.grad(wanted.square().sum(), x)[0]
    assert torch.allclose(gradient, expected, atol=1e-4)


@pytest.mark.parametrize("p", [0.0, 0.25, 0.5])
def test_dropout_keeps_the_mean(p):
    torch.manual_seed(0)
    layer, x = Dropout(p), torch.ones(200_000)
    dropped = layer(x)
    # Four standard deviations of a fraction of 200 000 draws.
    assert abs((dropped == 0).float().mean() - p) < 4 * 0.5 / 200_000**0.5
    assert abs(dropped.mean() - 1) < 0.01
    assert torch.equal(layer.eval()(x), x)
