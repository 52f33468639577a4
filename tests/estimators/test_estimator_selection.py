"""The estimators inside scikit-learn's own tools."""

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from toy_trials import CLASSIFIER, PLANTED, as_epochs, simulate

from mne_duin.baselines import make_lda
from mne_duin.channels import RegionSelector
from mne_duin.estimators import DuINClassifier, DuINMAE

QUICK = CLASSIFIER | {"max_iter": 2}


@pytest.fixture(scope="module")
def words():
    X, y = simulate(36, 6, 300, seed=4)
    return as_epochs(X), y


@pytest.fixture(scope="module")
def contacts(words):
    regions = ["STG", None, "vSMC", "vSMC", None, "STG"]
    index = pd.Index(words[0].ch_names, name="name")
    return pd.DataFrame({"region": regions}, index=index)


@pytest.mark.slow
def test_cross_validation_of_epochs(words):
    epochs, y = words
    scores = cross_val_score(DuINClassifier(**QUICK), epochs, y, cv=3)
    assert scores.shape == (3,)
    # One of three classes by chance; the planted wave is far from subtle.
    assert scores.mean() > 0.6
    shuffled = np.random.default_rng(0).permutation(y)
    wrong = cross_val_score(DuINClassifier(**QUICK), epochs, shuffled, cv=3)
    assert wrong.mean() < 0.6


@pytest.mark.slow
def test_cross_validation_of_an_array_and_two_processes(words):
    epochs, y = words
    estimator = DuINClassifier(**QUICK, sfreq=1000)
    alone = cross_val_score(estimator, epochs, y, cv=2)
    together = cross_val_score(estimator, epochs.get_data(), y, cv=2, n_jobs=2)
    assert np.array_equal(alone, together)


@pytest.mark.slow
def test_two_classes_can_be_scored_by_their_ranking():
    X, y = simulate(24, 3, 200, n_classes=2, seed=2)
    estimator = DuINClassifier(**QUICK, sfreq=1000)
    for scoring in ("roc_auc", "neg_log_loss", "balanced_accuracy"):
        scores = cross_val_score(estimator, X, y, cv=2, scoring=scoring)
        assert np.isfinite(scores).all(), scoring


def test_probabilities_of_held_out_epochs(words):
    epochs, y = words
    estimator = DuINClassifier(**QUICK)
    options = {"cv": 3, "method": "predict_proba"}
    probabilities = cross_val_predict(estimator, epochs, y, **options)
    assert probabilities.shape == (36, 3)
    assert np.allclose(probabilities.sum(1), 1)


@pytest.mark.slow
def test_grid_search_over_a_frozen_part(words, vqvae, trials):
    epochs, y = trials
    grid = {"lr": [1e-4, 1e-3], "use_codex": [False, True]}
    estimator = DuINClassifier(FrozenEstimator(vqvae), **QUICK)
    search = GridSearchCV(estimator, grid, cv=2).fit(epochs, y)
    assert len(search.cv_results_["mean_test_score"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(epochs).shape == y.shape
    assert search.best_estimator_.ch_names_ == epochs.ch_names


def test_an_unfrozen_part_says_what_to_do_inside_cross_validation(vqvae, trials):
    epochs, y = trials
    estimator = DuINClassifier(DuINMAE(vqvae), **QUICK)
    with pytest.raises(ValueError, match="FrozenEstimator, because cloning forgets"):
        cross_val_score(estimator, epochs, y, cv=2, error_score="raise")


@pytest.mark.parametrize("final", ["duin", "lda"])
@pytest.mark.by_default("lda")
def test_a_pipeline_selects_regions(final, words, contacts):
    epochs, y = words
    last = DuINClassifier(**QUICK) if final == "duin" else make_lda()
    pipeline = make_pipeline(RegionSelector(contacts, regions=["vSMC"]), last)
    pipeline.fit(epochs, y)
    kept = pipeline[0].ch_names_
    assert kept == ["A3", "A4"]
    assert epochs.ch_names[PLANTED] in kept
    if final == "duin":
        assert pipeline[-1].ch_names_ == kept
    assert cross_val_score(pipeline, epochs, y, cv=2).mean() > 0.6
    without = RegionSelector(contacts, regions=["STG"])
    assert cross_val_score(make_pipeline(without, last), epochs, y, cv=2).mean() < 0.6
