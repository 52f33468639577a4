"""Values smoothed on the inflated fsaverage5 surface, drawn as a light flat picture."""

from functools import cache

import numpy as np
from matplotlib.collections import PolyCollection
from nilearn.datasets import load_fsaverage, load_fsaverage_data
from scipy.spatial.distance import cdist

from mne_duin.utils.spaces import contact_positions
from mne_duin.viz.glass import TITLES

SIDES = {"l": "left", "r": "right"}
REACH = 15.0  # mm: contacts farther from the cortical surface are not painted
WIDTH = 6.0  # mm: standard deviation of the smoothing kernel


@cache
def load_hemisphere(side):
    """Load one hemisphere of fsaverage5, as shipped with nilearn (MNI305, mm).

    Parameters
    ----------
    side : "l" | "r"
        The hemisphere.

    Returns
    -------
    pial : array, shape (n_vertices, 3)
        Where the cortical surface is.
    inflated : array, shape (n_vertices, 3)
        The surface to draw.
    faces : array of int, shape (n_faces, 3)
        Its triangles.
    sulcus : array of bool, shape (n_vertices,)
        Whether a vertex lies in a sulcus.
    """
    name = SIDES[side]
    meshes = load_fsaverage("fsaverage5")
    pial, inflated = meshes["pial"].parts[name], meshes["inflated"].parts[name]
    return (
        np.asarray(pial.coordinates, dtype=float),
        np.asarray(inflated.coordinates, dtype=float),
        np.asarray(inflated.faces),
        load_depth(side) > 0,
    )


@cache
def load_depth(side):
    """Load the sulcal depth of one hemisphere of fsaverage5.

    Parameters
    ----------
    side : "l" | "r"
        The hemisphere.

    Returns
    -------
    depth : array, shape (n_vertices,)
        Above zero in a sulcus, below on a gyrus.
    """
    depth = load_fsaverage_data("fsaverage5", data_type="sulcal").data
    return np.asarray(depth.parts[SIDES[side]]).ravel()


def smooth_on_surface(values, contacts, side, *, width=WIDTH, reach=REACH):
    """Spread values of contacts over the vertices of one hemisphere.

    Every vertex gets the mean of the contacts within ``reach`` of the pial surface
    there, weighted by a Gaussian of their distance.

    Parameters
    ----------
    values : array, shape (n_contacts,)
        One value per contact; NaN are left out.
    contacts : DataFrame
        Contacts with ``x``, ``y``, ``z`` (mm) and ``space``; carried to MNI305.
    side : "l" | "r"
        The hemisphere; contacts of the other one are left out.
    width : float
        Standard deviation of the Gaussian in mm.
    reach : float
        Greatest distance in mm.

    Returns
    -------
    painted : array, shape (n_vertices,)
        The values; NaN where no contact is near.
    near : array of bool, shape (n_contacts,)
        Which contacts reach the surface of this hemisphere.
    """
    xyz = contact_positions(contacts, "MNI305")
    here = (xyz[:, 0] <= 0) if side == "l" else (xyz[:, 0] > 0)
    here &= np.isfinite(xyz).all(axis=1) & np.isfinite(values)
    pial = load_hemisphere(side)[0]
    painted, near = np.full(len(pial), np.nan), np.zeros(len(xyz), dtype=bool)
    if not here.any():
        return painted, near
    distance = cdist(pial, xyz[here])
    kernel = np.where(distance <= reach, np.exp(-0.5 * (distance / width) ** 2), 0.0)
    total = kernel.sum(axis=1)
    np.divide(kernel @ np.asarray(values)[here], total, out=painted, where=total > 0)
    near[np.flatnonzero(here)] = kernel.any(axis=0)
    return painted, near


def draw_surface(axes, painted, side, *, cmap, norm):
    """Draw the lateral view of one inflated hemisphere.

    Parameters
    ----------
    axes : Axes
        Where to draw; one unit is one millimetre of the inflated surface.
    painted : array, shape (n_vertices,)
        Values; NaN shows the bare cortex.
    side : "l" | "r"
        The hemisphere.
    cmap : Colormap
        Colours.
    norm : Normalize
        Limits.

    Returns
    -------
    faces : PolyCollection
        The triangles that face the viewer, in one raster image when saved as vectors.
    """
    _, inflated, triangles, sulcus = load_hemisphere(side)
    sign = -1.0 if side == "l" else 1.0
    corners = inflated[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    shown = np.flatnonzero(sign * normals[:, 0] > 0)
    shown = shown[np.argsort(sign * corners[shown, :, 0].mean(axis=1))]
    colors = _face_colors(painted, sulcus, triangles[shown], cmap, norm)
    light = normals[shown] @ np.array([sign * 0.85, 0.15, 0.5])
    colors[:, :3] *= np.clip(0.55 + 0.5 * light, 0, 1)[:, None]
    faces = PolyCollection(
        corners[shown][:, :, 1:], facecolors=colors, edgecolors=colors,
        linewidths=0.35, rasterized=True,
    )  # fmt: skip
    axes.add_collection(faces)
    axes.autoscale_view()
    axes.set_aspect("equal")
    if side == "l":
        axes.invert_xaxis()
    axes.set_axis_off()
    axes.text(
        0.5, 0.0, TITLES[side], transform=axes.transAxes, ha="center", va="top",
        fontsize=7, color="#505050",
    )  # fmt: skip
    return faces


def _face_colors(painted, sulcus, triangles, cmap, norm):
    """Mix the colours of the corners: grey cortex, or values where there are some."""
    grey = np.where(sulcus, 0.62, 0.84)
    vertex = np.column_stack([grey, grey, grey, np.ones_like(grey)])
    known = np.isfinite(painted)
    vertex[known] = cmap(norm(painted[known]))
    return vertex[triangles].mean(axis=1)
