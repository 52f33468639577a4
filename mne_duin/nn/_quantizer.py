"""The codex: nearest of a set of unit vectors, moved by an exponential average."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from mne_duin.nn._layers import init_linear_


@dataclass(frozen=True)
class QuantizerOutput:
    """What the quantizer says about some tokens.

    Parameters
    ----------
    quantized : Tensor, shape (n_epochs, n_tokens, dim)
        The tokens reconstructed from their codes.
    codes : LongTensor, shape (n_epochs, n_tokens)
        The nearest code of each token.
    projected : Tensor, shape (n_epochs, n_tokens, code_dim)
        The unit vectors that were compared with the codex, in float32.
    loss_commit : Tensor, shape ()
        Mean squared distance to the codes; the codes receive no gradient.
    """

    quantized: torch.Tensor
    codes: torch.Tensor
    projected: torch.Tensor
    loss_commit: torch.Tensor


class Quantizer(nn.Module):
    r"""Replace tokens by the nearest code of a codex of unit vectors.

    .. math:: z = \mathrm{l2}(W_2 \tanh(W_1 x)),\quad
              k = \arg\min_j \lVert z - e_j \rVert^2,\quad
              \hat{x} = W_3\, \mathrm{LN}(z + \mathrm{sg}(e_k - z))

    Parameters
    ----------
    dim : int
        Size of a token.
    n_codes, code_dim : int
        Number and size of the codes.
    decay : float
        Memory of the moving averages of codes and counts.

    Attributes
    ----------
    codebook : Tensor, shape (n_codes, code_dim)
        The unit vectors. A buffer: only :meth:`update_` moves it.
    counts : Tensor, shape (n_codes,)
        Moving average of how often each code was used in training batches.
    active : BoolTensor, shape ()
        Whether tokens are quantized; False passes ``z`` on as it is.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 3.2. The layer normalization before the
    last projection is in the published code, not in the paper.
    """

    def __init__(self, dim=160, n_codes=2048, code_dim=64, decay=0.99):
        super().__init__()
        self.decay = decay
        self.project = nn.Sequential(
            nn.Linear(dim, dim), nn.Tanh(), nn.Linear(dim, code_dim)
        )
        self.norm = nn.LayerNorm(code_dim)
        self.expand = nn.Linear(code_dim, dim)
        codebook = functional.normalize(torch.randn(n_codes, code_dim), dim=-1)
        self.register_buffer("codebook", codebook)
        self.register_buffer("counts", torch.zeros(n_codes))
        self.register_buffer("active", torch.tensor(True))
        self.apply(init_linear_)

    def sizes(self):
        """Return the keywords that build a like quantizer, without ``dim``.

        Returns
        -------
        sizes : dict
            Keywords of :class:`Quantizer`.
        """
        n_codes, code_dim = self.codebook.shape
        return {"n_codes": n_codes, "code_dim": code_dim, "decay": self.decay}

    def forward(self, tokens):
        """Quantize tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.

        Returns
        -------
        output : QuantizerOutput
            The reconstructed tokens, their codes, the projections and the loss.
        """
        # Distances between unit vectors lose the nearest code in half precision.
        projected = functional.normalize(self.project(tokens).float(), dim=-1)
        codes = self.nearest(projected)
        chosen = self.codebook[codes]
        loss_commit = functional.mse_loss(projected, chosen)
        bridged = projected + (chosen - projected).detach()
        passed = torch.where(self.active, bridged, projected)
        quantized = self.expand(self.norm(passed))
        loss_commit = torch.where(self.active, loss_commit, loss_commit.detach() * 0)
        return QuantizerOutput(quantized, codes, projected, loss_commit)

    @torch.no_grad()
    def nearest(self, projected):
        """Return the nearest code of each unit vector.

        For unit vectors the nearest in squared distance has the largest product.

        Parameters
        ----------
        projected : Tensor, shape (..., code_dim)
            Unit vectors.

        Returns
        -------
        codes : LongTensor, shape (...)
            The codes.
        """
        with torch.autocast(projected.device.type, enabled=False):
            return (projected.float() @ self.codebook.T).argmax(-1)

    @torch.no_grad()
    def encode(self, tokens):
        """Return the codes of tokens, without gradient.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.

        Returns
        -------
        codes : LongTensor, shape (n_epochs, n_tokens)
            The codes.
        """
        projected = functional.normalize(self.project(tokens).float(), dim=-1)
        return self.nearest(projected)

    @torch.no_grad()
    def update_(self, output):
        """Move codes and counts towards a training batch.

        Parameters
        ----------
        output : QuantizerOutput
            What :meth:`forward` returned for the batch.

        Returns
        -------
        batch_counts : Tensor, shape (n_codes,)
            How often each code was used in the batch, over all processes.
        """
        codes = output.codes.flatten()
        vectors = output.projected.detach().flatten(0, 1)
        sums = torch.zeros_like(self.codebook).index_add_(0, codes, vectors)
        # bincount would make the host wait for the device.
        ones = torch.ones_like(codes, dtype=sums.dtype)
        counts = torch.zeros_like(self.counts).index_add_(0, codes, ones)
        sums, counts = sum_over_processes(sums), sum_over_processes(counts)
        self.counts.lerp_(counts, 1 - self.decay)
        direction = functional.normalize(sums, dim=-1)
        moved = self.decay * self.codebook + (1 - self.decay) * direction
        moved = functional.normalize(moved, dim=-1)
        used = (counts > 0)[:, None]
        self.codebook.copy_(torch.where(used, moved, self.codebook))
        return counts


def sum_over_processes(tensor):
    """Return the sum of a tensor over all training processes, if there are several."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(tensor)
    return tensor


@torch.no_grad()
def spherical_kmeans(vectors, n_codes, *, n_rounds=10, generator=None, chunk=65536):
    """Cluster unit vectors by direction; empty clusters keep their mean.

    Parameters
    ----------
    vectors : Tensor, shape (n_vectors, code_dim)
        Unit vectors.
    n_codes : int
        Number of clusters.
    n_rounds : int
        Number of rounds.
    generator : torch.Generator | None
        Source of the random first means.
    chunk : int
        Vectors compared at once, which bounds the memory.

    Returns
    -------
    means : Tensor, shape (n_codes, code_dim)
        Unit vectors.
    counts : Tensor, shape (n_codes,)
        Size of each cluster in the last round.
    """
    n_vectors = len(vectors)
    if n_vectors >= n_codes:
        order = torch.randperm(n_vectors, generator=generator)[:n_codes]
    else:
        order = torch.randint(n_vectors, (n_codes,), generator=generator)
    means = vectors[order.to(vectors.device)].clone()
    for _ in range(n_rounds):
        sums, counts = torch.zeros_like(means), means.new_zeros(n_codes)
        for part in vectors.split(chunk):
            nearest = (part @ means.T).argmax(-1)
            sums.index_add_(0, nearest, part)
            counts += torch.bincount(nearest, minlength=n_codes)
        moved = functional.normalize(sums, dim=-1)
        means = torch.where((counts > 0)[:, None], moved, means)
    return means, counts
