"""Coordinate spaces: which ones lead to MNI152, and by which map."""

import re

import nibabel as nib
import numpy as np

from mne_duin.channels.tables import coordinates
from mne_duin.utils.spaces import MNI305_TO_MNI152

NATIVE = ("ACPC", "ScanRAS")
MNI305 = re.compile(r"^(MNI305|fsaverage\d?)$")
MNI152 = re.compile(r"^MNI152(Lin|NLin.*)?$")


def space_family(space):
    """Say what kind of coordinates a BIDS space holds.

    Parameters
    ----------
    space : str
        The BIDS name of the space, for example ``"MNI152NLin2009bAsym"``.

    Returns
    -------
    family : "MNI152" | "MNI305" | "native" | None
        None for spaces that the bundled atlases cannot be used with: other templates
        (``Talairach``, ``MNIColin27``, ``IXI549Space``, …), ``Pixels``, ``Other``.
    """
    space = str(space)
    if MNI152.match(space):
        return "MNI152"
    if MNI305.match(space):
        return "MNI305"
    return "native" if space in NATIVE else None


def to_mni152(contacts):
    """Convert the coordinates of a contacts table to MNI152.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table, with columns ``x``, ``y``, ``z`` (mm) and ``space``.

    Returns
    -------
    xyz : ndarray, shape (n_channels, 3)
        MNI152 coordinates in mm; NaN where they are unknown or where the space has no
        known map to MNI152.

    Notes
    -----
    All variants of MNI152 are taken as they are: they differ by less than the 2 mm
    voxels of the bundled atlases in most places. MNI305 (fsaverage) goes through
    FreeSurfer's affine.
    """
    xyz = coordinates(contacts)
    spaces = contacts.get("space")
    if spaces is None:
        return np.full_like(xyz, np.nan)
    families = np.array([space_family(space) for space in spaces], dtype=object)
    out = np.full_like(xyz, np.nan)
    out[families == "MNI152"] = xyz[families == "MNI152"]
    rows = families == "MNI305"
    out[rows] = nib.affines.apply_affine(MNI305_TO_MNI152, xyz[rows])
    return out


def to_mni305(contacts):
    """Convert the coordinates of a contacts table to MNI305.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table, with columns ``x``, ``y``, ``z`` (mm) and ``space``.

    Returns
    -------
    xyz : ndarray, shape (n_channels, 3)
        MNI305 coordinates in mm (MNE's frame ``mni_tal``), NaN where unknown.
    """
    return nib.affines.apply_affine(
        np.linalg.inv(MNI305_TO_MNI152), to_mni152(contacts)
    )
