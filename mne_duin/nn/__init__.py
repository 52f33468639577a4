"""The networks of Du-IN, in torch and nothing else.

An encoder maps contacts to spatial filters, turns 100 ms of signal into a token and
gives tokens context; three stages own one: the codex, masked modeling, words or labels
of tokens. Networks answer for themselves: ``sizes()`` says what builds a like network,
``add_subject()`` adds one more subject, ``start_from_components()`` gives
initial values from data. Signals have shape (n_epochs, n_channels, n_times), tokens
(n_epochs, n_tokens, dim).
"""

from mne_duin.nn._building import (
    build_encoder,
    build_network,
    build_vqvae,
    encoder_sizes,
    load_network,
    network_sizes,
)
from mne_duin.nn._cells import CellPredictor
from mne_duin.nn._depthwise import (
    ContactConvolution,
    DepthwiseEncoder,
    GroupedEncoder,
)
from mne_duin.nn._encoders import DuINEncoder, PomsEncoder
from mne_duin.nn._layers import SubjectLinear, Transformer
from mne_duin.nn._loading import check_weights
from mne_duin.nn._models import (
    MAE,
    VQVAE,
    Classifier,
    PomsVQVAE,
    random_mask,
    reconstruction_loss,
)
from mne_duin.nn._one_subject import OneSubject
from mne_duin.nn._patch import PatchDecoder, PatchEncoder
from mne_duin.nn._quantizer import Quantizer, QuantizerOutput, spherical_kmeans
from mne_duin.nn._tokens import TokenClassifier, TokenHead, sequence_loss, token_loss

__all__ = [
    "MAE",
    "VQVAE",
    "CellPredictor",
    "Classifier",
    "ContactConvolution",
    "DepthwiseEncoder",
    "DuINEncoder",
    "GroupedEncoder",
    "OneSubject",
    "PatchDecoder",
    "PatchEncoder",
    "PomsEncoder",
    "PomsVQVAE",
    "Quantizer",
    "QuantizerOutput",
    "SubjectLinear",
    "TokenClassifier",
    "TokenHead",
    "Transformer",
    "build_encoder",
    "build_network",
    "build_vqvae",
    "check_weights",
    "encoder_sizes",
    "load_network",
    "network_sizes",
    "random_mask",
    "reconstruction_loss",
    "sequence_loss",
    "spherical_kmeans",
    "token_loss",
]
