"""Encoders whose temporal kernels stay apart: one per contact, or per spatial filter.

The paper writes of depthwise convolutions; its published code mixes all filters in
each convolution (see ``PatchEncoder``). Here every contact has a temporal kernel of its
own in front of the spatial map, or every spatial filter has convolutions of its own
behind it.
"""

import torch
from torch import nn
from torch.nn import functional

from mne_duin.nn import _principal
from mne_duin.nn._encoders import DuINEncoder, own_rows
from mne_duin.nn._layers import padded


class ContactConvolution(nn.Module):
    r"""One temporal kernel per channel and subject, inside of each patch.

    .. math:: y_{b, c, t} = \sum_k K_{s(b), c, k}\, x_{b, c, t + k - k_0}

    A patch is padded with zeros, so that a token depends on its own patch alone. The
    kernels start as unit impulses, which leave the signal as it is.

    Parameters
    ----------
    n_channels, n_subjects : int
        Number of channels and of subjects.
    kernel_size : int
        Length of the kernels in samples, an odd number.
    patch_size : int
        Length of a patch in samples.

    Attributes
    ----------
    weight : Parameter, shape (n_subjects, n_channels, kernel_size)
        The kernels.
    """

    def __init__(self, n_channels, n_subjects=1, kernel_size=19, patch_size=100):
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(
                f"The kernels of the contacts must have an odd length; got "
                f"{kernel_size} samples. Change the first of `conv_kernels`."
            )
        self.patch_size = patch_size
        self.weight = nn.Parameter(torch.zeros(n_subjects, n_channels, kernel_size))
        with torch.no_grad():
            self.weight[..., kernel_size // 2] = 1

    def forward(self, x, subject=None):
        """Filter every channel.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The signal; ``n_times`` is a multiple of the patch size.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch; None is the first subject throughout.

        Returns
        -------
        y : Tensor, shape (n_epochs, n_channels, n_times)
            The filtered signal.
        """
        n_epochs, n_channels, n_times = x.shape
        n_patches, length = n_times // self.patch_size, self.weight.shape[-1]
        patches = x.reshape(n_epochs, n_channels, n_patches, self.patch_size)
        if subject is None or len(self.weight) == 1:
            kernel, groups = self.weight[0], n_channels
            patches = patches.transpose(1, 2).flatten(0, 1)
        else:
            # Every epoch and channel is a group of its own; patches are the batch.
            kernel, groups = self.weight[subject].flatten(0, 1), n_epochs * n_channels
            patches = patches.flatten(0, 1).transpose(0, 1)
        y = functional.conv1d(
            patches, kernel[:, None], padding=length // 2, groups=groups
        )
        if groups == n_channels:
            y = y.reshape(n_epochs, n_patches, n_channels, -1).transpose(1, 2)
        else:
            y = y.transpose(0, 1)
        return y.reshape(n_epochs, n_channels, n_times)

    @torch.no_grad()
    def with_subject(self, position, size, places):
        """Return a layer with one more subject, and space for channels.

        Parameters
        ----------
        position : int
            Index of the new subject, whose kernels have initial values.
        size : int
            Number of channels.
        places : LongTensor, shape (n_channels,)
            Where the channels of the known subjects come to lie among them.

        Returns
        -------
        grown : ContactConvolution
            The new layer.
        """
        n_subjects, _, length = self.weight.shape
        grown = ContactConvolution(size, n_subjects + 1, length, self.patch_size)
        grown = grown.to(self.weight)
        known = [row for row in range(n_subjects + 1) if row != position]
        grown.weight[known] = padded(self.weight, 1, size, places)
        return grown

    def matrices(self):
        """Return the filters as matrices over the samples of a patch.

        Returns
        -------
        matrices : Tensor, shape (n_subjects, n_channels, patch_size, patch_size)
            Rows are samples that go out, columns samples that come in.
        """
        size, length = self.patch_size, self.weight.shape[-1]
        ahead = torch.arange(size)[None, :] - torch.arange(size)[:, None] + length // 2
        inside = (ahead >= 0) & (ahead < length)
        taps = self.weight[..., ahead.clamp(0, length - 1).to(self.weight.device)]
        return taps * inside.to(taps)

    def extra_repr(self):
        """Return the sizes.

        Returns
        -------
        text : str
            What torch shows inside the brackets.
        """
        n_subjects, n_channels, length = self.weight.shape
        return f"{n_channels}, kernel_size={length}, n_subjects={n_subjects}"


class DepthwiseEncoder(DuINEncoder):
    """A temporal kernel per contact in front of spatial map and patch encoder.

    Parameters
    ----------
    contacts : ContactConvolution
        The kernels of the contacts of each subject.
    spatial : SubjectLinear
        Maps contacts to spatial filters, one map per subject.
    patch : PatchEncoder
        Turns every patch into a token.
    transformer : Transformer
        Gives the tokens context.
    """

    def __init__(self, contacts, spatial, patch, transformer):
        super().__init__(spatial, patch, transformer)
        self.contacts = contacts

    def _own_sizes(self):
        return super()._own_sizes() | {"patch_encoder": "depthwise"}

    def _copy_layers(self, other, position):
        super()._copy_layers(other, position)
        self.contacts.weight[position] = other.contacts.weight[position]

    def _add_layers(self, position, size, places):
        super()._add_layers(position, size, places)
        self.contacts = self.contacts.with_subject(position, size, places)

    def subject_parameters(self, position):
        """Return the parameters that belong to one subject.

        Parameters
        ----------
        position : int
            Index of the subject.

        Returns
        -------
        parameters : list of tuple of (Parameter, int | None)
            Each with the row that is the subject's, or None where all of it is.
        """
        own = own_rows(self.contacts, position)
        return super().subject_parameters(position) + own

    def _first_weights(self):
        """Return the mean absolute weights, times the norm of each kernel."""
        return super()._first_weights() * self.contacts.weight.norm(dim=-1)

    @torch.no_grad()
    def folded_filters(self):
        """Return kernels, map and patch encoder as one affine map of a patch.

        Returns
        -------
        weight : Tensor, shape (n_subjects, dim, n_channels, patch_size)
            The spatio-temporal filter of each dimension of a token.
        bias : Tensor, shape (n_subjects, dim)
            Its offset.
        """
        weight, bias = super().folded_filters()
        return torch.einsum("sdct,sctu->sdcu", weight, self.contacts.matrices()), bias

    def tokenize(self, x, subject=None):
        """Turn a signal into tokens without context.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Tokens without positions.
        """
        return super().tokenize(self.contacts(x, subject), subject)


class GroupedEncoder(DuINEncoder):
    """Convolutions that keep the spatial filters apart.

    Parameters
    ----------
    spatial : SubjectLinear
        Maps contacts to spatial filters, one map per subject.
    patch : PatchEncoder
        Turns every patch into a token; its groups are the spatial filters.
    transformer : Transformer
        Gives the tokens context.
    """

    def _own_sizes(self):
        return super()._own_sizes() | {"patch_encoder": "depthwise-filters"}

    def _take_maps(self, maps, exact):
        """Map the channels of every subject, and hand each filter on by itself.

        There is no exact map: the filters of a group begin to differ by chance only.
        """
        self.spatial.weight.copy_(maps)
        self.spatial.bias.zero_()
        start_grouped_convolutions_(self.patch)

    def tokenize(self, x, subject=None):
        """Turn a signal into tokens without context.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Tokens without positions.
        """
        return self.patch(self.spatial(x, subject))


@torch.no_grad()
def start_grouped_convolutions_(patch):
    """Hand every spatial filter on by itself, low-passed in steps of 10 ms.

    The first filter of each group passes its input on; the random part of the others
    is kept small, as in the convolutions that mix all filters.
    """
    for rank, layer in enumerate(patch.layers[::2]):
        layer.weight.mul_(_principal.RANDOM_PART)
        layer.bias.zero_()
        first = torch.arange(layer.groups) * (layer.out_channels // layer.groups)
        size = layer.kernel_size[0]
        if rank == 0:
            window = torch.hann_window(size + 2, periodic=False)[1:-1]
            kernel = window / window.sum()
        else:
            kernel = torch.zeros(size)
            kernel[size // 2] = 1
        layer.weight[first, 0] += kernel.to(layer.weight)
