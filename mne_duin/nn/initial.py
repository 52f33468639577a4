"""Initial values of the published implementation."""

from torch import nn


def truncated_normal_(tensor, std=0.02):
    """Fill ``tensor`` in place from a normal distribution cut at two deviations."""
    return nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)


def init_linear_(module):
    """Give a linear layer small normal weights and no bias; leave others alone."""
    if isinstance(module, nn.Linear):
        truncated_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
