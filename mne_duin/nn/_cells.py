"""Hide cells of the input, one channel in one band in one token, and predict them.

A token that is hidden as a whole is best named from its two neighbors in time, which
teaches an encoder to interpolate. A hidden cell can be filled in from what other
channels and bands show at the same moment only by who knows what occurs together:
the units of speech, where somebody speaks.
"""

import torch

from mne_duin.nn._layers import SubjectLinear
from mne_duin.nn._models import Stage
from mne_duin.nn._principal import AT_ONCE

# A cell of the signal is described by its mean in so many bins, one of power by one.
N_BINS = 4


class CellPredictor(Stage):
    """Predict the contents of hidden cells from the tokens of an encoder.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder to pre-train.
    n_signals : int
        How many inputs are signal; the others are power. Each subject has a linear head
        of its own.
    n_codes : int
        Number of codes that the predicted values are quantized to.
    fixed_front : bool
        Whether spatial maps and patch encoder stay as they are. They are then one
        linear map of the patch, without gradients.

    Attributes
    ----------
    owners : LongTensor, shape (n_values,)
        Input that each value describes: four means per token of every signal, then one
        of every power.
    share, weight : Tensor, shape (n_values,)
        What each value counts for, and the weight of its squared error: that over its
        variance.
    codebook : Tensor, shape (n_codes, n_values)
        Clusters of the predicted values, each times the root of its weight.
    """

    name = "CellPredictor"
    codebook: torch.Tensor

    def __init__(self, encoder, n_signals, *, n_codes=64, fixed_front=True):
        super().__init__(encoder)
        self.n_signals, self.fixed_front = n_signals, fixed_front
        owners = torch.cat(
            [
                torch.arange(n_signals).repeat_interleave(N_BINS),
                torch.arange(n_signals, encoder.n_channels),
            ]
        )
        self.head = SubjectLinear(encoder.dim, len(owners), encoder.n_subjects)
        self.register_buffer("owners", owners)
        self.register_buffer("share", torch.ones(len(owners)))
        self.register_buffer("weight", torch.ones(len(owners)))
        self.register_buffer("codebook", torch.zeros(n_codes, len(owners)))
        for part in self._front():
            part.requires_grad_(not fixed_front)

    def _own_sizes(self):
        return {
            "cells": {
                "n_signals": self.n_signals,
                "n_codes": len(self.codebook),
                "fixed_front": self.fixed_front,
            }
        }

    def _front(self):
        parts = self.encoder.named_children()
        return [part for name, part in parts if name != "transformer"]

    def train(self, mode=True):
        """Switch to training; a fixed front keeps its running statistics.

        Parameters
        ----------
        mode : bool
            False for evaluation.

        Returns
        -------
        self : CellPredictor
            The network.
        """
        super().train(mode)
        if self.fixed_front:
            for part in self._front():
                part.eval()
        return self

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
            In the order of ``owners``.
        """
        if hidden is not None:
            x = hide_cells(x, hidden)
        tokens = self.encoder.transformer(self.encoder.tokenize(x, subject))
        return self.head(tokens.mT, subject)

    def values(self, x):
        """Describe every cell by a few means.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_inputs, n_times)
            The scaled inputs.

        Returns
        -------
        values : Tensor, shape (n_epochs, n_values, n_tokens)
            In the order of ``owners``.
        """
        tokens = x.unflatten(-1, (-1, self.encoder.patch_size))
        bins = tokens[:, : self.n_signals].tensor_split(N_BINS, dim=-1)
        signal = torch.stack([part.mean(-1) for part in bins], 2).flatten(1, 2)
        return torch.cat([signal, tokens[:, self.n_signals :].mean(-1)], 1)

    def losses(self, predicted, values, hidden, channel_mask=None):
        """Return the weighted mean squared error over hidden cells, by epoch.

        Parameters
        ----------
        predicted, values : Tensor, shape (n_epochs, n_values, n_tokens)
            Prediction and truth.
        hidden : BoolTensor, shape (n_epochs, n_inputs, n_tokens)
            True where a cell is hidden.
        channel_mask : BoolTensor, shape (n_epochs, n_inputs) | None
            True where an input is real.

        Returns
        -------
        losses : Tensor, shape (n_epochs,)
            Predicting the mean gives about 1; where nothing is hidden zero.
        """
        if channel_mask is not None:
            hidden = hidden & channel_mask[..., None]
        chosen = hidden[:, self.owners]
        error = (predicted.float() - values).square() * self.weight[:, None]
        total = (error * chosen).sum((1, 2))
        return total / (chosen * self.share[:, None]).sum((1, 2)).clamp(min=1e-6)

    @torch.no_grad()
    def learn_weights_(self, x, signal_weight):
        """Weigh every value by one over its variance, a cell of the signal as a whole.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_inputs, n_times)
            Scaled training epochs.
        signal_weight : float
            Weight of a cell of the signal relative to one of power.
        """
        parts = torch.arange(len(x), device=x.device).split(AT_ONCE)
        total = sum(self.values(x[rows]).square().sum((0, 2)) for rows in parts)
        n_tokens = x.shape[-1] // self.encoder.patch_size
        variance = total / (len(x) * n_tokens)
        self.share[: self.n_signals * N_BINS] = signal_weight / N_BINS
        self.weight.copy_(self.share / variance.clamp(min=1e-4))

    def projection(self):
        """Return the map from a token to the predicted power of all cells.

        Returns
        -------
        weight : Tensor, shape (n_values, dim) | None
            Of the signal where there is no power; None with several subjects, which
            have a map each.
        """
        if self.encoder.n_subjects > 1:
            return None
        power = self.owners >= self.n_signals
        weight = self.head.weight[0].detach()
        return weight[power] if power.any() else weight

    @torch.no_grad()
    def describe(self, x, subject=None):
        """Return predicted values of all cells, none hidden, each with its weight.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_inputs, n_times)
            The scaled inputs.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        vectors : Tensor, shape (n_epochs, n_tokens, n_values)
            What ``codebook`` clusters.
        """
        values = self(x, subject=subject).float()
        return (values * self.weight.sqrt()[:, None]).mT

    @torch.no_grad()
    def encode(self, x, subject=None):
        """Return the codes of a signal.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_inputs, n_times)
            The scaled inputs.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        codes : LongTensor, shape (n_epochs, n_tokens)
            Nearest rows of ``codebook``.
        """
        distance = torch.cdist(self.describe(x, subject), self.codebook[None])
        return distance.argmin(-1)


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
    visible = (~hidden).to(x.dtype)
    factor = visible / visible.mean().clamp(min=1e-3)
    cells = x.unflatten(-1, (hidden.shape[-1], -1))
    return (cells * factor[..., None]).flatten(2)
