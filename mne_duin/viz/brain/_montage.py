"""Shaft by contact: the montage as a table of colored cells, no coordinates needed."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mne_duin.viz._align import column_names, shaft_names
from mne_duin.viz._theme import group_names, group_styles


def montage_grid(values, contacts):
    """Lay values out as shafts by contact numbers.

    Parameters
    ----------
    values : array, shape (n_contacts,)
        One value per row of the table.
    contacts : DataFrame
        Contacts with ``shaft`` and ``number``; a contact without a number takes the
        next free place of its shaft.

    Returns
    -------
    grid : array, shape (n_shafts, n_places)
        The values; NaN where a shaft has no such contact.
    shafts : list of str
        Names of the rows, in the order of the data.
    """
    rows = shaft_names(contacts)
    shafts = list(dict.fromkeys(rows))
    numbers = pd.to_numeric(pd.Series(column_names(contacts, "number")), "coerce")
    numbers = numbers.to_numpy(dtype=float)
    places = np.zeros(len(contacts), dtype=int)
    for shaft in shafts:
        members = np.flatnonzero(rows == shaft)
        known = members[np.isfinite(numbers[members]) & (numbers[members] >= 1)]
        places[known] = numbers[known].astype(int)
        for member in np.setdiff1d(members, known):
            places[member] = places[members].max() + 1
    grid = np.full((len(shafts), places.max(initial=1)), np.nan)
    positions = {shaft: row for row, shaft in enumerate(shafts)}
    for row, place, value in zip(rows, places, values, strict=True):
        grid[positions[row], place - 1] = value
    return grid, shafts


def draw_montage(axes, values, contacts, *, cmap, norm, ticks="all"):
    """Draw the heat map of shafts by contact numbers.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    values : array, shape (n_contacts,)
        One value per row of the table.
    contacts : DataFrame
        Contacts with ``shaft`` and ``number``.
    cmap : Colormap
        Colors.
    norm : Normalize
        Limits.
    ticks : "all" | "small" | "rows"
        Names of shafts and contact numbers; in small letters; or the shafts only.

    Returns
    -------
    image : QuadMesh
        The cells, for a color bar.
    """
    grid, shafts = montage_grid(values, contacts)
    n_shafts, n_places = grid.shape
    places, rows = np.arange(n_places + 1) + 0.5, np.arange(n_shafts + 1) - 0.5
    image = axes.pcolormesh(
        places, rows, np.ma.masked_invalid(grid), cmap=cmap, norm=norm,
        edgecolors="white", linewidth=0.8 if n_shafts <= 12 else 0.2,
    )  # fmt: skip
    axes.set_xlim(0.5, max(n_places, 6) + 0.5)
    axes.set_ylim(max(n_shafts, 3) - 0.5, -0.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    size = 7 if ticks == "all" else 6
    size = size if n_shafts <= 12 or (ticks == "all" and n_shafts <= 30) else 5
    axes.set_yticks(range(n_shafts), shafts, fontsize=size)
    axes.set_xticks([])
    if ticks != "rows":
        numbers = MaxNLocator(8, integer=True).tick_values(1, max(n_places, 2))
        axes.set_xticks([k for k in numbers if 1 <= k <= n_places] or [1])
        axes.tick_params(axis="x", labelsize=7 if ticks == "all" else 6, pad=1)
    if ticks == "all":
        axes.set_xlabel("contact number")
    return image


def draw_region_montage(axes, contacts, column="region"):
    """Draw the montage colored by groups such as regions.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    contacts : DataFrame
        Contacts with ``shaft``, ``number`` and the column.
    column : str
        Name of the column that holds the groups.

    Returns
    -------
    styles : dict of str to tuple
        Color and marker of every group.
    """
    names = group_names(column_names(contacts, column))
    styles = group_styles(names)
    order = np.array([list(styles).index(name) for name in names], dtype=float)
    grid, shafts = montage_grid(order, contacts)
    places = np.argwhere(np.isfinite(grid))
    for row, place in places:
        color, marker = list(styles.values())[int(grid[row, place])]
        axes.scatter(
            place + 1, row, c=color, marker=marker, s=46, edgecolors="#303030",
            linewidths=0.4,
        )  # fmt: skip
    axes.set_yticks(range(len(shafts)), shafts)
    axes.set(ylim=(len(shafts) - 0.4, -0.6), xlim=(0.3, grid.shape[1] + 0.7))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.set(xlabel="contact number", ylabel="shaft")
    return styles
