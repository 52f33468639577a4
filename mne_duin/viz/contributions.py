"""Which channels a model uses: on the brain, on the cortex, and ranked."""

import matplotlib.pyplot as plt
import numpy as np

from mne_duin.utils.checks import check_number, check_option
from mne_duin.viz.contacts import marker_area
from mne_duin.viz.glass import (
    WIDTHS,
    brain_positions,
    choose_views,
    draw_markers,
    draw_shafts,
    draw_views,
)
from mne_duin.viz.montage import draw_montage
from mne_duin.viz.surface import REACH, draw_surface, smooth_on_surface
from mne_duin.viz.tables import align_values, column_names, shaft_names
from mne_duin.viz.theme import (
    NONE_NAME,
    STYLE,
    WIDTH,
    add_footnote,
    add_note,
    finish,
    get_axes,
    group_handles,
    group_names,
    group_styles,
    legend_below,
    theme,
    value_scale,
)

METHODS = {
    "weights": "mean |spatial weight|",
    "patterns": "forward-model pattern",
    "ablation": "rise of the loss when silenced",
}
CAVEATS = {
    "weights": "Weights hardly leave their initial values on a few hundred trials, and "
    "a large weight may only cancel noise (Haufe et al., 2014).",
    "patterns": "Patterns say where the signals that the model reads are strong "
    "(Haufe et al., 2014), whether or not it needs that channel.",
    "ablation": "Ablation says what held-out trials lose without one channel; channels "
    "that carry the same information hide each other.",
}
KINDS = ("glass", "surface", "montage", "bars")


@theme(STYLE)
def plot_contributions(
    contributions,
    contacts,
    *,
    method=None,
    kind="glass",
    n_bars=20,
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
    contacts : DataFrame | dict of str to DataFrame
        Contacts, index = channel name; a dict by subject where contributions are one.
    method : "weights" | "patterns" | "ablation" | str | None
        How the values were found; named in the picture, with what it can tell.
    kind : "glass" | "surface" | "montage" | "bars"
        Markers on the glass brain, values smoothed on the inflated fsaverage5 surface,
        or shaft by contact number, each beside the ranked bars; or the bars alone.
        Contacts without coordinates in a template space turn brains into montages.
    n_bars : int
        How many channels are ranked at most.
    title : str | None
        Title of the figure.
    axes : Axes | None
        Where to draw the bars, for ``kind="bars"``.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    check_option("kind", kind, KINDS)
    check_number("n_bars", n_bars, low=1, integer=True)
    if axes is not None and kind != "bars":
        raise ValueError(
            f'`axes` is one Axes for the ranked bars; use it with kind="bars", not '
            f"with kind={kind!r}, which needs several."
        )
    values, contacts = align_values(contributions, contacts, "contributions")
    scale = value_scale(values)
    label = METHODS.get(method, method or "contribution")
    notes = [CAVEATS[method]] if method in CAVEATS else []
    if kind == "bars":
        figure, axes = get_axes(axes, (3.2, 0.8 + 0.16 * min(n_bars, len(values))))
    else:
        figure, axes, note = _plot_beside(kind, values, contacts, scale, label)
        notes.append(note)
    notes.append(_draw_bars(axes, values, contacts, n_bars, label))
    add_footnote(figure, "\n".join(note for note in notes if note))
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _plot_beside(kind, values, contacts, scale, label):
    """Draw brain, cortex or montage on the left; return the axes for the bars."""
    xyz, note = brain_positions(contacts)
    located = np.isfinite(xyz).all(axis=1).any()
    drawn = kind if located or kind == "montage" else "montage"
    views = choose_views(xyz) if drawn == "glass" else []
    rows = 2 if len(views) > 3 else 1
    figure = plt.figure(figsize=(WIDTH + 0.4, 3.4 + 1.3 * (rows - 1)))
    left, right = figure.subfigures(1, 2, width_ratios=[2.15, 1])
    if drawn == "glass":
        _draw_glass(left, xyz, views, values, contacts, scale)
    elif drawn == "surface":
        note = _draw_cortex(left, values, contacts, scale) or note
    else:
        note = "" if kind == "montage" else note
        _draw_cells(left, values, contacts, scale, note)
        note = ""
    cmap, norm = scale
    left.colorbar(
        plt.cm.ScalarMappable(norm, cmap), ax=left.axes, orientation="horizontal",
        shrink=0.45, aspect=28, pad=0.03, label=label,
    )  # fmt: skip
    return figure, right.subplots(), note


def _draw_glass(figure, xyz, views, values, contacts, scale):
    """Draw markers whose colour and size grow with the value."""
    cmap, norm = scale
    if len(views) > 3:
        axes = list(figure.subplots(2, 2).T.flat)
        views = ["l", "r", "y", "z"]
    else:
        widths = [WIDTHS[view] for view in views]
        axes = figure.subplots(1, len(views), width_ratios=widths, squeeze=False)[0]
    draw_views(axes, xyz, views, "")
    shafts = shaft_names(contacts)
    share = np.nan_to_num(np.abs(values)) / norm.vmax
    sizes = marker_area(len(values)) * (0.35 + 0.75 * share)
    colors = cmap(norm(values))
    colors[~np.isfinite(values)] = (1, 1, 1, 1)
    for one, view in zip(axes, views, strict=True):
        draw_shafts(one, xyz, view, shafts, names=len(set(shafts)) <= 24)
        draw_markers(one, xyz, view, colors=colors, sizes=sizes, rank=share)


def _draw_cortex(figure, values, contacts, scale):
    """Draw the hemispheres that have contacts; say which contacts are too deep."""
    cmap, norm = scale
    painted = {side: smooth_on_surface(values, contacts, side) for side in "lr"}
    sides = [side for side in "lr" if painted[side][1].any()]
    near = painted["l"][1] | painted["r"][1]
    deep = contacts.index[~near & np.isfinite(values)]
    axes = figure.subplots(1, max(len(sides), 1), squeeze=False)[0]
    for one, side in zip(axes, sides, strict=False):
        draw_surface(one, painted[side][0], side, cmap=cmap, norm=norm)
    text = f"{len(deep)} contacts without coordinates or more than {REACH:g} mm from"
    if not sides:
        add_note(axes[0], f"No contact is within {REACH:g} mm of the cortical surface.")
    return f"{text} the cortical surface are not painted." if len(deep) else ""


def _draw_cells(figure, values, contacts, scale, note):
    """Draw the montage, under the reason why there is no brain."""
    cmap, norm = scale
    top, axes = figure.subplots(2, 1, height_ratios=[0.12, 1])
    add_note(top, note)
    draw_montage(axes, values, contacts, cmap=cmap, norm=norm)


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
