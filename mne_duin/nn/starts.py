"""Start a network from principal components, whichever layers subjects own."""

import torch

from mne_duin.nn import principal
from mne_duin.nn.poms import PomsEncoder


@torch.no_grad()
def start_encoder_(encoder, x, subject=None):
    """Start an encoder from the principal components of its channels.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder, changed in place.
    x : Tensor, shape (n_epochs, n_channels, n_times)
        Scaled training epochs.
    subject : LongTensor, shape (n_epochs,) | None
        Subject of each epoch.

    Returns
    -------
    inverse : Tensor, shape (n_subjects, n_channels, n_filters)
        The maps from the filters back to the channels.
    """
    if not isinstance(encoder, PomsEncoder):
        return principal.start_encoder_(encoder, x, subject)
    n_filters = encoder.dim // encoder.patch.n_steps
    inverse = []
    for index, patch in enumerate(encoder.patch.subjects):
        own = x if subject is None else x[subject == index]
        forward, backward = principal.principal_maps(own, n_filters)
        principal.start_convolutions_(patch, forward)
        inverse.append(backward)
    principal.calibrate_(encoder, x, subject)
    return torch.stack(inverse)


@torch.no_grad()
def start_vqvae_(vqvae, x, subject=None):
    """Start the whole first stage from principal components.

    Parameters
    ----------
    vqvae : VQVAE
        The network, changed in place.
    x : Tensor, shape (n_epochs, n_channels, n_times)
        Scaled training epochs.
    subject : LongTensor, shape (n_epochs,) | None
        Subject of each epoch.
    """
    if not isinstance(vqvae.encoder, PomsEncoder):
        principal.start_vqvae_(vqvae, x, subject)
        return
    inverse = start_encoder_(vqvae.encoder, x, subject)
    for head, backward in zip(vqvae.patch.subjects, inverse, strict=True):
        principal.start_interpolation_(head.layers, backward)
    principal.start_projections_(vqvae, x, subject)
