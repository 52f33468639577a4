"""A fold encodes its test trials once, and says what ``predict`` would say."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from mne_duin import DecoderEnsemble, DuINClassifier, make_duin, make_lda
from mne_duin.evaluation._folds import predict_once

rng = np.random.default_rng(0)
Y = np.arange(24) % 3
X = rng.standard_normal((24, 3, 300)) * (1 + Y[:, None, None])
SMALL = {"sfreq": 500.0, "n_layers": 1, "max_iter": 1, "random_state": 0}
SMALL |= {"verbose": False}


class Power(TransformerMixin, BaseEstimator):
    calls = 0

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        type(self).calls += 1
        return np.log(X.var(-1))


class Stubborn(DuINClassifier):
    """A classifier with an own way to predict."""

    def predict(self, X, *, subject=None):
        return np.full(len(X), 2)


@pytest.mark.parametrize(
    "model",
    [
        make_lda(sfreq=500.0),
        DuINClassifier(**SMALL),
        make_duin(
            "scratch",
            architecture={"sfreq": 500.0, "n_layers": 1},
            classifier={"max_iter": 1},
            verbose=False,
        ),
        DecoderEnsemble(
            [("net", DuINClassifier(**SMALL)), ("lda", make_lda(sfreq=500.0))]
        ),
    ],
    ids=["pipeline", "network", "stages", "ensemble"],
)
def test_labels_and_probabilities_are_those_of_the_methods(model):
    model.fit(X, Y)
    labels, probabilities = predict_once(model, X)
    np.testing.assert_array_equal(labels, model.predict(X))
    np.testing.assert_array_equal(probabilities, model.predict_proba(X))


def test_a_pipeline_transforms_once():
    model = make_pipeline(Power(), LinearDiscriminantAnalysis()).fit(X, Y)
    Power.calls = 0
    labels, _ = predict_once(model, X)
    assert Power.calls == 1
    np.testing.assert_array_equal(labels, model.predict(X))


def test_a_network_encodes_once(monkeypatch):
    model, calls = DuINClassifier(**SMALL).fit(X, Y), []
    scores = DuINClassifier._scores
    monkeypatch.setattr(
        DuINClassifier, "_scores", lambda *args: calls.append(1) or scores(*args)
    )
    predict_once(model, X)
    assert len(calls) == 1


def test_a_subclass_is_asked_for_its_own_prediction():
    labels, _ = predict_once(Stubborn(**SMALL).fit(X, Y), X)
    assert (labels == 2).all()


def test_without_probabilities_there_are_labels_only():
    model = make_pipeline(Power(), LinearSVC()).fit(X, Y)
    labels, probabilities = predict_once(model, X)
    assert probabilities is None
    np.testing.assert_array_equal(labels, model.predict(X))
