"""From 100 ms of signal to a token, and from tokens back to signal.

Of the published multi-subject model ("poms") every subject has layers of its own at
both ends: a patch encoder straight from the channels, and a regression head back.

Spatial map, convolutions and transposed convolutions follow each other without an
activation, so neighbors can be *folded*: multiplied into one before the signal comes. A
few small products of weights then replace large ones with the signal. Each function
says which formula it computes; ``tests/nn/test_folding.py`` compares the two, gradients
included. The formulas themselves are the modules' own ``forward``.
"""

from copy import deepcopy
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from mne_duin.nn._layers import padded, truncated_normal_

# Beyond this many channels per spatial filter it costs less to map the channels first.
MAX_CHANNELS_PER_FILTER = 1.5


class PatchEncoder(nn.Module):
    """Turn every patch of the signal, alone, into one token.

    Three convolutions with batch normalization and no activation: in evaluation mode
    the whole encoder is one affine map of the patch (``fold_patches``). The paper
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
        factors : tuple of Tensor | None
            Where every input goes through the same kernels in time, the kernel is the
            product of a part across inputs, shape (n_inputs, n_filters), and a part in
            time, shape (patch_size, n_steps).
        """
        weights = list(self.state_dict().values())
        if self._folded is None or not all(map(_is_same, weights, self._folded[0])):
            like = self.layers[0].weight
            kernel, offset = fold_patches(self)
            factors = _factors(kernel, self.n_steps)
            if factors is not None:
                factors = tuple(part.to(like) for part in factors)
            parts = kernel.to(like), offset.to(like), factors
            self._folded = [value.clone() for value in weights], parts
        return self._folded[1]


def _is_same(first, second):
    return first.dtype == second.dtype and torch.equal(first, second)


def _factors(kernel, n_steps):
    """Return the parts across inputs and in time of a map of a patch, None if mixed."""
    by_step = kernel.unflatten(2, (n_steps, -1)).permute(0, 3, 1, 2)
    rows = by_step.flatten(2).flatten(0, 1)
    longest = rows[rows.square().sum(1).argmax()]
    across = rows @ longest / longest.square().sum().clamp(min=1e-30)
    if (rows - across[:, None] * longest).norm() > 1e-6 * rows.norm():
        return None
    return across.view(by_step.shape[:2]), longest.view(by_step.shape[2:])


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

    @property
    def n_filters(self):
        """Number of filters between."""
        return self.layers[0].out_channels

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

    @property
    def n_filters(self):
        """Number of filters between."""
        return self.subjects[0].layers[0].out_channels

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
        first = self.subjects[0]
        own = RegressionHead(first.n_features, size, self.n_filters)
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
    if x.device.type == "cpu" and _is_constant(patch, affine or ()):
        return _encode_folded(patch, x, affine)
    first, *layers = patch.layers
    steps = _first_convolution(first, patch.patch_size, x, affine)
    for layer in layers:
        if isinstance(layer, nn.BatchNorm1d):
            steps = layer(steps.flatten(0, 1)).view(steps.shape)
        else:
            steps = _convolve(layer, steps)
    return steps.reshape(len(x), -1, patch.dim)


def _is_constant(patch, affine):
    """Return whether a patch encoder, and a map in front of it, stay as they are."""
    if patch.training or torch.compiler.is_compiling():
        return False
    if not torch.is_grad_enabled():
        return True
    return not any(weight.requires_grad for weight in (*patch.parameters(), *affine))


def _convolve(layer, steps):
    """Convolve steps of shape (n_patches, n_steps, n_filters) as one matrix product.

    A patch has a few steps only, for which a product with the neighbors side by side
    takes half the time of a convolution.
    """
    if layer.groups > 1 or steps.device.type != "cpu":
        return layer(steps.mT).mT
    kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    padded = functional.pad(steps, (0, 0, padding, padding))
    last = padded.shape[1] - kernel + 1
    parts = [padded[:, begin : begin + last : stride] for begin in range(kernel)]
    weight = layer.weight.transpose(1, 2).flatten(1)
    return functional.linear(torch.cat(parts, -1), weight, layer.bias)


def _first_convolution(layer, size, x, affine):
    """Convolve the patches, with the map in front multiplied into the kernel.

    The map's bias does not reach the padding of a patch, so what it adds depends on the
    step within the patch. Returns steps, shape (n_patches, n_steps, n_filters).
    """
    kernel, offset = layer.weight, layer.bias
    shape = layer.stride, layer.padding
    if affine is not None:
        with torch.autocast(x.device.type, enabled=False):
            kernel = torch.einsum("ofk,fc->ock", layer.weight, affine[0])
            level = affine[1][None, :, None].expand(-1, -1, size)
            offset = functional.conv1d(level, layer.weight, offset, *shape)[0].T
    n_epochs, n_channels, n_times = x.shape
    patches = x.reshape(n_epochs, n_channels, n_times // size, size)
    if x.requires_grad or layer.groups > 1 or x.device.type != "cpu":
        patches = patches.transpose(1, 2).flatten(0, 1)
        steps = functional.conv1d(patches, kernel, None, *shape, 1, layer.groups).mT
        return steps + offset
    # Windows side by side: of a signal that needs no gradient that costs one copy.
    padded = functional.pad(patches, (layer.padding[0], layer.padding[0]))
    windows = padded.unfold(-1, layer.kernel_size[0], layer.stride[0])
    windows = windows.permute(0, 2, 3, 1, 4).flatten(0, 1).flatten(2)
    return functional.linear(windows, kernel.flatten(1)) + offset


def _encode_folded(patch, x, affine):
    """Encode in evaluation mode, where the whole patch encoder is one matrix."""
    kernel, offset, factors = patch.folded()
    if affine is not None:
        with torch.autocast(x.device.type, enabled=False):
            offset = offset + torch.einsum("fpd,f->d", kernel, affine[1])
            if factors is None:
                kernel = torch.einsum("fpd,fc->cpd", kernel, affine[0])
            else:
                factors = affine[0].T @ factors[0], factors[1]
    n_epochs, n_channels, _ = x.shape
    patches = x.reshape(n_epochs, n_channels, -1, patch.patch_size)
    if factors is None:
        patches = patches.transpose(1, 2).flatten(2)
        return functional.linear(patches, kernel.flatten(0, 1).T, offset)
    across, in_time = factors
    steps = (patches @ in_time).permute(0, 2, 3, 1) @ across
    return steps.flatten(2) + offset


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
