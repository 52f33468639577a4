"""Estimators on the last run: begun early or late, alone or several at once."""

import mne
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin

from mne_duin import evaluate, learning_curve, make_lda
from mne_duin.workflows import _held_out
from mne_duin.workflows._held_out import LastRun

KEYS = [("lda", None), ("lda", 5), ("lda", 10)]


class Noting(ClassifierMixin, BaseEstimator):
    """Note when it is fitted."""

    fitted = []

    def __init__(self, name=""):
        self.name = name

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.fitted.append((self.name, len(y)))
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture(scope="module")
def trials():
    rng = np.random.default_rng(0)
    words, runs = np.tile([1, 2], 24), np.repeat(["1", "2", "10"], 16)
    data = rng.standard_normal((48, 3, 100))
    data[words == 2, 1, 40:60] += 1
    return mne.EpochsArray(
        1e-5 * data,
        mne.create_info(3, 100.0, "seeg"),
        np.column_stack([np.arange(48) * 200, 0 * words, words]),
        event_id={"yes": 1, "no": 2},
        metadata=pd.DataFrame({"run": runs}),
        verbose="error",
    )


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_results_are_those_of_the_public_functions(trials, n_jobs, monkeypatch):
    monkeypatch.setattr(_held_out, "CURVE_AMOUNTS", (5, 10, 1000))
    last = LastRun(trials, 0, n_jobs)
    assert last.amounts == [5, 10]
    last.begin({key: make_lda() for key in KEYS[:2]})
    last.finish({KEYS[2]: make_lda()})
    alone = evaluate(make_lda(), trials, cv="last-run")
    assert_array_equal(last.results["lda"].y_pred, alone.y_pred)
    assert_array_equal(last.results["lda"].probabilities, alone.probabilities)
    assert last.results["lda"].accuracy == alone.accuracy
    curve = learning_curve(
        {"lda": make_lda()}, trials, n_per_class=[5, 10], cv="last-run"
    )
    ours = last.curve(["lda", "unknown"])
    columns = ["estimator", "n_per_class", "chance", "accuracy", "log_loss", "n_train"]
    assert ours[columns].equals(curve[columns])
    assert set(last.models) == set(KEYS)
    tested = trials.metadata["run"].to_numpy()[alone.epoch]
    assert np.unique(tested).tolist() == last.names.tolist()


def test_the_larger_come_first_and_each_once(trials):
    Noting.fitted.clear()
    last = LastRun(trials, 0, 1)
    last.begin({("early", few): Noting("early") for few in (5, None)})
    assert Noting.fitted == []
    last.finish({("late", None): Noting("late")})
    last.finish({("last", None): Noting("last")})
    names = [name for name, _ in Noting.fitted]
    assert names == ["late", "early", "early", "last"]
    sizes = [size for name, size in Noting.fitted if name == "early"]
    assert sizes[0] > sizes[1]
    assert set(last.results) == {"early", "late", "last"}


def test_a_run_that_was_read_twice_is_told_before_anything_is_fitted(trials):
    again = trials["run == '1'"].copy()
    again.metadata = again.metadata.assign(run="99")
    both = mne.concatenate_epochs([trials, again], verbose=False)
    with pytest.raises(ValueError, match="tested on a copy of a training trial"):
        LastRun(both, 0, 1)
