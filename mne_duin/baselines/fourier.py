"""The self-supervised task of Neuro-BERT: Fourier inversion prediction."""

import torch
from torch import nn
from torch.nn import functional

from mne_duin.nn.initial import init_linear_, truncated_normal_
from mne_duin.nn.masking import random_mask


class FourierInversion(nn.Module):
    r"""Predict amplitude and phase of the signal behind hidden tokens, and invert them.

    Every token predicts a part of the spectrum of every channel; together they are

    .. math:: \hat{x} = F^{-1}(A\, e^{i\varphi}),\quad
              L = \lVert \hat{x} - x \rVert^2 + \lVert \tilde{x} - x \rVert^2

    where each token also predicts its own piece :math:`\tilde{x}` of the signal.

    Parameters
    ----------
    encoder : Module
        With ``tokenize`` and ``transformer``; the encoder to pre-train.
    dim : int
        Size of its tokens.
    n_channels : int
        Number of channels.
    patch : int
        Samples behind a token.
    n_tokens : int
        Tokens of an epoch.
    mask_ratio : float
        Share of the tokens that are hidden.

    References
    ----------
    Wu et al., IEEE J. Biomedical and Health Informatics 2024.
    """

    def __init__(self, encoder, dim, n_channels, patch, n_tokens, mask_ratio):
        super().__init__()
        self.encoder, self.mask_ratio = encoder, mask_ratio
        self.n_channels, self.n_times = n_channels, patch * n_tokens
        self.n_bins = self.n_times // 2 + 1
        part = -(-self.n_bins // n_tokens)
        self.mask_token = nn.Parameter(truncated_normal_(torch.empty(dim)))
        self.amplitude = nn.Linear(dim, n_channels * part)
        self.phase = nn.Linear(dim, n_channels * part)
        self.temporal = nn.Linear(dim, n_channels * patch)
        for head in (self.amplitude, self.phase, self.temporal):
            init_linear_(head)

    def forward(self, x):
        """Return the losses of a batch, (n_epochs, n_channels, n_times)."""
        x = x[..., : self.n_times]
        tokens = self.encoder.tokenize(x)
        mask = random_mask(*tokens.shape[:2], self.mask_ratio, device=x.device)
        hidden = torch.where(mask[..., None], self.mask_token.to(tokens.dtype), tokens)
        context = self.encoder.transformer(hidden)
        fourier = functional.mse_loss(self._invert(context), x)
        pieces = self._join(self.temporal(context).float())
        temporal = functional.mse_loss(pieces, x)
        return {"loss": fourier + temporal, "fourier": fourier, "temporal": temporal}

    def _join(self, parts):
        """Put the tokens' parts of every channel one behind the other."""
        n_epochs, n_tokens, _ = parts.shape
        parts = parts.view(n_epochs, n_tokens, self.n_channels, -1)
        return parts.transpose(1, 2).flatten(2)

    def _invert(self, context):
        """Return the signal whose amplitudes and phases the tokens predict."""
        amplitude = self._join(self.amplitude(context).float())[..., : self.n_bins]
        phase = self._join(self.phase(context).float())[..., : self.n_bins]
        spectrum = torch.complex(amplitude * phase.cos(), amplitude * phase.sin())
        # With this norm the bins of a z-scored signal are of the order of one.
        return torch.fft.irfft(spectrum, n=self.n_times, norm="ortho")
