"""Scores of predicted words: arrays in, numbers and small tables out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mne_duin.evaluation._statistics import wilson_interval
from mne_duin.utils.checks import check_number

SMALLEST_PROBABILITY = 1e-15


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
    correct = np.asarray(y_true) == np.asarray(y_pred)
    classes = np.unique(y_true)
    return float(np.mean([correct[y_true == label].mean() for label in classes]))


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
    """Share of trials whose true class is among the k most probable ones.

    Classes with equal probability share the places they fill, so a classifier with
    constant probabilities gets k / n_classes and not a lucky 1.

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
        The share.

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
        Predicted probabilities; below 1e-15 they count as 1e-15.

    Returns
    -------
    loss : float
        The log-loss; ``log(n_classes)`` for a uniform guess.
    """
    true = probabilities[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(true, SMALLEST_PROBABILITY)).mean())


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
    rows = []
    for label in labels:
        true, predicted = y_true == label, y_pred == label
        n_true, n_predicted = int(true.sum()), int(predicted.sum())
        hits = int((true & predicted).sum())
        limits = wilson_interval(hits, n_true) if n_true else (np.nan, np.nan)
        rows.append(
            {
                "n": n_true,
                "n_predicted": n_predicted,
                "recall": hits / n_true if n_true else np.nan,
                "low": limits[0],
                "high": limits[1],
                "precision": hits / n_predicted if n_predicted else np.nan,
                "f1": 2 * hits / (n_true + n_predicted) if n_true else np.nan,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(labels, name="label"))
