"""The self-supervised task of TS-TCC: temporal and contextual contrasting."""

import torch
from torch import nn
from torch.nn import functional

from mne_duin.baselines.layers import PreNormLayer


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
    """Summarise the first tokens of a view in one vector.

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
        Sizes of the transformer that summarises the past.
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
