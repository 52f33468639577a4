"""Layers that several networks of the comparison are made of."""

from torch import nn

from mne_duin.nn.transformer import cheap_dropout


class Dropout(nn.Module):
    """Dropout with cheap masks, see :func:`mne_duin.nn.transformer.cheap_dropout`.

    Parameters
    ----------
    p : float
        Probability of a zero.
    """

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        """Return some values zero and the others scaled up, in training."""
        return cheap_dropout(x, self.p, self.training)


class PreNormLayer(nn.Module):
    r"""A transformer layer that normalises first and uses GELU.

    .. math::
        z = x + \mathrm{MHA}(\mathrm{LN}(x)),\quad
        y = z + W_2\, \mathrm{GELU}(W_1\, \mathrm{LN}(z))

    The same as torch's ``TransformerEncoderLayer``, whose masks for the dropout of the
    attention weights take longer on a CPU than all of its products.

    Parameters
    ----------
    dim, n_heads, ff_dim : int
        Sizes.
    dropout : float
        Dropout everywhere.
    """

    def __init__(self, dim, n_heads, ff_dim, dropout):
        super().__init__()
        self.n_heads = n_heads
        self.norm = nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.out.bias)
        self.dropout = Dropout(dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, ff_dim),
            nn.GELU(),
            Dropout(dropout),
            nn.Linear(ff_dim, dim),
            Dropout(dropout),
        )

    def forward(self, x):
        """Transform; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        x = x + self.dropout(self.out(self._attend(self.norm(x))))
        return x + self.feed_forward(x)

    def _attend(self, x):
        n_epochs, n_tokens, dim = x.shape
        head_dim = dim // self.n_heads
        qkv = self.qkv(x).view(n_epochs, n_tokens, 3, self.n_heads, head_dim)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        scores = query @ key.mT * head_dim**-0.5
        weights = self.dropout(scores.float().softmax(-1))
        heads = weights.to(value.dtype) @ value
        return heads.transpose(1, 2).reshape(n_epochs, n_tokens, dim)
