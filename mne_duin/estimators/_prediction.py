"""Words: labels as integers, the training step, the held-out epochs, the scores.

What every classifier of whole epochs needs, Du-IN or a network it is compared with.
"""

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from torch.nn import functional

from mne_duin.utils._checks import check_number, check_option

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
    return epochs[kept], y[kept], {"validation": sets, "monitor": monitor}


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
