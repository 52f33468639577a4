"""Start a network from principal components, whichever layers subjects own."""

import torch

from mne_duin.nn import principal
from mne_duin.nn.alignment import align_maps
from mne_duin.nn.poms import PomsEncoder


@torch.no_grad()
def start_encoder_(encoder, x, subject=None, y=None):
    """Start an encoder from the principal components of its channels.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder, changed in place.
    x : Tensor, shape (n_epochs, n_channels, n_times)
        Scaled training epochs.
    subject : LongTensor, shape (n_epochs,) | None
        Subject of each epoch.
    y : LongTensor, shape (n_epochs,) | None
        Class of each epoch; aligns the filters of several subjects, see
        :mod:`mne_duin.nn.alignment`.

    Returns
    -------
    inverse : Tensor, shape (n_subjects, n_channels, n_filters)
        The maps from the filters back to the channels.
    """
    is_poms = isinstance(encoder, PomsEncoder)
    if is_poms:
        n_filters = encoder.dim // encoder.patch.n_steps
        n_subjects = len(encoder.patch.subjects)
        parts = [x if subject is None else x[subject == i] for i in range(n_subjects)]
        pairs = [principal.principal_maps(own, n_filters) for own in parts]
        maps, inverse = map(torch.stack, zip(*pairs, strict=True))
    else:
        inverse = principal.start_encoder_(encoder, x, subject)
        maps = encoder.spatial.weight
    aligned = y is not None and len(maps) > 1
    if aligned:
        rotations = align_maps(maps, x, subject, y)
        maps, inverse = rotations @ maps, inverse @ rotations.mT
    if is_poms:
        for patch, forward in zip(encoder.patch.subjects, maps, strict=True):
            principal.start_convolutions_(patch, forward)
    elif aligned:
        encoder.spatial.weight.copy_(maps)
    if is_poms or aligned:
        principal.calibrate_(encoder, x, subject)
    return inverse


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
