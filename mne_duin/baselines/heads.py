"""An encoder with a head that names the word, and what it takes to size one."""

import torch
from torch import nn


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
