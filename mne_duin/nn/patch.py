"""From 100 ms of signal to a token, and from tokens back to signal."""

from copy import deepcopy

import torch
from torch import nn


class PatchEncoder(nn.Module):
    """Turn every patch of the signal, alone, into one token.

    Three convolutions with batch normalisation and no activation: in evaluation mode
    the whole encoder is one affine map of the patch (see :func:`fold`). The paper
    calls the convolutions depthwise; the published ones mix all filters, and so do
    these.

    Parameters
    ----------
    n_inputs : int
        Number of channels that come in (spatial filters).
    filters : tuple of int
        Number of filters of each convolution.
    kernels, strides : tuple of int
        Kernel size and stride of each convolution, in samples.
    patch_size : int
        Length of a patch in samples.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 3.1 and Table 5.
    """

    def __init__(
        self,
        n_inputs=16,
        filters=(128, 128, 16),
        kernels=(19, 3, 3),
        strides=(10, 1, 1),
        patch_size=100,
    ):
        super().__init__()
        self.patch_size = patch_size
        layers, n_steps = [], patch_size
        for n_filters, kernel, stride in zip(filters, kernels, strides, strict=True):
            padding = kernel // 2
            layers.append(nn.Conv1d(n_inputs, n_filters, kernel, stride, padding))
            layers.append(nn.BatchNorm1d(n_filters))
            n_inputs = n_filters
            n_steps = (n_steps + 2 * padding - kernel) // stride + 1
        self.layers = nn.Sequential(*layers)
        self.n_steps = n_steps
        self.dim = n_steps * filters[-1]
        self._folded = None

    def forward(self, x):
        """Encode the patches.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_inputs, n_times)
            The signal; ``n_times`` is a multiple of the patch size.

        Returns
        -------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens; within a token the steps of time come first.
        """
        n_epochs, n_inputs, n_times = x.shape
        n_tokens = n_times // self.patch_size
        patches = x.reshape(n_epochs, n_inputs, n_tokens, self.patch_size)
        steps = self.layers(patches.transpose(1, 2).flatten(0, 1))
        return steps.transpose(1, 2).reshape(n_epochs, n_tokens, self.dim)

    def folded(self):
        """Return :func:`fold_patches` of this encoder, computed anew when it changed.

        Returns
        -------
        kernel : Tensor, shape (n_inputs, patch_size, dim)
            The map of a patch in evaluation mode.
        offset : Tensor, shape (dim,)
            What silence gives.
        """
        weights = list(self.state_dict().values())
        if self._folded is None or not all(map(_is_same, weights, self._folded[0])):
            like = self.layers[0].weight
            parts = [part.to(like) for part in fold_patches(self)]
            self._folded = [value.clone() for value in weights], parts
        return self._folded[1]


def _is_same(first, second):
    return first.dtype == second.dtype and torch.equal(first, second)


class PatchDecoder(nn.Module):
    """Turn tokens back into spatially filtered signal by transposed convolutions.

    Parameters
    ----------
    dim : int
        Size of a token.
    n_outputs : int
        Number of channels that go out (spatial filters).
    n_filters : int
        Number of filters between.
    patch_size : int
        Length of a patch in samples, a multiple of 10.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, Table 5 ("regressor"): strides 10 and 10, for
    patches of 100 samples. The first of them follows the length of other patches.
    """

    def __init__(self, dim=160, n_outputs=16, n_filters=128, patch_size=100):
        super().__init__()
        self.patch_size, n_steps = patch_size, patch_size // 10
        self.layers = nn.Sequential(
            nn.ConvTranspose1d(dim, n_filters, 3, padding=1),
            nn.ConvTranspose1d(n_filters, n_filters, 3, padding=1),
            nn.ConvTranspose1d(n_filters, n_filters, n_steps, stride=n_steps),
            nn.ConvTranspose1d(n_filters, n_filters, 9, padding=4),
            nn.ConvTranspose1d(
                n_filters, n_outputs, 19, stride=10, padding=5, output_padding=1
            ),
            nn.Conv1d(n_outputs, n_outputs, 1),
        )

    def forward(self, tokens):
        """Decode the tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.

        Returns
        -------
        x : Tensor, shape (n_epochs, n_outputs, n_times)
            The signal; ``n_times`` is ``patch_size`` samples per token.
        """
        return self.layers(tokens.transpose(1, 2))


@torch.no_grad()
def fold(spatial, patch):
    """Fold a spatial map and a patch encoder into one affine map of the patch.

    Exact in evaluation mode, where batch normalisation uses its running statistics.

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
