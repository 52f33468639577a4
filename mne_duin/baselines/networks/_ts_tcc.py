"""The self-supervised task of TS-TCC: temporal and contextual contrasting."""

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
    flat_head,
)
from mne_duin.baselines.networks._pretrained import PretrainedNetwork
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._signature import own_parameters_first

PUBLISHED_STEPS = 20  # of the 30 tokens of 3 s


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
    every epoch. A transformer summarizes the past of one view and predicts the future
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
    n_steps : int | None
        Tokens that are predicted; fewer than an epoch has. None is 20, as published for
        epochs of 3 s, and two thirds of the tokens of shorter epochs.
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
    n_steps_ : int
        Tokens that were predicted in the pre-training.
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
    >>> clf = TSTCC(pretrain_iter=2, max_iter=2, verbose=False)
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
    n_steps: int | None = None
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
        self.n_steps_ = self.n_steps
        if self.n_steps is None:
            self.n_steps_ = max(min(PUBLISHED_STEPS, 2 * n_tokens // 3), 1)
        if self.pretrain_iter and n_tokens <= self.n_steps_:
            raise ValueError(
                f"`n_steps` must be less than the {n_tokens} tokens of an epoch; got "
                f"{self.n_steps_}."
            )
        return Decoder(encoder, flat_head(n_tokens * n_inputs, len(self.classes_)))

    def _build_task(self, encoder):
        return Contrasting(
            encoder,
            self.filters[-1],
            context_dim=self.context_dim,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            n_steps=self.n_steps_,
            scale_deviation=self.scale_deviation,
            jitter=self.jitter,
            max_segments=self.max_segments,
        )


def weak_view(x, scale_deviation, jitter):
    """Scale every channel of every epoch by its own factor and add noise.

    Parameters
    ----------
    x : Tensor, shape (n_epochs, n_channels, n_times)
        The scaled signal.
    scale_deviation, jitter : float
        Standard deviation of the factors around 1, and of the noise.

    Returns
    -------
    view : Tensor, shape (n_epochs, n_channels, n_times)
        The weak augmentation.
    """
    factor = 1 + scale_deviation * torch.randn_like(x[..., :1])
    return factor * x + jitter * torch.randn_like(x)


def strong_view(x, max_segments, jitter):
    """Cut every epoch into a random number of segments, shuffle them, add noise.

    Parameters
    ----------
    x : Tensor, shape (n_epochs, n_channels, n_times)
        The scaled signal.
    max_segments : int
        Largest number of segments; all channels are cut alike.
    jitter : float
        Standard deviation of the noise.

    Returns
    -------
    view : Tensor, shape (n_epochs, n_channels, n_times)
        The strong augmentation.
    """
    shuffled = []
    for epoch in x:
        n_segments = int(torch.randint(1, max_segments + 1, ()))
        places = torch.randperm(x.shape[-1] - 1)[: n_segments - 1] + 1
        parts = epoch.tensor_split(places.sort().values.tolist(), dim=-1)
        order = torch.randperm(len(parts)).tolist()
        shuffled.append(torch.cat([parts[i] for i in order], -1))
    return torch.stack(shuffled) + jitter * torch.randn_like(x)


class Context(nn.Module):
    """Summarize the first tokens of a view in one vector.

    Parameters
    ----------
    dim, context_dim : int
        Sizes of a token and of the context.
    n_layers, n_heads : int
        Sizes of the transformer.
    """

    def __init__(self, dim, context_dim, n_layers, n_heads):
        super().__init__()
        self.project = nn.Linear(dim, context_dim)
        self.token = nn.Parameter(torch.randn(context_dim))
        self.layers = nn.Sequential(
            *[
                PreNormLayer(context_dim, n_heads, context_dim, 0.1)
                for _ in range(n_layers)
            ]
        )

    def forward(self, tokens):
        """Turn (n_epochs, n_tokens, dim) into (n_epochs, context_dim)."""
        projected = self.project(tokens)
        first = self.token.to(projected.dtype).expand(len(tokens), 1, -1)
        return self.layers(torch.cat([first, projected], 1))[:, 0]


class Contrasting(nn.Module):
    r"""Predict the future of one view from the past of the other, and match contexts.

    .. math:: L = \lambda_1 (L_{TC}^{s} + L_{TC}^{w}) + \lambda_2 L_{CC}

    Parameters
    ----------
    encoder : Module
        The encoder to pre-train.
    dim : int
        Size of its tokens.
    context_dim, n_layers, n_heads : int
        Sizes of the transformer that summarizes the past.
    n_steps : int
        Tokens that are predicted.
    scale_deviation, jitter, max_segments : float, float, int
        See :func:`weak_view` and :func:`strong_view`.
    temperature : float
        Of the contextual contrast.
    weights : tuple of float
        :math:`\lambda_1` and :math:`\lambda_2`.

    References
    ----------
    Eldele et al., IJCAI 2021, equations 1 to 5.
    """

    def __init__(
        self,
        encoder,
        dim,
        *,
        context_dim,
        n_layers,
        n_heads,
        n_steps,
        scale_deviation,
        jitter,
        max_segments,
        temperature=0.2,
        weights=(1.0, 0.7),
    ):
        super().__init__()
        self.encoder, self.temperature, self.weights = encoder, temperature, weights
        self.augmentation = (scale_deviation, max_segments, jitter)
        self.context = Context(dim, context_dim, n_layers, n_heads)
        self.predict = nn.ModuleList(
            nn.Linear(context_dim, dim) for _ in range(n_steps)
        )
        self.project = nn.Sequential(
            nn.Linear(context_dim, dim // 2),
            nn.BatchNorm1d(dim // 2),
            nn.ReLU(),
            nn.Linear(dim // 2, dim // 4),
        )

    def forward(self, x):
        """Return the losses of a batch, (n_epochs, n_channels, n_times)."""
        scale_deviation, max_segments, jitter = self.augmentation
        weak = self.encoder(weak_view(x, scale_deviation, jitter))
        strong = self.encoder(strong_view(x, max_segments, jitter))
        start = int(torch.randint(weak.shape[1] - len(self.predict), ()))
        past_weak = self.context(weak[:, : start + 1])
        past_strong = self.context(strong[:, : start + 1])
        temporal = self._temporal(past_strong, weak, start)
        temporal = temporal + self._temporal(past_weak, strong, start)
        contextual = self._contextual(torch.cat([past_weak, past_strong]))
        loss = self.weights[0] * temporal + self.weights[1] * contextual
        return {"loss": loss, "temporal": temporal, "contextual": contextual}

    def _temporal(self, past, tokens, start):
        """Cross-entropy of telling an epoch's future from those of the others."""
        truth = torch.arange(len(past), device=past.device)
        losses = []
        for step, predict in enumerate(self.predict, start=1):
            scores = predict(past).float() @ tokens[:, start + step].float().T
            losses.append(functional.cross_entropy(scores, truth))
        return torch.stack(losses).mean()

    def _contextual(self, contexts):
        """Cross-entropy of finding the other view of each epoch among all views."""
        projected = functional.normalize(self.project(contexts).float(), dim=-1)
        scores = projected @ projected.T / self.temperature
        scores = scores - torch.diag(scores.new_full((len(scores),), torch.inf))
        other = torch.arange(len(scores), device=scores.device)
        return functional.cross_entropy(scores, other.roll(len(scores) // 2))
