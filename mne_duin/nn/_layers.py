"""Initial values, and linear maps between contacts and shared spatial filters."""

import torch
from torch import nn


def truncated_normal_(tensor, std=0.02):
    """Fill ``tensor`` in place from a normal distribution cut at two deviations."""
    return nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)


def init_linear_(module):
    """Give a linear layer small normal weights and no bias; leave others alone."""
    if isinstance(module, nn.Linear):
        truncated_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def widened_axis(n_before, n_after, n_bands):
    """Return where channels come to lie when every band of them gets wider.

    Returns indices, shape (n_bands * n_before,): band by band the first of ``n_after``.
    """
    bands = torch.arange(n_bands)[:, None] * n_after
    return (bands + torch.arange(n_before)).flatten()


def padded(tensor, axis, size, places):
    """Return a tensor with an axis of ``size``, the old values at ``places``."""
    shape = list(tensor.shape)
    shape[axis] = size
    return tensor.new_zeros(shape).index_copy_(axis, places.to(tensor.device), tensor)


class SubjectLinear(nn.Module):
    r"""One affine map of the channel axis per subject.

    .. math:: y_{b, f, t} = \sum_c W_{s(b), f, c}\, x_{b, c, t} + \beta_{s(b), f}

    Subjects with fewer channels are zero-padded; the padded columns then never move
    away from their initial values.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Sizes of the channel axis before and after.
    n_subjects : int
        Number of maps.

    Attributes
    ----------
    weight : Parameter, shape (n_subjects, n_outputs, n_inputs)
        The maps.
    bias : Parameter, shape (n_subjects, n_outputs)
        The offsets.
    """

    def __init__(self, n_inputs, n_outputs, n_subjects=1):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_subjects, n_outputs, n_inputs))
        self.bias = nn.Parameter(torch.zeros(n_subjects, n_outputs))
        truncated_normal_(self.weight)

    def forward(self, x, subject=None):
        """Map the channel axis.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_inputs, n_times)
            The signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch; None is the first subject throughout.

        Returns
        -------
        y : Tensor, shape (n_epochs, n_outputs, n_times)
            The mapped signal.
        """
        if subject is None or len(self.weight) == 1:
            return self.weight[0] @ x + self.bias[0][:, None]
        return torch.baddbmm(self.bias[subject][..., None], self.weight[subject], x)

    @torch.no_grad()
    def with_subject(self, position, size, places, *, axis):
        """Return a layer with one more map, and space for channels.

        Parameters
        ----------
        position : int
            Index of the new subject, whose map has initial values.
        size : int
            Number of channels.
        places : LongTensor, shape (n_channels,)
            Where the channels of the known subjects come to lie among them; all others
            are padding.
        axis : int
            Axis of the channels in ``weight``: 1 where they go out, 2 where they come
            in.

        Returns
        -------
        grown : SubjectLinear
            The new layer.
        """
        shape = list(self.weight.shape)
        shape[axis] = size
        n_subjects, n_outputs, n_inputs = shape
        grown = SubjectLinear(n_inputs, n_outputs, n_subjects + 1).to(self.weight)
        known = [row for row in range(n_subjects + 1) if row != position]
        grown.weight[known] = padded(self.weight, axis, size, places)
        is_output = axis == 1
        bias = padded(self.bias, 1, size, places) if is_output else self.bias
        grown.bias[known] = bias
        return grown

    def extra_repr(self):
        """Return the sizes.

        Returns
        -------
        text : str
            What torch shows inside the brackets.
        """
        n_subjects, n_outputs, n_inputs = self.weight.shape
        return f"{n_inputs} -> {n_outputs}, n_subjects={n_subjects}"
