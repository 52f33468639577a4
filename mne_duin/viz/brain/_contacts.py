"""Where the contacts are: the glass brain, colored by region, shaft or value."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba

from mne_duin.utils._checks import as_list, check_option, check_type
from mne_duin.viz._align import (
    align_values,
    column_names,
    join_subjects,
    shaft_names,
    takes_montage,
)
from mne_duin.viz._theme import (
    STYLE,
    WIDTH,
    add_footnote,
    add_note,
    finish,
    group_handles,
    group_names,
    group_styles,
    theme,
    value_scale,
)
from mne_duin.viz.brain._glass import (
    HEIGHT,
    MANY_SHAFTS,
    WIDTHS,
    brain_positions,
    choose_views,
    draw_markers,
    draw_shafts,
    draw_views,
    marker_area,
)
from mne_duin.viz.brain._montage import draw_montage, draw_region_montage

MANY_GROUPS = 12


@theme(STYLE)
@takes_montage
def plot_contacts(
    contacts,
    *,
    values=None,
    color_by="region",
    views="auto",
    names="auto",
    label="value",
    title=None,
    axes=None,
    show=True,
):
    """Show contacts on the glass brain.

    Coordinates are carried to MNI152 first. Where no contact has coordinates in a
    template space, the montage (shaft by contact number) is drawn instead.

    Parameters
    ----------
    contacts : DataFrame | dict of str to DataFrame | DigMontage | Info | Raw | Epochs
        Contacts, index = channel name, with ``x``, ``y``, ``z`` (mm), ``space``,
        ``shaft`` and ``region``; one table per subject in a dict.
    values : Series | array-like, shape (n_contacts,) | dict | None
        Color by these values instead; a Series is looked up by channel name.
    color_by : str
        Column that gives the colors: ``"region"``, ``"shaft"``, ``"label"``,
        ``"hemisphere"``, or a column of numbers.
    views : "auto" | str | sequence of str
        Letters out of ``"l"``, ``"r"``, ``"y"`` (back) and ``"z"`` (top).
    names : bool | "auto"
        Whether shaft names are written; ``"auto"`` does for up to 24 shafts.
    label : str
        What the values are, next to the color bar.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        One axes per view; a single one shows the first view.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    contacts, values, color_by = color_source(contacts, values, color_by)
    xyz, note = brain_positions(contacts)
    if axes is None and not np.isfinite(xyz).all(axis=1).any():
        return finish(_plot_montage(contacts, values, color_by, note, label), show)
    views = choose_views(xyz, views)
    if axes is None:
        figure, axes = view_figure(views)
    else:
        axes = as_list(axes) if not isinstance(axes, np.ndarray) else list(axes.flat)
        views, figure = views[: len(axes)], axes[0].figure
    if draw_views(axes, xyz, views, note):
        shafts = shaft_names(contacts)
        few = len(set(shafts)) <= MANY_SHAFTS
        for one, view in zip(axes, views, strict=True):
            draw_shafts(one, xyz, view, shafts, names=few if names == "auto" else names)
        _draw_colours(figure, axes, views, xyz, contacts, values, color_by, label)
        add_footnote(figure, note)
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def view_figure(views, height=2.3):
    """Make a figure with one axes per view, all in one scale.

    Parameters
    ----------
    views : list of str
        Letters of the views.
    height : float
        Height of the brains in inches.

    Returns
    -------
    figure : Figure
        The figure.
    axes : list of Axes
        One per view.
    """
    widths = [WIDTHS[view] for view in views]
    width = max(height * sum(widths) / HEIGHT + 0.2, 3.2)
    figure, axes = plt.subplots(
        1,
        len(views),
        figsize=(width, height + 0.55),
        width_ratios=widths,
        squeeze=False,
    )
    return figure, list(axes[0])


def color_source(contacts, values, color_by):
    """Say what colors contacts: values, a column of numbers, or groups.

    Parameters
    ----------
    contacts : DataFrame | dict of str to DataFrame
        Contacts; one table per subject in a dict.
    values : Series | array-like | dict | None
        Values to color by.
    color_by : str
        Column to color by where there are no values.

    Returns
    -------
    contacts : DataFrame
        The rows to show.
    values : array, shape (n_contacts,) | None
        Numbers to color by, in the order of the rows; None for groups.
    color_by : str | None
        Name of the column; None where values were given.
    """
    if values is not None:
        values, contacts = align_values(values, contacts)
        return contacts, values, None
    contacts = join_subjects(contacts)
    check_type("color_by", color_by, str)
    if color_by not in {"region", "shaft"}:
        check_option("color_by", color_by, ["region", "shaft", *contacts.columns])
    if color_by in contacts and pd.api.types.is_numeric_dtype(contacts[color_by]):
        return contacts, contacts[color_by].to_numpy(dtype=float), color_by
    return contacts, None, color_by


def _draw_colours(figure, axes, views, xyz, contacts, values, color_by, label):
    """Draw the markers of all views with their legend or color bar."""
    area = np.full(len(contacts), marker_area(len(contacts)))
    if values is not None:
        cmap, norm = value_scale(values)
        colors = cmap(norm(values))
        colors[~np.isfinite(values)] = (1, 1, 1, 1)
        for one, view in zip(axes, views, strict=True):
            draw_markers(one, xyz, view, colors=colors, sizes=area)
        bar = plt.cm.ScalarMappable(norm, cmap)
        figure.colorbar(
            bar, ax=axes, shrink=0.6, aspect=18, pad=0.02, label=color_by or label
        )
        return
    names = contact_groups(contacts, color_by)
    styles = group_styles(names)
    colors = np.array([to_rgba(styles[name][0]) for name in names])
    shapes = np.array([styles[name][1] for name in names])
    for marker in dict.fromkeys(shapes):
        some = np.where((shapes == marker)[:, None], xyz, np.nan)
        for one, view in zip(axes, views, strict=True):
            draw_markers(one, some, view, colors=colors, sizes=area, marker=marker)
    _add_legend(figure, axes[-1], styles, color_by)


def _add_legend(figure, axes, styles, title):
    """Name the groups next to the last brain, or below the brains if they are many."""
    handles = group_handles(styles)
    if len(handles) > MANY_GROUPS and figure.get_layout_engine() is not None:
        columns = int(figure.get_figwidth() / 0.85)
        figure.legend(
            handles=handles, loc="outside lower center", ncols=columns, title=title,
            columnspacing=1.0, handletextpad=0.2,
        )  # fmt: skip
        return
    axes.legend(
        handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), title=title,
        borderaxespad=0.0,
    )  # fmt: skip


def contact_groups(contacts, color_by):
    """Name the group of every contact.

    Parameters
    ----------
    contacts : DataFrame
        Contacts.
    color_by : str
        Column that holds the groups.

    Returns
    -------
    names : list of str
        One group per contact.
    """
    if color_by == "shaft":
        return group_names(shaft_names(contacts))
    return group_names(column_names(contacts, color_by))


def _plot_montage(contacts, values, color_by, note, label):
    """Draw the montage in place of the brain, with the reason above it."""
    n_shafts = len(set(shaft_names(contacts)))
    height = max(0.9 + 0.24 * n_shafts, 1.8)
    figure, (top, axes) = plt.subplots(
        2, 1, figsize=(0.75 * WIDTH, height + 0.5), height_ratios=[0.35, height]
    )
    add_note(top, note)
    if values is None:
        styles = draw_region_montage(axes, contacts, color_by)
        axes.legend(
            handles=group_handles(styles), loc="upper left", bbox_to_anchor=(1.0, 1.0)
        )
        return figure
    cmap, norm = value_scale(values)
    image = draw_montage(axes, values, contacts, cmap=cmap, norm=norm)
    figure.colorbar(image, ax=axes, label=color_by or label, aspect=15)
    return figure
