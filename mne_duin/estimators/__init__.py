"""Du-IN as scikit-learn estimators on mne.Epochs.

:class:`DuINCells` pre-trains by predicting hidden cells, :class:`DuINVQVAE` learns the
codex, :class:`DuINMAE` pre-trains by predicting hidden codes, :class:`DuINClassifier`
names words and :class:`DuINTokenDecoder` labels in time;
:class:`DuINDecoder` is all stages in one, :func:`make_duin` its published variants by
name and :class:`DecoderEnsemble` several decoders that decide together.
:func:`add_subject` teaches a fitted network one more subject, and :func:`estimate_cost`
says what a training will take. ``presets`` holds the training recipes as data and
``memory`` keeps pre-trained stages on disk.
"""

import importlib
import warnings

from mne_duin.estimators._cells import DuINCells
from mne_duin.estimators._classifier import DuINClassifier
from mne_duin.estimators._cost import Cost, estimate_cost
from mne_duin.estimators._ensemble import DecoderEnsemble
from mne_duin.estimators._mae import DuINMAE
from mne_duin.estimators._new_subject import add_subject
from mne_duin.estimators._staged import DuINDecoder, make_duin
from mne_duin.estimators._vqvae import DuINVQVAE
from mne_duin.estimators.tokens import DuINTokenDecoder

__all__ = [
    "Cost",
    "DecoderEnsemble",
    "DuINCells",
    "DuINClassifier",
    "DuINDecoder",
    "DuINMAE",
    "DuINTokenDecoder",
    "DuINVQVAE",
    "add_subject",
    "estimate_cost",
    "make_duin",
]

# What moved to ``mne_duin.weights`` after version 0.1.
_MOVED = (
    "convert_weights",
    "from_braindecode",
    "from_pretrained",
    "read_estimator",
    "read_official",
    "to_braindecode",
    "to_published",
)


def __getattr__(name):
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"mne_duin.estimators.{name} is now mne_duin.weights.{name}; the next release "
        "will no longer have it here.",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(importlib.import_module("mne_duin.weights"), name)
