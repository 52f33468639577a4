"""Hide cells of the input, one channel in one band in one token, and predict them.

A token that is hidden as a whole is best named from its two neighbors in time, which
teaches an encoder to interpolate. A hidden cell can be filled in from what other
channels and bands show at the same moment only by who knows what occurs together:
the units of speech, where somebody speaks.
"""

import torch
from torch import nn

from mne_duin.nn.spatial import SubjectLinear

# A cell of the signal is described by its mean in so many bins, one of power by one.
N_BINS = 4


class CellPredictor(nn.Module):
    """Predict the contents of hidden cells from the tokens of an encoder.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder to pre-train.
    n_values : int
        Number of values that describe the cells of one token.
    n_subjects : int
        Number of subjects; each has a linear head of its own.
    """

    def __init__(self, encoder, n_values, n_subjects=1):
        super().__init__()
        self.encoder = encoder
        self.head = SubjectLinear(encoder.dim, n_values, n_subjects)

    def forward(self, x, hidden=None, subject=None):
        """Predict the values of all cells.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_inputs, n_times)
            The scaled inputs.
        hidden : BoolTensor, shape (n_epochs, n_inputs, n_tokens) | None
            True where a cell is hidden; None hides none.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        values : Tensor, shape (n_epochs, n_values, n_tokens)
            In the order of :func:`cell_values`.
        """
        if hidden is not None:
            x = hide_cells(x, hidden)
        return self.head(self.encoder(x, subject).mT, subject)


def hide_cells(x, hidden):
    """Set hidden cells to zero and scale the others up, so that sums are unbiased.

    Parameters
    ----------
    x : Tensor, shape (n_epochs, n_inputs, n_times)
        The scaled inputs.
    hidden : BoolTensor, shape (n_epochs, n_inputs, n_tokens)
        True where a cell is hidden.

    Returns
    -------
    x : Tensor, shape (n_epochs, n_inputs, n_times)
        A copy; the factor is one over the proportion of visible cells.
    """
    visible = ~hidden
    factor = visible.to(x.dtype) / visible.to(x.dtype).mean().clamp(min=1e-3)
    cells = x.unflatten(-1, (hidden.shape[-1], -1))
    return (cells * factor[..., None]).flatten(2)


def cell_values(x, n_tokens, n_signals):
    """Describe every cell by a few values.

    Parameters
    ----------
    x : Tensor, shape (n_epochs, n_inputs, n_times)
        The scaled inputs, those of the signal first, then those of power.
    n_tokens : int
        Number of tokens.
    n_signals : int
        How many inputs are signal.

    Returns
    -------
    values : Tensor, shape (n_epochs, n_values, n_tokens)
        Four means per token of every signal, then one of every power;
        see :func:`value_owners`.
    """
    tokens = x.unflatten(-1, (n_tokens, -1))
    bins = tokens[:, :n_signals].tensor_split(N_BINS, dim=-1)
    signal = torch.stack([part.mean(-1) for part in bins], 2).flatten(1, 2)
    return torch.cat([signal, tokens[:, n_signals:].mean(-1)], 1)


def value_owners(n_inputs, n_signals, device=None):
    """Return the input that each value of :func:`cell_values` describes.

    Parameters
    ----------
    n_inputs, n_signals : int
        Number of inputs, and how many are signal.
    device : torch.device | None
        Where the result is wanted.

    Returns
    -------
    owners : LongTensor, shape (n_values,)
        Index of an input.
    """
    signals = torch.arange(n_signals, device=device).repeat_interleave(N_BINS)
    return torch.cat([signals, torch.arange(n_signals, n_inputs, device=device)])


def cell_loss(predicted, values, hidden, owners, weight):
    """Return the weighted squared error over hidden cells.

    Parameters
    ----------
    predicted, values : Tensor, shape (n_epochs, n_values, n_tokens)
        Prediction and truth.
    hidden : BoolTensor, shape (n_epochs, n_inputs, n_tokens)
        True where a cell is hidden.
    owners : LongTensor, shape (n_values,)
        Input that each value describes.
    weight : Tensor, shape (n_values,)
        Weight of each value, one over its variance for instance; zero leaves it out.

    Returns
    -------
    loss : Tensor, shape (n_epochs,)
        Mean per epoch; where nothing is hidden zero.
    """
    weight = weight[:, None] * hidden[:, owners]
    error = (predicted.float() - values).square() * weight
    return error.sum((1, 2)) / weight.sum((1, 2)).clamp(min=1e-6)
