"""How learning went: losses, accuracy and codes over the passes; accuracy over data."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mne_duin.utils._checks import check_type
from mne_duin.viz._align import as_frame
from mne_duin.viz._theme import (
    MARKERS,
    MUTED,
    PALETTE,
    STYLE,
    TRAIN,
    VALID,
    WIDTH,
    finish,
    get_axes,
    given_axes,
    legend_below,
    theme,
)

CODEX = "codex starts"
NOT_PARTS = {"train_loss", "valid_loss"}
# Between points of the same amount, as a fraction of the axis.
DODGE = 0.012


def codex_start(frame):
    """Return the pass at which the codex starts, where that is not the first one.

    Parameters
    ----------
    frame : DataFrame
        One row per pass; ``codes_used`` is 0 while there is no codex.

    Returns
    -------
    start : int | None
        The first pass with codes; None if the codex was there from the first pass, or
        there is none.
    """
    if "codes_used" not in frame:
        return None
    used = frame["codes_used"].fillna(0).to_numpy() > 0
    if not used.any() or used[0]:
        return None
    return int(frame["pass"].iloc[int(used.argmax())])


@theme(STYLE)
def plot_history(
    history, *, best_pass=None, chance=None, title=None, axes=None, show=True
):
    """Plot what a fit recorded over its passes over the training data.

    One panel each for the loss (with its parts), the accuracy, the codes in use with
    their perplexity, and the learning rate; what was not recorded has no panel. A line
    marks the pass at which the codex starts: the loss jumps there, because the decoder
    is given codes instead of tokens.

    Parameters
    ----------
    history : DataFrame | object with ``to_frame()``
        One row per pass, with columns out of ``pass, lr, train_loss, valid_loss,
        train_loss_…, train_accuracy, valid_accuracy, codes_used, perplexity``.
    best_pass : int | None
        Pass whose weights were kept, marked by a line.
    chance : float | None
        Accuracy at chance, between 0 and 1.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        One per panel, in the order loss, accuracy, codes, learning rate.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.

    Raises
    ------
    ValueError
        If the history has no column that can be plotted.
    """
    frame = as_frame(history)
    drawers = {
        "loss": (_draw_loss, [name for name in frame if "_loss" in name]),
        "accuracy": (_draw_accuracy, [name for name in frame if "accuracy" in name]),
        "codes": (
            _draw_codes,
            frame.columns.intersection(["codes_used", "perplexity"]),
        ),
        "lr": (_draw_lr, frame.columns.intersection(["lr"])),
    }
    start = codex_start(frame)
    panels = [(draw, list(names)) for draw, names in drawers.values() if len(names)]
    if not panels:
        raise ValueError(
            "`history` has nothing to plot: it needs columns such as 'train_loss', "
            f"'valid_accuracy', 'codes_used' or 'lr'; got {list(frame.columns)}."
        )
    if axes is None:
        size = (max(min(WIDTH, 2.6 * len(panels)), 3.0), 2.7)
        figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False)
        axes = axes[0]
    else:
        figure, axes = given_axes(axes, len(panels))
    for one, (draw, names) in zip(axes, panels, strict=False):
        draw(one, frame, names)
        if draw is _draw_accuracy and chance is not None:
            one.axhline(chance, color=MUTED, linewidth=0.8, ls="--", label="chance")
        if draw is _draw_loss and start is not None:
            look = {"color": PALETTE[3], "linewidth": 1.0, "linestyle": "-."}
            one.axvline(start - 0.5, label=CODEX, **look)
        if best_pass is not None:
            one.axvline(best_pass, color=MUTED, linewidth=0.8, linestyle=":")
        one.set_xlabel("pass")
        one.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        legend_below(one)
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _line(axes, frame, name, **look):
    """Draw one column; a fit of a single pass still shows its point."""
    known = frame[["pass", name]].apply(pd.to_numeric, errors="coerce").dropna()
    marker = "o" if len(known) == 1 else None
    return axes.plot(known["pass"], known[name], marker=marker, markersize=4, **look)


def _draw_loss(axes, frame, names):
    parts = [
        name for name in names if name not in NOT_PARTS and name.startswith("train")
    ]
    for rank, name in enumerate(parts):
        text = name.removeprefix("train_loss_").replace("_", " ")
        color = PALETTE[2 + rank % (len(PALETTE) - 2)]
        _line(axes, frame, name, color=color, linewidth=0.9, linestyle="--", label=text)
    for name, color in (("train_loss", TRAIN), ("valid_loss", VALID)):
        if name in names:
            text = "training" if name == "train_loss" else "validation"
            _line(axes, frame, name, color=color, label=text)
    axes.set_title("loss")


def _draw_accuracy(axes, frame, names):
    for name, color in (("train_accuracy", TRAIN), ("valid_accuracy", VALID)):
        if name in names:
            text = "training" if name == "train_accuracy" else "validation"
            _line(axes, frame, name, color=color, label=text)
    axes.set_title("accuracy")
    axes.set_ylim(0, None)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")


def _draw_codes(axes, frame, names):
    for name, color in (("codes_used", TRAIN), ("perplexity", PALETTE[2])):
        if name in names:
            _line(axes, frame, name, color=color, label=name.replace("_", " "))
    axes.set_title("codex")
    axes.set_ylim(0, None)
    axes.set_ylabel("codes")


def _draw_lr(axes, frame, names):
    power = int(np.floor(np.log10(max(frame[names[0]].max(), 1e-12))))
    _line(axes, frame.assign(lr=frame[names[0]] / 10.0**power), "lr", color=MUTED)
    axes.set_title("learning rate")
    axes.set(ylim=(0, None), ylabel=f"$10^{{{power}}}$")


@theme(STYLE)
def plot_learning_curve(curve, *, chance=None, title=None, axes=None, show=True):
    """Show accuracy against the number of training trials.

    Parameters
    ----------
    curve : DataFrame
        One row per estimator, amount of data and repetition, with columns
        ``n_per_class`` (or ``n_train``), ``accuracy`` and, for several estimators,
        ``estimator``; ``low`` and ``high``, the limits of an interval, as in what
        :func:`summarize_curve` returns, where there is one row per point.
    chance : float | None
        Accuracy at chance; a column ``chance`` is used if there is one.
    title : str | None
        Title of the axes.
    axes : Axes | None
        Where to draw.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure. Bars are the given limits; points are then shifted against each
        other. Without limits lines are means over the repetitions, and bands their
        95 % interval (normal approximation), drawn where there are three or more.
    """
    check_type("curve", curve, pd.DataFrame)
    amount = "n_per_class" if "n_per_class" in curve else "n_train"
    missing = [name for name in (amount, "accuracy") if name not in curve]
    if missing:
        raise ValueError(f"`curve` must have columns {missing}; got {list(curve)}.")
    figure, axes = get_axes(axes, (3.6, 2.7))
    if "estimator" not in curve:
        curve = curve.assign(estimator="estimator")
    parts = list(curve.groupby("estimator", sort=False))
    has_limits = {"low", "high"} <= set(curve)
    step = DODGE * np.ptp(curve[amount]) if has_limits else 0.0
    for rank, (name, rows) in enumerate(parts):
        look = {
            "color": PALETTE[(rank + 1) % len(PALETTE)],
            "marker": MARKERS[rank % len(MARKERS)],
            "markersize": 4.5,
            "label": str(name),
        }
        if has_limits:
            _draw_limits(axes, rows, amount, step * (rank - (len(parts) - 1) / 2), look)
        else:
            _draw_repetitions(axes, rows, amount, look)
    if chance is None and "chance" in curve:
        chance = float(curve["chance"].mean())
    if chance is not None:
        axes.axhline(chance, color=MUTED, linestyle="--", linewidth=0.8, label="chance")
    text = "training trials" + (" per class" if amount == "n_per_class" else "")
    axes.set(xlabel=text, ylabel="accuracy", ylim=(0, None))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    if curve[amount].nunique() <= 8:
        axes.set_xticks(sorted(curve[amount].unique()))
    if title:
        axes.set_title(title)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    # Containers of bars come last of themselves.
    handles |= {"chance": handles.pop("chance")} if "chance" in handles else {}
    axes.legend(handles.values(), handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return finish(figure, show)


def _draw_limits(axes, rows, amount, shift, look):
    rows = rows.sort_values(amount)
    below, above = rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]
    limits = np.maximum([below, above], 0.0)
    axes.errorbar(
        rows[amount] + shift, rows["accuracy"], limits, elinewidth=0.8, **look
    )


def _draw_repetitions(axes, rows, amount, look):
    grouped = rows.groupby(amount)["accuracy"]
    mean, count = grouped.mean(), grouped.count()
    axes.plot(mean.index, mean, **look)
    if count.min() >= 3:
        half = 1.96 * grouped.std() / np.sqrt(count)
        axes.fill_between(
            mean.index,
            mean - half,
            mean + half,
            color=look["color"],
            alpha=0.18,
            linewidth=0,
        )
