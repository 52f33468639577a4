"""Values smoothed on the inflated fsaverage5 surface, drawn as a light flat picture."""

from functools import cache

import numpy as np
from matplotlib.collections import PolyCollection
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from mne_duin.utils._spaces import contact_positions

SIDES = {"l": "left", "r": "right"}
FACES = ("lateral", "medial")
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
    depth : array, shape (n_vertices,)
        Sulcal depth: above zero in a sulcus, below on a gyrus.
    """
    name = SIDES[side]
    # Imported here because it takes a third of a second.
    from nilearn.datasets import load_fsaverage, load_fsaverage_data

    meshes = load_fsaverage("fsaverage5")
    pial, inflated = meshes["pial"].parts[name], meshes["inflated"].parts[name]
    depth = load_fsaverage_data("fsaverage5", data_type="sulcal").data
    return (
        np.asarray(pial.coordinates, dtype=float),
        np.asarray(inflated.coordinates, dtype=float),
        np.asarray(inflated.faces),
        np.asarray(depth.parts[name], dtype=float).ravel(),
    )


@cache
def fine_hemisphere(side):
    """Split every triangle of a hemisphere into four, so that edges look smooth.

    Parameters
    ----------
    side : "l" | "r"
        The hemisphere.

    Returns
    -------
    pial, inflated, faces, depth : array
        As of `load_hemisphere`; the first vertices are those of the coarse mesh.
    """
    pial, inflated, faces, depth = load_hemisphere(side)
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]], axis=2).reshape(-1, 2)
    edges, middle = np.unique(edges, axis=0, return_inverse=True)
    ab, bc, ca = (len(pial) + middle.reshape(-1, 3)).T
    a, b, c = faces.T
    corners = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    fine = np.concatenate([np.column_stack(three) for three in corners])
    parts = [np.concatenate([one, one[edges].mean(1)]) for one in (pial, inflated)]
    return *parts, fine, np.concatenate([depth, depth[edges].mean(1)])


def _kernel(contacts, side, usable, vertices, width, reach):
    """Weights of the usable contacts of a hemisphere at the vertices, sparse."""
    xyz = contact_positions(contacts, "MNI305")
    here = (xyz[:, 0] <= 0) if side == "l" else (xyz[:, 0] > 0)
    rows = np.flatnonzero(here & np.isfinite(xyz).all(axis=1) & usable)
    shape = (len(vertices), len(xyz))
    if not len(rows):
        return csr_array(shape)
    near = cKDTree(vertices).sparse_distance_matrix(
        cKDTree(xyz[rows]), reach, output_type="coo_matrix"
    )
    weight = np.exp(-0.5 * (near.data / width) ** 2)
    return csr_array((weight, (near.row, rows[near.col])), shape=shape)


def smooth_on_surface(
    values, contacts, side, *, width=WIDTH, reach=REACH, vertices=None
):
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
    vertices : array, shape (n_vertices, 3) | None
        Where, in MNI305; None takes the vertices of fsaverage5.

    Returns
    -------
    painted : array, shape (n_vertices,)
        The values; NaN where no contact is near.
    near : array of bool, shape (n_contacts,)
        Which contacts reach the surface of this hemisphere.
    count : array of int, shape (n_vertices,)
        How many contacts are behind each value.
    """
    values = np.asarray(values, dtype=float)
    usable = np.isfinite(values)
    vertices = load_hemisphere(side)[0] if vertices is None else vertices
    kernel = _kernel(contacts, side, usable, vertices, width, reach)
    total = np.asarray(kernel.sum(axis=1)).ravel()
    count = np.diff(kernel.indptr)
    painted = np.full(len(vertices), np.nan)
    weighted = kernel @ np.where(usable, values, 0.0)
    np.divide(weighted, total, out=painted, where=total > 0)
    near = np.zeros(len(values), dtype=bool)
    near[np.unique(kernel.indices)] = True
    return painted, near, count


def faces_needed(contacts, near, side):
    """Say which faces of a hemisphere show all contacts that are painted on it.

    Parameters
    ----------
    contacts : DataFrame
        Contacts with coordinates.
    near : array of bool, shape (n_contacts,)
        Which of them are painted.
    side : "l" | "r"
        The hemisphere.

    Returns
    -------
    faces : list of str
        ``"lateral"``, and ``"medial"`` if a contact is nearest to a place seen there.
    """
    pial, inflated, triangles, _ = load_hemisphere(side)
    xyz = contact_positions(contacts, "MNI305")[near]
    if not len(xyz):
        return []
    outwards = np.zeros(len(pial))
    np.add.at(outwards, triangles, _normals(inflated[triangles])[:, :1])
    nearest = cKDTree(pial).query(xyz)[1]
    inside = outwards[nearest] > 0 if side == "l" else outwards[nearest] < 0
    return list(FACES[: 1 + bool(inside.any())])


def _normals(corners):
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def draw_surface(axes, painted, side, *, cmap, norm, face="lateral"):
    """Draw one face of an inflated hemisphere.

    Parameters
    ----------
    axes : Axes
        Where to draw; one unit is one millimetre of the inflated surface.
    painted : array, shape (n_vertices,)
        Values at the vertices of `fine_hemisphere`; NaN shows the bare cortex.
    side : "l" | "r"
        The hemisphere.
    cmap : Colormap
        Colors.
    norm : Normalize
        Limits.
    face : "lateral" | "medial"
        From where it is seen.

    Returns
    -------
    faces : PolyCollection
        The triangles that face the viewer, in one raster image when saved as vectors.
    """
    _, inflated, triangles, depth = fine_hemisphere(side)
    sign = -1.0 if (side == "l") == (face == "lateral") else 1.0
    corners = inflated[triangles]
    normals = _normals(corners)
    shown = np.flatnonzero(sign * normals[:, 0] > 0)
    shown = shown[np.argsort(sign * corners[shown, :, 0].mean(axis=1))]
    light = normals[shown] @ np.array([sign * 0.85, 0.15, 0.5])
    colors = _face_colors(painted, depth, triangles[shown], light, (cmap, norm))
    faces = PolyCollection(
        corners[shown][:, :, 1:], facecolors=colors, edgecolors=colors,
        linewidths=0.35, rasterized=True,
    )  # fmt: skip
    axes.add_collection(faces)
    axes.autoscale_view()
    axes.set_aspect("equal")
    if sign < 0:
        axes.invert_xaxis()
    axes.set_axis_off()
    axes.text(
        0.5, 0.0, f"{SIDES[side]}, {face}", transform=axes.transAxes, ha="center",
        va="top", fontsize=7, color="#505050",
    )  # fmt: skip
    return faces


def _face_colors(painted, depth, triangles, light, scale):
    """Color faces: shaded grey cortex, or the color of the value as it is.

    A painted face is hardly shaded: on the color bar, darker would mean more.
    """
    cmap, norm = scale
    grey = np.where(depth[triangles].mean(axis=1) > 0, 0.62, 0.84)
    colors = np.column_stack([grey, grey, grey, np.ones_like(grey)])
    corners = painted[triangles]
    count = np.isfinite(corners).sum(axis=1)
    known = count > 0
    value = np.nansum(corners, axis=1)[known] / count[known]
    colors[known] = cmap(norm(value))
    shade = np.clip(0.55 + 0.5 * light, 0, 1)
    shade = np.where(known, 0.94 + 0.06 * shade, shade)
    colors[:, :3] *= shade[:, None]
    return colors
