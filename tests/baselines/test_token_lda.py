"""The linear baseline for tokens: it finds what is there, and sees only neighbors."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from mne_duin.baselines import TokenLDA
from mne_duin.sequences import collapse

SFREQ = 1000.0


@pytest.fixture(scope="module")
def streams():
    """White noise whose loudest channel tells the label of each token."""
    rng = np.random.default_rng(0)
    codes = np.repeat(rng.integers(3, size=(20, 5)), 2, axis=1)
    loud = np.eye(3)[codes].transpose(0, 2, 1).repeat(100, axis=2)
    X = rng.standard_normal((20, 3, 1000)) * (0.2 + loud)
    return X, np.array(["ba", "du", "-"], dtype=object)[codes]


def test_labels_are_found(streams):
    X, y = streams
    lda = TokenLDA(sfreq=SFREQ).fit(X[:14], y[:14])
    predicted = lda.predict(X[14:])
    assert predicted.shape == (6, 10)
    assert lda.score(X[14:], y[14:]) == np.mean(predicted == y[14:]) > 0.8
    said = lda.decode(X[14:], silence="-")
    assert said == [collapse(own, silence="-") for own in predicted]


def test_epochs_are_decoded_alone_and_of_any_length(streams):
    X, y = streams
    lda = TokenLDA(sfreq=SFREQ).fit(X[:14], y[:14])
    together = lda.predict(X[14:])
    assert np.array_equal(lda.predict(X[15:16])[0], together[1])
    # All but the last tokens see the same neighbors.
    assert np.array_equal(lda.predict(X[14:, :, :700])[:, :5], together[:, :5])


def test_masked_tokens_do_not_count(streams):
    X, y = streams
    masked = y.copy()
    masked[:, ::2] = None
    lda = TokenLDA(sfreq=SFREQ).fit(X, masked)
    hits = lda.predict(X) == y
    assert lda.score(X, masked) == hits[:, 1::2].mean()
    assert None not in lda.classes_


@pytest.mark.parametrize("context", [0, 2])
def test_it_sees_its_neighbours(context, streams):
    X, y = streams
    lda = TokenLDA(context, sfreq=SFREQ).fit(X, y)
    assert lda.pipeline_[0].n_features_in_ == (2 * context + 1) * 3 * (4 + 2 + 2)
    bins = lda._bins(lda._epochs(X))
    windows = lda._with_neighbours(bins)
    middle = windows[:, 5].reshape(len(X), 2 * context + 1, -1)
    near = bins[:, 5 - context : 6 + context] - lda.mean_
    assert np.allclose(middle, near)


def test_grammar(streams):
    X, y = streams
    lda = clone(TokenLDA(1, sfreq=SFREQ))
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        lda.predict(X)
    assert (cross_val_score(lda, X, y, cv=2) > 0.6).all()


@pytest.mark.parametrize(
    ("changes", "spoil", "message"),
    [
        ({}, lambda y: y[:, :-1], r"one label per token, shape \(20, 10\); got shape"),
        ({}, lambda y: np.full_like(y, "ba"), "`y` has one label only, 'ba'"),
        ({"context": -1}, lambda y: y, "`context` must be at least 0"),
        (
            {"evoked_bin": 0.03},
            lambda y: y,
            "A token of 0.1 s must be a whole number of",
        ),
    ],
)
def test_refusals(changes, spoil, message, streams):
    X, y = streams
    with pytest.raises(ValueError, match=message):
        TokenLDA(**{"sfreq": SFREQ} | changes).fit(X, spoil(y))
