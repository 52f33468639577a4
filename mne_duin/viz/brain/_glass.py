"""Contacts on nilearn's glass brain, in plain axes whose unit is the millimetre."""

from functools import cache

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from mne_duin.utils._checks import as_list, check_option
from mne_duin.utils._spaces import contact_positions
from mne_duin.viz._text import place_labels
from mne_duin.viz._theme import add_note

# view: (horizontal coordinate, vertical coordinate, depth coordinate and its sign)
VIEWS = {"l": (1, 2, 0, -1), "r": (1, 2, 0, 1), "y": (0, 2, 1, -1), "z": (0, 1, 2, 1)}
TITLES = {"l": "left", "r": "right", "y": "back", "z": "top"}
HEIGHT = 190.0  # mm, the same in every view, so that one scale holds for all
MANY_SHAFTS = 24  # from here on their names would cover the brain
SMALL_TEXT = {"ha": "center", "fontsize": 7, "color": "#505050"}
WIDTHS = {"l": 190.0, "r": 190.0, "y": 164.0, "z": 164.0}


def brain_positions(contacts):
    """Give the coordinates for the glass brain and say what is missing.

    Parameters
    ----------
    contacts : DataFrame
        Contacts with ``x``, ``y``, ``z`` (mm) and ``space``.

    Returns
    -------
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm, NaN where there are none.
    note : str
        Sentence about the contacts that cannot be shown; empty if all can.
    """
    xyz = contact_positions(contacts, "MNI152")
    hidden = ~np.isfinite(xyz).all(axis=1)
    if not hidden.any():
        return xyz, ""
    names = [str(name) for name in contacts.index[hidden]]
    listing = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
    why = "without coordinates"
    if {"x", "y", "z", "space"}.issubset(contacts.columns):
        lost = contacts[hidden]
        located = lost[["x", "y", "z"]].notna().all(axis=1)
        spaces = {str(name) for name in lost["space"][located]}
        if spaces:
            why = f"in a native or unknown space ({', '.join(sorted(spaces))})"
    count = f"{len(names)} contact{'s' * (len(names) > 1)}"
    if hidden.all():
        return xyz, f"No brain is drawn: {count} {why}."
    return xyz, f"Not on the brain: {count} {why} ({listing})."


def choose_views(xyz, views="auto"):
    """Choose the views that show the contacts.

    Parameters
    ----------
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm; NaN are ignored.
    views : "auto" | str | sequence of str
        Letters out of ``"l"``, ``"r"``, ``"y"``, ``"z"``; ``"auto"`` takes the sides
        that have contacts, the back and the top.

    Returns
    -------
    views : list of str
        The letters.
    """
    if views != "auto":
        letters = list(views) if isinstance(views, str) else as_list(views)
        return [check_option("views", letter, VIEWS) for letter in letters]
    x = xyz[np.isfinite(xyz).all(axis=1), 0]
    left, right = (x <= 0).any(), (x > 0).any()
    if left and right:
        return ["l", "y", "z", "r"]
    return ["r" if right else "l", "y", "z"]


def visible(xyz, view):
    """Say which contacts a view shows, the nearest last.

    A side view shows its own hemisphere only; the midline belongs to both.

    Parameters
    ----------
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm.
    view : str
        One of ``"l"``, ``"r"``, ``"y"``, ``"z"``.

    Returns
    -------
    rows : array of int
        Positions in ``xyz``, from the deepest to the nearest.
    """
    shown = np.isfinite(xyz).all(axis=1)
    if view in "lr":
        shown &= (xyz[:, 0] <= 0) if view == "l" else (xyz[:, 0] >= 0)
    *_, depth, sign = VIEWS[view]
    rows = np.flatnonzero(shown)
    return rows[np.argsort(sign * xyz[rows, depth], kind="stable")]


@cache
def brain_outline(view):
    """Return nilearn's outline of one view as a single path, which draws fast.

    Parameters
    ----------
    view : str
        One of ``"l"``, ``"r"``, ``"y"``, ``"z"``.

    Returns
    -------
    path : Path
        The outline in mm of MNI152.
    bounds : tuple of float
        Left, right, bottom and top of the outline in mm.
    """
    # More than a second of imports, which only the drawing of a brain is worth.
    from nilearn.plotting.glass_brain import plot_brain_schematics

    axes = Figure().subplots()
    bounds = plot_brain_schematics(axes, view)
    to_millimetres = [patch.get_transform() - axes.transData for patch in axes.patches]
    paths = [
        transform.transform_path(patch.get_path())
        for patch, transform in zip(axes.patches, to_millimetres, strict=True)
    ]
    return Path.make_compound_path(*paths), bounds


def draw_brain(axes, view, *, notes=True):
    """Draw the outline of one view; the axes get the template's millimetres.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    view : str
        One of ``"l"``, ``"r"``, ``"y"``, ``"z"``.
    notes : bool
        Whether the view and the sides are named.
    """
    path, (left, right, bottom, top) = brain_outline(view)
    axes.add_patch(PathPatch(path, fill=False, edgecolor="#A8A8A8", linewidth=0.7))
    across, up = (left + right) / 2, (bottom + top) / 2
    half, tall = WIDTHS[view] / 2, HEIGHT / 2
    if not notes:
        half, tall = (right - left) / 2 + 2, (top - bottom) / 2 + 2
    axes.set(xlim=(across - half, across + half), ylim=(up - tall, up + tall))
    axes.set_aspect("equal")
    if view == "l":
        axes.invert_xaxis()
    axes.set_axis_off()
    if notes:
        axes.text(across, bottom - 1, TITLES[view], va="top", **SMALL_TEXT)
        draw_sides(axes, view)


def draw_sides(axes, view):
    """Write at the edges of a view which side is which (L and R, or A and P).

    Parameters
    ----------
    axes : Axes
        Axes prepared by `draw_brain`.
    view : str
        One of ``"l"``, ``"r"``, ``"y"``, ``"z"``.
    """
    _, (left, right, _, top) = brain_outline(view)
    low, high = "PA" if view in "lr" else "LR"
    axes.text(left + 3, top - 4, low, va="top", **SMALL_TEXT)
    axes.text(right - 3, top - 4, high, va="top", **SMALL_TEXT)


def marker_area(n_contacts):
    """Choose the area of a marker so that many contacts stay apart.

    Parameters
    ----------
    n_contacts : int
        How many contacts the picture shows.

    Returns
    -------
    area : float
        Area in points².
    """
    return float(np.clip(900.0 / max(n_contacts, 1), 5.0, 30.0))


def draw_markers(
    axes, xyz, view, *, colors, sizes, marker="o", linewidth=0.4, rank=None
):
    """Draw contacts in one view; the near ones lie on top.

    Parameters
    ----------
    axes : Axes
        Axes prepared by `draw_brain`.
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm.
    view : str
        One of ``"l"``, ``"r"``, ``"y"``, ``"z"``.
    colors : array, shape (n_contacts, 4)
        Face colors.
    sizes : array, shape (n_contacts,)
        Areas in points².
    marker : str
        Shape of the marker.
    linewidth : float
        Width of the rim.
    rank : array, shape (n_contacts,) | None
        Draw contacts of high rank on top instead.

    Returns
    -------
    markers : PathCollection
        The markers; offsets are the coordinates.
    """
    rows = visible(xyz, view)
    if rank is not None:
        rows = rows[np.argsort(np.nan_to_num(rank)[rows], kind="stable")]
    horizontal, vertical = VIEWS[view][:2]
    return axes.scatter(
        xyz[rows, horizontal],
        xyz[rows, vertical],
        c=np.asarray(colors)[rows],
        s=np.asarray(sizes)[rows],
        marker=marker,
        edgecolors="#303030",
        linewidths=linewidth,
        zorder=3,
    )


def draw_shafts(axes, xyz, view, shafts, *, names=True):
    """Draw a line along every shaft and write its name next to the outermost contact.

    Parameters
    ----------
    axes : Axes
        Axes prepared by `draw_brain`.
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm.
    view : str
        One of ``"l"``, ``"r"``, ``"y"``, ``"z"``.
    shafts : array of str, shape (n_contacts,)
        Shaft of every contact.
    names : bool
        Whether the names are written.
    """
    rows = visible(xyz, view)
    flat = xyz[:, VIEWS[view][:2]]
    anchors, found = [], list(dict.fromkeys(shafts[rows]))
    for shaft in found:
        along = rows[shafts[rows] == shaft]
        spread = xyz[along] - xyz[along].mean(axis=0)
        direction = np.linalg.svd(spread, full_matrices=False)[2][0]
        along = along[np.argsort(spread @ direction, kind="stable")]
        axes.plot(*flat[along].T, color="#B5B5B5", linewidth=0.8, zorder=2)
        outermost = along[np.argmax(np.abs(xyz[along, 0]))]
        anchors.append(flat[outermost])
    if names and found:
        place_labels(axes, np.array(anchors), found, obstacles=flat[rows])


def draw_views(axes, xyz, views, note):
    """Prepare the axes of several views, or say why there is no brain.

    Parameters
    ----------
    axes : sequence of Axes
        One per view.
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm.
    views : list of str
        Letters of the views.
    note : str
        What to write if no contact has coordinates.

    Returns
    -------
    drawn : bool
        Whether there is a brain.
    """
    if not np.isfinite(xyz).all(axis=1).any():
        for one in axes:
            one.set_axis_off()
        add_note(axes[len(axes) // 2], note)
        return False
    for one, view in zip(axes, views, strict=True):
        draw_brain(one, view)
    return True
