"""Which pass is kept: ours looks at validation epochs only, the published one leaks."""

import numpy as np
import pytest
from toy_trials import CLASSIFIER, SFREQ, simulate

from mne_duin.estimators import DuINClassifier


@pytest.fixture(scope="module")
def parts():
    X, y = simulate(48)
    return (X[:24], y[:24]), (X[24:30], y[24:30]), (X[30:], y[30:])


def fit(parts, **changes):
    train, validation, test = parts
    options = CLASSIFIER | {"max_iter": 8, "lr": 3e-3} | changes
    estimator = DuINClassifier(**options)
    return estimator.fit(*train, sfreq=SFREQ, validation=validation, test=test)


def best_passes(history):
    accuracy = history["valid_accuracy"]
    return np.flatnonzero(accuracy == accuracy.max())


@pytest.mark.slow
def test_ties_go_to_the_earliest_pass_or_to_the_best_test_accuracy(parts):
    first, paper = fit(parts), fit(parts, select="paper")
    history = paper.history_
    assert np.array_equal(history["test_accuracy"], first.history_["test_accuracy"])
    tied = best_passes(history)
    assert len(tied) > 1, "the case needs passes with equal validation accuracy"
    assert first.best_iter_ == tied[0] + 1
    chosen = tied[np.argmax(history["test_accuracy"][tied])]
    assert paper.best_iter_ == chosen + 1
    train, _, (X, y) = parts
    assert paper.score(X, y) == history["test_accuracy"][chosen]


@pytest.mark.slow
def test_the_first_choice_does_not_depend_on_the_test_epochs(parts):
    train, validation, (X, y) = parts
    kept = [
        fit((train, validation, test)).best_iter_
        for test in ((X, y), (X, np.roll(y, 1)))
    ]
    assert kept[0] == kept[1]


def test_the_published_choice_needs_both_parts(parts):
    train, validation, _ = parts
    estimator = DuINClassifier(**CLASSIFIER, select="paper")
    with pytest.raises(ValueError, match="needs validation epochs and `test` in fit"):
        estimator.fit(*train, sfreq=SFREQ, validation=validation)
    with pytest.raises(ValueError, match="`select` must be one of 'first', 'paper'"):
        DuINClassifier(**CLASSIFIER, select="last").fit(*train, sfreq=SFREQ)
