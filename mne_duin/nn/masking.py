"""Which tokens the masked stage hides."""

import torch


def random_mask(n_epochs, n_tokens, mask_ratio=0.5, *, generator=None, device=None):
    """Hide the same number of tokens, chosen at random, in every epoch.

    Parameters
    ----------
    n_epochs, n_tokens : int
        Shape of the mask.
    mask_ratio : float
        Share of the tokens to hide.
    generator : torch.Generator | None
        Source of randomness.
    device : torch.device | None
        Where the mask is wanted.

    Returns
    -------
    mask : BoolTensor, shape (n_epochs, n_tokens)
        True where a token is hidden.
    """
    n_hidden = min(max(round(n_tokens * mask_ratio), 1), n_tokens - 1)
    noise = torch.rand(n_epochs, n_tokens, generator=generator, device=device)
    ranks = noise.argsort(-1).argsort(-1)
    return ranks < n_hidden
