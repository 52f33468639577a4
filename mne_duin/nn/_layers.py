"""Initial values, maps from contacts to spatial filters, and transformer blocks.

The blocks are post-norm, with normalized queries and keys and sine positions.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from mne_duin.utils._checks import check_number

# Epochs whose queries, keys and values take more than this go through the blocks in
# pieces; otherwise these leave the caches of a CPU between two operations.
MOST_BYTES = 8_000_000


def truncated_normal_(tensor, std=0.02):
    """Fill ``tensor`` in place from a normal distribution cut at two deviations."""
    return nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)


def init_linear_(module):
    """Give a linear layer small normal weights and no bias; leave others alone."""
    if isinstance(module, nn.Linear):
        truncated_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def widened_axis(n_before, n_after, n_bands):
    """Return where channels come to lie when every band of them gets wider.

    Returns indices, shape (n_bands * n_before,): band by band the first of ``n_after``.
    """
    bands = torch.arange(n_bands)[:, None] * n_after
    return (bands + torch.arange(n_before)).flatten()


def padded(tensor, axis, size, places):
    """Return a tensor with an axis of ``size``, the old values at ``places``."""
    shape = list(tensor.shape)
    shape[axis] = size
    return tensor.new_zeros(shape).index_copy_(axis, places.to(tensor.device), tensor)


class SubjectLinear(nn.Module):
    r"""One affine map of the channel axis per subject.

    .. math:: y_{b, f, t} = \sum_c W_{s(b), f, c}\, x_{b, c, t} + \beta_{s(b), f}

    Subjects with fewer channels are zero-padded; the padded columns then never move
    away from their initial values.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Sizes of the channel axis before and after.
    n_subjects : int
        Number of maps.

    Attributes
    ----------
    weight : Parameter, shape (n_subjects, n_outputs, n_inputs)
        The maps.
    bias : Parameter, shape (n_subjects, n_outputs)
        The offsets.
    """

    def __init__(self, n_inputs, n_outputs, n_subjects=1):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_subjects, n_outputs, n_inputs))
        self.bias = nn.Parameter(torch.zeros(n_subjects, n_outputs))
        truncated_normal_(self.weight)

    def forward(self, x, subject=None):
        """Map the channel axis.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_inputs, n_times)
            The signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch; None is the first subject throughout.

        Returns
        -------
        y : Tensor, shape (n_epochs, n_outputs, n_times)
            The mapped signal.
        """
        if subject is None or len(self.weight) == 1:
            return self.weight[0] @ x + self.bias[0][:, None]
        return torch.baddbmm(self.bias[subject][..., None], self.weight[subject], x)

    @torch.no_grad()
    def with_subject(self, position, size, places, *, axis):
        """Return a layer with one more map, and space for channels.

        Parameters
        ----------
        position : int
            Index of the new subject, whose map has initial values.
        size : int
            Number of channels.
        places : LongTensor, shape (n_channels,)
            Where the channels of the known subjects come to lie among them; all others
            are padding.
        axis : int
            Axis of the channels in ``weight``: 1 where they go out, 2 where they come
            in.

        Returns
        -------
        grown : SubjectLinear
            The new layer.
        """
        shape = list(self.weight.shape)
        shape[axis] = size
        n_subjects, n_outputs, n_inputs = shape
        grown = SubjectLinear(n_inputs, n_outputs, n_subjects + 1).to(self.weight)
        known = [row for row in range(n_subjects + 1) if row != position]
        grown.weight[known] = padded(self.weight, axis, size, places)
        is_output = axis == 1
        bias = padded(self.bias, 1, size, places) if is_output else self.bias
        grown.bias[known] = bias
        return grown

    def extra_repr(self):
        """Return the sizes.

        Returns
        -------
        text : str
            What torch shows inside the brackets.
        """
        n_subjects, n_outputs, n_inputs = self.weight.shape
        return f"{n_inputs} -> {n_outputs}, n_subjects={n_subjects}"


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
    if torch.compiler.is_compiling():
        # A compiler draws within the kernel that uses the mask.
        return functional.dropout(x, p, training)
    threshold = round(p * 65536)
    if not training or threshold == 0:
        return x
    lanes = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device)
    lanes = lanes.random_(-(2**63), None).view(torch.int16)[: x.numel()]
    keep = lanes.view(x.shape) >= threshold - 32768
    return x * (keep.to(x.dtype) * (65536 / (65536 - threshold)))


def split_heads(qkv, n_heads, n_parts=3):
    """Split queries, keys and values, and each of them into heads.

    Parameters
    ----------
    qkv : Tensor, shape (n_epochs, n_tokens, n_parts * n_heads * head_dim)
        What the linear layer gives.
    n_heads : int
        Number of heads.
    n_parts : int
        How many of queries, keys and values there are.

    Returns
    -------
    query, key, value : Tensor, shape (n_epochs, n_heads, n_tokens, head_dim)
        Views on a device and where no gradient is wanted; on a CPU in training copies,
        whose gradients are put together in one pass (:class:`CopiedHeads`).
    """
    # A compiler plans copies itself.
    is_plain = not torch.compiler.is_compiling()
    if qkv.device.type == "cpu" and qkv.requires_grad and is_plain:
        return CopiedHeads.apply(qkv, n_heads, n_parts)
    n_epochs, n_tokens, _ = qkv.shape
    return qkv.view(n_epochs, n_tokens, n_parts, n_heads, -1).permute(2, 0, 3, 1, 4)


class CopiedHeads(torch.autograd.Function):
    """The split of :func:`split_heads`, with one copy of the gradient instead of two.

    Autograd stacks the three gradients and then copies the stack into the layout of the
    linear layer; both are as large as anything in the network.
    """

    @staticmethod
    def forward(ctx, qkv, n_heads, n_parts):
        """Copy the heads, which layer norm and products would do anyway."""
        heads = qkv.view(*qkv.shape[:2], n_parts, n_heads, -1)
        ctx.sizes = heads.shape
        return tuple(part.contiguous() for part in heads.permute(2, 0, 3, 1, 4))

    @staticmethod
    def backward(ctx, *gradients):
        """Write every gradient where the linear layer wants it."""
        gradient = gradients[0].new_empty(ctx.sizes)
        for part, own in zip(gradient.unbind(2), gradients, strict=True):
            part.copy_(own.transpose(1, 2))
        return gradient.flatten(2), None, None


class Attention(nn.Module):
    r"""Multi-head self-attention with layer-normalized queries and keys.

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

    def forward(self, x, wanted=None):
        """Attend.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.
        wanted : Tensor, shape (n_epochs, n_wanted, dim) | None
            The tokens for which results are wanted; None for all.

        Returns
        -------
        y : Tensor, shape (n_epochs, n_tokens or n_wanted, dim)
            What they find among all tokens.
        """
        query, key, value = self._heads(x, wanted)
        query, key = self.norm_q(query), self.norm_k(key)
        if x.device.type != "cpu" and (not self.training or self.dropout == 0):
            heads = functional.scaled_dot_product_attention(query, key, value)
        else:
            # On a CPU three plain products are faster than the fused kernel.
            scores = query @ key.mT * self.head_dim**-0.5
            weights = scores.softmax(-1, torch.promote_types(scores.dtype, torch.float))
            weights = cheap_dropout(weights, self.dropout, self.training)
            heads = weights.to(value.dtype) @ value
        return self.out(heads.transpose(1, 2).flatten(2))

    def _heads(self, x, wanted):
        """Return queries, keys and values, (n_epochs, n_heads, n_tokens, head_dim)."""
        if wanted is None:
            return split_heads(self.qkv(x), self.n_heads)
        weight, bias, width = self.qkv.weight, self.qkv.bias, self.out.in_features
        query = functional.linear(wanted, weight[:width], bias[:width])
        others = functional.linear(x, weight[width:], bias[width:])
        return (
            *split_heads(query, self.n_heads, n_parts=1),
            *split_heads(others, self.n_heads, n_parts=2),
        )


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

    def forward(self, x, wanted=None):
        """Transform.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.
        wanted : LongTensor, shape (n_epochs, n_wanted) | None
            Which tokens of each epoch are wanted; None for all.

        Returns
        -------
        y : Tensor, shape (n_epochs, n_tokens or n_wanted, dim)
            Each with its context.
        """
        if wanted is None:
            x = self.norm_attention(x + self.attention(x))
        else:
            own = x.gather(1, wanted[..., None].expand(-1, -1, x.shape[2]))
            x = self.norm_attention(own + self.attention(x, own))
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
    max_tokens : int | None
        How many tokens it learned from at once. Longer inputs are cut into pieces of
        about the same length, because positions that it never met, and attention over
        more tokens, give wrong outputs. None takes any number.

    Raises
    ------
    TypeError, ValueError
        If ``max_tokens`` is no whole number of 1 or more.
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
        max_tokens=None,
    ):
        super().__init__()
        if max_tokens is not None:
            check_number("max_tokens", max_tokens, low=1, high=10**6, integer=True)
        self.dim, self.max_tokens = dim, max_tokens
        self.blocks = nn.ModuleList(
            Block(dim, n_heads, head_dim, ff_dim, attention_dropout, ff_dropout)
            for _ in range(n_layers)
        )
        # Made of constants alone, so it is not part of a checkpoint.
        self.register_buffer("positions", sine_positions(64, dim), persistent=False)
        self.apply(init_linear_)

    def sizes(self):
        """Return the keywords that build a like transformer, without ``dim``.

        Returns
        -------
        sizes : dict
            Keywords of :class:`Transformer`.
        """
        block = self.blocks[0]
        return {
            "n_layers": len(self.blocks),
            "n_heads": block.attention.n_heads,
            "head_dim": block.attention.head_dim,
            "ff_dim": block.expand.out_features,
            "attention_dropout": block.attention.dropout,
            "ff_dropout": block.ff_dropout,
            "max_tokens": self.max_tokens,
        }

    def forward(self, tokens, wanted=None):
        """Transform the tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Tokens in the order of time.
        wanted : LongTensor, shape (n_epochs, n_wanted) | None
            Which tokens of each epoch are wanted; None for all.

        Returns
        -------
        tokens : Tensor, shape (n_epochs, n_tokens or n_wanted, dim)
            Each with its context.
        """
        n_tokens = tokens.shape[1]
        if self.max_tokens is not None and n_tokens > self.max_tokens:
            pieces = tokens.tensor_split(-(-n_tokens // self.max_tokens), dim=1)
            done = torch.cat([self(piece) for piece in pieces], dim=1)
            if wanted is None:
                return done
            return done.gather(1, wanted[..., None].expand(-1, -1, self.dim))
        if n_tokens > len(self.positions):
            table = sine_positions(n_tokens, self.dim)
            self.positions = table.to(self.positions)
        x = tokens + self.positions[:n_tokens]
        size = self._piece_size(x)
        pieces = x.split(size)
        parts = [None] * len(pieces) if wanted is None else wanted.split(size)
        done = [self._transform(*one) for one in zip(pieces, parts, strict=True)]
        return done[0] if len(done) == 1 else torch.cat(done)

    def _piece_size(self, x):
        """Return how many epochs go through the blocks together."""
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            return max(len(x), 1)
        width = self.blocks[0].attention.qkv.out_features
        return max(MOST_BYTES // (x.shape[1] * width * x.element_size()), 1)

    def _transform(self, x, wanted):
        *blocks, last = self.blocks
        for block in blocks:
            x = block(x)
        return last(x, wanted)
