"""The encoder that all stages share, with a shared patch encoder or one per subject.

Where :class:`~mne_duin.nn.SubjectLinear` gives every subject a spatial map in front of
one patch encoder, in the published multi-subject model ("poms") every subject has a
patch encoder of its own, straight from its channels. The transformer is shared.
"""

import torch
from torch import nn

from mne_duin.nn import _patch, _principal
from mne_duin.nn._layers import widened_axis


class DuINEncoder(nn.Module):
    """Spatial map, patch encoder and transformer: the part all stages share.

    Parameters
    ----------
    spatial : SubjectLinear
        Maps contacts to spatial filters, one map per subject.
    patch : PatchEncoder
        Turns every patch into a token.
    transformer : Transformer
        Gives the tokens context.
    """

    def __init__(self, spatial, patch, transformer):
        super().__init__()
        self.spatial, self.patch, self.transformer = spatial, patch, transformer

    @property
    def dim(self):
        """Size of a token."""
        return self.patch.dim

    @property
    def patch_size(self):
        """Length of a patch in samples."""
        return self.patch.patch_size

    @property
    def n_subjects(self):
        """Number of subjects."""
        return len(self.spatial.weight)

    @property
    def n_channels(self):
        """Number of channels that come in, all bands together."""
        return self.spatial.weight.shape[2]

    @property
    def n_components(self):
        """Number of components that the channels of a subject are mapped to."""
        return self.spatial.weight.shape[1]

    @property
    def has_own_statistics(self):
        """Whether batch normalization is each subject's own."""
        return False

    def sizes(self):
        """Return the keywords that build a like encoder.

        Returns
        -------
        sizes : dict
            Keywords of :func:`build_encoder`.
        """
        convolutions = self.patch.sizes()
        patch_size = convolutions.pop("patch_size")
        return {
            "n_channels": self.n_channels,
            "n_subjects": self.n_subjects,
            **self._own_sizes(),
            **{f"conv_{name}": value for name, value in convolutions.items()},
            "patch_size": patch_size,
            **self.transformer.sizes(),
        }

    def _own_sizes(self):
        """Return what only this kind of encoder has."""
        return {"n_filters": self.n_components}

    @torch.no_grad()
    def start_from_components(
        self,
        x,
        subject=None,
        y=None,
        *,
        whitening="principal",
        shrinkage=0.0,
        exact=False,
    ):
        """Start from components of the channels.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            Scaled training epochs.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.
        y : LongTensor, shape (n_epochs,) | None
            Class of each epoch: turns the components of several subjects towards each
            other by their responses to the same classes, and chooses the channels to
            stay close to where there are more of them than components.
        whitening : str
            ``"zca"`` stays as close to the channels as whitening can; ``"principal"``
            takes their principal components.
        shrinkage : float
            How far ZCA shrinks the correlations of the channels, 0 to 1.
        exact : bool
            Whether tokens are the components and nothing else, which costs less to
            compute as long as it stays so. Otherwise, and where filters are kept apart,
            random weights are added, which break symmetries in training.

        Returns
        -------
        inverse : Tensor, shape (n_subjects, n_channels, n_components)
            The maps from the components back to the channels.
        """
        n_subjects = self.n_subjects
        rows, labels = [None] * n_subjects, [y] * n_subjects
        if subject is not None:
            rows = [(subject == i).nonzero().flatten() for i in range(n_subjects)]
        if subject is not None and y is not None:
            labels = [y[own] for own in rows]
        options = {"whitening": whitening, "shrinkage": shrinkage}
        pairs = [
            _principal.whitening_maps(x, self.n_components, **options, y=one, rows=own)
            for own, one in zip(rows, labels, strict=True)
        ]
        maps, inverse = map(torch.stack, zip(*pairs, strict=True))
        if y is not None and n_subjects > 1:
            rotations = _principal.align_maps(maps, x, subject, y)
            maps, inverse = rotations @ maps, inverse @ rotations.mT
        self._take_maps(maps, exact)
        self.calibrate(x, subject)
        return inverse

    def _take_maps(self, maps, exact):
        """Map the channels of every subject, and hand the result on."""
        self.spatial.weight.copy_(maps)
        self.spatial.bias.zero_()
        identity = torch.eye(self.n_components, device=maps.device)
        _principal.start_convolutions_(self.patch, identity, exact=exact)

    def calibrate(self, x, subject=None, position=None):
        """Set the running statistics of batch normalization to those of the data.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            Scaled epochs.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.
        position : int | None
            Index of the only subject in the data, whose own statistics are set where
            it has some.
        """
        _principal.calibrate_(self, self._with_statistics(position), x, subject)

    def _with_statistics(self, position):
        """Return the part that has the statistics of one subject, or of all."""
        return self.patch

    @torch.no_grad()
    def start_subject(self, position, x):
        """Start the layers of one subject from the components of its channels.

        Parameters
        ----------
        position : int
            Index of the subject.
        x : Tensor, shape (n_epochs, n_channels, n_times)
            Its scaled epochs.

        Returns
        -------
        inverse : Tensor, shape (n_channels, n_components)
            The map from the components back to the channels.
        """
        forward, inverse = _principal.whitening_maps(x, self.n_components)
        self._take_map(position, forward)
        return inverse

    def _take_map(self, position, forward):
        """Map the channels of one subject."""
        self.spatial.weight[position] = forward
        self.spatial.bias[position] = 0

    @torch.no_grad()
    def copy_subject(self, other, position):
        """Take over the layers that one subject has in another encoder.

        Parameters
        ----------
        other : DuINEncoder
            An encoder of the same kind and sizes.
        position : int
            Index of the subject.
        """
        self._copy_layers(other, position)

    def _copy_layers(self, other, position):
        """Copy what belongs to one subject."""
        self.spatial.weight[position] = other.spatial.weight[position]
        self.spatial.bias[position] = other.spatial.bias[position]

    def add_subject(self, position, n_channels, n_bands=1):
        """Add layers with initial values for one more subject, and space for channels.

        Parameters
        ----------
        position : int
            Index that the new subject gets.
        n_channels : int
            Number of channels, at least as many as there are. Those added to the other
            subjects are padding: their weights are zero.
        n_bands : int
            How often the network sees each channel.

        Returns
        -------
        places : LongTensor, shape (n_inputs,)
            Where the old inputs lie among the new ones.
        """
        places = widened_axis(self.n_channels // n_bands, n_channels, n_bands)
        self._add_layers(position, n_channels * n_bands, places)
        return places

    def _add_layers(self, position, size, places):
        """Add the layers of a subject with ``size`` inputs."""
        self.spatial = self.spatial.with_subject(position, size, places, axis=2)

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
        return own_rows(self.spatial, position)

    @torch.no_grad()
    def first_weights(self):
        """Return how strongly the first linear projection weighs each channel.

        Returns
        -------
        weights : Tensor, shape (n_subjects, n_channels)
            Mean absolute weight over spatial filters or, where subjects have patch
            encoders of their own, over filters and times of the first convolution.
        """
        return self._first_weights()

    def _first_weights(self):
        """Return the mean absolute weights of the spatial maps."""
        return self.spatial.weight.abs().mean(1)

    def folded_filters(self):
        """Return map and patch encoder of every subject as one affine map of a patch.

        Exact in evaluation mode, where batch normalization uses its running statistics.

        Returns
        -------
        weight : Tensor, shape (n_subjects, dim, n_channels, patch_size)
            The spatio-temporal filter of each dimension of a token.
        bias : Tensor, shape (n_subjects, dim)
            Its offset.
        """
        return _patch.fold(self.spatial, self.patch)

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
        # patch(spatial(x, subject))
        return _patch.tokenize(self.spatial, self.patch, x, subject)

    def forward(self, x, subject=None):
        """Encode a signal.

        Parameters
        ----------
        x : Tensor, shape (n_epochs, n_channels, n_times)
            The scaled signal.
        subject : LongTensor, shape (n_epochs,) | None
            Subject of each epoch.

        Returns
        -------
        tokens : Tensor, shape (n_epochs, n_tokens, dim)
            Tokens with context.
        """
        return self.transformer(self.tokenize(x, subject))


def own_rows(layer, position):
    """Return the parameters of a layer of which one subject has a row."""
    return [(parameter, position) for parameter in layer.parameters()]


def own_parameters(layer):
    """Return the parameters of a layer that is one subject's."""
    return [(parameter, None) for parameter in layer.parameters()]


class PomsEncoder(DuINEncoder):
    """Patch encoders of the subjects and one transformer ("poms").

    Parameters
    ----------
    patch : SubjectPatchEncoder
        Turns every patch into a token.
    transformer : Transformer
        Gives the tokens context.
    """

    def __init__(self, patch, transformer):
        super().__init__(None, patch, transformer)

    @property
    def n_subjects(self):
        """Number of subjects."""
        return len(self.patch.subjects)

    @property
    def n_channels(self):
        """Number of channels that come in, all bands together."""
        return self.patch.n_channels

    @property
    def n_components(self):
        """Number of components that the channels of a subject are mapped to."""
        return self.patch.dim // self.patch.n_steps

    @property
    def has_own_statistics(self):
        """Whether batch normalization is each subject's own."""
        return True

    def _own_sizes(self):
        return {"subject_layers": "patch"}

    def _take_maps(self, maps, exact):
        for position, forward in enumerate(maps):
            self._take_map(position, forward, exact)

    def _take_map(self, position, forward, exact=False):
        patch = self.patch.subjects[position]
        _principal.start_convolutions_(patch, forward, exact=exact)

    def _with_statistics(self, position):
        return self.patch if position is None else self.patch.subjects[position]

    def _first_weights(self):
        weights = [encoder.layers[0].weight for encoder in self.patch.subjects]
        return torch.stack([weight.abs().mean((0, 2)) for weight in weights])

    def _copy_layers(self, other, position):
        state = other.patch.subjects[position].state_dict()
        self.patch.subjects[position].load_state_dict(state)

    def _add_layers(self, position, size, places):
        self.patch.add_subject(position, size, places)

    def subject_parameters(self, position):
        """Return the parameters that belong to one subject.

        Parameters
        ----------
        position : int
            Index of the subject.

        Returns
        -------
        parameters : list of tuple of (Parameter, None)
            All of each is the subject's.
        """
        return own_parameters(self.patch.subjects[position])

    def folded_filters(self):
        """Return the patch encoder of every subject as one affine map of a patch.

        Exact in evaluation mode, where batch normalization uses its running statistics.

        Returns
        -------
        weight : Tensor, shape (n_subjects, dim, n_channels, patch_size)
            The spatio-temporal filter of each dimension of a token.
        bias : Tensor, shape (n_subjects, dim)
            Its offset.
        """
        return _patch.fold_subjects(self.patch)

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
