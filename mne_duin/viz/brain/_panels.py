"""The pictures of one value per contact: glass brains, cortices and montages."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize

from mne_duin.viz._align import shaft_names
from mne_duin.viz._theme import SHARES, add_note
from mne_duin.viz.brain._glass import (
    MANY_SHAFTS,
    WIDTHS,
    choose_views,
    draw_markers,
    draw_shafts,
    draw_views,
    marker_area,
)
from mne_duin.viz.brain._montage import draw_montage
from mne_duin.viz.brain._surface import (
    REACH,
    SIDES,
    draw_surface,
    faces_needed,
    fine_hemisphere,
    smooth_on_surface,
)

ROWS_PER_BLOCK = 32


def glass_grid(xyz):
    """Arrange the views of the glass brain.

    Parameters
    ----------
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm.

    Returns
    -------
    grid : list of list of str
        Letters of the views by row.
    """
    views = choose_views(xyz)
    return [views] if len(views) <= 3 else [["l", "y"], ["r", "z"]]


def draw_glass(axes, grid, xyz, values, contacts, scale):
    """Draw markers whose color and size grow with the value.

    Parameters
    ----------
    axes : sequence of Axes
        One per view, row by row; further views are not drawn.
    grid : list of list of str
        Letters of the views by row.
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm.
    values : array, shape (n_contacts,)
        The values; NaN are white.
    contacts : DataFrame
        Contacts in the same order.
    scale : tuple of Colormap, Normalize
        Colors and limits.
    """
    cmap, norm = scale
    views = [view for row in grid for view in row][: len(axes)]
    draw_views(axes, xyz, views, "")
    shafts = shaft_names(contacts)
    share = np.nan_to_num(np.abs(values)) / norm.vmax
    sizes = marker_area(len(values)) * (0.35 + 0.75 * share)
    colors = cmap(norm(values))
    colors[~np.isfinite(values)] = (1, 1, 1, 1)
    named = len(set(shafts)) <= MANY_SHAFTS
    for one, view in zip(axes, views, strict=True):
        draw_shafts(one, xyz, view, shafts, names=named)
        draw_markers(one, xyz, view, colors=colors, sizes=sizes, rank=share)


def paint_cortex(values, contacts):
    """Smooth values on both hemispheres and say which faces of them are needed.

    Parameters
    ----------
    values : array, shape (n_contacts,)
        One value per contact.
    contacts : DataFrame
        Contacts in the same order.

    Returns
    -------
    painted : dict of str to array, shape (n_vertices,)
        Values at the vertices of the fine mesh of each hemisphere.
    counts : dict of str to array, shape (n_vertices,)
        How many contacts are behind them; NaN for none.
    grid : list of list of tuple (side, face)
        What to draw, by row; empty if no contact is near the cortex.
    note : str
        Which contacts are not painted.
    """
    painted, counts, faces, reached = {}, {}, {}, np.zeros(len(values), dtype=bool)
    for side in SIDES:
        vertices = fine_hemisphere(side)[0]
        painted[side], near, count = smooth_on_surface(
            values, contacts, side, vertices=vertices
        )
        counts[side] = np.where(count > 0, count, np.nan)
        faces[side] = faces_needed(contacts, near, side)
        reached |= near
    sides = [side for side in SIDES if faces[side]]
    wanted = max(faces.values(), key=len)
    grid = [[(side, face) for side in sides] for face in wanted]
    if len(sides) == 1:
        grid = [[one for row in grid for one in row]]
    n_deep = int((~reached & np.isfinite(values)).sum())
    plural, verb = ("s", "are") if n_deep > 1 else ("", "is")
    note = (
        f"{n_deep} contact{plural} without coordinates or more than {REACH:g} mm from "
        f"the cortical surface {verb} not painted."
    )
    return painted, counts, grid, note if n_deep else ""


def draw_cortex(axes, grid, painted, scale):
    """Draw faces of the hemispheres.

    Parameters
    ----------
    axes : sequence of Axes
        One per face, row by row; further faces are not drawn.
    grid : list of list of tuple (side, face)
        What to draw, by row.
    painted : dict of str to array
        Values at the vertices of each hemisphere.
    scale : tuple of Colormap, Normalize
        Colors and limits.
    """
    places = [place for row in grid for place in row]
    if not places:
        add_note(axes[0], f"No contact is within {REACH:g} mm of the cortical surface.")
    for one, (side, face) in zip(axes, places, strict=False):
        draw_surface(one, painted[side], side, cmap=scale[0], norm=scale[1], face=face)


def draw_cortex_counts(figure, grid, counts):
    """Draw how many contacts are behind each place of the cortex.

    Parameters
    ----------
    figure : SubFigure
        Where to draw.
    grid : list of list of tuple (side, face)
        What to draw, by row.
    counts : dict of str to array
        Contacts behind each vertex of each hemisphere.
    """
    top = max(1.0, *(np.nanmax(counts[side], initial=1.0) for side in counts))
    scale = SHARES, Normalize(0, top)
    axes = figure.subplots(len(grid), len(grid[0]), squeeze=False).ravel()
    draw_cortex(axes, grid, counts, scale)
    figure.colorbar(
        plt.cm.ScalarMappable(scale[1], scale[0]), ax=axes, orientation="horizontal",
        shrink=0.45, aspect=28, pad=0.03,
        label=f"contacts within {REACH:g} mm",
    )  # fmt: skip


def montage_blocks(contacts):
    """Split contacts into blocks of shafts that fit under each other.

    Parameters
    ----------
    contacts : DataFrame
        Contacts.

    Returns
    -------
    blocks : list of array of int
        Rows of the contacts of each block; shafts stay whole.
    """
    shafts = shaft_names(contacts)
    names = list(dict.fromkeys(shafts))
    n_blocks = -(-len(names) // ROWS_PER_BLOCK)
    parts = np.array_split(np.array(names, dtype=object), max(n_blocks, 1))
    return [np.flatnonzero(np.isin(shafts, part)) for part in parts]


def draw_cells(axes, blocks, values, contacts, scale):
    """Draw the montage in blocks of shafts.

    Parameters
    ----------
    axes : sequence of Axes
        One per block; further blocks are not drawn.
    blocks : list of array of int
        Rows of the contacts of each block.
    values : array, shape (n_contacts,)
        The values.
    contacts : DataFrame
        Contacts in the same order.
    scale : tuple of Colormap, Normalize
        Colors and limits.
    """
    for one, rows in zip(axes, blocks, strict=False):
        draw_montage(
            one, values[rows], contacts.iloc[rows], cmap=scale[0], norm=scale[1]
        )


def picture_height(kind, grid):
    """Choose the height of a picture with its color bar.

    Parameters
    ----------
    kind : "glass" | "surface" | "montage"
        Which picture.
    grid : list
        Rows of views or faces; for a montage its blocks' numbers of shafts.

    Returns
    -------
    height : float
        In inches.
    """
    if kind == "glass":
        return 3.4 if len(grid) == 1 else 4.7
    if kind == "surface":
        return 0.9 + 2.0 * max(len(grid), 1)
    return 1.3 + 0.2 * max(*grid, 7)


def glass_widths(grid):
    """Give the widths of the columns of a grid of views.

    Parameters
    ----------
    grid : list of list of str
        Letters of the views by row.

    Returns
    -------
    widths : list of float
        In mm.
    """
    return [max(WIDTHS[view] for view in column) for column in zip(*grid, strict=True)]
