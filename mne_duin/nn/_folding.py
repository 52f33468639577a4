"""Neighboring linear layers folded into one: the same numbers sooner.

Spatial map, convolutions and transposed convolutions stand in a row without an
activation, so neighbors can be multiplied into one before the signal comes: a few
small products of weights replace large ones with the signal. Each function says which
formula it computes; ``tests/nn/test_folding.py`` compares the two, gradients included.
The formulas themselves are the modules' own ``forward``.
"""

from copy import deepcopy

import torch
from torch import nn
from torch.nn import functional

# Beyond this many channels per spatial filter it costs less to map the channels first.
MAX_CHANNELS_PER_FILTER = 1.5


def tokenize(spatial, patch, x, subject=None):
    """Compute ``patch(spatial(x, subject))``.

    Parameters
    ----------
    spatial : SubjectLinear
        The spatial maps.
    patch : PatchEncoder
        The patch encoder.
    x : Tensor, shape (n_epochs, n_channels, n_times)
        The signal.
    subject : LongTensor, shape (n_epochs,) | None
        Subject of each epoch.

    Returns
    -------
    tokens : Tensor, shape (n_epochs, n_tokens, dim)
        The tokens.
    """
    if not is_one_map(spatial, subject, *spatial.weight.shape[1:]):
        return encode_patches(patch, spatial(x, subject))
    return encode_patches(patch, x, (spatial.weight[0], spatial.bias[0]))


def is_one_map(spatial, subject, n_filters, n_channels):
    """Return whether a spatial map is the same for all epochs and worth folding."""
    is_shared = subject is None or len(spatial.weight) == 1
    return is_shared and n_channels <= MAX_CHANNELS_PER_FILTER * n_filters


def encode_patches(patch, x, affine=None):
    """Compute ``patch(weight @ x + bias)`` for ``affine = (weight, bias)``.

    Parameters
    ----------
    patch : PatchEncoder
        The patch encoder.
    x : Tensor, shape (n_epochs, n_channels, n_times)
        The signal.
    affine : tuple of Tensor | None
        Weight, shape (n_inputs, n_channels), and bias, shape (n_inputs,), of a map in
        front of the patch encoder; None for none.

    Returns
    -------
    tokens : Tensor, shape (n_epochs, n_tokens, dim)
        The tokens.
    """
    can_fold = not (patch.training or torch.is_grad_enabled())
    if can_fold and x.device.type == "cpu":
        return _encode_folded(patch, x, affine)
    first, *layers = patch.layers
    steps = _first_convolution(first, patch.patch_size, x, affine)
    for layer in layers:
        if isinstance(layer, nn.BatchNorm1d):
            # Filters come last in memory; as a matrix, so does the statistics' axis.
            rows = steps.transpose(1, 2)
            steps = layer(rows.flatten(0, 1)).view(rows.shape).transpose(1, 2)
        else:
            steps = layer(steps)
    return steps.transpose(1, 2).reshape(len(x), -1, patch.dim)


def _first_convolution(layer, size, x, affine):
    """Convolve the patches, with the map in front multiplied into the kernel.

    The map's bias does not reach the padding of a patch, so it becomes the kernel of
    one more channel that is 1 inside of the patch.
    """
    kernel, n_channels = layer.weight, x.shape[1]
    if affine is not None:
        with torch.autocast(x.device.type, enabled=False):
            maps = torch.cat([affine[0], affine[1][:, None]], dim=1)
            kernel = torch.einsum("ofk,fc->ock", kernel, maps)
    n_patches = x.shape[-1] // size
    patches = x.reshape(len(x), n_channels, n_patches, size).permute(0, 2, 3, 1)
    if affine is not None:
        patches = functional.pad(patches, (0, 1), value=1.0)
    patches = patches.reshape(len(x) * n_patches, size, -1).transpose(1, 2)
    return functional.conv1d(patches, kernel, layer.bias, layer.stride, layer.padding)


def _encode_folded(patch, x, affine):
    """Encode in evaluation mode, where the whole patch encoder is one matrix."""
    kernel, offset = patch.folded()
    if affine is not None:
        with torch.autocast(x.device.type, enabled=False):
            offset = offset + torch.einsum("fpd,f->d", kernel, affine[1])
            kernel = torch.einsum("fpd,fc->cpd", kernel, affine[0])
    n_epochs, n_channels, _ = x.shape
    patches = x.reshape(n_epochs, n_channels, -1, patch.patch_size).transpose(1, 2)
    return functional.linear(patches.flatten(2), kernel.flatten(0, 1).T, offset)


def decode_patches(patch, spatial, tokens, subject=None):
    """Compute ``spatial(patch(tokens), subject)``.

    Parameters
    ----------
    patch : PatchDecoder
        The patch decoder.
    spatial : SubjectLinear
        The inverse spatial maps.
    tokens : Tensor, shape (n_epochs, n_tokens, dim)
        The tokens.
    subject : LongTensor, shape (n_epochs,) | None
        Subject of each epoch.

    Returns
    -------
    x : Tensor, shape (n_epochs, n_channels, n_times)
        The signal.
    """
    first, second, third, fourth, fifth, last = patch.layers
    x = second(first(tokens.transpose(1, 2)))
    x = _convolve_twice(third, fourth, x)
    weight, bias = last.weight[..., 0], last.bias
    is_folded = is_one_map(spatial, subject, *reversed(spatial.weight.shape[1:]))
    with torch.autocast(x.device.type, enabled=False):
        if is_folded:
            bias = spatial.weight[0] @ bias + spatial.bias[0]
            weight = spatial.weight[0] @ weight
        kernel = torch.einsum("ifk,cf->ick", fifth.weight, weight)
        bias = bias + weight @ fifth.bias
    x = functional.conv_transpose1d(
        x, kernel, bias, fifth.stride, fifth.padding, fifth.output_padding
    )
    return x if is_folded else spatial(x, subject)


def _convolve_twice(first, second, x):
    """Compute ``second(first(x))`` of two transposed convolutions as one.

    The first must neither overlap nor pad and the second have stride 1: its kernel,
    applied to the other's, is then the kernel of both. The bias of the first meets the
    edges of the signal, so it goes the long way, once for all epochs.
    """
    with torch.autocast(x.device.type, enabled=False):
        kernel = functional.conv_transpose1d(first.weight, second.weight)
        level = first.bias[None, :, None].expand(-1, -1, x.shape[-1] * first.stride[0])
        bias = second(level)
    x = functional.conv_transpose1d(x, kernel, None, first.stride, second.padding)
    return x + bias.to(x.dtype)


@torch.no_grad()
def fold(spatial, patch):
    """Fold a spatial map and a patch encoder into one affine map of the patch.

    Exact in evaluation mode, where batch normalization uses its running statistics.

    Parameters
    ----------
    spatial : SubjectLinear
        The spatial maps.
    patch : PatchEncoder
        The patch encoder.

    Returns
    -------
    weight : Tensor, shape (n_subjects, dim, n_channels, patch_size)
        The spatio-temporal filter of each dimension of a token.
    bias : Tensor, shape (n_subjects, dim)
        Its offset.
    """
    kernel, offset = fold_patches(patch)
    maps, offsets = spatial.weight.cpu().double(), spatial.bias.cpu().double()
    weight = torch.einsum("ftd,sfc->sdct", kernel, maps)
    bias = offset + torch.einsum("ftd,sf->sd", kernel, offsets)
    return weight.to(spatial.weight), bias.to(spatial.bias)


@torch.no_grad()
def fold_patches(patch):
    """Fold a patch encoder into one affine map of the patch.

    Parameters
    ----------
    patch : PatchEncoder
        The patch encoder.

    Returns
    -------
    kernel : Tensor, shape (n_inputs, patch_size, dim)
        The map, on the host in double precision.
    offset : Tensor, shape (dim,)
        What silence gives.
    """
    n_inputs, size = patch.layers[0].in_channels, patch.patch_size
    # Token i of epoch i alone: the gradient by the signal is row i of the map.
    with torch.inference_mode(False), torch.enable_grad():
        patch = deepcopy(patch).cpu().double().eval()
        silence = torch.zeros(patch.dim, n_inputs, size, dtype=torch.float64)
        tokens = patch(silence.requires_grad_())[:, 0]
        (kernel,) = torch.autograd.grad(tokens.diagonal().sum(), silence)
    return kernel.permute(1, 2, 0), tokens[0].detach()


def fold_subjects(patch):
    """Fold the patch encoder of every subject into one affine map of its patch.

    Parameters
    ----------
    patch : SubjectPatchEncoder
        The patch encoders; exact in evaluation mode.

    Returns
    -------
    weight : Tensor, shape (n_subjects, dim, n_channels, patch_size)
        The spatio-temporal filter of each dimension of a token.
    bias : Tensor, shape (n_subjects, dim)
        Its offset.
    """
    folded = [fold_patches(one) for one in patch.subjects]
    weight = torch.stack([kernel.permute(2, 0, 1) for kernel, _ in folded])
    bias = torch.stack([offset for _, offset in folded])
    like = patch.subjects[0].layers[0].weight
    return weight.to(like), bias.to(like)
