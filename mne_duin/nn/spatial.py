"""Linear maps between the contacts of a subject and shared spatial filters."""

import torch
from torch import nn

from mne_duin.nn.initial import truncated_normal_


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

    def extra_repr(self):
        """Return the sizes."""
        n_subjects, n_outputs, n_inputs = self.weight.shape
        return f"{n_inputs} -> {n_outputs}, n_subjects={n_subjects}"
