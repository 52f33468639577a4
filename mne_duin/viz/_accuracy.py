"""Accuracies of several estimators with their intervals, against chance."""

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from mne_duin.utils._checks import check_type
from mne_duin.utils._numbers import p_value_text, percent, percent_range
from mne_duin.viz._text import readable
from mne_duin.viz._theme import MUTED, PALETTE, STYLE, finish, get_axes, theme


def results_table(results):
    """Tabulate results for people: one row each, accuracy with interval, chance and p.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Results by name.

    Returns
    -------
    table : DataFrame
        Strings, index = name of the result.
    """
    rows = {}
    for name, result in results.items():
        low, high = result.interval
        p_value = getattr(result, "p_value", None)
        rows[str(name)] = {
            "accuracy": percent(result.accuracy),
            "95 % interval": percent_range(low, high),
            "chance": percent(result.chance),
            "permutation p": p_value_text(p_value).removeprefix("= "),
            "predictions": len(result.y_true),
            "classes": len(result.labels),
        }
    return pd.DataFrame(rows).T


@theme(STYLE)
def plot_accuracy(results, *, title=None, axes=None, show=True):
    """Show the accuracy of every result with its 95 % interval and chance.

    Parameters
    ----------
    results : dict of str to result
        Results by name; each has ``accuracy``, ``interval`` (low, high) and ``chance``,
        all between 0 and 1.
    title : str | None
        Title of the axes.
    axes : Axes | None
        Where to draw.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    check_type("results", results, dict)
    figure, axes = get_axes(axes, (5.6, 0.9 + 0.32 * max(len(results), 2)))
    for row, result in enumerate(results.values()):
        low, high = result.interval
        color = PALETTE[1] if row == 0 else MUTED
        axes.plot([low, high], [row, row], color=color, linewidth=2, alpha=0.5)
        axes.plot(result.accuracy, row, "o", color=color, markersize=6)
        axes.annotate(
            percent(result.accuracy), (max(high, result.chance), row), xytext=(6, 0),
            textcoords="offset points", ha="left", va="center", fontsize=7,
        )  # fmt: skip
        axes.plot(
            [result.chance] * 2, [row - 0.3, row + 0.3], color=MUTED, ls="--", lw=1
        )
    chances = [result.chance for result in results.values()]
    top = (np.mean(chances), -0.3) if chances else (0, 0)
    axes.annotate(
        "chance", top, xytext=(0, 3), textcoords="offset points", ha="center",
        fontsize=7, color=MUTED,
    )  # fmt: skip
    axes.set_yticks(range(len(results)), readable([str(name) for name in results]))
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(0, 1), ylim=(max(len(results), 1) - 0.4, -0.8))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("accuracy, 95 % interval")
    if title:
        axes.set_title(title)
    return finish(figure, show)


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
