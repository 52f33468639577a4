"""EEG-Conformer: shallow convolutions, then a transformer over pooled steps."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from mne_duin.baselines.networks._layers import (
    Decoder,
    Dropout,
    PreNormLayer,
    check_multiple,
    count_tokens,
)
from mne_duin.baselines.networks._network import NetworkClassifier
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._signature import own_parameters_first


class ShallowConvolutions(nn.Module):
    """Temporal and spatial convolution, average pooling, projection to tokens.

    Parameters
    ----------
    n_channels, dim : int
        Number of channels, and size of a token.
    kernel, pool, pool_stride : int
        Lengths in samples.
    dropout : float
        Dropout of the pooled steps.
    """

    def __init__(self, n_channels, dim, kernel, pool, pool_stride, dropout):
        super().__init__()
        self.temporal = nn.Conv2d(1, dim, (1, kernel))
        self.spatial = nn.Conv2d(dim, dim, (n_channels, 1))
        self.norm = nn.BatchNorm2d(dim)
        self.pool = nn.Sequential(
            nn.ELU(), nn.AvgPool2d((1, pool), (1, pool_stride)), Dropout(dropout)
        )
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        """Turn (n_epochs, n_channels, n_times) into (n_epochs, n_tokens, dim)."""
        x = self.norm(functional.conv1d(x, *self._both())[:, :, None])
        return self.project(self.pool(x))[:, :, 0].mT

    def _both(self):
        """Return weight and bias of the two convolutions, which are one.

        Nothing stands between them, so ``spatial(temporal(x))`` needs no signal of
        ``dim`` filters for every channel.
        """
        spatial, temporal = self.spatial.weight[..., 0], self.temporal.weight[:, 0, 0]
        weight = torch.einsum("ofc,fk->ock", spatial, temporal)
        return weight, spatial.sum(-1) @ self.temporal.bias + self.spatial.bias


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class EEGConformer(NetworkClassifier):
    """Decode words with shallow convolutions and a transformer.

    All sizes are those of Song et al., lengths in samples included. The published
    parameter file of the comparison in the Du-IN paper has wider layers, with more
    parameters than the paper's table has.

    Parameters
    ----------
    dim : int
        Filters of the convolutions and size of a token.
    kernel, pool, pool_stride : int
        Length of the temporal convolution, and length and stride of the average
        pooling, in samples.
    n_layers, n_heads, ff_dim : int
        Sizes of the transformer.
    dropout : float
        Dropout after the pooling and in the transformer.
    hidden_dims : tuple of int
        Sizes of the two hidden layers of the head.
    %(network_training)s

    Attributes
    ----------
    module_ : Decoder
        The network.
    classes_ : ndarray, shape (n_classes,)
        The labels.
    best_iter_ : int | None
        The pass that was kept, from 1; None where the last one was.
    %(learned)s

    References
    ----------
    Song et al., IEEE Trans. Neural Systems and Rehabilitation Engineering 2023,
    "EEG Conformer: Convolutional Transformer for EEG Decoding and Visualization".

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import EEGConformer
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 300)), np.repeat(["yes", "no"], 6)
    >>> clf = EEGConformer(n_layers=1, max_iter=2, random_state=0, verbose=False)
    >>> clf.fit(X, y, sfreq=1000).predict_proba(X).shape
    (12, 2)
    """

    dim: int = 40
    kernel: int = 25
    pool: int = 75
    pool_stride: int = 15
    n_layers: int = 6
    n_heads: int = 10
    ff_dim: int = 160
    dropout: float = 0.5
    hidden_dims: tuple = (256, 32)

    def _build(self, n_channels, n_times):
        check_multiple("dim", self.dim, "`n_heads`", self.n_heads)
        convolutions = ShallowConvolutions(
            n_channels, self.dim, self.kernel, self.pool, self.pool_stride, self.dropout
        )
        layers = [
            PreNormLayer(self.dim, self.n_heads, self.ff_dim, self.dropout)
            for _ in range(self.n_layers)
        ]
        encoder = nn.Sequential(convolutions, *layers)
        n_tokens = count_tokens(convolutions, n_channels, n_times)
        return Decoder(encoder, self._head(n_tokens * self.dim))

    def _head(self, n_features):
        first, second = self.hidden_dims
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(n_features, first),
            nn.ELU(),
            Dropout(0.5),
            nn.Linear(first, second),
            nn.ELU(),
            Dropout(0.3),
            nn.Linear(second, len(self.classes_)),
        )
