"""Build the networks from sizes, and read the sizes off a network."""

import torch

from mne_duin.nn.cells import CellPredictor
from mne_duin.nn.models import MAE, VQVAE, Classifier, DuINEncoder
from mne_duin.nn.patch import PatchDecoder, PatchEncoder
from mne_duin.nn.poms import (
    PomsEncoder,
    PomsVQVAE,
    SubjectPatchEncoder,
    SubjectRegression,
)
from mne_duin.nn.quantizer import Quantizer
from mne_duin.nn.spatial import SubjectLinear
from mne_duin.nn.tokens import TokenClassifier
from mne_duin.nn.transformer import Transformer


def build_encoder(
    n_channels,
    *,
    n_subjects=1,
    subject_layers="spatial",
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
):
    """Build an encoder; the defaults are the published sizes.

    Parameters
    ----------
    n_channels, n_subjects : int
        Number of channels and of subjects.
    subject_layers : str
        What every subject has of its own: ``"spatial"`` (a map in front of one patch
        encoder) or ``"patch"`` (the whole patch encoder, as in "poms").
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

    Returns
    -------
    encoder : DuINEncoder
        The encoder with initial values.
    """
    sizes = conv_filters, conv_kernels, conv_strides, patch_size
    if subject_layers == "patch":
        patch = SubjectPatchEncoder(n_channels, n_subjects, *sizes)
    else:
        spatial = SubjectLinear(n_channels, n_filters, n_subjects)
        patch = PatchEncoder(n_filters, *sizes)
    transformer = Transformer(
        patch.dim,
        n_layers,
        n_heads=n_heads,
        head_dim=head_dim,
        ff_dim=ff_dim,
        attention_dropout=attention_dropout,
        ff_dropout=ff_dropout,
    )
    if subject_layers == "patch":
        return PomsEncoder(patch, transformer)
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
    sizes = transformer_sizes(encoder.transformer) | {"n_layers": n_decoder_layers}
    transformer = Transformer(encoder.dim, **sizes)
    if isinstance(encoder, PomsEncoder):
        n_features = encoder.dim // encoder.patch.n_steps
        n_subjects = len(encoder.patch.subjects)
        patch = SubjectRegression(
            n_features, encoder.patch.n_channels, n_subjects, decoder_filters
        )
        return PomsVQVAE(encoder, quantizer, transformer, patch)
    n_subjects, n_filters, n_channels = encoder.spatial.weight.shape
    patch = PatchDecoder(encoder.dim, n_filters, decoder_filters, encoder.patch_size)
    spatial = SubjectLinear(n_filters, n_channels, n_subjects)
    return VQVAE(encoder, quantizer, transformer, patch, spatial)


def transformer_sizes(transformer):
    """Return the keywords that build a transformer like the given one.

    Parameters
    ----------
    transformer : Transformer
        The network.

    Returns
    -------
    sizes : dict
        Keywords of :class:`Transformer`, without ``dim``.
    """
    block = transformer.blocks[0]
    return {
        "n_layers": len(transformer.blocks),
        "n_heads": block.attention.n_heads,
        "head_dim": block.attention.head_dim,
        "ff_dim": block.expand.out_features,
        "attention_dropout": block.attention.dropout,
        "ff_dropout": block.ff_dropout,
    }


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
    if isinstance(encoder, PomsEncoder):
        convolutions = encoder.patch.subjects[0].layers[::2]
        subjects = {
            "n_channels": encoder.patch.n_channels,
            "n_subjects": len(encoder.patch.subjects),
            "subject_layers": "patch",
        }
    else:
        convolutions = encoder.patch.layers[::2]
        n_subjects, n_filters, n_channels = encoder.spatial.weight.shape
        subjects = {
            "n_channels": n_channels,
            "n_subjects": n_subjects,
            "n_filters": n_filters,
        }
    return {
        **subjects,
        "conv_filters": tuple(layer.out_channels for layer in convolutions),
        "conv_kernels": tuple(layer.kernel_size[0] for layer in convolutions),
        "conv_strides": tuple(layer.stride[0] for layer in convolutions),
        "patch_size": encoder.patch_size,
        **transformer_sizes(encoder.transformer),
    }


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
    stage = type(module).__name__.removeprefix("Poms")
    sizes = {"stage": stage, "encoder": encoder_sizes(module.encoder)}
    quantizer = getattr(module, "quantizer", None)
    if quantizer is not None:
        n_codes, code_dim = quantizer.codebook.shape
        sizes["quantizer"] = {
            "n_codes": n_codes,
            "code_dim": code_dim,
            "decay": quantizer.decay,
        }
    if isinstance(module, VQVAE):
        sizes["n_decoder_layers"] = len(module.transformer.blocks)
    elif isinstance(module, MAE):
        sizes["n_codes"] = module.head.out_features
    elif isinstance(module, CellPredictor):
        sizes["cells"] = {
            "n_signals": module.n_signals,
            "n_codes": len(module.codebook),
            "fixed_front": module.fixed_front,
        }
    elif isinstance(module, TokenClassifier):
        first = module.heads[0]
        sizes["head"] = {
            "n_classes": module.n_classes,
            "hidden_dim": first.hidden.out_features,
            "context": first.context,
            "head_dropout": first.dropout.p,
        }
    else:
        sizes["head"] = {
            "n_tokens": module.hidden.in_features // module.encoder.dim,
            "n_classes": module.scores.out_features,
            "hidden_dim": module.hidden.out_features,
            "head_activation": module.head_activation,
            "head_dropout": module.dropout.p,
        }
    return sizes


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
        return build_vqvae(
            encoder, quantizer, n_decoder_layers=sizes["n_decoder_layers"]
        )
    if sizes["stage"] == "CellPredictor":
        n_inputs = sizes["encoder"]["n_channels"]
        n_subjects = sizes["encoder"]["n_subjects"]
        cells = sizes["cells"]
        return CellPredictor(encoder, n_inputs, n_subjects=n_subjects, **cells)
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
    """
    with torch.random.fork_rng(devices=[]):
        module = build_network(sizes)
    module.load_state_dict(state_dict)
    return module.eval()
