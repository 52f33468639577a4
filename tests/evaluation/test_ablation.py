"""One parameter at a time, on the same folds."""

import numpy as np
import pytest
from simple_estimators import Centroid, PretrainsOnRuns, make_lda
from simple_trials import make_epochs
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_duin.evaluation import ablate, compare, evaluate
from mne_duin.evaluation._ablation import BASE, plan_ablation


class Wrapper(ClassifierMixin, BaseEstimator):
    """Wraps another classifier and hands segments on."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, unlabelled=None):
        options = {} if unlabelled is None else {"unlabelled": unlabelled}
        self.inner_ = clone(self.estimator).fit(X, y, **options)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict(X)


def make_pipe(n_components=5):
    flatten = FunctionTransformer(lambda X: X.get_data().mean(-1))
    return make_pipeline(flatten, PCA(n_components), make_lda()[-1])


def test_rows_are_the_values_and_the_reference_is_the_estimator_as_given():
    epochs = make_epochs(0.8, n_per_run=12)
    pipe = make_pipe()
    grid = {"pca__n_components": [1, 5], "pca__whiten": [True]}
    table = ablate(pipe, grid, epochs, cv=3, random_state=0)
    assert table["parameter"].tolist() == ["pca__n_components"] * 2 + ["pca__whiten"]
    assert table["value"].tolist() == [1, 5, True]
    alone = evaluate(pipe, epochs, cv=3, random_state=0)
    assert table.loc[1, "accuracy"] == alone.accuracy
    assert np.isnan(table.loc[1, "difference"])
    assert table.loc[0, "difference"] < -0.2
    assert pipe.get_params()["pca__n_components"] == 5


def test_variants_do_not_share_what_is_changed():
    variants, _ = plan_ablation(make_pipe(), {"pca__n_components": [1, 2]})
    values = [one.get_params()["pca__n_components"] for one in variants.values()]
    assert values == [5, 1, 2]
    assert list(variants)[0] == BASE


def test_messages(epochs):
    with pytest.raises(ValueError, match="names 'depth', which Centroid does not have"):
        ablate(Centroid(), {"depth": [1]}, epochs)
    with pytest.raises(ValueError, match="`grid` is empty"):
        ablate(Centroid(), {}, epochs)


def test_segments_reach_through_a_wrapper_only_what_can_use_them(epochs):
    PretrainsOnRuns.seen.clear()
    estimators = {"uses": Wrapper(PretrainsOnRuns()), "cannot": Wrapper(Centroid())}
    table = compare(estimators, epochs, cv="last-run", unlabelled=epochs)
    assert table["n_unlabelled"].to_dict() == {"uses": 48, "cannot": 0}
    assert PretrainsOnRuns.seen == [({"1", "2"}, {"1", "2"})]
