"""Sine positions and post-norm transformer blocks with normalised queries and keys."""

import math

import torch
from torch import nn
from torch.nn import functional

from mne_duin.nn.initial import init_linear_


def sine_positions(n_tokens, dim):
    """Return the fixed position table: sine on even, cosine on odd dimensions.

    Parameters
    ----------
    n_tokens : int
        Number of positions.
    dim : int
        Size of a token.

    Returns
    -------
    positions : Tensor, shape (n_tokens, dim)
        The table.
    """
    time = torch.arange(n_tokens, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, dim, 2).float() * -(math.log(1e4) / dim))
    positions = torch.zeros(n_tokens, dim)
    positions[:, 0::2] = torch.sin(time * rate)
    positions[:, 1::2] = torch.cos(time * rate)[:, : dim // 2]
    return positions


def cheap_dropout(x, p, training):
    """Drop out with masks made of 16-bit random lanes instead of one draw per value.

    One 64-bit draw decides on four values, which costs a fraction of a Bernoulli draw
    for each. The probability is rounded to 1/65536, and the scale to what was drawn.

    Parameters
    ----------
    x : Tensor
        Any tensor.
    p : float
        Probability of a zero.
    training : bool
        Nothing happens outside training.

    Returns
    -------
    x : Tensor
        The tensor with some values zero and the others scaled up.
    """
    threshold = round(p * 65536)
    if not training or threshold == 0:
        return x
    lanes = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device)
    lanes = lanes.random_(-(2**63), None).view(torch.int16)[: x.numel()]
    keep = lanes.view(x.shape) >= threshold - 32768
    return x * (keep.to(x.dtype) * (65536 / (65536 - threshold)))


class Attention(nn.Module):
    r"""Multi-head self-attention with layer-normalised queries and keys.

    .. math:: A = \mathrm{softmax}(\mathrm{LN}(Q)\,\mathrm{LN}(K)^T / \sqrt{d}),\quad
              Y = \mathrm{dropout}(A)\, V\, W_o

    Parameters
    ----------
    dim : int
        Size of a token.
    n_heads, head_dim : int
        Number and size of the heads.
    dropout : float
        Dropout of the attention weights.
    """

    def __init__(self, dim, n_heads, head_dim, dropout):
        super().__init__()
        self.n_heads, self.head_dim, self.dropout = n_heads, head_dim, dropout
        self.qkv = nn.Linear(dim, 3 * n_heads * head_dim)
        self.norm_q = nn.LayerNorm(head_dim)
        self.norm_k = nn.LayerNorm(head_dim)
        self.out = nn.Linear(n_heads * head_dim, dim)

    def forward(self, x):
        """Attend; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        n_epochs, n_tokens, _ = x.shape
        qkv = self.qkv(x).view(n_epochs, n_tokens, 3, self.n_heads, self.head_dim)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        query, key = self.norm_q(query), self.norm_k(key)
        if x.device.type != "cpu" and (not self.training or self.dropout == 0):
            heads = functional.scaled_dot_product_attention(query, key, value)
        else:
            # On a CPU three plain products are faster than the fused kernel.
            scores = query @ key.transpose(-1, -2) * self.head_dim**-0.5
            weights = scores.float().softmax(-1)
            weights = cheap_dropout(weights, self.dropout, self.training)
            heads = weights.to(value.dtype) @ value
        return self.out(heads.transpose(1, 2).reshape(n_epochs, n_tokens, -1))


class Block(nn.Module):
    r"""A post-norm transformer block.

    .. math:: x \leftarrow \mathrm{LN}(x + \mathrm{attention}(x)),\quad
              x \leftarrow \mathrm{LN}(x + \mathrm{ffn}(x))

    Parameters
    ----------
    dim, n_heads, head_dim, ff_dim : int
        Sizes of a token, the heads and the feed-forward layer.
    attention_dropout, ff_dropout : float
        Dropout of the attention weights and of the hidden feed-forward layer.
    """

    def __init__(self, dim, n_heads, head_dim, ff_dim, attention_dropout, ff_dropout):
        super().__init__()
        self.attention = Attention(dim, n_heads, head_dim, attention_dropout)
        self.norm_attention = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, ff_dim)
        self.contract = nn.Linear(ff_dim, dim)
        self.norm_ff = nn.LayerNorm(dim)
        self.ff_dropout = ff_dropout

    def forward(self, x):
        """Transform; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        x = self.norm_attention(x + self.attention(x))
        hidden = functional.relu(self.expand(x))
        hidden = cheap_dropout(hidden, self.ff_dropout, self.training)
        return self.norm_ff(x + self.contract(hidden))


class Transformer(nn.Module):
    """Sine positions, then a stack of blocks.

    Parameters
    ----------
    dim : int
        Size of a token.
    n_layers : int
        Number of blocks.
    n_heads, head_dim, ff_dim : int
        Sizes of the heads and of the feed-forward layer.
    attention_dropout, ff_dropout : float
        Dropout of the attention weights and of the hidden feed-forward layer.
    """

    def __init__(
        self,
        dim=160,
        n_layers=8,
        *,
        n_heads=8,
        head_dim=64,
        ff_dim=320,
        attention_dropout=0.2,
        ff_dropout=0.2,
    ):
        super().__init__()
        self.dim = dim
        self.blocks = nn.ModuleList(
            Block(dim, n_heads, head_dim, ff_dim, attention_dropout, ff_dropout)
            for _ in range(n_layers)
        )
        # Made of constants alone, so it is not part of a checkpoint.
        self.register_buffer("positions", sine_positions(64, dim), persistent=False)
        self.apply(init_linear_)

    def forward(self, tokens):
        """Transform; tokens and result have shape (n_epochs, n_tokens, dim)."""
        n_tokens = tokens.shape[1]
        if n_tokens > len(self.positions):
            table = sine_positions(n_tokens, self.dim)
            self.positions = table.to(self.positions)
        x = tokens + self.positions[:n_tokens]
        for block in self.blocks:
            x = block(x)
        return x
