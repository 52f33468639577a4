"""How far decoded sequences are from what was said."""

import numpy as np
import pandas as pd

from mne_duin.utils._checks import import_optional

COLUMNS = ("n_labels", "hits", "substitutions", "deletions", "insertions")


def edit_distance(truth, decoded):
    """Return the smallest number of substitutions, deletions and insertions.

    Parameters
    ----------
    truth, decoded : sequence
        Two sequences of labels.

    Returns
    -------
    distance : int
        The Levenshtein distance.

    Examples
    --------
    >>> edit_distance(["ba", "du", "gei"], ["ba", "gei"])
    1
    """
    row = list(range(len(decoded) + 1))
    for index, label in enumerate(truth, start=1):
        # ``row`` holds the distances of all beginnings to one label less of the truth.
        diagonal, row[0] = row[0], index
        for column, other in enumerate(decoded, start=1):
            replaced = diagonal + (label != other)
            diagonal = row[column]
            row[column] = min(replaced, diagonal + 1, row[column - 1] + 1)
    return row[-1]


def error_rate(truth, decoded):
    """Return the label error rate: edits over the labels that were said.

    Parameters
    ----------
    truth, decoded : list of sequences of labels, length n_epochs
        What was said and what was decoded; labels are compared as they are.

    Returns
    -------
    rate : float
        All edits of all epochs over all labels; above 1 where too much is inserted.

    Raises
    ------
    ValueError
        If the lists differ in length or nothing was said.

    Examples
    --------
    >>> error_rate([["ba", "du"], ["gei", "xi"]], [["ba"], ["gei", "xi"]])
    0.25
    """
    truth, decoded = _check_pairs(truth, decoded)
    edits = sum(map(edit_distance, truth, decoded))
    return edits / sum(map(len, truth))


def error_table(truth, decoded):
    """Count hits, substitutions, deletions and insertions with jiwer.

    Parameters
    ----------
    truth, decoded : list of sequences of labels, length n_epochs
        What was said and what was decoded.

    Returns
    -------
    table : DataFrame, n_epochs rows
        ``n_labels``, ``hits``, ``substitutions``, ``deletions``, ``insertions`` and
        ``error_rate`` (NaN where nothing was said).

    Raises
    ------
    ImportError
        If jiwer is missing.
    ValueError
        If the lists differ in length or nothing was said.

    Notes
    -----
    ``(table["substitutions"] + table["deletions"] + table["insertions"]).sum() /
    table["n_labels"].sum()`` is :func:`error_rate`.

    Examples
    --------
    >>> table = error_table([["ba", "du"], ["gei"]], [["ba"], ["xi"]])
    >>> table[["hits", "substitutions", "deletions"]].values.tolist()
    [[1, 0, 1], [0, 1, 0]]
    """
    truth, decoded = _check_pairs(truth, decoded)
    jiwer = import_optional("jiwer", extra="tokens", purpose="count errors by kind")
    # jiwer compares words of texts; numbers stand for labels, which may hold spaces.
    number = {
        label: str(index)
        for index, label in enumerate(dict.fromkeys(sum([*truth, *decoded], ())))
    }
    rows = []
    for own, other in zip(truth, decoded, strict=True):
        if not own:
            rows.append((0, 0, 0, 0, len(other)))
            continue
        texts = [" ".join(number[label] for label in part) for part in (own, other)]
        out = jiwer.process_words(*texts)
        counts = (out.hits, out.substitutions, out.deletions, out.insertions)
        rows.append((len(own), *counts))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    edits = table[["substitutions", "deletions", "insertions"]].sum(axis=1)
    table["error_rate"] = edits / table["n_labels"].replace(0, np.nan)
    return table


def _check_pairs(truth, decoded):
    truth, decoded = [tuple(own) for own in truth], [tuple(own) for own in decoded]
    if len(truth) != len(decoded):
        raise ValueError(
            f"`truth` and `decoded` must have one sequence per epoch each; got "
            f"{len(truth)} and {len(decoded)}."
        )
    if not any(truth):
        raise ValueError("`truth` is empty: an error rate needs labels.")
    return truth, decoded
