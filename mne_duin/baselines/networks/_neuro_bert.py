"""Neuro-BERT: a transformer on patches, pre-trained in the Fourier domain."""

from dataclasses import dataclass

import torch
from mne.utils import warn
from torch import nn
from torch.nn import functional

from mne_duin.baselines.networks._layers import (
    Decoder,
    check_multiple,
    count_tokens,
    flat_head,
)
from mne_duin.baselines.networks._pretrained import PretrainedNetwork
from mne_duin.nn import Transformer, random_mask
from mne_duin.nn._layers import init_linear_, truncated_normal_
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._signature import own_parameters_first


class PatchTransformer(nn.Module):
    """One convolution per patch, group norm, GELU, then a transformer.

    Parameters
    ----------
    n_channels, dim, patch : int
        Number of channels, size of a token, samples of a patch.
    **sizes : dict
        Sizes of the transformer.
    """

    def __init__(self, n_channels, dim, patch, **sizes):
        super().__init__()
        self.patches = nn.Sequential(
            nn.Conv1d(n_channels, dim, patch, patch),
            nn.GroupNorm(dim // 2, dim),
            nn.GELU(),
        )
        self.transformer = Transformer(dim, **sizes)

    def tokenize(self, x):
        """Turn (n_epochs, n_channels, n_times) into tokens without context."""
        return self.patches(x).mT

    def forward(self, x):
        """Turn (n_epochs, n_channels, n_times) into (n_epochs, n_tokens, dim)."""
        return self.transformer(self.tokenize(x))


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class NeuroBERT(PretrainedNetwork):
    """Decode words with a transformer that learned to complete spectra.

    In pre-training half of the tokens are hidden; amplitude and phase of the whole
    signal are predicted from the others and inverted to the signal (Fourier inversion
    prediction). Then encoder and head learn the words. Sizes are those of the
    comparison in the Du-IN paper and its published parameter file, at 400 Hz. The task
    is that of Neuro-BERT's paper, with the second loss of the authors' code (every
    token also predicts its own piece of the signal); the comparison's own code
    reconstructs the signal without the Fourier domain. Blocks normalize queries and
    keys, as everywhere in that code.

    Parameters
    ----------
    dim : int
        Size of a token, even.
    patch : int
        Length of a patch in samples at the rate of the network.
    n_layers, n_heads, head_dim, ff_dim : int
        Sizes of the transformer.
    attention_dropout, ff_dropout : float
        Dropout in the transformer.
    hidden_dim : int
        Size of the hidden layer of the head.
    mask_ratio : float
        Fraction of the tokens hidden in pre-training.
    %(network_pretraining)s
    %(network_training)s

    Attributes
    ----------
    module_ : Decoder
        The network.
    classes_ : ndarray, shape (n_classes,)
        The labels.
    best_iter_ : int | None
        The pass that was kept, from 1; None where the last one was.
    pretrain_history_ : History
        One record per pass of the pre-training.
    %(learned)s

    References
    ----------
    Wu et al., "Neuro-BERT: Rethinking Masked Autoencoding for Self-supervised
    Neurological Pretraining", IEEE J. Biomedical and Health Informatics 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import NeuroBERT
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 400)), np.repeat(["yes", "no"], 6)
    >>> clf = NeuroBERT(n_layers=1, pretrain_iter=2, max_iter=2, verbose=False)
    >>> clf.fit(X, y, sfreq=1000).predict_proba(X).shape
    (12, 2)
    """

    dim: int = 128
    patch: int = 40
    n_layers: int = 4
    n_heads: int = 8
    head_dim: int = 64
    ff_dim: int = 512
    attention_dropout: float = 0.2
    ff_dropout: float = 0.2
    hidden_dim: int = 128
    mask_ratio: float = 0.5
    network_sfreq: float | None = 400.0

    def _build(self, n_channels, n_times):
        check_multiple("dim", self.dim, "the size of a group of filters", 2)
        encoder = PatchTransformer(
            n_channels,
            self.dim,
            self.patch,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            head_dim=self.head_dim,
            ff_dim=self.ff_dim,
            attention_dropout=self.attention_dropout,
            ff_dropout=self.ff_dropout,
        )
        n_tokens = count_tokens(encoder, n_channels, n_times)
        if n_times % self.patch:
            warn(
                f"The epochs have {n_times} samples at {self._rate():g} Hz, not a "
                f"whole number of patches of {self.patch}; the last "
                f"{n_times % self.patch} are not used."
            )
        head = flat_head(n_tokens * self.dim, len(self.classes_), self.hidden_dim)
        return Decoder(encoder, head)

    def _build_task(self, encoder):
        return FourierInversion(
            encoder,
            self.dim,
            len(self.ch_names_),
            self.patch,
            self.n_times_ // self.patch,
            self.mask_ratio,
        )


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
        Fraction of the tokens that are hidden.

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
