"""Every decoder on the fake recordings of MOECoG, in its own cross-validation.

MOECoG calls a decoder as any pipeline of scikit-learn: with arrays and the names of
classes, cloned for every fold.
"""

import numpy as np
import pytest

from mne_duin.baselines._make_estimator import (
    BRAINDECODE,
    ENSEMBLES,
    NAMES,
    NETWORKS,
    make_estimator,
)
from mne_duin.estimators._staged import VARIANTS

pytest.importorskip("moecog", reason="MOECoG is not installed (pip install moecog)")
pytest.importorskip("pyriemann", reason="pyriemann is not installed")

from moecog.datasets.fake import FakeECoGDataset  # noqa: E402
from moecog.evaluations import WithinSubjectCV  # noqa: E402
from moecog.paradigms import EpochedClassification  # noqa: E402

SFREQ = 400.0
TINY = {
    "dim": 8,
    "n_layers": 1,
    "n_heads": 2,
    "head_dim": 4,
    "ff_dim": 8,
    "filters": (4, 4, 8),
    "dims": (8, 8),
    "depths": (1, 1),
    "n_filters": 8,
    "n_codes": 8,
    "context_dim": 8,
    "n_steps": 1,
    "pretrain_iter": 1,
    "max_iter": 1,
    "validation_fraction": 0.0,
}
ARCHITECTURE = {"n_layers": 1, "n_heads": 2, "head_dim": 4, "ff_dim": 8, "sfreq": SFREQ}
FIRST = {name: names[0] for name, names in ENSEMBLES.items()}
# Those are called alike by MOECoG: one of each kind is enough where time matters.
# What is tried always: one linear decoder of each kind of features, and the network.
QUICK = {"lda", "ridge", "riemann", "scratch"}
OWN = [
    pytest.param(name, marks=pytest.mark.slow) if name not in QUICK else name
    for name in NAMES
    if name not in BRAINDECODE
]
pytestmark = [
    # Trials of MOECoG have one sample more than a second.
    pytest.mark.filterwarnings("ignore:The epochs have 401 samples"),
    pytest.mark.filterwarnings("ignore:Pre-training did not learn"),
]
# The others respond to what is locked to the phase, or above 70 Hz; bursts are neither.
POWER = [
    "lda",
    "scratch",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("ridge", "svm", "riemann", "cnn-2d")
    ),
]


def make(name):
    """A decoder with as little training as there can be; its other parameters stay."""
    if name == "multirocket-hydra":
        pytest.importorskip("aeon", reason="aeon is an extra of its own")
    if name in ENSEMBLES:
        decoder = make_estimator(name, random_state=0, verbose=False, **few(name))
        for _, member in decoder.decoders[1:]:
            member.set_params(**{f"{member.steps[0][0]}__sfreq": SFREQ})
        return decoder
    return make_estimator(name, random_state=0, verbose=False, **few(name))


def few(name):
    """The parameters of a decoder with as little training as there can be."""
    if FIRST.get(name, name) in VARIANTS:
        stages = {stage: {"max_iter": 1} for stage in ("vqvae", "mae", "classifier")}
        stages["vqvae"] |= {"n_decoder_layers": 1, "n_codes": 8}
        return stages | {"cells": {"max_steps": 2}, "architecture": ARCHITECTURE}
    if name in NETWORKS:
        sizes = NETWORKS[name]().get_params()
        tiny = {key: value for key, value in TINY.items() if key in sizes}
        return tiny | {"network_sfreq": None, "sfreq": SFREQ}
    return {"sfreq": SFREQ}


def score(name, decoder, **options):
    """The accuracies of a decoder in MOECoG's cross-validation, one for each fold."""
    data = FakeECoGDataset(n_subjects=1, n_channels=4, sfreq=SFREQ, **options)
    evaluation = WithinSubjectCV(EpochedClassification(), [data], n_splits=2)
    table = evaluation.process({name: decoder})
    assert set(table["fold_policy"]) == {"chronological"}
    return table.loc[table["metric"] == "accuracy", "score"].to_numpy()


@pytest.mark.parametrize("name", OWN)
@pytest.mark.by_default("scratch", "lda", "ridge")
def test_every_decoder_passes_its_cross_validation(name):
    accuracies = score(name, make(name), n_trials_per_class=12)
    assert accuracies.shape == (2,)
    assert np.isfinite(accuracies).all()


@pytest.mark.parametrize("name", POWER)
@pytest.mark.by_default("lda")
def test_bursts_of_random_phase_are_decoded(name):
    options = {"sfreq": SFREQ}
    if name == "scratch":
        options = {"architecture": {"n_layers": 1, "sfreq": SFREQ}}
    if name == "cnn-2d":
        options |= {"dims": (16, 16), "depths": (1, 1), "max_iter": 30}
        options |= {"validation_fraction": 0.0}
    decoder = make_estimator(name, random_state=0, verbose=False, **options)
    # Binomial(48, 0.5): 36 or more have a probability below 0.001.
    assert score(name, decoder, n_trials_per_class=24).mean() * 48 >= 36
