"""Which words are taken for which; similar words stand together."""

import numpy as np
from matplotlib.ticker import PercentFormatter
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from mne_duin.utils._checks import check_option
from mne_duin.utils._numbers import percent
from mne_duin.viz._text import readable
from mne_duin.viz._theme import SHARES, STYLE, finish, get_axes, theme


def confusion_order(matrix):
    """Order classes so that those taken for each other are neighbors.

    Average linkage on ``1 - s``, where ``s`` is the mean of both directions of
    confusion after every row was divided by its sum; leaves ordered optimally.

    Parameters
    ----------
    matrix : array, shape (n_classes, n_classes)
        Trials of each true class (rows) by predicted class.

    Returns
    -------
    order : array of int, shape (n_classes,)
        Positions of the classes.
    """
    share = _row_shares(matrix)
    if len(share) < 3:
        return np.arange(len(share))
    distance = 1.0 - (share + share.T) / 2
    np.fill_diagonal(distance, 0.0)
    distance = squareform(distance, checks=False)
    tree = linkage(distance, "average")
    return leaves_list(optimal_leaf_ordering(tree, distance))


def shared_order(results):
    """Order the classes of several results by the confusions of all of them.

    Parameters
    ----------
    results : list of DecodingResult
        Results with ``y_true``, ``y_pred`` and ``labels``.

    Returns
    -------
    labels : array | None
        The classes in the order of `confusion_order`; None if the results have
        different classes.
    """
    labels = np.asarray(results[0].labels)
    if any(not np.array_equal(labels, result.labels) for result in results):
        return None
    counts = [_count_pairs(one.y_true, one.y_pred, labels) for one in results]
    return labels[confusion_order(np.sum(counts, axis=0))]


def _count_pairs(y_true, y_pred, labels):
    """Count the trials of each true (row) and predicted (column) class."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    places = {label: place for place, label in enumerate(labels.tolist())}
    unknown = set(y_true.tolist() + y_pred.tolist()) - set(places)
    if unknown:
        raise ValueError(
            f"`labels` lacks classes that occur in the trials: {sorted(unknown)[:5]}."
        )
    rows = [places[label] for label in y_true.tolist()]
    columns = [places[label] for label in y_pred.tolist()]
    matrix = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(matrix, (rows, columns), 1)
    return matrix


def _row_shares(matrix):
    matrix = np.asarray(matrix, dtype=float)
    return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1.0)


@theme(STYLE)
def plot_confusion(
    y_true,
    y_pred,
    labels=None,
    *,
    order="similarity",
    title=None,
    axes=None,
    show=True,
):
    """Plot the confusion matrix, each row as percentages of its true class.

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n_epochs,)
        True and predicted classes.
    labels : sequence | None
        The classes; None takes those that occur.
    order : "similarity" | "labels"
        Similar classes together (see `confusion_order`), or as in ``labels``.
    title : str | None
        Title of the axes; None writes accuracy and number of trials.
    axes : Axes | None
        Where to draw.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure. Chinese labels are drawn with a font of the computer, or the bundled
        one, which has the words of the published task.

    Examples
    --------
    >>> from mne_duin import plot_confusion
    >>> truth, decoded = ["no", "yes", "yes"], ["no", "yes", "no"]
    >>> figure = plot_confusion(truth, decoded, show=False)
    """
    check_option("order", order, ["similarity", "labels"])
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape or y_true.ndim != 1 or not len(y_true):
        raise ValueError(
            "`y_true` and `y_pred` must have the same shape (n_epochs,), with at least "
            f"one epoch; got {y_true.shape} and {y_pred.shape}."
        )
    if labels is None:
        labels = np.unique(np.concatenate([y_true, y_pred]))
    labels = np.asarray(labels)
    matrix = _count_pairs(y_true, y_pred, labels)
    if order == "similarity":
        ranks = confusion_order(matrix)
        matrix, labels = matrix[np.ix_(ranks, ranks)], labels[ranks]
    side = float(np.clip(1.6 + 0.22 * len(labels), 2.8, 8.6))
    figure, axes = get_axes(axes, (side + 0.9, side))
    _draw_matrix(figure, axes, matrix, labels)
    accuracy = float((y_true == y_pred).mean())
    axes.set_title(title or f"{percent(accuracy)} of {len(y_true)} trials correct")
    return finish(figure, show)


def _draw_matrix(figure, axes, matrix, labels):
    """Draw the cells, their numbers where they fit, and the names of the classes."""
    share = _row_shares(matrix)
    n_classes = len(labels)
    image = axes.imshow(share, cmap=SHARES, vmin=0, vmax=1)
    if n_classes <= 12:
        for row, column in np.argwhere(matrix > 0):
            dark = share[row, column] > 0.55
            axes.text(
                column, row, f"{100 * share[row, column]:.0f}", ha="center",
                va="center", fontsize=6.5, color="white" if dark else "#202020",
            )  # fmt: skip
    size = 7.5 if n_classes <= 30 else 6
    names = readable([str(label) for label in labels])
    long = max(len(name) for name in names) > 2 or n_classes > 20
    axes.set_xticks(range(n_classes), names, fontsize=size, rotation=90 if long else 0)
    axes.set_yticks(range(n_classes), names, fontsize=size)
    axes.spines[:].set(visible=True, color="#C8C8C8")
    axes.tick_params(length=0)
    axes.set(xlabel="predicted", ylabel="true")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=18)
    bar.set_label("% of the true class")
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    bar.outline.set_visible(False)
