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
