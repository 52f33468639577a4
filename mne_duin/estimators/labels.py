"""Labels: from what the user hands over to integers, and a share of them held out."""

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets

from mne_duin.utils.checks import check_number


def learn_classes(y, n_epochs):
    """Learn the classes of the training labels.

    Parameters
    ----------
    y : array, shape (n_epochs,)
        The labels.
    n_epochs : int
        Number of epochs they belong to.

    Returns
    -------
    classes : ndarray, shape (n_classes,)
        The labels that occur, in order.
    index : ndarray of int, shape (n_epochs,)
        Class of each epoch.

    Raises
    ------
    ValueError
        If there are too many or too few labels, missing ones, or one class only.
    """
    y = np.asarray(y)
    if y.shape != (n_epochs,):
        raise ValueError(
            f"`y` must have one label per epoch, shape ({n_epochs},); got shape "
            f"{y.shape}."
        )
    if pd.isna(y).any():
        raise ValueError(f"`y` has {pd.isna(y).sum()} missing labels; drop them.")
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

    Parameters
    ----------
    classes : ndarray, shape (n_classes,)
        The labels of the training data.
    y : array, shape (n_epochs,)
        Labels.

    Returns
    -------
    index : ndarray of int, shape (n_epochs,)
        Class of each epoch.

    Raises
    ------
    ValueError
        If a label is not among the classes.
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
    """Hold out the same share of each class, by the seed.

    Parameters
    ----------
    y : ndarray of int, shape (n_epochs,)
        Class of each epoch.
    fraction : float
        Share of the epochs; 0 holds out none.
    seed : int
        The seed.

    Returns
    -------
    kept, held_out : ndarray of int
        Indices of the epochs, in order.

    Raises
    ------
    ValueError
        If a class has too few epochs.
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
