"""From 100 ms of signal to a token, and from tokens back to signal.

Of the published multi-subject model ("poms") every subject has layers of its own at
both ends: a patch encoder straight from the channels, and a regression head back.
"""

from functools import partial

import torch
from torch import nn

from mne_duin.nn._folding import encode_patches, fold_patches
from mne_duin.nn._layers import padded, truncated_normal_


class PatchEncoder(nn.Module):
    """Turn every patch of the signal, alone, into one token.

    Three convolutions with batch normalization and no activation: in evaluation mode
    the whole encoder is one affine map of the patch (see ``_folding.py``). The paper
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
    groups : int
        Number of groups of inputs that every convolution keeps apart.

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
        groups=1,
    ):
        super().__init__()
        self.patch_size = patch_size
        layers, n_steps = [], patch_size
        for n_filters, kernel, stride in zip(filters, kernels, strides, strict=True):
            padding = kernel // 2
            layers.append(
                nn.Conv1d(n_inputs, n_filters, kernel, stride, padding, groups=groups)
            )
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

    def sizes(self):
        """Return the keywords that build a like encoder, without ``n_inputs``.

        Returns
        -------
        sizes : dict
            Keywords of :class:`PatchEncoder`.
        """
        convolutions = self.layers[::2]
        return {
            "filters": tuple(layer.out_channels for layer in convolutions),
            "kernels": tuple(layer.kernel_size[0] for layer in convolutions),
            "strides": tuple(layer.stride[0] for layer in convolutions),
            "patch_size": self.patch_size,
        }

    def folded(self):
        """Return the encoder as one affine map, computed again when it has changed.

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
        :class:`~mne_duin.nn.PatchEncoder`.

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

    def sizes(self):
        """Return the keywords that build a like encoder of one subject.

        Returns
        -------
        sizes : dict
            Keywords of :class:`PatchEncoder`, without ``n_inputs``.
        """
        return self.subjects[0].sizes()

    @torch.no_grad()
    def add_subject(self, position, size, places):
        """Add an encoder with initial values, and space for channels.

        Parameters
        ----------
        position : int
            Index of the new subject.
        size : int
            Number of channels.
        places : LongTensor, shape (n_channels,)
            Where the channels of the known subjects come to lie among them.
        """
        for encoder in self.subjects:
            first = encoder.layers[0]
            first.weight = nn.Parameter(padded(first.weight, 1, size, places))
            first.in_channels = size
        own = PatchEncoder(size, **self.sizes()).to(self.subjects[0].layers[0].weight)
        self.subjects.insert(position, own)

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
        encoders = [partial(encode_patches, one) for one in self.subjects]
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

    @torch.no_grad()
    def add_subject(self, position, size, places):
        """Add a head with initial values, and space for channels.

        Parameters
        ----------
        position : int
            Index of the new subject.
        size : int
            Number of channels.
        places : LongTensor, shape (n_channels,)
            Where the channels of the known subjects come to lie among them.
        """
        for head in self.subjects:
            last = head.layers[-1]
            last.weight = nn.Parameter(padded(last.weight, 0, size, places))
            last.bias = nn.Parameter(padded(last.bias, 0, size, places))
            last.out_channels = size
        first, n_filters = self.subjects[0], self.subjects[0].layers[-1].in_channels
        own = RegressionHead(first.n_features, size, n_filters)
        self.subjects.insert(position, own.to(first.layers[-1].weight))

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
