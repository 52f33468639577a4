"""Start the networks from the principal components of their data.

The published start draws small random weights; rebuilding 100 ms of signal then takes
thousands of steps to learn what a principal component analysis knows at once. Here the
spatial maps start as the principal components of the channels, the convolutions as
low-pass filters that hand them on in steps of 10 ms, the quantizer's projections as the
principal components of the tokens, and the decoder as the way back. All weights are
then trained as usual; the random part that is left breaks the symmetries.
"""

import torch
from torch import nn

RANDOM_PART = 0.1


@torch.no_grad()
def start_encoder_(encoder, x, subject=None):
    """Start spatial maps and patch encoder from the principal components of channels.

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
    spatial = encoder.spatial
    inverse = torch.zeros_like(spatial.weight.transpose(1, 2))
    for index in range(len(spatial.weight)):
        own = x if subject is None else x[subject == index]
        forward, backward = principal_maps(own, spatial.weight.shape[1])
        spatial.weight[index], inverse[index] = forward, backward
    spatial.bias.zero_()
    identity = torch.eye(spatial.weight.shape[1], device=x.device)
    start_convolutions_(encoder.patch, identity)
    calibrate_(encoder, x, subject)
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
    vqvae.spatial.weight.copy_(start_encoder_(vqvae.encoder, x, subject))
    vqvae.spatial.bias.zero_()
    n_features = vqvae.encoder.dim // vqvae.encoder.patch.n_steps
    _start_patch_decoder_(vqvae.patch, n_features)
    start_projections_(vqvae, x, subject)


def start_convolutions_(patch, forward):
    """Let a patch encoder map its inputs and hand them on, low-passed in 10 ms steps.

    Parameters
    ----------
    patch : PatchEncoder
        The patch encoder, changed in place.
    forward : Tensor, shape (n_filters, n_inputs)
        The map.
    """
    convolutions = [m for m in patch.layers if isinstance(m, nn.Conv1d)]
    for layer in convolutions:
        _shrink_(layer)
    first, *others = convolutions
    window = torch.hann_window(first.kernel_size[0] + 2, periodic=False)[1:-1]
    window = (window / window.sum()).to(forward)
    n_rows = min(len(forward), first.out_channels)
    first.weight[:n_rows] += forward[:n_rows, :, None] * window
    for layer in others:
        _add_delta_(layer.weight)


def calibrate_(encoder, x, subject, part=None):
    """Set the running statistics of the batch normalisations to those of the data.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder, changed in place.
    x : Tensor, shape (n_epochs, n_channels, n_times)
        Scaled epochs.
    subject : LongTensor, shape (n_epochs,) | None
        Subject of each epoch.
    part : Module | None
        The part whose statistics are set; None is the whole patch encoder.
    """
    part = encoder.patch if part is None else part
    norms = [m for m in part.modules() if isinstance(m, nn.BatchNorm1d)]
    was_training, momentum = encoder.training, norms[0].momentum
    for norm in norms:
        norm.reset_running_stats()
        # None averages over all batches alike.
        norm.momentum = None
    encoder.train()
    n_times = x.shape[-1] // encoder.patch_size * encoder.patch_size
    for rows in torch.arange(len(x), device=x.device).split(64):
        own = None if subject is None else subject[rows]
        encoder.tokenize(x[rows, :, :n_times], own)
    encoder.train(was_training)
    for norm in norms:
        norm.momentum = momentum


def principal_maps(x, n_filters):
    """Return whitening principal components and the maps back."""
    n_channels = x.shape[1]
    variance, vectors = _principal_axes(_second_moment(x))
    # Padded channels and exact linear dependencies have no variance to whiten.
    n_kept = min(n_filters, int((variance > 1e-6 * variance[0]).sum()))
    scale = variance[:n_kept].sqrt()
    forward = torch.zeros(n_filters, n_channels, device=x.device)
    forward[:n_kept] = (vectors[:, :n_kept] / scale).T.to(forward)
    backward = torch.zeros(n_channels, n_filters, device=x.device)
    backward[:, :n_kept] = (vectors[:, :n_kept] * scale).to(backward)
    if n_kept < n_filters:
        mixture = torch.randn(n_filters - n_kept, n_kept, device=x.device)
        forward[n_kept:] = 0.5 * n_kept**-0.5 * mixture @ forward[:n_kept]
    return forward, backward


def _second_moment(x):
    """Return the mean product of every two channels; double precision on the host."""
    moment = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64)
    # In parts, so that no second copy of the training data is ever made.
    for part in x.split(64):
        signal = part.transpose(0, 1).flatten(1).cpu().double()
        moment += signal @ signal.T
    return moment / (x.shape[0] * x.shape[2])


def _principal_axes(moment):
    """Return the eigenvalues of a symmetric matrix, largest first, and vectors."""
    variance, vectors = torch.linalg.eigh(moment)
    return variance.flip(0), vectors.flip(1)


def _shrink_(layer):
    layer.weight.mul_(RANDOM_PART)
    if layer.bias is not None:
        layer.bias.zero_()


def _add_diagonal_(weight, n_rows, kernel):
    """Let each of the first filters hand on its input through a kernel."""
    rows = torch.arange(min(n_rows, *weight.shape[:2]), device=weight.device)
    weight[rows, rows] += kernel


def _add_delta_(weight):
    """Let each filter hand on its input as it is."""
    kernel = torch.zeros(weight.shape[2], device=weight.device)
    kernel[weight.shape[2] // 2] = 1
    _add_diagonal_(weight, min(weight.shape[:2]), kernel)


def _start_patch_decoder_(patch, n_features):
    """Unfold a token into its steps of ``n_features`` and interpolate between them."""
    layers = list(patch.layers)
    for layer in layers:
        _shrink_(layer)
    dim, n_hidden, _ = layers[0].weight.shape
    n_outputs = layers[4].weight.shape[1]
    n_steps = dim // n_features
    n_kept = min(n_features, n_hidden)
    # The hidden layer is narrower than a token; a random projection keeps most of it.
    rotation = torch.randn(dim, max(dim, n_hidden), device=layers[0].weight.device)
    rotation = torch.linalg.qr(rotation)[0][:, :n_hidden]
    layers[0].weight[:, : rotation.shape[1], 1] += rotation
    _add_delta_(layers[1].weight)
    for step in range(min(n_steps, layers[2].weight.shape[2])):
        rows = rotation[step * n_features : step * n_features + n_kept]
        layers[2].weight[: rows.shape[1], :n_kept, step] += rows.T
    _add_delta_(layers[3].weight)
    _add_diagonal_(layers[4].weight, n_outputs, _triangle(rotation))
    _add_delta_(layers[5].weight)


def start_interpolation_(layers, backward):
    """Interpolate between the steps of tokens and map them back to the channels.

    Parameters
    ----------
    layers : Sequential
        The layers of a ``RegressionHead``, changed in place.
    backward : Tensor, shape (n_channels, n_filters)
        The map from the filters back to the channels.
    """
    for layer in layers:
        _shrink_(layer)
    _add_delta_(layers[0].weight)
    _add_delta_(layers[1].weight)
    _add_diagonal_(layers[2].weight, layers[2].weight.shape[1], _triangle(backward))
    layers[3].weight[:, : backward.shape[1], 0] += backward


def _triangle(like):
    """Return a kernel that interpolates between steps of 10 samples.

    Output sample 10 i - 5 + k of step i: a triangle around k = 5.
    """
    distance = (torch.arange(19, device=like.device) - 5).abs() / 10
    return (1 - distance).clamp(min=0)


def start_projections_(vqvae, x, subject):
    """Start the quantizer's projections from the principal components of tokens."""
    encoder, quantizer = vqvae.encoder, vqvae.quantizer
    length = min(x.shape[-1] // encoder.patch_size, 40) * encoder.patch_size
    # Spread over the recording, so that every subject and run has its say.
    rows = torch.linspace(0, len(x) - 1, min(len(x), 64), device=x.device).long()
    own = None if subject is None else subject[rows]
    encoder.eval()
    tokens = encoder(x[rows, :, :length], own).flatten(0, 1).cpu().double()
    center = tokens.mean(0)
    vectors = _principal_axes(torch.cov(tokens.T))[1]
    n_kept = min(len(vectors), quantizer.codebook.shape[1])
    vectors = vectors[:, :n_kept].to(x)
    center = center.to(x)
    first, _, second = quantizer.project
    # Half the scale keeps most tokens in the linear range of the tanh.
    first.weight.mul_(RANDOM_PART).add_(0.5 * torch.eye(len(center), device=x.device))
    first.bias.copy_(-0.5 * center)
    second.weight[:n_kept] = vectors.T
    quantizer.expand.weight[:, :n_kept] = vectors
    quantizer.expand.bias.copy_(center)
