"""The networks of Du-IN, in torch and nothing else.

``spatial`` mixes contacts, ``patch`` turns 100 ms of signal into a token and back,
``transformer`` gives tokens context, ``quantizer`` holds the codex, ``masking`` hides
tokens, ``models`` composes these parts into the three stages, ``tokens`` puts heads on
every token, ``poms`` makes the stages of the published multi-subject model,
``building`` makes networks from sizes, ``starts`` gives them initial values from data,
``fast`` computes some of their formulas sooner. Signals have shape
(n_epochs, n_channels, n_times), tokens (n_epochs, n_tokens, dim).
"""

from mne_duin.nn.building import (
    build_encoder,
    build_network,
    build_vqvae,
    encoder_sizes,
    load_network,
    network_sizes,
)
from mne_duin.nn.models import MAE, VQVAE, Classifier, DuINEncoder
from mne_duin.nn.poms import PomsEncoder, PomsVQVAE
from mne_duin.nn.quantizer import Quantizer, QuantizerOutput
from mne_duin.nn.tokens import TokenClassifier, TokenHead, sequence_loss, token_loss

__all__ = [
    "MAE",
    "VQVAE",
    "Classifier",
    "DuINEncoder",
    "PomsEncoder",
    "PomsVQVAE",
    "Quantizer",
    "QuantizerOutput",
    "TokenClassifier",
    "TokenHead",
    "build_encoder",
    "build_network",
    "build_vqvae",
    "encoder_sizes",
    "load_network",
    "network_sizes",
    "sequence_loss",
    "token_loss",
]
