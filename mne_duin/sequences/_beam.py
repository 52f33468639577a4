"""From the probabilities of a CTC network to sequences: greedy and beam search.

A path through the tokens becomes a sequence by joining equal neighbors and then
leaving out the blank (class 0). The probability of a sequence is the sum over all its
paths. The beam search keeps the most probable prefixes and adds up the paths of each,
apart for those that end with the blank and those that do not (Graves et al. 2006;
Hannun et al. 2014, algorithm 1). A word list lets only those prefixes live that can
still become a chain of its words.
"""

import numpy as np

from mne_duin.utils._checks import check_number

BLANK = 0


def greedy_sequence(log_probabilities):
    """Return the sequence of the most probable path.

    Parameters
    ----------
    log_probabilities : ndarray, shape (n_tokens, 1 + n_classes)
        Of the blank and of every class, for each token of one epoch.

    Returns
    -------
    sequence : tuple of int
        Classes from 1 on.

    Examples
    --------
    >>> import numpy as np
    >>> paths = np.log([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1]])
    >>> greedy_sequence(paths)
    (1,)
    """
    best = _check(log_probabilities).argmax(1)
    changes = np.concatenate([[True], best[1:] != best[:-1]])
    return tuple(int(label) for label in best[changes & (best != BLANK)])


def beam_search(log_probabilities, *, beam_width=16, words=None):
    """Return the most probable sequences.

    Parameters
    ----------
    log_probabilities : ndarray, shape (n_tokens, 1 + n_classes)
        Of the blank and of every class, for each token of one epoch.
    beam_width : int
        So many prefixes are kept after each token.
    words : iterable of sequences of int | None
        The word list: every result is a chain of these (or empty). None allows all.

    Returns
    -------
    hypotheses : list of (tuple of int, float)
        Sequences of classes from 1 on, and the logarithm of their probability (of all
        paths that the beam followed), the most probable first. With a word list only
        chains of whole words are among them; if the beam holds none, the empty one.

    Raises
    ------
    ValueError
        If the shape is another one, or a word is empty or has unknown classes.

    References
    ----------
    Graves et al., ICML 2006; Hannun et al., arXiv 1408.2873.

    Examples
    --------
    >>> import numpy as np
    >>> paths = np.log([[0.6, 0.4], [0.6, 0.4]])
    >>> greedy_sequence(paths)
    ()
    >>> sequence, log_probability = beam_search(paths)[0]
    >>> sequence, round(float(np.exp(log_probability)), 2)
    ((1,), 0.64)
    """
    table = _check(log_probabilities)
    check_number("beam_width", beam_width, low=1, integer=True)
    tree = None if words is None else word_tree(words, table.shape[1] - 1)
    # Prefix → log probability of the paths that end with the blank, and without it.
    beams = {(): (0.0, -np.inf)}
    states = {(): (tree,)}
    for row in table.tolist():
        grown = {}
        for prefix, (blank, label) in beams.items():
            _stay(grown, prefix, blank, label, row)
            for code in _allowed(states[prefix], len(row)):
                _grow(grown, states, prefix, code, (blank, label), row)
        ranked = sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))
        beams = dict(ranked[:beam_width])
    whole = [
        prefix
        for prefix in beams
        if tree is None or any(node is tree for node in states[prefix])
    ]
    results = [(prefix, float(np.logaddexp(*beams[prefix]))) for prefix in whole]
    results = [result for result in results if result[1] > -np.inf]
    return results or [((), float(table[:, BLANK].sum()))]


def word_tree(words, n_classes):
    """Arrange words in a tree that a search walks down label by label.

    Parameters
    ----------
    words : iterable of sequences of int
        The words, classes from 1 on.
    n_classes : int
        Number of classes.

    Returns
    -------
    tree : dict
        Label → tree of what may follow. ``None`` → True marks the end of a word.

    Raises
    ------
    ValueError
        If there are no words, or one is empty or has unknown classes.
    """
    tree = {}
    for word in words:
        node = tree
        if not len(word) or not all(1 <= label <= n_classes for label in word):
            raise ValueError(
                f"`words` must be sequences of classes from 1 to {n_classes}, none of "
                f"them empty; got {word!r}."
            )
        for label in word:
            node = node.setdefault(int(label), {})
        node[None] = True
    if not tree:
        raise ValueError("`words` is empty; pass None to allow every sequence.")
    return tree


def _check(log_probabilities):
    table = np.asarray(log_probabilities, dtype=float)
    if table.ndim != 2 or table.shape[1] < 2 or np.isnan(table).any():
        raise ValueError(
            "`log_probabilities` must be numbers of shape (n_tokens, 1 + n_classes); "
            f"got shape {table.shape}."
        )
    return table


def _add(grown, prefix, blank, label):
    """Add the paths of a prefix to those that led to it already."""
    before = grown.get(prefix, (-np.inf, -np.inf))
    grown[prefix] = (
        float(np.logaddexp(before[0], blank)),
        float(np.logaddexp(before[1], label)),
    )


def _stay(grown, prefix, blank, label, row):
    """Follow the paths that add nothing: the blank, or the last label once more."""
    total = float(np.logaddexp(blank, label))
    again = label + row[prefix[-1]] if prefix else -np.inf
    _add(grown, prefix, total + row[BLANK], again)


def _grow(grown, states, prefix, code, logs, row):
    """Follow the paths that add a label; a repeated one needs a blank before it."""
    blank, label = logs
    repeated = bool(prefix) and prefix[-1] == code
    start = blank if repeated else float(np.logaddexp(blank, label))
    longer = (*prefix, code)
    if start == -np.inf or row[code] == -np.inf:
        return
    if longer not in states:
        states[longer] = _descend(states[prefix], states[()][0], code)
    _add(grown, longer, -np.inf, start + row[code])


def _allowed(nodes, n_columns):
    """Return the labels that may follow; ``nodes`` are all places in the word tree."""
    if nodes[0] is None:
        return range(1, n_columns)
    return sorted({label for node in nodes for label in node if label is not None})


def _descend(nodes, root, code):
    """Return all places in the word tree after one more label."""
    if root is None:
        return (None,)
    below = [node[code] for node in nodes if code in node]
    if any(None in node for node in below):
        below.append(root)
    return tuple(below)
