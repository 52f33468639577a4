"""Words: labels as integers, the training step, the held-out epochs, the scores.

What every classifier of whole epochs needs, Du-IN or a network it is compared with.
"""

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from torch.nn import functional

from mne_duin.estimators._trained import Signal, TrainedNetwork, in_parts
from mne_duin.utils._checks import check_number, check_option
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._signature import decides_alike

SELECTIONS = ("first", "paper")


class LabelTraining:
    """One training step of a classifier: cross-entropy, smoothed in training only."""

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    def __call__(self, module, batch):
        """Return loss and accuracy of a batch."""
        scores = module(batch.x, batch.subject).float()
        smoothing = self.label_smoothing if module.training else 0.0
        loss = functional.cross_entropy(scores, batch.y, label_smoothing=smoothing)
        accuracy = (scores.argmax(-1) == batch.y).float().mean()
        return {"loss": loss, "accuracy": accuracy}


@fill_doc
class EpochClassifier(ClassifierMixin, TrainedNetwork):
    """A trained network that names whole epochs."""

    classes_: np.ndarray

    def _network_scores(self, x, subject):
        """Return the scores of scaled inputs."""
        return self._batched(self.module_, x, subject)

    def decision_function(
        self, X: Signal, *, subject: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the scores that enter the softmax.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        scores : ndarray, shape (n_epochs, n_classes) | shape (n_epochs,)
            In the order of ``classes_``. Of two classes, as everywhere in scikit-learn,
            the second's score minus the first's.
        """
        return decision(self._scores(X, subject))

    def _scores(self, X, subject):
        epochs = self._check_fitted(X, subject)
        parts = [self._network_scores(*self._scaled(part)) for part in in_parts(epochs)]
        return np.concatenate(parts)

    @decides_alike
    def predict_proba(
        self, X: Signal, *, subject: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the probability of every class.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        probabilities : ndarray, shape (n_epochs, n_classes)
            In the order of ``classes_``.
        """
        return probabilities(self._scores(X, subject))

    @decides_alike
    def predict(self, X: Signal, *, subject: ArrayLike | None = None) -> np.ndarray:
        """Return the most probable class of every epoch.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        y : ndarray, shape (n_epochs,)
            The labels.
        """
        index = self._scores(X, subject).argmax(-1)
        return self.classes_[index]

    def score(
        self,
        X: Signal,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        subject: ArrayLike | None = None,
    ) -> float:
        """Return the fraction of the epochs that are named right.

        Parameters
        ----------
        %(X)s
        %(y)s
        sample_weight : array, shape (n_epochs,) | None
            Weight of each epoch.
        %(subject)s

        Returns
        -------
        accuracy : float
            Between 0 and 1.
        """
        predicted = self.predict(X, subject=subject)
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))


def learn_classes(y, n_epochs):
    """Learn the classes of the training labels.

    Shapes: ``y`` (n_epochs,) -> (n_classes,), (n_epochs,).
    """
    if y is None:
        raise ValueError(
            "A classifier requires y to be passed, but the target y is None."
        )
    y = np.asarray(y)
    if y.shape != (n_epochs,):
        raise ValueError(
            f"`y` must have one label per epoch, shape ({n_epochs},); got shape "
            f"{y.shape}."
        )
    if pd.isna(y).any():
        raise ValueError(f"`y` has {pd.isna(y).sum()} missing labels; drop them.")
    if y.dtype.kind == "f" and np.isinf(y).any():
        raise ValueError("`y` has infinite values, which name no class; drop them.")
    check_classification_targets(y)
    if y.dtype == object and all(isinstance(label, str) for label in y):
        y = y.astype(str)
    classes, index = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"`y` has one class only, {classes.tolist()[0]!r}; decoding needs two or "
            "more."
        )
    return classes, index


def class_index(classes, y):
    """Return known labels as integers.

    Shapes: ``classes`` (n_classes,), ``y`` (n_epochs,) -> (n_epochs,).
    """
    y = np.asarray(y)
    unknown = set(y.tolist()) - set(classes.tolist())
    if unknown:
        raise ValueError(
            "`y` has labels that were not in the training data: "
            f"{sorted(unknown, key=str)[:10]}."
        )
    return np.searchsorted(classes, y)


def hold_out(y, fraction, seed):
    """Hold out the same fraction of each class, by the seed.

    Shapes: ``y`` (n_epochs,).
    """
    check_number("validation_fraction", fraction, low=0, high=0.5)
    everything, n_classes = np.arange(len(y)), len(np.unique(y))
    if fraction == 0:
        return everything, everything[:0]
    n_held_out = max(round(fraction * len(y)), n_classes)
    if np.bincount(y).min() < 2 or len(y) - n_held_out < n_classes:
        raise ValueError(
            f"With {len(y)} epochs of {n_classes} classes no validation epochs can be "
            "held out; set validation_fraction=0."
        )
    kept, held_out = train_test_split(
        everything, test_size=n_held_out, stratify=y, random_state=seed % 2**32
    )
    return np.sort(kept), np.sort(held_out)


def hold_out_epochs(
    estimator, epochs, y, fraction, run, *, validation=None, test=None, sfreq=None
):
    """Hold out epochs, and say how the engine shall use them.

    Returns the epochs and classes to train on, and the engine's ``validation`` and
    ``monitor``.
    """
    check_option("select", estimator.select, SELECTIONS)
    share = fraction if validation is None else 0
    kept, rest = hold_out(y, share, run.seed)
    sets = {}
    if validation is not None:
        sets["valid"] = _labelled_data(estimator, *validation, sfreq)
    elif len(rest):
        sets["valid"] = estimator._signal_data(epochs[rest], y=y[rest])
    if test is not None:
        sets["test"] = _labelled_data(estimator, *test, sfreq)
    monitor = "valid_accuracy" if "valid" in sets else None
    if estimator.select == "paper":
        if set(sets) != {"valid", "test"}:
            raise ValueError(
                "select='paper' breaks ties of the validation accuracy by the test "
                "accuracy; it needs validation epochs and `test` in fit. "
                "mne_duin.evaluate(..., protocol='paper') passes both."
            )
        monitor = ("valid_accuracy", "test_accuracy")
    if len(kept) < len(y):
        epochs, y = epochs[kept], y[kept]
    return epochs, y, {"validation": sets, "monitor": monitor}


def _labelled_data(estimator, X, y, sfreq):
    epochs = estimator._check_again(X, sfreq=sfreq)
    return estimator._signal_data(epochs, y=class_index(estimator.classes_, y))


def decision(scores):
    """Return the scores as scikit-learn wants them: of two classes the difference."""
    return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores


def probabilities(scores):
    """Return the softmax of the scores, (n_epochs, n_classes), in float64."""
    return torch.from_numpy(scores).double().softmax(-1).numpy()


def cross_entropy(scores, classes, y):
    """Return the cross-entropy of every epoch, (n_epochs,)."""
    index = torch.from_numpy(class_index(classes, y))
    scores = torch.from_numpy(scores)
    return functional.cross_entropy(scores, index, reduction="none").numpy()
