"""One look for all pictures: sizes, colors, color maps, and where `show` ends."""

from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from mne_duin.viz._text import font_paths

WIDTH = 7.2  # inches: two columns of a journal page

STYLE = {
    "font.family": list(font_paths()),
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "#404040",
    "axes.labelcolor": "#202020",
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.color": "#404040",
    "ytick.color": "#404040",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "figure.titlesize": 10,
    "figure.titleweight": "bold",
    "figure.dpi": 110,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}

# Okabe and Ito's colors without yellow and black, which vanish on white or in text.
PALETTE = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")
FIXED = {"vSMC": PALETTE[0], "STG": PALETTE[1]}
NONE_COLOR = "#CCCCCC"  # a darker grey is pink or green to some eyes
NONE_NAME = "no region"
SIGNAL, MODEL, MUTED = "#6B6B6B", "#D55E00", "#8A8A8A"
TRAIN, VALID = "#0072B2", "#D55E00"

SEQUENTIAL = LinearSegmentedColormap.from_list(
    "duin_sequential", plt.get_cmap("magma_r")(np.linspace(0.06, 0.92, 256))
)
SHARES = LinearSegmentedColormap.from_list(
    "duin_shares", ["#FFFFFF", "#D6E6F2", "#7DB3D8", "#2474B5", "#08306B"]
)
DIVERGING = plt.get_cmap("RdBu_r")

# A context manager and a decorator; the type of matplotlib's says the former only.
theme: Any = plt.rc_context


def group_names(values):
    """Turn a column of names into strings, missing ones into "no region".

    Parameters
    ----------
    values : array-like
        Names; None and NaN are missing.

    Returns
    -------
    names : list of str
        One name per entry.
    """
    return [NONE_NAME if pd.isna(value) else str(value) for value in values]


def group_styles(names):
    """Give every group a color and a marker that no other group shares.

    Six colors that color-blind readers tell apart come first; further groups
    repeat them with another marker. The speech regions keep theirs in all pictures.

    Parameters
    ----------
    names : iterable of str
        Group of every contact; see `group_names`.

    Returns
    -------
    styles : dict of str to tuple (color, marker)
        In alphabetical order, "no region" last.
    """
    found = sorted(set(names) - {NONE_NAME})
    styles = {name: (FIXED[name], MARKERS[0]) for name in found if name in FIXED}
    taken = set(styles.values())
    free = [(c, m) for m, c in product(MARKERS, PALETTE) if (c, m) not in taken]
    others = [name for name in found if name not in FIXED]
    for rank, name in enumerate(others):
        styles[name] = free[rank % len(free)]
    styles = {name: styles[name] for name in found}
    if NONE_NAME in names:
        styles[NONE_NAME] = (NONE_COLOR, MARKERS[0])
    return styles


def value_scale(values, symmetric=None):
    """Choose color map and limits for a set of values.

    Parameters
    ----------
    values : array-like
        The values of the whole picture; NaN are ignored.
    symmetric : bool | None
        Whether the limits are symmetric about zero with a diverging map; None does
        that where there are values below zero.

    Returns
    -------
    cmap : Colormap
        The diverging or the sequential map.
    norm : Normalize
        The limits: ``-m … m``, or ``0 … m``.
    """
    values = np.asarray(values, dtype=float)
    finite = values[np.isfinite(values)]
    top = float(np.abs(finite).max()) if finite.size else 1.0
    top = top or 1.0
    if symmetric is None:
        symmetric = bool((finite < 0).any())
    if symmetric:
        return DIVERGING, Normalize(-top, top)
    return SEQUENTIAL, Normalize(0.0, top)


def group_handles(styles):
    """Make the legend's handles for groups of contacts.

    Parameters
    ----------
    styles : dict of str to tuple (color, marker)
        See `group_styles`.

    Returns
    -------
    handles : list of Line2D
        One marker per group.
    """
    look = {"linestyle": "none", "markeredgecolor": "#303030", "markeredgewidth": 0.4}
    return [
        Line2D([], [], color=color, marker=marker, markersize=5, label=name, **look)
        for name, (color, marker) in styles.items()
    ]


def legend_below(axes, handles=None):
    """Put the legend under the axes' label, where it can never hide a line.

    Parameters
    ----------
    axes : Axes
        Axes with labeled lines; nothing happens without any.
    handles : list of Artist | None
        Handles to use instead.
    """
    handles = handles or axes.get_legend_handles_labels()[0]
    if not handles:
        return
    figure = axes.figure.get_figure(root=True)
    down = ScaledTranslation(0, -30 / 72, figure.dpi_scale_trans)
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(-0.02, 0.0),
        bbox_transform=axes.transAxes + down,
        handlelength=1.6,
        borderaxespad=0.0,
    )


def share_ticks(axis):
    """Write shares on a logarithmic axis as percentages: 1 %, 2 %, 5 %, 10 %.

    Parameters
    ----------
    axis : Axis
        The axis.
    """
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axis.set_minor_formatter(NullFormatter())


def get_axes(axes, size):
    """Return one axes to draw in and its figure.

    Parameters
    ----------
    axes : Axes | None
        The caller's axes; None makes a figure.
    size : tuple of float
        Width and height in inches of a new figure.

    Returns
    -------
    figure : Figure
        The figure of the axes.
    axes : Axes
        The axes.
    """
    if axes is not None:
        return axes.figure.get_figure(root=True), axes
    return plt.subplots(figsize=size)


def add_note(axes, text):
    """Write a sentence where a picture cannot be drawn.

    Parameters
    ----------
    axes : Axes
        Emptied for the note.
    text : str
        What is missing and why.
    """
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        wrap=True,
        color="#505050",
        style="italic",
        fontsize=8,
    )


def add_footnote(figure, text):
    """Write small grey lines under a figure.

    Parameters
    ----------
    figure : Figure | SubFigure
        What to write under.
    text : str
        The lines; nothing is written for an empty string.
    """
    if text:
        figure.supxlabel(text, fontsize=6.5, color="#606060", x=0.01, ha="left")


def finish(figure, show):
    """Show a figure where a screen can show it, and return it.

    Parameters
    ----------
    figure : Figure
        The finished figure.
    show : bool
        Whether the caller wants to see it now.

    Returns
    -------
    figure : Figure
        The same figure.
    """
    silent = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}
    backend = plt.get_backend().lower()
    if show and backend not in silent:
        plt.show()
        if "inline" in backend:
            figure._ipython_display_ = _ShownOnce(figure)
    return figure


class _ShownOnce:
    """Keep a notebook from drawing a figure again at the end of the cell that did.

    In other cells the figure is drawn as any other.
    """

    def __init__(self, figure):
        self.figure, self.cell = figure, _cell()

    def __call__(self):
        if _cell() == self.cell:
            return
        from IPython.display import display

        del self.figure._ipython_display_
        display(self.figure)


def _cell():
    """Return the number of the cell that a notebook runs, None outside of one."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    return None if shell is None else shell.execution_count


def given_axes(axes, n_panels):
    """Check axes for a picture of several panels.

    Parameters
    ----------
    axes : Axes | array-like of Axes
        The caller's axes; fewer than there are panels show the first panels.
    n_panels : int
        How many panels the picture has.

    Returns
    -------
    figure : Figure
        The figure of the axes.
    axes : list of Axes
        One per panel to draw.

    Raises
    ------
    TypeError
        If something else than axes is given.
    ValueError
        If there are none, or more than panels.
    """
    found = list(np.ravel(np.asarray(axes, dtype=object)))
    if not all(isinstance(one, Axes) for one in found):
        kinds = sorted({type(one).__name__ for one in found})
        raise TypeError(f"`axes` must be Axes or a sequence of them; got {kinds}.")
    if not 1 <= len(found) <= n_panels:
        raise ValueError(
            f"`axes` must be 1 to {n_panels} axes, one per panel; got {len(found)}."
        )
    return found[0].figure.get_figure(root=True), found
