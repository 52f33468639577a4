"""Spatial filters: weights and patterns on the montage, kernels in ms and in Hz."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from mne_duin.utils._checks import check_number
from mne_duin.viz._align import align_filters, shaft_names, takes_montage
from mne_duin.viz._choice import best_view, chosen_rows
from mne_duin.viz._kernels import draw_kernels, draw_response
from mne_duin.viz._theme import (
    MODEL,
    MUTED,
    STYLE,
    WIDTH,
    add_footnote,
    finish,
    given_axes,
    theme,
    value_scale,
)
from mne_duin.viz.brain._glass import (
    brain_positions,
    draw_brain,
    draw_markers,
    draw_sides,
    marker_area,
)
from mne_duin.viz.brain._montage import draw_montage

ROW = 1.05  # inches per filter
PARTS = {"brain": 0.9, "montage": 1.2, "kernels": 1.1, "response": 1.1}  # inches


@theme(STYLE)
@takes_montage
def plot_spatial_filters(
    weights,
    contacts,
    *,
    kernels=None,
    patterns=None,
    sfreq=None,
    n_filters="auto",
    which=None,
    view="auto",
    label="weight",
    pattern_label="pattern",
    title=None,
    axes=None,
    show=True,
):
    """Plot spatial filters on the montage, one row per filter.

    A row shows the weights on a glass brain and on a map of shafts by contact numbers,
    the forward-model pattern of the same filter where it is given, the temporal kernels
    that follow the filter in milliseconds, and their frequency response in hertz. All
    rows share one color scale for weights and one for patterns.

    Parameters
    ----------
    weights : DataFrame | array-like, shape (n_filters, n_channels)
        Weights of one subject. The columns of a DataFrame are channel names.
    contacts : DataFrame | DigMontage | Info | Raw | Epochs
        Contacts, index = channel name; or an object of MNE with their positions.
    kernels : array-like | None
        Shape (n_filters, n_times) or (n_filters, n_kernels, n_times): the temporal
        kernels that follow each filter. Of several, the thick line is the shape they
        share most (first singular vector); the number is the fraction of their power
        that it holds.
    patterns : DataFrame | array-like, shape (n_filters, n_channels) | None
        Forward-model patterns of the same filters, as in :func:`plot_patterns`.
    sfreq : float | None
        Sampling rate in Hz. Without it the time axis counts samples and there is no
        frequency response.
    n_filters : int | "auto"
        How many filters are shown at most, those with the largest norm of weights;
        ``"auto"`` shows 8, or 6 where the montage has more than 12 shafts.
    which : int | sequence of int | None
        Show these filters (positions, from 0) in this order instead.
    view : "auto" | "l" | "r" | "y" | "z"
        View of the brains; ``"auto"`` takes the one with the contacts farthest apart.
    label, pattern_label : str
        What weights and patterns are, next to their color bars.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        One per filter, for its brain alone (its montage, where there are no
        coordinates); the strongest filters are shown.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.

    Raises
    ------
    ValueError
        If weights, patterns or kernels do not have one row per filter and one column
        per contact, or ``which`` names a filter that does not exist.
    """
    weights, contacts = align_filters(weights, contacts, "weights")
    n_shafts = len(set(shaft_names(contacts)))
    rows = _choose(weights, n_shafts, n_filters, which)
    maps = {label: weights}
    if patterns is not None:
        maps[pattern_label] = _check_patterns(patterns, contacts, len(weights))
    filters = _Filters(
        {name: values[rows] for name, values in maps.items()},
        _check_kernels(kernels, len(weights), rows),
        rows, contacts, sfreq, *_positions(contacts, view),
    )  # fmt: skip
    if axes is None:
        figure = _plot_rows(filters, n_shafts)
    else:
        figure = _plot_into(axes, filters)
    hidden = len(weights) - len(rows)
    more = _hidden_text(hidden, which) if hidden > 0 else ""
    add_footnote(figure, "\n".join(one for one in (filters.note, more) if one))
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


@theme(STYLE)
@takes_montage
def plot_patterns(
    patterns,
    contacts,
    *,
    weights=None,
    n_filters="auto",
    which=None,
    view="auto",
    label="pattern",
    title=None,
    axes=None,
    show=True,
):
    """Plot forward-model patterns: how strongly each source appears on each channel.

    Weights may be large only to cancel noise; patterns show where the signals that the
    filters read are strong (Haufe et al., NeuroImage 2014).

    Parameters
    ----------
    patterns : DataFrame | array-like, shape (n_filters, n_channels)
        Patterns of one subject. The columns of a DataFrame are channel names.
    contacts : DataFrame | DigMontage | Info | Raw | Epochs
        Contacts, index = channel name; or an object of MNE with their positions.
    weights : DataFrame | array-like, shape (n_filters, n_channels) | None
        Weights of the same filters. The filters with the largest weights are then
        shown, the same as in :func:`plot_spatial_filters`.
    n_filters : int | "auto"
        How many patterns are shown at most, the strongest ones.
    which : int | sequence of int | None
        Show these filters (positions, from 0) in this order instead.
    view : "auto" | "l" | "r" | "y" | "z"
        View of the brains.
    label : str
        What the values are, next to the color bar.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        One per pattern, as in `plot_spatial_filters`.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    if weights is not None and which is None:
        weights, table = align_filters(weights, contacts, "weights")
        which = _choose(weights, len(set(shaft_names(table))), n_filters, None)
    return plot_spatial_filters(
        patterns, contacts, n_filters=n_filters, which=which, view=view, label=label,
        title=title, axes=axes, show=show,
    )  # fmt: skip


def _choose(weights, n_shafts, n_filters, which):
    """Return the rows of the filters to show."""
    n_filters = (8 if n_shafts <= 12 else 6) if n_filters == "auto" else n_filters
    check_number("n_filters", n_filters, low=1, integer=True)
    return chosen_rows(weights, n_filters, which)


@dataclass(frozen=True)
class _Filters:
    """The filters of one figure: values by row, where the contacts are."""

    maps: dict  # name → (n_rows, n_channels)
    kernels: np.ndarray | None  # (n_rows, n_kernels, n_times)
    numbers: np.ndarray
    contacts: object
    sfreq: float | None
    xyz: np.ndarray
    note: str
    view: str

    @property
    def located(self):
        return bool(np.isfinite(self.xyz).all(axis=1).any())

    @property
    def scales(self):
        return {
            name: value_scale(values, symmetric=True)
            for name, values in self.maps.items()
        }


def _positions(contacts, view):
    """Return coordinates, what is missing, and the view."""
    xyz, note = brain_positions(contacts)
    return xyz, note, best_view(xyz) if view == "auto" else view


def _check_kernels(kernels, n_filters, rows):
    """Return the kernels of some filters as (n_rows, n_kernels, n_times), or None."""
    if kernels is None:
        return None
    kernels = np.asarray(kernels, dtype=float)
    kernels = kernels[:, None] if kernels.ndim == 2 else kernels
    if kernels.ndim != 3 or len(kernels) != n_filters:
        raise ValueError(
            f"`kernels` must have shape ({n_filters}, n_times) or ({n_filters}, "
            f"n_kernels, n_times); got {kernels.shape}."
        )
    return kernels[rows]


def _check_patterns(patterns, contacts, n_filters):
    """Return patterns in the order of the contacts of the weights."""
    patterns, table = align_filters(patterns, contacts, "patterns")
    if not table.index.equals(contacts.index) or len(patterns) != n_filters:
        raise ValueError(
            f"`patterns` must be of the same {n_filters} filters and "
            f"{len(contacts)} channels as `weights`, in the same order."
        )
    return patterns


def _hidden_text(hidden, which):
    weaker = "" if which is not None else "weaker "
    return f"{hidden} {weaker}filter{'s are' if hidden > 1 else ' is'} not shown."


def _plot_into(axes, filters):
    """Draw one brain (or montage) per filter into the axes of the caller."""
    figure, axes = given_axes(axes, len(filters.numbers))
    ((label, values),) = list(filters.maps.items())[:1]
    scale = filters.scales[label]
    for row, one in enumerate(axes):
        one.set_title(f"filter {filters.numbers[row] + 1}", fontsize=7.5, pad=2)
        _draw_map(one, values[row], filters, scale, brain=filters.located)
    bar = plt.cm.ScalarMappable(scale[1], scale[0])
    figure.colorbar(bar, orientation="horizontal", label=label, ax=axes)
    return figure


def _plot_rows(filters, n_shafts):
    """Draw one row of panels per filter, with color bars and legend below."""
    places = ["brain"] * filters.located + ["montage"]
    columns = [(name, part) for name in filters.maps for part in places]
    if filters.kernels is not None:
        columns.append(("", "kernels"))
        columns += [("", "response")] if filters.sfreq else []
    height = max(ROW, 0.35 + 0.075 * n_shafts)
    side = 1.3 if filters.view in "lr" else 0.8  # width of a brain by its height
    parts = PARTS | {"brain": min(side * height, 1.8)}
    widths = [parts[part] for _, part in columns]
    scale = min(1.5, WIDTH / sum(widths)) if len(filters.maps) == 1 else 1.0
    n_rows = len(filters.numbers)
    figure = plt.figure(figsize=(scale * sum(widths) + 0.9, height * n_rows + 1.1))
    grid = figure.add_gridspec(
        n_rows + 1, len(columns), width_ratios=widths, height_ratios=[height] * n_rows
        + [0.09],
    )  # fmt: skip
    for row in range(n_rows):
        panels = [figure.add_subplot(grid[row, k]) for k in range(len(columns))]
        _draw_row(panels, columns, filters, row)
    _add_bars(figure, grid, columns, filters)
    return figure


def _draw_row(panels, columns, filters, row):
    """Draw the panels of one filter."""
    scales, last = filters.scales, row == len(filters.numbers) - 1
    for axes, (name, part) in zip(panels, columns, strict=True):
        if part in ("brain", "montage"):
            _draw_map(
                axes, filters.maps[name][row], filters, scales[name],
                brain=part == "brain", named=last,
            )  # fmt: skip
            continue
        if part == "kernels":
            limit = 1.05 * float(np.abs(filters.kernels).max()) or 1.0
            draw_kernels(axes, filters.kernels[row], filters.sfreq, limit)
            unit = "time (ms)" if filters.sfreq else "samples"
        else:
            draw_response(axes, filters.kernels[row], filters.sfreq)
            unit = "frequency (Hz)"
            axes.set_ylabel("gain (dB)", fontsize=6.5, labelpad=1)
        axes.tick_params(labelbottom=last)
        if last:
            axes.set_xlabel(unit, fontsize=7, labelpad=1)
    if row == 0:
        _head_columns(panels, columns)
    number = f"filter {filters.numbers[row] + 1}"
    panels[0].text(
        -0.03, 0.5, number, transform=panels[0].transAxes, rotation=90, ha="right",
        va="center", fontsize=8, fontweight="bold",
    ).set_in_layout(True)  # fmt: skip
    if columns[0][1] == "montage":  # keep clear of the names of the shafts
        panels[0].texts[-1].set_x(-0.2)


def _head_columns(panels, columns):
    """Name the columns above the first row."""
    heads = {"kernels": "kernels", "response": "response"}
    before = None
    for axes, (name, part) in zip(panels, columns, strict=True):
        # The color bar has the rest of the name; a long one would move the panels.
        text = heads.get(part, name.split(",")[0] if name != before else "")
        axes.set_title(text, fontsize=8)
        before = name


def _add_bars(figure, grid, columns, filters):
    """Draw a color bar under each kind of map and the legend of the lines."""
    for name, scale in filters.scales.items():
        own = [k for k, (of, _) in enumerate(columns) if of == name]
        bar = figure.add_subplot(grid[-1, own[0] : own[-1] + 1])
        mappable = plt.cm.ScalarMappable(scale[1], scale[0])
        figure.colorbar(mappable, cax=bar, orientation="horizontal")
        bar.set_xlabel(name.replace(" (", "\n("), fontsize=7)
    own = [k for k, (_, part) in enumerate(columns) if part in ("kernels", "response")]
    if not own:
        return
    axes = figure.add_subplot(grid[-1, own[0] : own[-1] + 1])
    axes.set_axis_off()
    several = filters.kernels.shape[1] > 1
    handles = [Line2D([], [], color=MUTED, linewidth=0.7, label="kernels")] * several
    shape = "shape they share most (% of power)" if several else "kernel"
    handles.append(Line2D([], [], color=MODEL, linewidth=1.3, label=shape))
    axes.legend(
        handles=handles, loc="upper center", fontsize=6.5, ncols=1, handlelength=1.4,
        borderaxespad=0.0,
    )  # fmt: skip


def _draw_map(axes, values, filters, scale, *, brain, named=False):
    """Draw the values of one filter on a glass brain or as shafts by contacts."""
    cmap, norm = scale
    if not brain:
        ticks = "small" if named else "rows"
        draw_montage(axes, values, filters.contacts, cmap=cmap, norm=norm, ticks=ticks)
        if named:
            axes.set_xlabel("contact number", fontsize=7, labelpad=1)
        return
    draw_brain(axes, filters.view, notes=False)
    draw_sides(axes, filters.view)
    area = np.full(len(values), 0.6 * marker_area(len(values)))
    draw_markers(
        axes, filters.xyz, filters.view, colors=cmap(norm(values)), sizes=area,
        linewidth=0.3 if len(values) < 60 else 0.1, rank=np.abs(values),
    )  # fmt: skip
