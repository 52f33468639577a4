"""Layers and heads that several networks of the comparison are made of."""

import torch
from torch import nn

from mne_duin.nn._layers import cheap_dropout


class Dropout(nn.Module):
    """Dropout with cheap masks, see ``cheap_dropout``.

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
    r"""A transformer layer that normalizes first and uses GELU.

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


class Decoder(nn.Module):
    """An encoder and a head that names the word.

    Parameters
    ----------
    encoder : Module
        Turns (n_epochs, n_channels, n_times) into tokens (n_epochs, n_tokens, dim).
    head : Module
        Turns tokens into scores (n_epochs, n_classes).
    """

    def __init__(self, encoder, head):
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, x, subject=None):
        """Return the scores that enter the softmax; ``subject`` is not used."""
        return self.head(self.encoder(x))


def check_multiple(name, value, of, number):
    """Check that a size can be divided among parts.

    Parameters
    ----------
    name : str
        Name of the size.
    value : int
        The size.
    of : str
        Name, or description, of the number of parts.
    number : int
        The number of parts.

    Raises
    ------
    ValueError
        If it cannot.
    """
    if value % number:
        raise ValueError(
            f"`{name}` must be a multiple of {of} ({number}); got {value}."
        )


def flat_head(n_features, n_classes, hidden_dim=None):
    """Build a head on flattened tokens.

    Parameters
    ----------
    n_features : int
        Tokens times their size.
    n_classes : int
        Number of words.
    hidden_dim : int | None
        Size of a hidden layer with a ReLU; None has none.

    Returns
    -------
    head : Sequential
        From (n_epochs, n_tokens, dim) to scores (n_epochs, n_classes).
    """
    if hidden_dim is None:
        return nn.Sequential(nn.Flatten(), nn.Linear(n_features, n_classes))
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(n_features, hidden_dim),
        nn.ReLU(),
        nn.Linear(hidden_dim, n_classes),
    )


@torch.no_grad()
def count_tokens(encoder, n_channels, n_times):
    """Return how many tokens an encoder makes of an epoch, by trying it.

    Parameters
    ----------
    encoder : Module
        The encoder.
    n_channels, n_times : int
        Size of an epoch at the rate of the network.

    Returns
    -------
    n_tokens : int
        The number.

    Raises
    ------
    ValueError
        If the epoch is too short to make one.
    """
    was_training = encoder.training
    encoder.eval()
    try:
        n_tokens = encoder(torch.zeros(1, n_channels, n_times)).shape[1]
    except RuntimeError:
        n_tokens = 0
    encoder.train(was_training)
    if n_tokens == 0:
        raise ValueError(
            f"Epochs of {n_times} samples (at the rate of the network) are too short "
            "for its convolutions and pooling."
        )
    return n_tokens
