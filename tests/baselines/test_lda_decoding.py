"""The shrinkage LDA: decodes what is there, selects on training data only."""

import pickle

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import f_classif
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)

from mne_duin.baselines import SelectInformative, make_lda
from mne_duin.datasets import simulate_word_reading


@pytest.fixture(scope="module")
def words():
    epochs, _, truth = simulate_word_reading(
        n_words=3, n_trials_per_word=12, n_runs=2, snr=1.5, random_state=0
    )
    epochs.pick(list(truth.index[truth["planted"] == 1][:4])).crop(-0.3, 1.2)
    return epochs, epochs.metadata["trial_type"].to_numpy()


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1, 2], 20)
    X = rng.normal(size=(60, 200))
    X[:, :10] += y[:, None]
    X[:, 10] = 4.0
    return X, y


def test_it_decodes_and_pickles(words):
    epochs, y = words
    train = (epochs.metadata["run"] == "1").to_numpy()
    lda = make_lda().fit(epochs[train], y[train])
    probability = lda.predict_proba(epochs[~train])
    assert lda.score(epochs[~train], y[~train]) > 0.6
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    again = pickle.loads(pickle.dumps(lda))
    np.testing.assert_array_equal(again.predict_proba(epochs[~train]), probability)
    assert clone(lda).get_params()["select__threshold"] == 0.003


def test_cross_validation_and_grid_search_take_epochs(words):
    epochs, y = words
    assert cross_val_score(make_lda(), epochs, y, cv=3).mean() > 0.6
    array = epochs.get_data()
    search = GridSearchCV(
        make_lda(sfreq=epochs.info["sfreq"]),
        {"features__features": ["evoked", "high-gamma"]},
        cv=2,
    )
    assert search.fit(array, y).best_score_ > 0.5


@pytest.mark.slow
def test_shuffled_words_are_not_decoded(words):
    epochs, y = words
    rng = np.random.default_rng(0)
    scores = [
        cross_val_score(make_lda(), epochs, rng.permutation(y), cv=3).mean()
        for _ in range(3)
    ]
    assert np.mean(scores) < 0.45


def test_scale_of_a_channel_does_not_matter(words):
    epochs, y = words
    data = epochs.get_data() * 1e6
    scaled = data * np.array([1.0, 10.0, 0.1, 3.0])[:, None]
    options = {"sfreq": epochs.info["sfreq"]}
    one, other = (make_lda(**options).fit(X, y) for X in (data, scaled))
    agreement = np.mean(one.predict(data) == other.predict(scaled))
    assert agreement == 1.0


def test_the_classifier_is_ledoit_wolf_lda(words):
    epochs, y = words
    lda = make_lda("evoked", selection=None)
    assert list(lda.named_steps) == ["features", "scale", "lda"]
    features = lda[:-1].fit_transform(epochs, y)
    plain = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    expected = plain.fit(features, y).predict(features)
    np.testing.assert_array_equal(lda.fit(epochs, y).predict(epochs), expected)


def test_the_temperature_is_the_best_one_for_trials_that_were_left_out(words):
    epochs, y = words
    train = (epochs.metadata["run"] == "1").to_numpy()
    plain = make_lda().fit(epochs[train], y[train])
    calibrated = make_lda(calibrated=True).fit(epochs[train], y[train])
    one, other = (each.predict_proba(epochs[~train]) for each in (plain, calibrated))
    np.testing.assert_array_equal(one.argmax(1), other.argmax(1))
    features = plain[:1].transform(epochs[train])
    scores = cross_val_predict(
        plain[1:], features, y[train], cv=StratifiedKFold(5), method="decision_function"
    )
    best = minimize_scalar(
        lambda sharpness: log_loss(y[train], softmax(sharpness * scores, axis=1)),
        bounds=(0.01, 10),
        method="bounded",
        options={"xatol": 1e-6},
    )
    expected = softmax(best.x * plain.decision_function(epochs[~train]), axis=1)
    np.testing.assert_allclose(other, expected, atol=1e-4)
    assert 0.05 < best.x < 0.95


def test_small_classes_are_calibrated_with_fewer_folds(words):
    epochs, y = words
    few = np.sort(np.concatenate([np.flatnonzero(y == name)[:3] for name in set(y)]))
    calibrated = make_lda(calibrated=True).fit(epochs[few], y[few])
    assert np.isfinite(calibrated.predict_proba(epochs)).all()
    with pytest.raises(ValueError, match="needs 3 trials of every class; `y` has 2"):
        make_lda(calibrated=True).fit(epochs[few[:-1]], y[few[:-1]])
    with pytest.raises(TypeError, match="`calibrated` must be bool; got str"):
        make_lda(calibrated="yes")


def test_features_must_be_known():
    with pytest.raises(ValueError, match="`features` must be one of 'evoked', 'high-g"):
        make_lda("broadband")


def test_selection_keeps_informative_features(table):
    X, y = table
    select = SelectInformative(n_min=1).fit(X, y)
    assert select.support_[:10].all()
    assert not select.support_[10]
    assert select.support_.sum() < 15
    np.testing.assert_array_equal(select.transform(X), X[:, select.support_])
    varies = np.arange(200) != 10
    p_values = f_classif(X[:, varies], y)[1]
    np.testing.assert_array_equal(select.support_[varies], p_values <= 0.003)


@pytest.mark.parametrize("n_min", [3, 50, 500])
def test_selection_keeps_at_least_the_best(table, n_min):
    X, y = table
    noise = X[:, 100:]
    support = SelectInformative(1e-12, n_min=n_min).fit(noise, y).support_
    assert support.sum() == min(n_min, 100)
    f_values = f_classif(noise, y)[0]
    assert n_min > 100 or f_values[support].min() >= f_values[~support].max()


@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_threshold_has_limits(table, threshold):
    with pytest.raises(ValueError, match="`threshold` must be above 0.0 and at most 1"):
        SelectInformative(threshold).fit(*table)
