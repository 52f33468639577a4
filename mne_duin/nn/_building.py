"""Build the networks from sizes."""

from functools import partial

from mne_duin.nn._cells import CellPredictor
from mne_duin.nn._depthwise import (
    ContactConvolution,
    DepthwiseEncoder,
    GroupedEncoder,
)
from mne_duin.nn._encoders import DuINEncoder, PomsEncoder
from mne_duin.nn._layers import SubjectLinear, Transformer
from mne_duin.nn._loading import check_weights, part_counts
from mne_duin.nn._models import MAE, VQVAE, Classifier, PomsVQVAE
from mne_duin.nn._patch import (
    PatchDecoder,
    PatchEncoder,
    SubjectPatchEncoder,
    SubjectRegression,
)
from mne_duin.nn._quantizer import Quantizer
from mne_duin.nn._tokens import TokenClassifier
from mne_duin.utils._torch_random import NoInitialValues, PrivateRandomness


def build_encoder(
    n_channels,
    *,
    n_subjects=1,
    subject_layers="spatial",
    patch_encoder="published",
    n_filters=16,
    conv_filters=(128, 128, 16),
    conv_kernels=(19, 3, 3),
    conv_strides=(10, 1, 1),
    patch_size=100,
    n_layers=8,
    n_heads=8,
    head_dim=64,
    ff_dim=320,
    attention_dropout=0.2,
    ff_dropout=0.2,
    max_tokens=None,
):
    """Build an encoder; the defaults are the published sizes.

    Parameters
    ----------
    n_channels, n_subjects : int
        Number of channels and of subjects.
    subject_layers : str
        What every subject has of its own: ``"spatial"`` (a map in front of one patch
        encoder) or ``"patch"`` (the whole patch encoder, as in "poms").
    patch_encoder : str
        ``"published"`` convolutions mix all filters; with ``"depthwise"`` every channel
        has a temporal kernel of its own in front of them; with ``"depthwise-filters"``
        the convolutions keep the spatial filters apart.
    n_filters : int
        Outputs of the spatial maps.
    conv_filters, conv_kernels, conv_strides : tuple of int
        Sizes of the patch encoder's convolutions.
    patch_size : int
        Length of a patch in samples.
    n_layers, n_heads, head_dim, ff_dim : int
        Sizes of the transformer.
    attention_dropout, ff_dropout : float
        Dropout in the transformer.
    max_tokens : int | None
        How many tokens get context from each other; see :class:`Transformer`.

    Returns
    -------
    encoder : DuINEncoder
        The encoder with initial values.
    """
    sizes = conv_filters, conv_kernels, conv_strides, patch_size
    if subject_layers == "patch":
        patch = SubjectPatchEncoder(n_channels, n_subjects, *sizes)
    else:
        groups = n_filters if patch_encoder == "depthwise-filters" else 1
        spatial = SubjectLinear(n_channels, n_filters, n_subjects)
        patch = PatchEncoder(n_filters, *sizes, groups)
    transformer = Transformer(
        patch.dim,
        n_layers,
        n_heads=n_heads,
        head_dim=head_dim,
        ff_dim=ff_dim,
        attention_dropout=attention_dropout,
        ff_dropout=ff_dropout,
        max_tokens=max_tokens,
    )
    if subject_layers == "patch":
        return PomsEncoder(patch, transformer)
    if patch_encoder == "depthwise":
        contacts = ContactConvolution(
            n_channels, n_subjects, conv_kernels[0], patch_size
        )
        return DepthwiseEncoder(contacts, spatial, patch, transformer)
    if patch_encoder == "depthwise-filters":
        return GroupedEncoder(spatial, patch, transformer)
    return DuINEncoder(spatial, patch, transformer)


def build_vqvae(encoder, quantizer, *, n_decoder_layers=4, decoder_filters=128):
    """Put a quantizer and a decoder that mirrors the encoder behind an encoder.

    Parameters
    ----------
    encoder : DuINEncoder
        The encoder.
    quantizer : Quantizer
        The codex.
    n_decoder_layers : int
        Number of blocks of the decoder.
    decoder_filters : int
        Filters of the transposed convolutions.

    Returns
    -------
    vqvae : VQVAE
        The network with initial values.
    """
    sizes = encoder.transformer.sizes() | {"n_layers": n_decoder_layers}
    transformer = Transformer(encoder.dim, **sizes)
    n_components = encoder.n_components
    channels = encoder.n_channels, encoder.n_subjects
    if encoder.spatial is None:
        patch = SubjectRegression(n_components, *channels, decoder_filters)
        return PomsVQVAE(encoder, quantizer, transformer, patch)
    patch = PatchDecoder(encoder.dim, n_components, decoder_filters, encoder.patch_size)
    spatial = SubjectLinear(n_components, *channels)
    return VQVAE(encoder, quantizer, transformer, patch, spatial)


def encoder_sizes(encoder):
    """Return the keywords that build an encoder like the given one.

    Parameters
    ----------
    encoder : DuINEncoder
        The network.

    Returns
    -------
    sizes : dict
        Keywords of :func:`build_encoder`.
    """
    return encoder.sizes()


def network_sizes(module):
    """Return everything that :func:`build_network` needs to build a like network.

    Parameters
    ----------
    module : VQVAE | CellPredictor | MAE | Classifier | TokenClassifier
        The network.

    Returns
    -------
    sizes : dict
        ``stage``, ``encoder`` and the sizes of the stage.
    """
    return module.sizes()


def build_network(sizes):
    """Build a network with initial values from its sizes.

    Parameters
    ----------
    sizes : dict
        What :func:`network_sizes` returned.

    Returns
    -------
    module : VQVAE | CellPredictor | MAE | Classifier | TokenClassifier
        The network.
    """
    encoder = build_encoder(**sizes["encoder"])
    quantizer = None
    if "quantizer" in sizes:
        quantizer = Quantizer(encoder.dim, **sizes["quantizer"])
    if sizes["stage"] == "VQVAE":
        # Files of version 0.1 do not say how many filters the decoder has.
        names = {"n_decoder_layers", "decoder_filters"} & set(sizes)
        own = {name: sizes[name] for name in names}
        return build_vqvae(encoder, quantizer, **own)
    if sizes["stage"] == "CellPredictor":
        return CellPredictor(encoder, **sizes["cells"])
    if sizes["stage"] == "MAE":
        return MAE(encoder, sizes["n_codes"])
    if sizes["stage"] == "TokenClassifier":
        return TokenClassifier(encoder, **sizes["head"])
    return Classifier(encoder, **sizes["head"], quantizer=quantizer)


def load_network(sizes, state_dict):
    """Build a network with known weights; no random state is touched.

    Parameters
    ----------
    sizes : dict
        What :func:`network_sizes` returned.
    state_dict : dict of str to Tensor
        Its weights.

    Returns
    -------
    module : VQVAE | CellPredictor | MAE | Classifier | TokenClassifier
        The network in evaluation mode.

    Raises
    ------
    ValueError
        If the sizes are not those of the weights; found before anything is built.
    """
    check_weights(partial(build_network, sizes), state_dict, part_counts(sizes))
    with PrivateRandomness(0), NoInitialValues():
        module = build_network(sizes)
    module.load_state_dict(state_dict)
    return module.eval()
