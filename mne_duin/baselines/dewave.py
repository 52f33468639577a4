"""DeWave: a conformer, a discrete codex and a transformer on the codes."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from mne_duin.baselines.codex import GradientCodex, WaveReconstruction
from mne_duin.baselines.conformer import ConformerBlock
from mne_duin.baselines.heads import check_multiple, count_tokens, flat_head
from mne_duin.baselines.pretraining import PretrainedNetwork
from mne_duin.nn.transformer import Transformer
from mne_duin.utils.docs import fill_doc
from mne_duin.utils.signature import own_parameters_first


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

    Pre-training learns conformer and codex by rebuilding the signal from its codes.
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
        sEEG collapse: most of the signal is noise, so rebuilding it and naming words
        pull less on them than the codes do (:doc:`/benchmarks`).
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
