"""Fast classifiers for the tests, honest ones and ones that cheat."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def flatten(X):
    data = X.get_data(copy=False) if hasattr(X, "get_data") else X
    return data.reshape(len(data), -1)


def make_lda():
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return make_pipeline(FunctionTransformer(flatten), StandardScaler(), lda)


def make_dummy(strategy="prior"):
    dummy = DummyClassifier(strategy=strategy, random_state=0)
    return make_pipeline(FunctionTransformer(flatten), dummy)


class Centroid(ClassifierMixin, BaseEstimator):
    """Nearest class mean after scaling; remembers every fit in ``fits``."""

    fits = []

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        data = flatten(X)
        self.mean_, self.deviation_ = self.moments(data)
        self.classes_ = np.unique(y)
        scaled = self.scale(X)
        self.means_ = np.array([scaled[y == c].mean(axis=0) for c in self.classes_])
        self.fits.append(b"".join(a.tobytes() for a in (self.mean_, self.means_)))
        return self

    def moments(self, data):
        return data.mean(axis=0), data.std(axis=0)

    def scale(self, X):
        return (flatten(X) - self.mean_) / self.deviation_

    def predict(self, X):
        distance = self.scale(X)[:, np.newaxis] - self.means_
        return self.classes_[(distance**2).sum(axis=2).argmin(axis=1)]


class ScaledOutside(Centroid):
    """Cheats: its scaling comes from all trials."""

    def __init__(self, everything=None):
        self.everything = everything

    def moments(self, data):
        return super().moments(flatten(self.everything))


class MarkerReader(Centroid):
    """Cheats: knows that the last channel spells the label in test trials."""

    def predict(self, X):
        marker = X.get_data(copy=False)[:, -1].mean(axis=1)
        found = np.clip(np.rint(marker).astype(int) - 1, 0, len(self.classes_) - 1)
        return np.where(marker > 0.5, self.classes_[found], super().predict(X))


class PretrainsOnRuns(Centroid):
    """Takes unlabeled segments; remembers which runs they came from."""

    seen = []

    def fit(self, X, y, unlabelled=None):
        runs = None if unlabelled is None else set(unlabelled.metadata["run"])
        self.seen.append((set(X.metadata["run"]), runs))
        return super().fit(X, y)


class ChoosesLikePaper(Centroid):
    """Takes validation and test trials, as the published choice of a model needs."""

    seen = []

    def __init__(self, select="first", random_state=None):
        self.select = select
        self.random_state = random_state

    def fit(self, X, y, validation=None, test=None):
        sizes = [None if part is None else len(part[1]) for part in (validation, test)]
        self.seen.append((self.select, len(y), *sizes))
        return super().fit(X, y)


class Part(BaseEstimator):
    """Something pre-trained."""

    def __init__(self, scale=1.0, runs=None, vqvae=None):
        self.scale = scale
        self.runs = runs
        self.vqvae = vqvae

    def fit(self, X, y=None):
        self.level_ = self.scale
        if self.runs is not None:
            self.fit_groups_ = self.runs
        return self


class UsesPart(Centroid):
    """Uses a pre-trained part, or pre-trains a fresh one."""

    levels = []

    def __init__(self, pretrained=None):
        self.pretrained = pretrained

    def fit(self, X, y):
        part = self.pretrained
        if not hasattr(part, "level_"):
            part = clone(part).fit(X)
        self.levels.append(part.level_)
        return super().fit(X, y)
