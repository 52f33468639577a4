"""CNN-BiGRU: one strided convolution, then a bidirectional recurrent network."""

from dataclasses import dataclass

import torch
from torch import nn

from mne_duin.baselines.networks._layers import Decoder, flat_head
from mne_duin.baselines.networks._network import NetworkClassifier
from mne_duin.utils._checks import check_option
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._signature import own_parameters_first


class RecurrentEncoder(nn.Module):
    """Convolution, batch norm and bidirectional GRU; one token per epoch.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    n_filters, kernel, stride : int
        Size of the convolution; the GRU has as many units in each direction.
    n_layers : int
        Layers of the GRU.
    dropout : float
        Dropout between them.
    pooling : "mean" | "last"
        What becomes the token: the mean of all outputs, or the last states.
    """

    def __init__(
        self, n_channels, n_filters, kernel, stride, n_layers, dropout, pooling
    ):
        super().__init__()
        self.pooling = pooling
        self.convolution = nn.Conv1d(
            n_channels, n_filters, kernel, stride, padding=kernel // 2
        )
        self.norm = nn.BatchNorm1d(n_filters)
        self.gru = nn.GRU(
            n_filters,
            n_filters,
            n_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if n_layers > 1 else 0.0,
        )

    def forward(self, x):
        """Encode (n_epochs, n_channels, n_times) as (n_epochs, 1, 2 * n_filters)."""
        outputs, last = self.gru(self.norm(self.convolution(x)).mT)
        if self.pooling == "mean":
            return outputs.mean(1, keepdim=True)
        # The last layer's two directions, each where it has seen the whole epoch.
        return torch.cat([last[-2], last[-1]], -1)[:, None]


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class CNNBiGRU(NetworkClassifier):
    """Decode words with a convolution and a bidirectional GRU.

    Sizes and learning rate are those of the comparison in the Du-IN paper and its
    published parameter file. Its published network names the word from the output at
    the last token, where the direction that reads backwards has seen only that one.
    Here it is the mean of the outputs at all tokens: a gradient that has to go back
    through up to a thousand steps of the GRU teaches it little
    (:doc:`/benchmarks/comparison` shows both).

    Parameters
    ----------
    n_filters, kernel, stride : int
        Filters of the convolution, and its size and stride in samples.
    n_layers : int
        Layers of the GRU.
    dropout : float
        Dropout between them.
    pooling : "mean" | "last"
        What the head sees: the mean of the GRU's outputs, or the last state of each
        direction, where it has seen the whole epoch.
    hidden_dim : int
        Size of the hidden layer of the head.
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
    Moses et al., New England Journal of Medicine 2021, for such networks on words;
    Zheng et al., Du-IN, NeurIPS 2024, appendix B, for the comparison.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import CNNBiGRU
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 300)), np.repeat(["yes", "no"], 6)
    >>> clf = CNNBiGRU(n_filters=8, max_iter=2, random_state=0, verbose=False)
    >>> clf.fit(X, y, sfreq=1000).predict_proba(X).shape
    (12, 2)
    """

    n_filters: int = 128
    kernel: int = 5
    stride: int = 3
    n_layers: int = 2
    dropout: float = 0.2
    pooling: str = "mean"
    hidden_dim: int = 128
    max_iter: int = 500
    lr: float = 1e-3
    lr_min: float = 1e-3
    warmup: float = 0.0

    def _build(self, n_channels, n_times):
        check_option("pooling", self.pooling, ("mean", "last"))
        encoder = RecurrentEncoder(
            n_channels,
            self.n_filters,
            self.kernel,
            self.stride,
            self.n_layers,
            self.dropout,
            self.pooling,
        )
        n_classes = len(self.classes_)
        return Decoder(
            encoder, flat_head(2 * self.n_filters, n_classes, self.hidden_dim)
        )
