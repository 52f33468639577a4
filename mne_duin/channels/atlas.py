"""Atlases: a label volume with its table of names, and the lookup of points in it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mne
import nibabel as nib
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from mne_duin.channels.volumes import read_volume
from mne_duin.data import ATLAS_NAMES, data_path
from mne_duin.utils.checks import check_option

FREESURFER_FILES = {
    "desikan-killiany": "aparc+aseg.mgz",
    "destrieux": "aparc.a2009s+aseg.mgz",
}
WHITE = "White-Matter|WM-hypo|^CC_|^wm-|^wm_"
OTHER = "Ventricle|Inf-Lat|CSF|vessel|choroid|Chiasm|(?i:unknown)"


@dataclass(frozen=True)
class Atlas:
    """A label volume.

    Parameters
    ----------
    name : str
        What to write into the column ``atlas`` of a contacts table.
    volume : ndarray of int, shape (n_x, n_y, n_z)
        The label number of each voxel; 0 is background.
    affine : ndarray, shape (4, 4)
        From voxels to mm.
    names : dict of int -> str
        Name of each label number.
    white : frozenset of int
        Label numbers of white matter.
    other : frozenset of int
        Label numbers that are neither grey nor white matter.
    """

    name: str
    volume: np.ndarray
    affine: np.ndarray
    names: dict
    white: frozenset
    other: frozenset

    def lookup(self, xyz, max_distance, *, white_matter="nearest"):
        """Find the label of each point.

        Parameters
        ----------
        xyz : ndarray, shape (n_points, 3)
            Points in mm, in the space of the volume; NaN gives no label.
        max_distance : float
            How far to look for a labelled voxel, in mm from the point to the centre of
            the voxel.
        white_matter : "nearest" | "keep"
            Whether a point in white matter gets the nearest grey-matter label, or
            keeps the white-matter label.

        Returns
        -------
        labels : list of str | None
            The label of each point, None where there is none.
        distances : ndarray, shape (n_points,)
            0 where the voxel of the point itself carries the label, else the distance
            to the voxel that does; NaN without a label.
        """
        known = np.isfinite(xyz).all(axis=1)
        codes = np.zeros(len(xyz), dtype=int)
        distances = np.full(len(xyz), np.nan)
        wanted = self.wanted(white_matter)
        codes[known] = self.at(xyz[known])
        exact = np.isin(codes, wanted)
        distances[exact] = 0.0
        rows = np.flatnonzero(known & ~exact)
        centres, values = self.voxels(tuple(wanted))
        reach, nearest = cKDTree(centres).query(xyz[rows])
        found = reach <= max_distance
        codes[rows] = np.where(found, values[nearest], 0)
        distances[rows[found]] = reach[found]
        labelled = np.isfinite(distances)
        return [
            self.names.get(code) if ok else None
            for code, ok in zip(codes.tolist(), labelled, strict=True)
        ], distances

    def wanted(self, white_matter):
        """Return the label numbers that a point can get.

        Parameters
        ----------
        white_matter : "nearest" | "keep"
            See :meth:`lookup`.

        Returns
        -------
        wanted : ndarray of int, shape (n_labels,)
            The label numbers.
        """
        check_option("white_matter", white_matter, ("nearest", "keep"))
        left_out = self.other | (self.white if white_matter == "nearest" else set())
        return np.array(sorted(set(self.names) - left_out - {0}))

    def at(self, xyz):
        """Return the label number of the voxel that holds each point.

        Parameters
        ----------
        xyz : ndarray, shape (n_points, 3)
            Points in mm, in the space of the volume.

        Returns
        -------
        codes : ndarray of int, shape (n_points,)
            The label numbers, 0 outside the volume.
        """
        voxels = nib.affines.apply_affine(np.linalg.inv(self.affine), xyz)
        voxels = np.floor(voxels + 0.5).astype(int)
        inside = ((voxels >= 0) & (voxels < self.volume.shape)).all(axis=1)
        codes = np.zeros(len(xyz), dtype=int)
        codes[inside] = self.volume[tuple(voxels[inside].T)]
        return codes

    def voxels(self, wanted):
        """Return all voxels with a wanted label.

        Parameters
        ----------
        wanted : sequence of int
            The label numbers.

        Returns
        -------
        centres : ndarray, shape (n_voxels, 3)
            Centres in mm.
        numbers : ndarray of int, shape (n_voxels,)
            The label of each voxel.
        """
        voxels = np.argwhere(np.isin(self.volume, wanted))
        if not len(voxels):
            raise ValueError(f"The atlas {self.name!r} has no labelled voxel.")
        centres = nib.affines.apply_affine(self.affine, voxels)
        return centres, self.volume[tuple(voxels.T)].astype(int)


def load_atlas(atlas, *, subject=None, subjects_dir=None):
    """Load a bundled atlas, the subject's own parcellation, or any NIfTI with a table.

    Parameters
    ----------
    atlas : str | path-like | tuple of path-like
        ``"desikan-killiany"``, ``"destrieux"``, or the path of a label volume (NIfTI or
        MGZ) with a table of the same name ending in ``.tsv`` beside it: columns
        ``index`` and ``name``, optionally ``tissue`` (``grey``, ``white``, ``other``).
        A tuple gives both paths.
    subject : str | None
        Name of the FreeSurfer subject whose own parcellation is to be used.
    subjects_dir : path-like | None
        The FreeSurfer folder; None takes MNE's setting ``SUBJECTS_DIR``.

    Returns
    -------
    atlas : Atlas
        The atlas, in MNI152 or, with ``subject``, in the subject's scanner coordinates.

    Raises
    ------
    ValueError
        If the name is not known or the table lacks a column.
    FileNotFoundError
        If a file is missing.
    """
    if subject is not None:
        return load_subject(str(atlas), subject, subjects_dir)
    if isinstance(atlas, tuple):
        volume, table = (Path(file) for file in atlas)
        return load_files(volume, table)
    if str(atlas) in ATLAS_NAMES:
        volume, table = data_path(f"{atlas}.nii.gz"), data_path(f"{atlas}.tsv")
        return load_volume(str(atlas), str(volume), str(table))
    path = Path(atlas)
    if not path.suffix:
        check_option("atlas", str(atlas), (*ATLAS_NAMES, "a path to a NIfTI file"))
    stem = path.name.split(".nii")[0].split(".mgz")[0]
    return load_files(path, path.with_name(stem + ".tsv"))


def load_files(path, table):
    """Load a label volume of the user's own.

    Parameters
    ----------
    path, table : pathlib.Path
        The volume and the table of its labels.

    Returns
    -------
    atlas : Atlas
        The atlas, named as the volume.
    """
    for file in (path, table):
        if not file.is_file():
            raise FileNotFoundError(
                f"The atlas file {file} does not exist. An atlas is a label volume and "
                "a table of the same name ending in .tsv with columns index and name."
            )
    return load_volume(path.name.split(".")[0], str(path), str(table))


@lru_cache(maxsize=8)
def load_volume(name, volume, table):
    """Load a label volume and the table of its labels.

    Parameters
    ----------
    name : str
        Name of the atlas.
    volume, table : str
        Paths of the volume and the table.

    Returns
    -------
    atlas : Atlas
        The atlas.
    """
    values, affine = read_volume(volume)
    try:
        labels = pd.read_csv(table, sep="\t", keep_default_na=False)
    except ValueError as error:
        raise ValueError(f"{table} is damaged or no table ({error!s:.100}).") from error
    missing = {"index", "name"} - set(labels.columns)
    if missing:
        raise ValueError(
            f"{table} lacks the column(s) {', '.join(sorted(missing))}; a table of an "
            "atlas has the tab-separated columns index and name."
        )
    kinds = labels.get("tissue", tissue(labels["name"]))
    return Atlas(
        name=name,
        volume=values,
        affine=affine,
        names=dict(zip(labels["index"].tolist(), labels["name"], strict=True)),
        white=frozenset(labels["index"][kinds == "white"].tolist()),
        other=frozenset(labels["index"][kinds == "other"].tolist()),
    )


def tissue(names):
    """Tell grey matter, white matter and the rest apart by FreeSurfer's names.

    Parameters
    ----------
    names : pandas.Series of str
        Label names.

    Returns
    -------
    kinds : pandas.Series of str
        ``grey``, ``white`` or ``other`` for each.
    """
    kinds = pd.Series("grey", index=names.index)
    kinds[names.str.contains(WHITE)] = "white"
    kinds[names.str.contains(OTHER)] = "other"
    return kinds


def load_subject(atlas, subject, subjects_dir):
    """Load the parcellation that FreeSurfer made of one subject.

    Parameters
    ----------
    atlas : "desikan-killiany" | "destrieux"
        Which parcellation.
    subject : str
        Name of the FreeSurfer subject.
    subjects_dir : path-like | None
        The FreeSurfer folder.

    Returns
    -------
    atlas : Atlas
        The atlas in the subject's scanner coordinates.
    """
    check_option("atlas", atlas, FREESURFER_FILES)
    folder = mne.utils.get_subjects_dir(subjects_dir, raise_error=True)
    path = Path(folder) / subject / "mri" / FREESURFER_FILES[atlas]
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist. Labels in native space need the subject's "
            "FreeSurfer folder: pass `subject` and `subjects_dir`."
        )
    volume, affine = read_volume(path)
    numbers, _ = mne.read_freesurfer_lut()
    present = np.unique(volume)
    by_number = {number: name for name, number in numbers.items() if number in present}
    labels = pd.Series(by_number, dtype=object)
    kinds = tissue(labels)
    return Atlas(
        name=f"{atlas} ({subject})",
        volume=volume,
        affine=affine,
        names=by_number,
        white=frozenset(kinds.index[kinds == "white"]),
        other=frozenset(kinds.index[kinds == "other"]),
    )
