"""Channels chosen by contribution, inside the folds."""

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from mne_duin.channels import ContributionSelector, SelectedChannels


def data_of(X):
    if isinstance(X, mne.BaseEpochs):
        return X.get_data(copy=False)
    if isinstance(X, list):
        return np.concatenate([epoch.get_data() for epoch in X])
    return np.asarray(X)


class MeanClassifier(ClassifierMixin, BaseEstimator):
    """Nearest class mean; a channel contributes what separates its means."""

    seen = []

    def fit(self, X, y, unlabelled=None, validation=None):
        data = data_of(X).mean(-1)
        self.classes_ = np.unique(y)
        self.means_ = np.array([data[y == c].mean(0) for c in self.classes_])
        first = X[0] if isinstance(X, list) else X
        self.names_ = getattr(first, "ch_names", list(map(str, range(data.shape[1]))))
        others = [data_of(part) for part in (unlabelled, validation and validation[0])
                  if part is not None]  # fmt: skip
        self.seen.append([data.shape[1], *[part.shape[1] for part in others]])
        return self

    def predict(self, X):
        distance = data_of(X).mean(-1)[:, None] - self.means_
        return self.classes_[(distance**2).sum(-1).argmin(1)]

    def predict_proba(self, X):
        return np.eye(len(self.classes_))[
            np.searchsorted(self.classes_, self.predict(X))
        ]

    def channel_contributions(self, method="weights", *, X=None, y=None):
        return pd.Series(np.ptp(self.means_, axis=0), self.names_)


@pytest.fixture
def trials():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = 0.5 * rng.standard_normal((40, 8, 20))
    X[:, [2, 5]] += y[:, None, None]
    names = [f"A{i}" for i in range(8)]
    info = mne.create_info(names, 100.0, "seeg")
    return mne.EpochsArray(X, info, verbose="error"), y


@pytest.mark.parametrize("kind", ["epochs", "array", "list"])
def test_the_informative_channels_are_kept_in_order(trials, kind):
    epochs, y = trials
    X = {
        "epochs": epochs,
        "array": epochs.get_data(),
        "list": [epochs[i] for i in range(len(epochs))],
    }[kind]
    selector = ContributionSelector(MeanClassifier(), n_channels=2)
    chosen = selector.fit(X, y).transform(X)
    assert selector.picks_.tolist() == [2, 5]
    assert type(chosen) is type(X)
    np.testing.assert_array_equal(data_of(chosen), epochs.get_data()[:, [2, 5]])
    assert len(selector.contributions_) == 8
    assert clone(selector).get_params()["n_channels"] == 2


def test_choice_is_made_from_the_training_part_alone(trials):
    epochs, y = trials
    X = epochs.get_data()
    X[30:, 7] += 100 * y[30:, None]
    selector = ContributionSelector(MeanClassifier(), n_channels=1)
    assert selector.fit(X[:30], y[:30]).picks_.tolist() != [7]
    assert selector.fit(X, y).picks_.tolist() == [7]


def test_segments_and_validation_epochs_have_the_chosen_channels_only(trials):
    epochs, y = trials
    MeanClassifier.seen.clear()
    selected = SelectedChannels(
        ContributionSelector(MeanClassifier(), n_channels=3), MeanClassifier()
    )
    selected.fit(epochs, y, unlabelled=epochs, validation=(epochs, y))
    assert MeanClassifier.seen == [[8], [3, 3, 3]]
    assert selected.score(epochs, y) > 0.9
    assert selected.predict_proba(epochs).shape == (40, 2)
    assert cross_val_score(selected, epochs, y, cv=4).mean() > 0.9


def test_messages(trials):
    epochs, y = trials
    X = epochs.get_data()
    with pytest.raises(ValueError, match="`n_channels` must be at most 8"):
        ContributionSelector(MeanClassifier(), n_channels=9).fit(X, y)
    with pytest.raises(TypeError, match="must have a method channel_contributions"):
        ContributionSelector(ClassifierMixin()).fit(X, y)
    selector = ContributionSelector(MeanClassifier(), n_channels=2)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        selector.transform(X)
    with pytest.raises(
        ValueError, match="has 3 channels; the selector was fitted with 8"
    ):
        selector.fit(X, y).transform(X[:, :3])
