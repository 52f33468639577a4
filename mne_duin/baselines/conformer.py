"""Conformer blocks: feed-forward, attention with relative positions, convolution."""

import torch
from torch import nn
from torch.nn import functional

from mne_duin.baselines.layers import Dropout
from mne_duin.nn.transformer import sine_positions


class RelativeAttention(nn.Module):
    r"""Self-attention whose scores know how far apart two steps are.

    .. math:: s_{ij} = \big((q_i + u)\, k_j + (q_i + v)\, r_{i-j}\big) / \sqrt{d}

    Parameters
    ----------
    dim, n_heads : int
        Size of a token and number of heads.
    dropout : float
        Dropout of the attention weights.

    References
    ----------
    Dai et al., Transformer-XL, ACL 2019, section 3.3.
    """

    def __init__(self, dim, n_heads, dropout):
        super().__init__()
        self.n_heads, self.head_dim = n_heads, dim // n_heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.position = nn.Linear(dim, dim, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(n_heads, 1, self.head_dim))
        self.position_bias = nn.Parameter(torch.zeros(n_heads, 1, self.head_dim))
        self.out = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x):
        """Attend; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        n_epochs, n_tokens, dim = x.shape
        qkv = self.qkv(self.norm(x))
        qkv = qkv.view(n_epochs, n_tokens, 3, self.n_heads, self.head_dim)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        # Distances from n_tokens - 1 down to 1 - n_tokens; sines of negative ones.
        far = sine_positions(n_tokens, dim).to(x)
        near = torch.stack([-far[1:, 0::2], far[1:, 1::2]], -1).flatten(1)
        distances = self.position(torch.cat([far.flip(0), near[:, :dim]]))
        distances = distances.view(-1, self.n_heads, self.head_dim).transpose(0, 1)
        scores = (query + self.content_bias) @ key.mT
        scores = scores + self._shift((query + self.position_bias) @ distances.mT)
        weights = self.dropout((scores * self.head_dim**-0.5).softmax(-1))
        heads = weights.to(value.dtype) @ value
        return self.out(heads.transpose(1, 2).reshape(n_epochs, n_tokens, dim))

    @staticmethod
    def _shift(scores):
        """Turn scores by distance into scores by key, (..., n_tokens, n_tokens)."""
        scores = scores.contiguous()
        *shape, n_tokens, n_distances = scores.shape
        *strides, _, _ = scores.stride()
        # One row further down is one distance further left.
        return scores.as_strided(
            (*shape, n_tokens, n_tokens),
            (*strides, n_distances - 1, 1),
            scores.storage_offset() + n_tokens - 1,
        )


class ConvolutionModule(nn.Module):
    """Gated pointwise convolution, depthwise convolution, batch norm, swish.

    Parameters
    ----------
    dim, kernel : int
        Size of a token, and of the depthwise convolution (odd).
    dropout : float
        Dropout at the end.
    """

    def __init__(self, dim, kernel, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Conv1d(dim, 2 * dim, 1)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.batch_norm = nn.BatchNorm1d(dim)
        self.out = nn.Conv1d(dim, dim, 1)
        self.dropout = Dropout(dropout)

    def forward(self, x):
        """Convolve; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        x = functional.glu(self.gate(self.norm(x).mT), 1)
        x = functional.silu(self.batch_norm(self.depthwise(x)))
        return self.dropout(self.out(x)).mT


class ConformerBlock(nn.Module):
    r"""Half a feed-forward layer, attention, convolution, the other half.

    Parameters
    ----------
    dim, n_heads, kernel : int
        Sizes.
    dropout : float
        Dropout everywhere.

    References
    ----------
    Gulati et al., Conformer, Interspeech 2020.
    """

    def __init__(self, dim, n_heads, kernel, dropout):
        super().__init__()
        self.first, self.last = (self._feed_forward(dim, dropout) for _ in range(2))
        self.attention = RelativeAttention(dim, n_heads, dropout)
        self.convolution = ConvolutionModule(dim, kernel, dropout)
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)

    @staticmethod
    def _feed_forward(dim, dropout):
        return nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, 4 * dim),
            nn.SiLU(),
            Dropout(dropout),
            nn.Linear(4 * dim, dim),
            Dropout(dropout),
        )

    def forward(self, x):
        """Transform; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        x = x + 0.5 * self.first(x)
        x = x + self.dropout(self.attention(x))
        x = x + self.convolution(x)
        return self.norm(x + 0.5 * self.last(x))
