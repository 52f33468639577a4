"""TS-TCC: a small convolutional encoder, pre-trained by contrasting two views."""

from dataclasses import dataclass

from torch import nn
from torch.nn import functional

from mne_duin.baselines.contrasting import Contrasting
from mne_duin.baselines.heads import Decoder, check_multiple, count_tokens, flat_head
from mne_duin.baselines.layers import Dropout
from mne_duin.baselines.pretraining import PretrainedNetwork
from mne_duin.utils.docs import fill_doc
from mne_duin.utils.signature import own_parameters_first


class ConvolutionBlock(nn.Module):
    """Convolution, batch norm, ReLU, max pooling, dropout.

    Parameters
    ----------
    n_inputs, n_filters, kernel, pool : int
        Sizes; the convolution keeps the length, the pooling divides it.
    dropout : float
        Dropout at the end.
    """

    def __init__(self, n_inputs, n_filters, kernel, pool, dropout):
        super().__init__()
        self.padding = ((kernel - 1) // 2, kernel // 2)
        self.convolution = nn.Conv1d(n_inputs, n_filters, kernel, bias=False)
        self.norm = nn.BatchNorm1d(n_filters)
        self.rest = nn.Sequential(nn.ReLU(), nn.MaxPool1d(pool), Dropout(dropout))

    def forward(self, x):
        """Turn (n_epochs, n_inputs, n_times) into (n_epochs, n_filters, shorter)."""
        x = functional.pad(x, self.padding)
        return self.rest(self.norm(self.convolution(x)))


class ConvolutionEncoder(nn.Sequential):
    """A stack of convolution blocks whose output is read as tokens."""

    def forward(self, x):
        """Turn (n_epochs, n_channels, n_times) into (n_epochs, n_tokens, dim)."""
        return super().forward(x).mT


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class TSTCC(PretrainedNetwork):
    """Decode words with an encoder that learned to match two views of an epoch.

    Pre-training makes a weak (scaled, noisy) and a strong (cut and shuffled) view of
    every epoch. A transformer summarises the past of one view and predicts the future
    tokens of the other (temporal contrasting); the summaries of the two views of an
    epoch are drawn together (contextual contrasting). Then the encoder and a linear
    head learn the words. Sizes are those of the comparison in the Du-IN paper and its
    published parameter file, at 400 Hz. The paper of TS-TCC gives the strength of the
    augmentations per data set; for z-scored sEEG they are a choice of ours.

    Parameters
    ----------
    filters, kernels, pools : tuple of int
        Sizes of the convolution blocks.
    dropout : float
        Dropout after the first block.
    context_dim, n_layers, n_heads : int
        Sizes of the transformer of the pre-training.
    n_steps : int
        Tokens that are predicted; fewer than an epoch has.
    scale_deviation : float
        Standard deviation of the factors of the weak view, around 1.
    jitter : float
        Standard deviation of the noise of both views, in standard deviations of a
        channel.
    max_segments : int
        Largest number of pieces of the strong view.
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
    Eldele et al., "Time-Series Representation Learning via Temporal and Contextual
    Contrasting", IJCAI 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import TSTCC
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 900)), np.repeat(["yes", "no"], 6)
    >>> clf = TSTCC(n_steps=3, pretrain_iter=2, max_iter=2, verbose=False)
    >>> clf.fit(X, y, sfreq=1000).predict_proba(X).shape
    (12, 2)
    """

    filters: tuple = (32, 64, 128)
    kernels: tuple = (25, 8, 8)
    pools: tuple = (10, 2, 2)
    dropout: float = 0.35
    context_dim: int = 64
    n_layers: int = 4
    n_heads: int = 4
    n_steps: int = 20
    scale_deviation: float = 0.1
    jitter: float = 0.1
    max_segments: int = 10
    network_sfreq: float | None = 400.0
    pretrain_iter: int = 200
    pretrain_batch_size: int = 32
    pretrain_lr: float = 2e-4
    pretrain_lr_min: float = 5e-6

    def _build(self, n_channels, n_times):
        check_multiple("context_dim", self.context_dim, "`n_heads`", self.n_heads)
        sizes = zip(self.filters, self.kernels, self.pools, strict=True)
        n_inputs, blocks = n_channels, []
        for index, (n_filters, kernel, pool) in enumerate(sizes):
            dropout = self.dropout if index == 0 else 0.0
            blocks.append(ConvolutionBlock(n_inputs, n_filters, kernel, pool, dropout))
            n_inputs = n_filters
        encoder = ConvolutionEncoder(*blocks)
        n_tokens = count_tokens(encoder, n_channels, n_times)
        if self.pretrain_iter and n_tokens <= self.n_steps:
            raise ValueError(
                f"`n_steps` must be less than the {n_tokens} tokens of an epoch; got "
                f"{self.n_steps}."
            )
        return Decoder(encoder, flat_head(n_tokens * n_inputs, len(self.classes_)))

    def _build_task(self, encoder):
        return Contrasting(
            encoder,
            self.filters[-1],
            context_dim=self.context_dim,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            n_steps=self.n_steps,
            scale_deviation=self.scale_deviation,
            jitter=self.jitter,
            max_segments=self.max_segments,
        )
