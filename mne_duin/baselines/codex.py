"""A codex that is learned by gradient, and the self-supervised task that trains it."""

import torch
from torch import nn
from torch.nn import functional


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
    """Rebuild the signal from the codes.

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
