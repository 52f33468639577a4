"""The published multi-subject model ("poms"): own layers at both ends for each subject.

Where :class:`~mne_duin.nn.spatial.SubjectLinear` gives every subject a spatial map in
front of one patch encoder, here every subject has a patch encoder of its own, straight
from its channels, and a regression head of its own back to them. Transformer, codex and
decoder blocks are shared.
"""

from functools import partial

import torch
from torch import nn

from mne_duin.nn import fast
from mne_duin.nn.initial import truncated_normal_
from mne_duin.nn.models import VQVAE, DuINEncoder
from mne_duin.nn.patch import PatchEncoder, fold_patches


def apply_by_subject(modules, x, subject):
    """Send every epoch through the layers of its subject.

    Parameters
    ----------
    modules : ModuleList
        One module per subject.
    x : Tensor, shape (n_epochs, ...)
        The epochs.
    subject : LongTensor, shape (n_epochs,) | None
        Subject of each epoch; None is the first subject throughout.

    Returns
    -------
    y : Tensor, shape (n_epochs, ...)
        The results, in the order of the epochs. In training, statistics of a batch are
        those of one subject's epochs.
    """
    if subject is None or len(modules) == 1:
        return modules[0](x)
    parts, rows = [], []
    for index in subject.unique().tolist():
        rows.append((subject == index).nonzero().flatten())
        parts.append(modules[index](x[rows[-1]]))
    return torch.cat(parts)[torch.cat(rows).argsort()]


class SubjectPatchEncoder(nn.Module):
    """One patch encoder per subject, straight from the subject's channels.

    Parameters
    ----------
    n_channels : int
        Number of channels; subjects with fewer are zero-padded.
    n_subjects : int
        Number of encoders.
    *sizes : tuple of int
        Filters, kernels, strides and patch size of each
        :class:`~mne_duin.nn.patch.PatchEncoder`.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, Table 2 ("poms").
    """

    def __init__(self, n_channels, n_subjects=1, *sizes):
        super().__init__()
        self.subjects = nn.ModuleList(
            PatchEncoder(n_channels, *sizes) for _ in range(n_subjects)
        )

    @property
    def n_channels(self):
        """Number of channels that come in."""
        return self.subjects[0].layers[0].in_channels

    @property
    def dim(self):
        """Size of a token."""
        return self.subjects[0].dim

    @property
    def n_steps(self):
        """Steps of time within a token."""
        return self.subjects[0].n_steps

    @property
    def patch_size(self):
        """Length of a patch in samples."""
        return self.subjects[0].patch_size

    def forward(self, x, subject=None):
        """Encode the patches.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.
        """
        encoders = [partial(fast.encode_patches, one) for one in self.subjects]
        return apply_by_subject(encoders, x, subject)


class RegressionHead(nn.Module):
    """Unfold tokens into their steps of time and turn these into channels.

    Parameters
    ----------
    n_features : int
        Numbers per step; a token of size ``dim`` has ``dim // n_features`` steps of
        10 samples each.
    n_channels : int
        Number of channels that go out.
    n_filters : int
        Number of filters between.
    """

    def __init__(self, n_features, n_channels, n_filters=128):
        super().__init__()
        self.n_features = n_features
        self.layers = nn.Sequential(
            nn.ConvTranspose1d(n_features, n_filters, 3, padding=1),
            nn.ConvTranspose1d(n_filters, n_filters, 3, padding=1),
            nn.ConvTranspose1d(
                n_filters, n_filters, 19, stride=10, padding=5, output_padding=1
            ),
            nn.Conv1d(n_filters, n_channels, 1),
        )
        truncated_normal_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def forward(self, tokens):
        """Decode the tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.

        Returns
        -------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The signal.
        """
        steps = tokens.reshape(len(tokens), -1, self.n_features)
        return self.layers(steps.transpose(1, 2))


class SubjectRegression(nn.Module):
    """One regression head per subject.

    Parameters
    ----------
    n_features, n_channels : int
        See :class:`RegressionHead`.
    n_subjects : int
        Number of heads.
    n_filters : int
        See :class:`RegressionHead`.
    """

    def __init__(self, n_features, n_channels, n_subjects=1, n_filters=128):
        super().__init__()
        self.subjects = nn.ModuleList(
            RegressionHead(n_features, n_channels, n_filters) for _ in range(n_subjects)
        )

    def forward(self, tokens, subject=None):
        """Decode the tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            The tokens.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The signal.
        """
        return apply_by_subject(self.subjects, tokens, subject)


class PomsEncoder(DuINEncoder):
    """Patch encoders of the subjects and one transformer.

    Parameters
    ----------
    patch : SubjectPatchEncoder
        Turns every patch into a token.
    transformer : Transformer
        Gives the tokens context.
    """

    def __init__(self, patch, transformer):
        super().__init__(None, patch, transformer)

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
        return self.patch(x, subject)


class PomsVQVAE(VQVAE):
    """Stage 1 with own layers for each subject at both ends.

    Parameters
    ----------
    encoder : PomsEncoder
        The encoder.
    quantizer : Quantizer
        The codex.
    transformer : Transformer
        The decoder's blocks.
    patch : SubjectRegression
        From tokens to the channels of each subject.
    """

    def __init__(self, encoder, quantizer, transformer, patch):
        super().__init__(encoder, quantizer, transformer, patch, None)

    def decode(self, tokens, subject=None):
        """Rebuild a signal from quantized tokens.

        Parameters
        ----------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Quantized tokens.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        reconstruction : Tensor, shape (n_epochs, n_channels, n_times)
            The rebuilt signal.
        """
        return self.patch(self.transformer(tokens), subject)


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
