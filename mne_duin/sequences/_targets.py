"""From labels of tokens or sequences to the integers that networks learn, and back."""

import numpy as np
import pandas as pd

from mne_duin.utils._checks import check_type

UNLABELLED = -1


def tier_names(y):
    """Return the names of the tiers of token labels.

    Parameters
    ----------
    y : ndarray
        Labels of tokens, see :func:`token_labels`.

    Returns
    -------
    names : tuple of str | None
        None where there is one tier without a name.
    """
    return getattr(np.asarray(y).dtype, "names", None)


def token_targets(y, classes=None):
    """Turn labels of tokens into integers and a mask.

    Parameters
    ----------
    y : ndarray of object, shape (n_epochs, n_tokens)
        The labels of one tier; None (or NaN) where a token has none.
    classes : array, shape (n_classes,) | None
        The labels in the order of their integers; None learns them, sorted.

    Returns
    -------
    targets : ndarray of int, shape (n_epochs, n_tokens)
        Index of each label in ``classes``; -1 where there is none.
    mask : ndarray of bool, shape (n_epochs, n_tokens)
        True where a token has a label.
    classes : ndarray, shape (n_classes,)
        The labels.

    Raises
    ------
    ValueError
        If ``y`` has another shape, no labels, or labels that are not in ``classes``.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([["ba", "ba", None, "du"]], dtype=object)
    >>> targets, mask, classes = token_targets(y)
    >>> targets, classes
    (array([[ 0,  0, -1,  1]]), array(['ba', 'du'], dtype='<U2'))
    """
    y = np.asarray(y)
    if y.ndim != 2:
        raise ValueError(
            f"`y` must have one label per token, shape (n_epochs, n_tokens); got shape "
            f"{y.shape}."
        )
    mask = ~pd.isna(y)
    if not mask.any():
        raise ValueError("`y` has no labels: every token is masked.")
    if classes is None:
        classes = sort_labels(set(y[mask].tolist()))
    targets = np.full(y.shape, UNLABELLED)
    targets[mask] = label_index(y[mask].tolist(), classes)
    return targets, mask, np.asarray(classes)


def sequence_targets(y, classes=None):
    """Turn sequences of labels into padded integers and their lengths.

    Parameters
    ----------
    y : list of sequences of labels, length n_epochs
        What was said in each epoch; a sequence may be empty.
    classes : array, shape (n_classes,) | None
        The labels in the order of their integers; None learns them, sorted.

    Returns
    -------
    targets : ndarray of int, shape (n_epochs, longest)
        Index of each label in ``classes``; -1 behind the end of a sequence.
    lengths : ndarray of int, shape (n_epochs,)
        Length of each sequence.
    classes : ndarray, shape (n_classes,)
        The labels.

    Raises
    ------
    TypeError
        If a sequence is a string, which would be split into letters, or no sequence.
    ValueError
        If there are no labels, missing ones, or ones that are not in ``classes``.

    Examples
    --------
    >>> targets, lengths, classes = sequence_targets([["ba", "du"], ["du"]])
    >>> targets.tolist(), lengths.tolist(), classes.tolist()
    ([[0, 1], [1, -1]], [2, 1], ['ba', 'du'])
    """
    sequences = [_check_sequence(index, own) for index, own in enumerate(y)]
    labels = [label for own in sequences for label in own]
    if not labels:
        raise ValueError("`y` has no labels: every sequence is empty.")
    if classes is None:
        classes = sort_labels(set(labels))
    lengths = np.array([len(own) for own in sequences])
    targets = np.full((len(sequences), lengths.max()), UNLABELLED)
    targets[np.arange(lengths.max()) < lengths[:, None]] = label_index(labels, classes)
    return targets, lengths, np.asarray(classes)


def _check_sequence(index, sequence):
    """Return the labels of one epoch as a list."""
    if isinstance(sequence, str):
        raise TypeError(
            f"`y` must have a sequence of labels per epoch; epoch {index} has the "
            f"string {sequence!r}. Split it, for example with .split()."
        )
    check_type(f"y[{index}]", sequence, (list, tuple, np.ndarray))
    sequence = list(sequence)
    if any(pd.isna(label) for label in sequence):
        raise ValueError(f"`y` has missing labels in epoch {index}; leave them out.")
    return sequence


def sort_labels(labels):
    """Return labels in order, as an array.

    Parameters
    ----------
    labels : iterable
        Different labels of one type.

    Returns
    -------
    classes : ndarray, shape (n_classes,)
        In order.

    Raises
    ------
    TypeError
        If they are of different types, so that they have no order.
    """
    labels = list(labels)
    kinds = {str if isinstance(label, str) else float for label in labels}
    if len(kinds) > 1:
        raise TypeError("`y` mixes labels that are strings with others that are not.")
    return np.array(sorted(labels))


def label_index(labels, classes, name="y"):
    """Return the index of each label.

    Parameters
    ----------
    labels : list
        Labels.
    classes : array, shape (n_classes,)
        The known labels.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    index : list of int
        Index in ``classes``.

    Raises
    ------
    ValueError
        If a label is not known.
    """
    known = {label: index for index, label in enumerate(np.asarray(classes).tolist())}
    unknown = sorted(set(labels) - known.keys(), key=str)
    if unknown:
        raise ValueError(
            f"`{name}` has labels that are not among the {len(known)} known ones: "
            f"{unknown[:10]}."
        )
    return [known[label] for label in labels]


def collapse(labels, *, silence=None, min_tokens=1):
    """Turn the labels of tokens into a sequence: one label per run of equal ones.

    Parameters
    ----------
    labels : array, shape (n_tokens,)
        Labels of the tokens of one epoch.
    silence : object
        Label that says nothing; None is always silent.
    min_tokens : int
        Shorter runs are taken for mistakes and left out; what they part is joined.

    Returns
    -------
    sequence : tuple
        The labels.

    Examples
    --------
    >>> collapse(["ba", "ba", "du", None, "du"])
    ('ba', 'du', 'du')
    """
    runs = _runs(list(labels))
    kept = [label for label, length in runs if length >= min_tokens]
    joined = [label for label, _ in _runs(kept)]
    return tuple(label for label in joined if label is not None and label != silence)


def _runs(labels):
    """Return the runs of equal labels with their lengths."""
    runs = []
    for label in labels:
        if runs and runs[-1][0] == label:
            runs[-1][1] += 1
        else:
            runs.append([label, 1])
    return runs
