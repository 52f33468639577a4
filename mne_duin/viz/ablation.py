"""Accuracy against the values of one parameter."""

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from mne_duin.utils.checks import check_type
from mne_duin.viz.theme import MUTED, PALETTE, STYLE, finish, get_axes, theme


@theme(STYLE)
def plot_ablation(table, *, title=None, axes=None, show=True):
    """Show accuracy with its interval for every value of a parameter.

    Parameters
    ----------
    table : DataFrame
        One row per value with ``parameter``, ``value``, ``accuracy``, ``low``, ``high``
        and ``chance``; what :func:`~mne_duin.ablate` returns, of one parameter.
    title : str | None
        Title of the axes.
    axes : Axes | None
        Where to draw.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure; values stand at equal distances, in their order.

    Raises
    ------
    ValueError
        If a column is missing or there are several parameters.

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_duin import plot_ablation
    >>> table = pd.DataFrame({"parameter": "mae__mask_ratio", "value": [0.3, 0.5]})
    >>> table = table.assign(accuracy=[0.4, 0.5], low=0.3, high=0.6, chance=0.25)
    >>> figure = plot_ablation(table, show=False)
    """
    check_type("table", table, pd.DataFrame)
    wanted = ("parameter", "value", "accuracy", "low", "high", "chance")
    missing = [name for name in wanted if name not in table]
    if missing:
        raise ValueError(f"`table` must have columns {missing}; got {list(table)}.")
    names = table["parameter"].unique()
    if len(names) != 1:
        raise ValueError(f"`table` must be of one parameter; got {list(names)}.")
    figure, axes = get_axes(axes, (3.6, 2.7))
    places = np.arange(len(table))
    center = table["accuracy"].to_numpy()
    spread = np.abs(table[["low", "high"]].to_numpy().T - center)
    axes.errorbar(places, center, spread, fmt="o-", color=PALETTE[1], markersize=5)
    axes.axhline(table["chance"].mean(), color=MUTED, linestyle="--", linewidth=0.8)
    axes.set_xticks(places, [str(value) for value in table["value"]])
    label = str(names[0]).replace("__", ", ").replace("_", " ")
    axes.set(xlabel=label, ylabel="accuracy, 95 % interval", ylim=(0, None))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if title:
        axes.set_title(title)
    return finish(figure, show)
