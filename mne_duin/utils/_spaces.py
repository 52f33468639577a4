"""Template spaces: which name means which frame, and the way from one to another."""

import numpy as np

from mne_duin.utils._checks import check_option

# BIDS names (plus MNE's own) of spaces whose coordinates are in one of two frames.
MNI305_SPACES = frozenset(
    {"MNI305", "fsaverage", "fsaverageSym", "fsaverage5", "fsaverage6", "mni_tal"}
)
MNI152_SPACES = frozenset(
    {
        "MNI152",
        "MNI152Lin",
        "MNI152NLin2009aAsym",
        "MNI152NLin2009aSym",
        "MNI152NLin2009bAsym",
        "MNI152NLin2009bSym",
        "MNI152NLin2009cAsym",
        "MNI152NLin2009cSym",
        "MNI152NLin6ASym",
        "MNI152NLin6Asym",
        "MNI152NLin6Sym",
        "IXI549Space",  # the template of SPM12, in MNI152 coordinates
    }
)
TALAIRACH_SPACES = frozenset({"Talairach"})
FRAMES = {
    "MNI305": MNI305_SPACES,
    "MNI152": MNI152_SPACES,
    "Talairach": TALAIRACH_SPACES,
}

# FreeSurfer, CoregistrationTransforms, "8b": MNI152 = MNI305_TO_MNI152 @ MNI305.
MNI305_TO_MNI152 = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429],
        [0.0146, 1.0009, -0.0024, 1.5496],
        [-0.0130, -0.0093, 0.9971, 1.1840],
        [0.0, 0.0, 0.0, 1.0],
    ]
)

# Lancaster et al. 2007, Human Brain Mapping 28, 1194-1205: icbm2tal, pooled over the
# software that normalized the images. Talairach = MNI152_TO_TALAIRACH @ MNI152.
MNI152_TO_TALAIRACH = np.array(
    [
        [0.9357, 0.0029, -0.0072, -1.0423],
        [-0.0065, 0.9396, -0.0726, -1.3940],
        [0.0103, 0.0752, 0.8967, 3.6475],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
TO_MNI152 = {
    "MNI152": np.eye(4),
    "MNI305": MNI305_TO_MNI152,
    "Talairach": np.linalg.inv(MNI152_TO_TALAIRACH),
}


def template_frame(space):
    """Say in which template frame the coordinates of a space are.

    Parameters
    ----------
    space : str | None
        Name of the space as BIDS or MNE write it.

    Returns
    -------
    frame : "MNI152" | "MNI305" | "Talairach" | None
        The frame; None for a native space (``"ACPC"``, ``"ScanRAS"``, …), for a
        template that has no known way to MNI, and for a missing name.
    """
    for frame, names in FRAMES.items():
        if space in names:
            return frame
    return None


def to_space(xyz, from_space, to_space):
    """Carry coordinates from one template space to another.

    The spaces of one frame (``"fsaverage"`` and ``"MNI305"``; all of the MNI152
    family) are taken as the same to within a few millimetres. MNI305 and MNI152 are
    related by FreeSurfer's affine, Talairach and MNI152 by that of Lancaster et al.
    (2007).

    Parameters
    ----------
    xyz : array-like, shape (n_contacts, 3)
        Coordinates in mm. NaN stays NaN.
    from_space, to_space : str
        Names of the spaces, as BIDS or MNE write them.

    Returns
    -------
    xyz : array, shape (n_contacts, 3)
        Coordinates in mm in the other space; always a copy.

    Raises
    ------
    ValueError
        If one of the spaces is no template with a published way to MNI152.
    """
    names = sorted(frozenset.union(*FRAMES.values()))
    check_option("from_space", from_space, names)
    check_option("to_space", to_space, names)
    xyz = np.array(xyz, dtype=float).reshape(-1, 3)
    source, target = template_frame(from_space), template_frame(to_space)
    if source == target:
        return xyz
    matrix = np.linalg.inv(TO_MNI152[target]) @ TO_MNI152[source]
    return xyz @ matrix[:3, :3].T + matrix[:3, 3]


def contact_positions(contacts, space):
    """Give the coordinates of a contacts table in one template space.

    Parameters
    ----------
    contacts : DataFrame
        Contacts with ``x``, ``y``, ``z`` (mm) and ``space``; the rows may be in
        different spaces (several subjects).
    space : str
        The template space wanted.

    Returns
    -------
    xyz : array, shape (n_contacts, 3)
        Coordinates in mm, in the order of the table; NaN where a contact has no
        coordinates or lies in a native space.
    """
    xyz = np.full((len(contacts), 3), np.nan)
    if not {"x", "y", "z", "space"}.issubset(contacts.columns):
        return xyz
    native = contacts[["x", "y", "z"]].to_numpy(dtype=float)
    spaces = contacts["space"].to_numpy(dtype=object)
    for name in set(spaces):
        rows = np.array([other == name for other in spaces])
        if template_frame(name) is not None:
            xyz[rows] = to_space(native[rows], name, space)
    return xyz
