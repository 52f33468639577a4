"""Scores of predicted words: arrays in, numbers and small tables out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn import metrics

from mne_duin.evaluation._statistics import wilson_interval
from mne_duin.utils._checks import check_number


@dataclass(frozen=True)
class Calibration:
    """How far stated probabilities can be believed.

    Parameters
    ----------
    table : DataFrame
        One row per bin of the highest probability: ``low``, ``high`` (limits), ``n``
        (trials), ``confidence`` (mean highest probability) and ``accuracy``.
    error : float
        Expected calibration error: mean of ``|accuracy - confidence|`` over the bins,
        weighted by their trials (Guo et al., ICML 2017, section 2).
    """

    table: pd.DataFrame
    error: float


def balanced_accuracy(y_true, y_pred):
    """Mean of the recalls of the classes that occur in ``y_true``.

    Parameters
    ----------
    y_true, y_pred : array, shape (n_trials,)
        True and predicted labels.

    Returns
    -------
    accuracy : float
        The balanced accuracy.
    """
    # balanced_accuracy_score warns of predicted classes that do not occur.
    classes = np.unique(y_true)
    return float(metrics.recall_score(y_true, y_pred, labels=classes, average="macro"))


def label_codes(y, labels):
    """Position of each label in the sorted array of labels.

    Parameters
    ----------
    y : array, shape (n_trials,)
        Labels of the trials.
    labels : array, shape (n_classes,)
        All labels, sorted.

    Returns
    -------
    codes : ndarray of int, shape (n_trials,)
        Column of each label in a table of probabilities.
    """
    return np.searchsorted(labels, y)


def top_k_accuracy(codes, probabilities, k):
    """Fraction of trials whose true class is among the k most probable ones.

    Classes with equal probability share the places they fill, so a classifier with
    constant probabilities gets k / n_classes and not a lucky 1, as it may from
    scikit-learn's ``top_k_accuracy_score``.

    Parameters
    ----------
    codes : array of int, shape (n_trials,)
        True class of each trial.
    probabilities : array, shape (n_trials, n_classes)
        Predicted probabilities.
    k : int
        Number of classes that may be named.

    Returns
    -------
    accuracy : float
        The fraction.

    Raises
    ------
    ValueError
        If k is not between 1 and the number of classes.
    """
    check_number("k", k, low=1, high=probabilities.shape[1], integer=True)
    true = probabilities[np.arange(len(codes)), codes][:, np.newaxis]
    n_greater = (probabilities > true).sum(axis=1)
    n_equal = (probabilities == true).sum(axis=1)
    return float(np.mean(np.clip((k - n_greater) / n_equal, 0, 1)))


def log_loss(codes, probabilities):
    """Mean negative logarithm of the probability given to the true class, in nats.

    Parameters
    ----------
    codes : array of int, shape (n_trials,)
        True class of each trial.
    probabilities : array, shape (n_trials, n_classes)
        Predicted probabilities; below the resolution of doubles (2e-16) they count as
        that.

    Returns
    -------
    loss : float
        The log-loss; ``log(n_classes)`` for a uniform guess.
    """
    # Sums of single precision are not as near to 1 as scikit-learn wants them.
    probabilities = np.asarray(probabilities, dtype=float)
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    labels = np.arange(probabilities.shape[1])
    return float(metrics.log_loss(codes, probabilities, labels=labels))


def calibration(y_true, labels, probabilities, *, n_bins=10):
    """Compare the probability of the most probable class with how often it is right.

    Parameters
    ----------
    y_true : array, shape (n_trials,)
        True labels.
    labels : array, shape (n_classes,)
        Labels of the columns of ``probabilities``.
    probabilities : array, shape (n_trials, n_classes)
        Predicted probabilities.
    n_bins : int
        Number of equally wide bins between 0 and 1; empty ones are left out.

    Returns
    -------
    calibration : Calibration
        The reliability table and the expected calibration error.
    """
    check_number("n_bins", n_bins, low=1, integer=True)
    confidence = probabilities.max(axis=1)
    correct = labels[probabilities.argmax(axis=1)] == y_true
    edges = np.linspace(0, 1, n_bins + 1)
    which = np.clip(np.digitize(confidence, edges[1:-1], right=True), 0, n_bins - 1)
    rows = []
    for index in np.unique(which):
        inside = which == index
        rows.append(
            {
                "low": edges[index],
                "high": edges[index + 1],
                "n": int(inside.sum()),
                "confidence": confidence[inside].mean(),
                "accuracy": correct[inside].mean(),
            }
        )
    table = pd.DataFrame(rows)
    gaps = (table["accuracy"] - table["confidence"]).abs()
    return Calibration(table, float(np.average(gaps, weights=table["n"])))


def per_class_scores(y_true, y_pred, labels):
    """Recall, precision and F1 of every class.

    Parameters
    ----------
    y_true, y_pred : array, shape (n_trials,)
        True and predicted labels.
    labels : array, shape (n_classes,)
        All classes.

    Returns
    -------
    table : DataFrame
        Index ``label``; columns ``n`` (trials), ``n_predicted``, ``recall`` with its
        95 % Wilson limits ``low`` and ``high``, ``precision``, ``f1``. Scores of a
        class that was never tested or never predicted are NaN.
    """
    precision, recall, f1, n_true = metrics.precision_recall_fscore_support(
        y_true, y_pred, labels=labels, zero_division=np.nan
    )
    hits = [np.count_nonzero((y_true == one) & (y_pred == one)) for one in labels]
    limits = [
        wilson_interval(n_hits, n) if n else (np.nan, np.nan)
        for n_hits, n in zip(hits, n_true, strict=True)
    ]
    low, high = np.transpose(limits)
    columns = {
        "n": n_true,
        "n_predicted": [np.count_nonzero(y_pred == one) for one in labels],
        "recall": recall,
        "low": low,
        "high": high,
        "precision": precision,
        "f1": np.where(n_true > 0, f1, np.nan),
    }
    return pd.DataFrame(columns, index=pd.Index(labels, name="label"))
