"""DeWave: a conformer, a discrete codex and a transformer on the codes."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from mne_duin.baselines.networks._layers import (
    Dropout,
    check_multiple,
    count_tokens,
    flat_head,
)
from mne_duin.baselines.networks._pretrained import PretrainedNetwork
from mne_duin.nn import Transformer
from mne_duin.nn._layers import sine_positions
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._signature import own_parameters_first


class ConformerTokenizer(nn.Module):
    """Strided convolutions, each followed by a conformer block.

    Parameters
    ----------
    n_channels, dim : int
        Number of channels, size of a token.
    kernels, strides : tuple of int
        Of the convolutions; a block has the kernel of its convolution.
    n_heads : int
        Attention heads of a block.
    dropout : float
        Dropout of the blocks.
    """

    def __init__(self, n_channels, dim, kernels, strides, n_heads, dropout):
        super().__init__()
        inputs = [n_channels] + [dim] * (len(kernels) - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(n_inputs, dim, kernel, stride, padding=(kernel - stride + 1) // 2)
            for n_inputs, kernel, stride in zip(inputs, kernels, strides, strict=True)
        )
        self.blocks = nn.ModuleList(
            ConformerBlock(dim, n_heads, kernel, dropout) for kernel in kernels
        )

    def forward(self, x):
        """Turn (n_epochs, n_channels, n_times) into (n_epochs, n_tokens, dim)."""
        for convolution, block in zip(self.convolutions, self.blocks, strict=True):
            x = block(convolution(x).mT).mT
        return x.mT


class CodexDecoder(nn.Module):
    """Tokenizer, codex, transformer and head.

    Parameters
    ----------
    tokenizer : ConformerTokenizer
        Turns a signal into tokens.
    codex : GradientCodex
        Replaces them by codes.
    transformer : Transformer
        Gives the codes context.
    head : Module
        Names the word.
    """

    def __init__(self, tokenizer, codex, transformer, head):
        super().__init__()
        self.tokenizer, self.codex = tokenizer, codex
        self.transformer, self.head = transformer, head

    @property
    def encoder(self):
        """Tokenizer and codex, which are pre-trained."""
        return self.tokenizer, self.codex

    def score(self, x):
        """Return the scores (n_epochs, n_classes) and the loss of the codex."""
        quantized, loss = self.codex(self.tokenizer(x))
        return self.head(self.transformer(quantized)), loss

    def forward(self, x, subject=None):
        """Return the scores that enter the softmax; ``subject`` is not used."""
        return self.score(x)[0]


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class DeWave(PretrainedNetwork):
    """Decode words from a discrete codex of the waves.

    Pre-training learns conformer and codex by reconstructing the signal from its
    codes.
    Then everything, with a transformer on the codes, learns the words; the losses of
    the codex stay. The last step of DeWave, which aligns codes with the text
    embeddings of a language model, has no counterpart in naming words, so the
    transformer and a head stand where the language model was, as in the comparison of
    the Du-IN paper. Sizes are those of its published parameter file, at 500 Hz. Its
    published network has no codex, runs each block before the pooling, and holds
    layers that nothing uses; here a strided convolution comes before each block, as in
    the Conformer paper, and the codes are as large as a token, as in DeWave.

    Parameters
    ----------
    dim : int
        Size of a token and of a code.
    kernels, strides : tuple of int
        Of the tokenizer's convolutions; a conformer block has the kernel of its
        convolution.
    n_codes : int
        Size of the codex.
    commitment : float
        Weight of the tokens' part of the codex loss. With the usual 0.25 the tokens of
        sEEG collapse: most of the signal is noise, so reconstruction and classification
        pull less on them than the codes do (:doc:`/benchmarks/comparison`).
    n_layers, n_heads, head_dim, ff_dim : int
        Sizes of the transformer; a conformer block has ``n_heads`` as well.
    attention_dropout, ff_dropout : float
        Dropout in the transformer.
    dropout : float
        Dropout in the conformer blocks.
    hidden_dim : int
        Size of the hidden layer of the head.
    %(network_pretraining)s
    %(network_training)s

    Attributes
    ----------
    module_ : CodexDecoder
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
    Duan et al., "DeWave: Discrete EEG Waves Encoding for Brain Dynamics to Text
    Translation", NeurIPS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DeWave
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((8, 3, 400)), np.repeat(["yes", "no"], 4)
    >>> clf = DeWave(dim=16, n_layers=1, pretrain_iter=2, max_iter=2, verbose=False)
    >>> clf.fit(X, y, sfreq=1000).predict_proba(X).shape
    (8, 2)
    """

    dim: int = 128
    kernels: tuple = (9, 3, 3, 3, 3)
    strides: tuple = (3, 2, 2, 2, 2)
    n_codes: int = 2048
    commitment: float = 0.02
    n_layers: int = 6
    n_heads: int = 8
    head_dim: int = 64
    ff_dim: int = 512
    attention_dropout: float = 0.2
    ff_dropout: float = 0.2
    dropout: float = 0.1
    hidden_dim: int = 128
    network_sfreq: float | None = 500.0

    def _build(self, n_channels, n_times):
        check_multiple("dim", self.dim, "`n_heads`", self.n_heads)
        if not all(kernel % 2 for kernel in self.kernels):
            raise ValueError(f"`kernels` must be odd; got {self.kernels}.")
        tokenizer = ConformerTokenizer(
            n_channels,
            self.dim,
            self.kernels,
            self.strides,
            self.n_heads,
            self.dropout,
        )
        n_tokens = count_tokens(tokenizer, n_channels, n_times)
        transformer = Transformer(
            self.dim,
            self.n_layers,
            n_heads=self.n_heads,
            head_dim=self.head_dim,
            ff_dim=self.ff_dim,
            attention_dropout=self.attention_dropout,
            ff_dropout=self.ff_dropout,
        )
        codex = GradientCodex(self.n_codes, self.dim, self.commitment)
        head = flat_head(n_tokens * self.dim, len(self.classes_), self.hidden_dim)
        return CodexDecoder(tokenizer, codex, transformer, head)

    @torch.no_grad()
    def _start(self, module, data):
        """Start the codex at tokens of the training epochs."""
        module.eval()
        tokens = [module.tokenizer(batch.x).flatten(0, 1) for batch in data.batches(64)]
        module.codex.start_(torch.cat(tokens))

    def _build_task(self, encoder):
        return WaveReconstruction(
            *encoder, self.dim, len(self.ch_names_), self.kernels, self.strides
        )

    def _training_step(self):
        return codex_training


def codex_training(module, batch):
    """Return the losses of a batch, those of the codex included, and the accuracy."""
    scores, codex = module.score(batch.x)
    scores = scores.float()
    entropy = functional.cross_entropy(scores, batch.y)
    accuracy = (scores.argmax(-1) == batch.y).float().mean()
    return {"loss": entropy + codex, "codex": codex, "accuracy": accuracy}


class RelativeAttention(nn.Module):
    r"""Self-attention whose scores know how far apart two steps are.

    .. math:: s_{ij} = \big((q_i + u)\, k_j + (q_i + v)\, r_{i-j}\big) / \sqrt{d}

    Parameters
    ----------
    dim, n_heads : int
        Size of a token and number of heads.
    dropout : float
        Dropout of the attention weights.

    References
    ----------
    Dai et al., Transformer-XL, ACL 2019, section 3.3.
    """

    def __init__(self, dim, n_heads, dropout):
        super().__init__()
        self.n_heads, self.head_dim = n_heads, dim // n_heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.position = nn.Linear(dim, dim, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(n_heads, 1, self.head_dim))
        self.position_bias = nn.Parameter(torch.zeros(n_heads, 1, self.head_dim))
        self.out = nn.Linear(dim, dim)
        self.dropout = Dropout(dropout)

    def forward(self, x):
        """Attend; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        n_epochs, n_tokens, dim = x.shape
        qkv = self.qkv(self.norm(x))
        qkv = qkv.view(n_epochs, n_tokens, 3, self.n_heads, self.head_dim)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        # Distances from n_tokens - 1 down to 1 - n_tokens; sines of negative ones.
        far = sine_positions(n_tokens, dim).to(x)
        near = torch.stack([-far[1:, 0::2], far[1:, 1::2]], -1).flatten(1)
        distances = self.position(torch.cat([far.flip(0), near[:, :dim]]))
        distances = distances.view(-1, self.n_heads, self.head_dim).transpose(0, 1)
        scores = (query + self.content_bias) @ key.mT
        scores = scores + self._shift((query + self.position_bias) @ distances.mT)
        weights = self.dropout((scores * self.head_dim**-0.5).softmax(-1))
        heads = weights.to(value.dtype) @ value
        return self.out(heads.transpose(1, 2).reshape(n_epochs, n_tokens, dim))

    @staticmethod
    def _shift(scores):
        """Turn scores by distance into scores by key, (..., n_tokens, n_tokens)."""
        scores = scores.contiguous()
        *shape, n_tokens, n_distances = scores.shape
        *strides, _, _ = scores.stride()
        # One row further down is one distance further left.
        return scores.as_strided(
            (*shape, n_tokens, n_tokens),
            (*strides, n_distances - 1, 1),
            scores.storage_offset() + n_tokens - 1,
        )


class ConvolutionModule(nn.Module):
    """Gated pointwise convolution, depthwise convolution, batch norm, swish.

    Parameters
    ----------
    dim, kernel : int
        Size of a token, and of the depthwise convolution (odd).
    dropout : float
        Dropout at the end.
    """

    def __init__(self, dim, kernel, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Conv1d(dim, 2 * dim, 1)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.batch_norm = nn.BatchNorm1d(dim)
        self.out = nn.Conv1d(dim, dim, 1)
        self.dropout = Dropout(dropout)

    def forward(self, x):
        """Convolve; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        x = functional.glu(self.gate(self.norm(x).mT), 1)
        x = functional.silu(self.batch_norm(self.depthwise(x)))
        return self.dropout(self.out(x)).mT


class ConformerBlock(nn.Module):
    r"""Half a feed-forward layer, attention, convolution, the other half.

    Parameters
    ----------
    dim, n_heads, kernel : int
        Sizes.
    dropout : float
        Dropout everywhere.

    References
    ----------
    Gulati et al., Conformer, Interspeech 2020.
    """

    def __init__(self, dim, n_heads, kernel, dropout):
        super().__init__()
        self.first, self.last = (self._feed_forward(dim, dropout) for _ in range(2))
        self.attention = RelativeAttention(dim, n_heads, dropout)
        self.convolution = ConvolutionModule(dim, kernel, dropout)
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)

    @staticmethod
    def _feed_forward(dim, dropout):
        return nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, 4 * dim),
            nn.SiLU(),
            Dropout(dropout),
            nn.Linear(4 * dim, dim),
            Dropout(dropout),
        )

    def forward(self, x):
        """Transform; ``x`` and the result have shape (n_epochs, n_tokens, dim)."""
        x = x + 0.5 * self.first(x)
        x = x + self.dropout(self.attention(x))
        x = x + self.convolution(x)
        return self.norm(x + 0.5 * self.last(x))


class GradientCodex(nn.Module):
    r"""Replace tokens by the nearest of a set of learned codes.

    .. math:: L = \lVert \mathrm{sg}(z) - e \rVert^2
              + \beta \lVert z - \mathrm{sg}(e) \rVert^2

    Parameters
    ----------
    n_codes, dim : int
        Number of codes, and size of a code and a token.
    commitment : float
        The weight :math:`\beta`.

    References
    ----------
    van den Oord et al., NeurIPS 2017, equation 3; used by DeWave.
    """

    def __init__(self, n_codes, dim, commitment=0.25):
        super().__init__()
        self.commitment = commitment
        self.codebook = nn.Parameter(torch.randn(n_codes, dim))

    def encode(self, tokens):
        """Return the nearest code of each token, shape (n_epochs, n_tokens)."""
        vectors = tokens.detach().float()
        codes = self.codebook.detach()
        # The squared length of the token is the same for all codes.
        distance = codes.square().sum(-1) - 2 * vectors @ codes.T
        return distance.argmin(-1)

    def forward(self, tokens):
        """Quantize.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.

        Returns
        -------
        quantized : Tensor, shape (n_epochs, n_tokens, dim)
            The codes; the gradient passes straight through to the tokens.
        loss : Tensor, shape ()
            Codes to tokens, and tokens to codes.
        """
        tokens = tokens.float()
        chosen = self.codebook[self.encode(tokens)]
        loss = functional.mse_loss(chosen, tokens.detach())
        loss = loss + self.commitment * functional.mse_loss(tokens, chosen.detach())
        return tokens + (chosen - tokens).detach(), loss

    @torch.no_grad()
    def start_(self, tokens):
        """Start the codes at random ones of some tokens, (n_tokens, dim).

        Codes that start far from all tokens are never chosen.
        """
        rows = torch.randint(len(tokens), (len(self.codebook),), device=tokens.device)
        spread = tokens.std(0, correction=0)
        noise = 0.01 * spread * torch.randn_like(self.codebook)
        self.codebook.copy_(tokens[rows] + noise)


class WaveReconstruction(nn.Module):
    """Reconstruct the signal from the codes.

    Parameters
    ----------
    tokenizer : Module
        Turns a signal into tokens; to be pre-trained.
    codex : GradientCodex
        The codex; to be pre-trained.
    dim, n_channels : int
        Size of a token, number of channels.
    kernels, strides : tuple of int
        Of the convolutions of the tokenizer, which the decoder mirrors.
    """

    def __init__(self, tokenizer, codex, dim, n_channels, kernels, strides):
        super().__init__()
        self.tokenizer, self.codex = tokenizer, codex
        layers = []
        for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
            size = max(kernel, stride)
            layers += [nn.ConvTranspose1d(dim, dim, size, stride), nn.GELU()]
        self.decoder = nn.Sequential(*layers, nn.Conv1d(dim, n_channels, 1))

    def forward(self, x):
        """Return the losses of a batch, (n_epochs, n_channels, n_times)."""
        quantized, loss_codex = self.codex(self.tokenizer(x))
        rebuilt = self.decoder(quantized.mT).float()
        n_times = min(rebuilt.shape[-1], x.shape[-1])
        wave = functional.mse_loss(rebuilt[..., :n_times], x[..., :n_times])
        return {"loss": wave + loss_codex, "wave": wave, "codex": loss_codex}
