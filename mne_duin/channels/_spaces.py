"""Coordinate spaces: which ones lead to MNI152, and on which side a contact lies."""

import re

import numpy as np
import pandas as pd

from mne_duin.channels._label_words import LEFT, RIGHT
from mne_duin.channels._table import coordinates
from mne_duin.utils._spaces import contact_positions, template_frame

NATIVE = ("ACPC", "ScanRAS")
MNI152 = re.compile(r"^MNI152(Lin|NLin.*)?$")
MNI305 = re.compile(r"^fsaverage\d?(Sym)?$")
SIDE_COLUMNS = re.compile(r"^(?:hemisphere|hemi|side|laterality)$", re.IGNORECASE)

# Names that a user may pass as the space of coordinates.
SYSTEMS = (
    "ACPC",
    "ScanRAS",
    "MNI152",
    "MNI152Lin",
    "MNI152NLin2009bAsym",
    "MNI152NLin2009cAsym",
    "MNI152NLin6ASym",
    "IXI549Space",
    "MNI305",
    "fsaverage",
    "Talairach",
)


def space_family(space: str) -> str | None:
    """Say what kind of coordinates a BIDS space holds.

    Parameters
    ----------
    space : str
        The BIDS name of the space, for example ``"MNI152NLin2009bAsym"``.

    Returns
    -------
    family : "MNI152" | "MNI305" | "Talairach" | "native" | None
        None for spaces that the bundled atlases cannot be used with: other templates
        (``MNIColin27``, …), ``Pixels``, ``Other``.
    """
    space = str(space)
    if space in NATIVE:
        return "native"
    if MNI152.match(space):
        return "MNI152"
    return "MNI305" if MNI305.match(space) else template_frame(space)


def is_known_space(space: str) -> bool:
    """Return whether a name is that of a coordinate system that can be used."""
    return space_family(space) is not None


def to_mni152(contacts: pd.DataFrame) -> np.ndarray:
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
    voxels of the bundled atlases in most places. So is ``IXI549Space``, the template of
    SPM12. MNI305 (fsaverage) goes through FreeSurfer's affine, Talairach through that
    of Lancaster et al. (Human Brain Mapping 28, 2007, 1194-1205).
    """
    return _to_template(contacts, "MNI152")


def to_mni305(contacts: pd.DataFrame) -> np.ndarray:
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
    return _to_template(contacts, "MNI305")


def _to_template(contacts, template):
    """Convert coordinates in mm to a template, shape (n_channels, 3)."""
    xyz = coordinates(contacts)
    spaces = contacts.get("space", pd.Series(None, contacts.index, dtype=object))
    families = [space_family(space) for space in spaces]
    families = [None if family == "native" else family for family in families]
    plain = pd.DataFrame(xyz, contacts.index, ["x", "y", "z"])
    return contact_positions(plain.assign(space=families), template)


def hemispheres(contacts: pd.DataFrame) -> pd.Series:
    """Return the hemisphere of every contact, ``"L"``, ``"R"`` or missing.

    What a column ``hemisphere`` or ``side`` says goes first, then the label's own words
    (``lh``, ``Left``), then the sign of x in the spaces where it means the side.
    """
    side = side_of_x(contacts)
    if "label" in contacts:
        text = contacts["label"].astype("string")
        side[text.str.contains(LEFT).fillna(False).astype(bool)] = "L"
        side[text.str.contains(RIGHT).fillna(False).astype(bool)] = "R"
    for column in contacts.columns[::-1]:
        if SIDE_COLUMNS.match(str(column)):
            given = contacts[column].astype("string").str.strip().str.upper().str[:1]
            known = given.isin(["L", "R"]).fillna(False).astype(bool)
            side[known] = given[known].astype(object)
    return side


def side_of_x(contacts: pd.DataFrame) -> pd.Series:
    """Return the hemisphere that the sign of x means, where x means it.

    The origin of all templates and of ACPC lies in the midline; that of a scanner
    (``ScanRAS``) does not.
    """
    side = pd.Series(None, contacts.index, dtype=object)
    if "space" not in contacts:
        return side
    spaces = contacts["space"].astype("string").fillna("")
    median = {space: _has_median_origin(space) for space in spaces.unique()}
    x = np.where(spaces.map(median).astype(bool), coordinates(contacts)[:, 0], np.nan)
    side[x < 0], side[x > 0] = "L", "R"
    return side


def _has_median_origin(space):
    """Return whether the x of a space is 0 in the midline."""
    if space_family(space) == "native":
        return space == "ACPC"
    is_template = re.match("MNI|ICBM|CIT168|PNC|SPM", space) is not None
    return space_family(space) is not None or is_template
