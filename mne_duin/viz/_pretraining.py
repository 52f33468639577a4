"""Whether pre-training learned: network and simple rules next to each other."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from mne_duin.utils._checks import check_option
from mne_duin.viz._theme import (
    MARKERS,
    MUTED,
    PALETTE,
    STYLE,
    WIDTH,
    finish,
    given_axes,
    legend_below,
    theme,
)

MEASURES = {
    "error": "squared error on hidden cells (1: the mean)",
    "accuracy": "fraction of correctly predicted hidden codes",
}


@theme(STYLE)
def plot_pretraining(
    table, measure="error", *, probe=None, verdict=None, axes=None, show=True
):
    """Compare held-out predictions of a pre-trained network with simple rules.

    Parameters
    ----------
    table : DataFrame
        Columns ``quantity``, ``method`` and ``value``; the method ``"network"`` is
        drawn filled, the others are the rules that it has to beat.
    measure : "error" | "accuracy"
        What the values are. Errors are better to the left, accuracies to the right.
    probe : DataFrame | None
        Columns ``method`` and ``accuracy``: what linear discriminants read from the
        frozen encoder, from the signal and from both; drawn in a panel of its own.
    verdict : str | None
        Title of the figure: what the numbers say, in words.
    axes : Axes | sequence of Axes | None
        Where to draw: one panel, and a second one with ``probe``.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.

    Raises
    ------
    ValueError
        If the table lacks a column or has no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_duin import plot_pretraining
    >>> values = {"network": 0.7, "mean": 1.0, "both neighbors": 0.9}
    >>> rows = [("power", method, value) for method, value in values.items()]
    >>> table = pd.DataFrame(rows, columns=["quantity", "method", "value"])
    >>> figure = plot_pretraining(table, show=False)
    >>> figure.axes[0].get_xlabel()
    'squared error on hidden cells (1: the mean)'
    """
    check_option("measure", measure, tuple(MEASURES))
    missing = {"quantity", "method", "value"} - set(table.columns)
    if missing or not len(table):
        raise ValueError(
            "`table` must have rows with the columns quantity, method and value; "
            f"{'it has no rows' if not missing else 'it lacks ' + ', '.join(missing)}."
        )
    n_panels = 1 if probe is None else 2
    quantities = list(dict.fromkeys(table["quantity"]))
    if axes is None:
        size = (WIDTH, 1.6 + 0.35 * len(quantities))
        ratios = [2, 1][:n_panels]
        figure, axes = plt.subplots(1, n_panels, figsize=size, width_ratios=ratios)
        axes = np.atleast_1d(axes)
    else:
        figure, axes = given_axes(axes, n_panels)
    _draw_values(axes[0], table, quantities, measure)
    if probe is not None:
        _draw_probe(axes[1], probe)
    if verdict:
        text = textwrap.fill(verdict, 100)
        figure.suptitle(text, x=0.01, ha="left", fontsize="medium")
    return finish(figure, show)


def _draw_values(axes, table, quantities, measure):
    """Draw one row per quantity and one mark per method."""
    rows = {name: row for row, name in enumerate(reversed(quantities))}
    methods = sorted(table["method"].unique(), key=lambda name: name != "network")
    for rank, method in enumerate(methods):
        own = table[table["method"] == method]
        is_network = method == "network"
        color = PALETTE[rank % len(PALETTE)]
        axes.scatter(
            own["value"],
            [rows[name] for name in own["quantity"]],
            marker=MARKERS[rank % len(MARKERS)],
            s=36 if is_network else 26,
            color=color if is_network else "none",
            edgecolor=color,
            zorder=3,
            label=method,
        )
    axes.set_yticks(list(rows.values()), list(rows))
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(left=0)
    axes.set_xlabel(MEASURES[measure])
    legend_below(axes)


def _draw_probe(axes, probe):
    """Draw the accuracies of the linear discriminants as bars."""
    accuracy = 100 * probe["accuracy"].to_numpy(dtype=float)
    rows = np.arange(len(probe))[::-1]
    colors = [PALETTE[0], MUTED, PALETTE[1]]
    axes.barh(rows, accuracy, height=0.5, color=colors[: len(probe)])
    axes.set_yticks(rows, [textwrap.fill(name, 14) for name in probe["method"]])
    axes.set_xlim(0, 100)
    axes.set_xlabel("correctly classified trials (%)")
