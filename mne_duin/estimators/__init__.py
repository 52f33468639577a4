"""The three stages as scikit-learn estimators on mne.Epochs.

``vqvae`` learns the codex, ``mae`` pre-trains by predicting hidden codes,
``classifier`` names words; ``base`` holds what they share, ``codex`` how a codex is
started and kept alive, ``new_subject`` fits the own layers of one more subject,
``presets`` the training recipes as data, ``reading`` opens saved and published weights,
``published`` and ``exchange`` make weights for the published code and for braindecode,
``conversion`` turns one file into another, ``hub`` shares them, ``staged`` fits all
stages in one, ``variants`` names the ways to do so and ``ensemble`` lets several
decoders vote, ``resume`` continues an
interrupted training and ``memory`` keeps finished ones, ``cost`` tells before what one
will take.
"""

from mne_duin.estimators.classifier import DuINClassifier
from mne_duin.estimators.conversion import convert_weights
from mne_duin.estimators.cost import Cost, estimate_cost
from mne_duin.estimators.ensemble import DecoderEnsemble
from mne_duin.estimators.exchange import from_braindecode, to_braindecode
from mne_duin.estimators.mae import DuINMAE
from mne_duin.estimators.new_subject import add_subject
from mne_duin.estimators.published import to_published
from mne_duin.estimators.reading import (
    from_pretrained,
    read_estimator,
    read_official,
)
from mne_duin.estimators.staged import DuINDecoder
from mne_duin.estimators.tokens import DuINTokenDecoder
from mne_duin.estimators.variants import make_duin
from mne_duin.estimators.vqvae import DuINVQVAE

__all__ = [
    "Cost",
    "DecoderEnsemble",
    "DuINClassifier",
    "DuINDecoder",
    "DuINMAE",
    "DuINTokenDecoder",
    "DuINVQVAE",
    "add_subject",
    "convert_weights",
    "estimate_cost",
    "from_braindecode",
    "from_pretrained",
    "make_duin",
    "read_estimator",
    "read_official",
    "to_braindecode",
    "to_published",
]
