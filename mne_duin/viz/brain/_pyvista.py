"""Contacts inside a cortex in three dimensions, with pyvista (extra ``3d``)."""

from pathlib import Path

import nibabel as nib
import numpy as np
from matplotlib.colors import to_rgb

from mne_duin.utils._checks import check_number, check_option, import_optional
from mne_duin.utils._moved import former_parameters
from mne_duin.utils._spaces import contact_positions, template_frame
from mne_duin.viz._align import takes_montage
from mne_duin.viz._theme import group_styles, value_scale
from mne_duin.viz.brain._contacts import color_source, contact_groups
from mne_duin.viz.brain._surface import load_hemisphere

VIEWS = {
    "left": (-1.0, 0.0, 0.0),
    "right": (1.0, 0.0, 0.0),
    "back": (0.0, -1.0, 0.0),
    "front": (0.0, 1.0, 0.0),
    "top": (0.0, 0.0, 1.0),
}


@takes_montage
@former_parameters(fs_subject="subject")
def view_brain(
    contacts,
    *,
    values=None,
    color_by="region",
    fs_subject=None,
    subjects_dir=None,
    view="left",
    opacity=0.16,
    radius=1.6,
    off_screen=None,
    show=True,
):
    """Show contacts inside a cortex to turn; needs the extra ``3d``.

    Parameters
    ----------
    contacts : DataFrame | dict of str to DataFrame | DigMontage | Info | Raw | Epochs
        Contacts, index = channel name, with ``x``, ``y``, ``z`` (mm) and ``space``.
    values : Series | array-like, shape (n_contacts,) | dict | None
        Colour by these values instead.
    color_by : str
        Column that gives the colours.
    fs_subject : str | None
        A FreeSurfer subject whose pial surface is drawn; the coordinates must then be
        native, in the scanner's RAS of that subject's ``orig.mgz`` (BIDS ``"ACPC"`` and
        ``"ScanRAS"`` where the electrodes were located on it). None draws fsaverage5,
        shipped with nilearn, for contacts in a template space.
    subjects_dir : path-like | None
        Folder of the FreeSurfer subjects.
    view : "left" | "right" | "back" | "front" | "top"
        Where to look from.
    opacity : float
        Opacity of the cortex, between 0 and 1.
    radius : float
        Radius of a contact in mm.
    off_screen : bool | None
        Whether to draw without a window; None follows pyvista's own setting.
    show : bool
        Whether to open the window.

    Returns
    -------
    plotter : pyvista.Plotter
        For ``plotter.screenshot("brain.png")`` and the like.

    Raises
    ------
    ImportError
        If pyvista is missing; the message is the install command.
    ValueError
        If no contact has coordinates in the space of the cortex.

    Examples
    --------
    >>> from mne_duin import read_contacts, view_brain
    >>> view_brain(read_contacts(bids_path))  # doctest: +SKIP
    """
    check_option("view", view, VIEWS)
    check_number("opacity", opacity, low=0, high=1)
    check_number("radius", radius, low=0, closed=False)
    pyvista = import_optional("pyvista", extra="3d", purpose="draw a brain to turn")
    contacts, values, color_by = color_source(contacts, values, color_by)
    if fs_subject is None:
        xyz = contact_positions(contacts, "MNI305")
        meshes = [load_hemisphere(side)[0::2] for side in "lr"]
    else:
        xyz, meshes = _native(contacts, fs_subject, subjects_dir)
    located = np.isfinite(xyz).all(axis=1)
    if not located.any():
        wanted = "a template space" if fs_subject is None else "the subject's own space"
        raise ValueError(
            f"`contacts` has no contact with coordinates in {wanted}; the column "
            "'space' and `fs_subject` must fit together."
        )
    plotter = pyvista.Plotter(off_screen=off_screen)
    plotter.set_background("white")
    for vertices, faces in meshes:
        cells = np.column_stack([np.full(len(faces), 3), faces]).ravel()
        mesh = pyvista.PolyData(np.asarray(vertices, dtype=float), cells)
        plotter.add_mesh(mesh, color="#C9C4BE", opacity=opacity, smooth_shading=True)
    colors = _colors(contacts, values, color_by)
    _add_spheres(plotter, pyvista, xyz, located, colors, radius)
    plotter.enable_parallel_projection()
    plotter.view_vector(VIEWS[view], viewup=(0, 1, 0) if view == "top" else (0, 0, 1))
    plotter.camera.zoom(1.5)
    if show:
        plotter.show(auto_close=False)
    return plotter


def _native(contacts, fs_subject, subjects_dir):
    """Return scanner coordinates and the pial surfaces in the same frame."""
    if subjects_dir is None:
        raise ValueError("`subjects_dir` must be given together with `fs_subject`.")
    folder = Path(subjects_dir) / fs_subject
    volume = nib.load(folder / "mri" / "orig.mgz")
    to_scanner = volume.affine @ np.linalg.inv(volume.header.get_vox2ras_tkr())
    meshes = []
    for side in "lr":
        path = folder / "surf" / f"{side}h.pial"
        vertices, faces = nib.freesurfer.read_geometry(path)
        meshes.append((nib.affines.apply_affine(to_scanner, vertices), faces))
    xyz = np.array(contacts[["x", "y", "z"]], dtype=float)
    template = [template_frame(space) is not None for space in contacts["space"]]
    xyz[template] = np.nan
    return xyz, meshes


def _colors(contacts, values, color_by):
    """Return one RGB colour per contact."""
    if values is None:
        names = contact_groups(contacts, color_by)
        styles = group_styles(names)
        return np.array([to_rgb(styles[name][0]) for name in names])
    cmap, norm = value_scale(values)
    colors = cmap(norm(values))[:, :3]
    colors[~np.isfinite(values)] = 1.0
    return colors


def _add_spheres(plotter, pyvista, xyz, located, colors, radius):
    """Add all contacts as one mesh of spheres."""
    cloud = pyvista.PolyData(xyz[located])
    cloud["colors"] = np.round(255 * colors[located]).astype(np.uint8)
    ball = pyvista.Sphere(radius=radius, theta_resolution=16, phi_resolution=16)
    spheres = cloud.glyph(geom=ball, scale=False, orient=False)
    plotter.add_mesh(spheres, scalars="colors", rgb=True, ambient=0.3)
