"""Which channels a model uses: on the brain, on the cortex, and ranked."""

import matplotlib.pyplot as plt
import numpy as np

from mne_duin.utils._checks import check_number, check_option
from mne_duin.utils._moved import former_option
from mne_duin.viz._align import align_values, column_names, shaft_names, takes_montage
from mne_duin.viz._theme import (
    NONE_NAME,
    STYLE,
    WIDTH,
    add_footnote,
    add_note,
    finish,
    get_axes,
    given_axes,
    group_handles,
    group_names,
    group_styles,
    legend_below,
    theme,
    value_scale,
)
from mne_duin.viz.brain._glass import brain_positions
from mne_duin.viz.brain._panels import (
    draw_cells,
    draw_cortex,
    draw_cortex_counts,
    draw_glass,
    glass_grid,
    glass_widths,
    montage_blocks,
    paint_cortex,
    picture_height,
)

METHODS = {
    "weights": "mean |spatial weight|",
    "patterns": "forward-model pattern",
    "permutation": "increase in loss when permuted",
}
CAVEATS = {
    "weights": "Weights hardly leave their initial values on a few hundred trials, and "
    "a large weight may only cancel noise (Haufe et al., 2014).",
    "patterns": "Patterns show where the signals that the model reads are strong "
    "(Haufe et al., 2014), whether or not it needs that channel.",
    "permutation": "Permutation shows what held-out trials lose without one channel; "
    "channels that carry the same information hide each other.",
}
KINDS = ("glass", "surface", "montage", "bars")


@theme(STYLE)
@takes_montage
def plot_contributions(
    contributions,
    contacts,
    *,
    method=None,
    kind="glass",
    n_bars=20,
    counts="auto",
    label=None,
    title=None,
    axes=None,
    show=True,
):
    """Show how much each channel contributes.

    Parameters
    ----------
    contributions : Series | array-like, shape (n_channels,) | dict
        One value per channel. A Series is looked up by channel name; a dict holds the
        values of several subjects, drawn on one brain.
    contacts : DataFrame | dict of str to DataFrame | DigMontage | Info | Raw | Epochs
        Contacts, index = channel name; a dict by subject where contributions are one.
    method : "weights" | "patterns" | "permutation" | str | None
        How the values were found; named in the picture, with what it can tell.
    kind : "glass" | "surface" | "montage" | "bars"
        Markers on the glass brain, values smoothed on the inflated fsaverage5 surface,
        or shaft by contact number, each beside the ranked bars; or the bars alone.
        Contacts without coordinates in a template space turn brains into montages.
    n_bars : int
        How many channels are ranked at most.
    counts : bool | "auto"
        Whether the surface is drawn a second time, coloured by the number of contacts
        behind each place; ``"auto"`` does for several subjects.
    label : str | None
        What the values are and their unit; None takes it from ``method``.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        Where to draw, without the bars: one axes per view of the glass brain (in the
        order left, back, top for one hemisphere), per face of the cortex, or per block
        of 32 shafts of the montage. For ``kind="bars"`` where to draw these.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    check_option("kind", kind, KINDS)
    check_number("n_bars", n_bars, low=1, integer=True)
    check_option("counts", counts, [True, False, "auto"])
    values, contacts = align_values(contributions, contacts, "contributions")
    method = former_option("method", method, {"ablation": "permutation"})
    label = label or METHODS.get(method, method or "contribution")
    notes = [CAVEATS[method]] if method in CAVEATS else []
    if kind == "bars":
        figure, axes = get_axes(axes, (3.2, 0.8 + 0.16 * min(n_bars, len(values))))
        notes.append(_draw_bars(axes, values, contacts, n_bars, label))
    elif axes is not None:
        figure, note = _draw_into(axes, kind, values, contacts, label)
        notes.append(note)
    else:
        if counts == "auto":
            counts = len(set(column_names(contacts, "subject"))) > 1
        figure, right, note = _plot_beside(
            kind, values, contacts, label, counts, n_bars
        )
        notes += [note, _draw_bars(right, values, contacts, n_bars, label)]
    add_footnote(figure, "\n".join(note for note in notes if note))
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _prepare(kind, values, contacts):
    """Choose the picture, its grid of panels, how it is drawn, and what is missing."""
    xyz, note = brain_positions(contacts)
    scale = value_scale(values)
    if kind == "montage" or not np.isfinite(xyz).all(axis=1).any():
        blocks = montage_blocks(contacts)
        note = "" if kind == "montage" else note

        def draw(axes):
            draw_cells(axes, blocks, values, contacts, scale)

        sizes = [len(set(shaft_names(contacts.iloc[rows]))) for rows in blocks]
        return "montage", [sizes], draw, note, None
    if kind == "glass":
        grid = glass_grid(xyz)

        def draw(axes):
            draw_glass(axes, grid, xyz, values, contacts, scale)

        return kind, grid, draw, note, None
    painted, counted, grid, deep = paint_cortex(values, contacts)

    def draw(axes):
        draw_cortex(axes, grid, painted, scale)

    return kind, grid, draw, deep or note, counted


def _draw_into(axes, kind, values, contacts, label):
    """Draw the picture into the caller's axes, with a colour bar beside them."""
    kind, grid, draw, note, _ = _prepare(kind, values, contacts)
    figure, axes = given_axes(axes, max(sum(len(row) for row in grid), 1))
    draw(axes)
    cmap, norm = value_scale(values)
    bar = plt.cm.ScalarMappable(norm, cmap)
    figure.colorbar(bar, ax=axes, shrink=0.6, aspect=18, label=label)
    return figure, note


def _plot_beside(kind, values, contacts, label, counts, n_bars):
    """Draw brain, cortex or montage on the left; return the axes for the bars."""
    kind, grid, draw, note, counted = _prepare(kind, values, contacts)
    height = picture_height(kind, grid if kind != "montage" else grid[0])
    height = max(height, 1.5 + 0.1 * min(len(values), n_bars))
    counts = counts and kind == "surface" and bool(grid)
    figure = plt.figure(figsize=(WIDTH + 0.4, height * (1 + counts)))
    left, right = figure.subfigures(1, 2, width_ratios=[2.15, 1])
    if counts:
        left, below = left.subfigures(2, 1)
        draw_cortex_counts(below, grid, counted)
    if kind == "montage" and note:
        left, above = _make_room(left, height)
        add_note(above, note)
        note = ""
    widths = glass_widths(grid) if kind == "glass" else None
    shape = (max(len(grid), 1), len(grid[0]) if grid else 1)
    axes = left.subplots(*shape, squeeze=False, width_ratios=widths).ravel()
    draw(axes)
    cmap, norm = value_scale(values)
    left.colorbar(
        plt.cm.ScalarMappable(norm, cmap), ax=axes, orientation="horizontal",
        shrink=0.45, aspect=28, pad=0.03, label=label,
    )  # fmt: skip
    return (
        figure,
        _bar_axes(right, figure.get_figheight(), min(len(values), n_bars)),
        note,
    )


def _make_room(figure, height):
    """Split a figure into a line for a note and the rest; return the rest first."""
    top, rest = figure.subfigures(2, 1, height_ratios=[0.35, height - 0.35])
    return rest, top.subplots()


def _bar_axes(figure, height, n_bars):
    """Return axes for the bars that do not grow with the picture beside them."""
    wanted = min(height, 1.3 + 0.19 * max(n_bars, 8))
    if height - wanted < 0.4:
        return figure.subplots()
    ratios = [wanted, height - wanted]
    return figure.add_subplot(figure.add_gridspec(2, 1, height_ratios=ratios)[0])


def _draw_bars(axes, values, contacts, n_bars, label):
    """Rank the channels, coloured by region; say how many are left out."""
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")
    order = order[np.isfinite(values[order])]
    shown = order[:n_bars]
    groups = group_names(column_names(contacts, "region"))
    styles = group_styles(groups)
    colors = [styles[groups[row]][0] for row in shown]
    subjects = column_names(contacts, "subject")
    several = len(set(subjects)) > 1
    names = [f"{subjects[k]} " * several + str(contacts.index[k]) for k in shown]
    axes.barh(range(len(shown)), values[shown], color=colors, height=0.72)
    axes.set_yticks(range(len(shown)), names, fontsize=6.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(max(len(shown), 8) - 0.4, -0.6)
    axes.axvline(0, color="#404040", linewidth=0.7)
    axes.set_xlabel(label)
    there = {groups[row] for row in shown}
    styles = {
        name: (color, "s") for name, (color, _) in styles.items() if name in there
    }
    if set(styles) - {NONE_NAME}:
        legend_below(axes, group_handles(styles))
    hidden = len(order) - len(shown)
    return (
        f"{hidden} channels below the {n_bars} best are not ranked." if hidden else ""
    )
