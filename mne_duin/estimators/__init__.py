"""The three stages as scikit-learn estimators on mne.Epochs.

``vqvae`` learns the codex, ``mae`` pre-trains by predicting hidden codes,
``classifier`` names words; ``base`` holds what they share, ``codex`` how a codex is
started and kept alive, ``presets`` the training recipes as data, ``reading`` opens
saved and published weights.
"""

from mne_duin.estimators.classifier import DuINClassifier
from mne_duin.estimators.mae import DuINMAE
from mne_duin.estimators.reading import read_estimator, read_official
from mne_duin.estimators.vqvae import DuINVQVAE

__all__ = [
    "DuINClassifier",
    "DuINMAE",
    "DuINVQVAE",
    "read_estimator",
    "read_official",
]
