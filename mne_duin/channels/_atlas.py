"""Atlases: a label volume with its table of names, and the lookup of points in it."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mne
import nibabel as nib
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from mne_duin.channels._label_words import LEFT, RIGHT
from mne_duin.data import ATLAS_NAMES, data_path
from mne_duin.utils._checks import check_option

FREESURFER_FILES = {
    "desikan-killiany": "aparc+aseg.mgz",
    "destrieux": "aparc.a2009s+aseg.mgz",
}
WHITE = "White-Matter|WM-hypo|^CC_|^wm-|^wm_"
OTHER = "Ventricle|Inf-Lat|CSF|vessel|choroid|Chiasm|(?i:unknown)"


@dataclass(frozen=True, eq=False)
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

    def lookup(
        self, xyz: np.ndarray, max_distance: float, *, white_matter="nearest", side=None
    ) -> tuple[list, np.ndarray]:
        """Find the label of each point.

        Parameters
        ----------
        xyz : ndarray, shape (n_points, 3)
            Points in mm, in the space of the volume; NaN gives no label.
        max_distance : float
            How far to look for a labeled voxel, in mm from the point to the center of
            the voxel.
        white_matter : "nearest" | "keep"
            Whether a point in white matter gets the nearest gray-matter label, or
            keeps the white-matter label.
        side : sequence of "L" | "R" | None
            The hemisphere of each point, if known: labels of the other hemisphere are
            not considered.

        Returns
        -------
        labels : list of str | None
            The label of each point, None where there is none.
        distances : ndarray, shape (n_points,)
            0 where the voxel of the point itself carries the label, else the distance
            to the voxel that does; NaN without a label.
        """
        labels = np.full(len(xyz), None, dtype=object)
        distances = np.full(len(xyz), np.nan)
        for rows, wanted in self._by_side(xyz, white_matter, side):
            codes = self.at(xyz[rows])
            inside = np.isin(codes, wanted)
            reach = np.zeros(len(rows))
            tree, values = _search_tree(self, tuple(wanted.tolist()))
            reach[~inside], nearest = tree.query(xyz[rows][~inside])
            codes[~inside] = values[nearest]
            found = reach <= max_distance
            labels[rows[found]] = [self.names[code] for code in codes[found].tolist()]
            distances[rows[found]] = reach[found]
        return labels.tolist(), distances

    def probabilities(
        self, xyz: np.ndarray, error: np.ndarray, *, white_matter="nearest", side=None
    ) -> list[dict[str, float]]:
        """Return how probable each label is for each point.

        The position of a point is taken as uncertain, with a normal distribution
        around it; the probability of a label is its part of the labeled matter there.

        Parameters
        ----------
        xyz : ndarray, shape (n_points, 3)
            Points in mm, in the space of the volume; NaN gives no label.
        error : ndarray, shape (n_points,)
            Standard deviation of the position along each axis in mm.
        white_matter : str
            See :meth:`lookup`.
        side : array of str | None
            See :meth:`lookup`.

        Returns
        -------
        probabilities : list of dict of str -> float
            For each point the labels and their probabilities, the most probable first;
            empty where no label lies within three standard deviations (at least 5 mm).
        """
        out: list[dict[str, float]] = [{} for _ in xyz]
        for rows, wanted in self._by_side(xyz, white_matter, side):
            tree, values = _search_tree(self, tuple(wanted.tolist()))
            reach = np.maximum(3 * error[rows], 5.0)
            for row, near in zip(
                rows, tree.query_ball_point(xyz[rows], reach), strict=True
            ):
                if not near:
                    continue
                offsets = ((tree.data[near] - xyz[row]) ** 2).sum(axis=1)
                offsets -= offsets.min()
                weights = np.exp(-offsets / (2 * max(error[row], 0.1) ** 2))
                sums = np.bincount(values[near], weights) / weights.sum()
                order = np.argsort(-sums, kind="stable")
                out[row] = {self.names[k]: float(sums[k]) for k in order if sums[k] > 0}
        return out

    def tissue(self, xyz: np.ndarray) -> list[str | None]:
        """Return the tissue of the voxel that holds each point.

        Parameters
        ----------
        xyz : ndarray, shape (n_points, 3)
            Scanner coordinates in mm.

        Returns
        -------
        tissue : list of str | None
            ``"grey"``, ``"white"`` or ``"other"``; None outside what is labeled.
        """
        known = np.isfinite(xyz).all(axis=1)
        codes = np.zeros(len(xyz), dtype=int)
        codes[known] = self.at(xyz[known])
        kinds = dict.fromkeys(set(self.names) - {0}, "grey")
        kinds |= dict.fromkeys(self.white, "white") | dict.fromkeys(self.other, "other")
        return [kinds.get(code) if code else None for code in codes.tolist()]

    def distance_to_brain(self, xyz: np.ndarray) -> np.ndarray:
        """Return the distance from points to the nearest labeled voxel.

        Parameters
        ----------
        xyz : ndarray, shape (n_points, 3)
            Scanner coordinates in mm.

        Returns
        -------
        distance : ndarray, shape (n_points,)
            Distance in mm; NaN where the coordinates are missing.
        """
        out = np.full(len(xyz), np.nan)
        known = np.isfinite(xyz).all(axis=1)
        if known.any():
            tree, _ = _search_tree(self, tuple(sorted(set(_mean_x(self)))))
            out[known] = tree.query(xyz[known])[0]
        return out

    def from_surface(self, xyz: np.ndarray) -> np.ndarray:
        """Convert FreeSurfer's surface coordinates to scanner coordinates.

        Parameters
        ----------
        xyz : ndarray, shape (n_points, 3)
            Surface coordinates in mm.

        Returns
        -------
        xyz : ndarray, shape (n_points, 3)
            Scanner coordinates in mm.
        """
        size = np.abs(nib.affines.voxel_sizes(self.affine))
        surface = np.zeros((4, 4))
        surface[0, 0], surface[1, 2], surface[2, 1] = -size[0], size[2], -size[1]
        surface[:3, 3] = -surface[:3, :3] @ (np.array(self.volume.shape) / 2)
        surface[3, 3] = 1
        return nib.affines.apply_affine(self.affine @ np.linalg.inv(surface), xyz)

    def _by_side(self, xyz, white_matter, side) -> Iterator[tuple]:
        """Yield the known points of each hemisphere with the labels they can get."""
        known = np.isfinite(xyz).all(axis=1)
        sides = np.array([None] * len(xyz) if side is None else list(side), object)
        there = [code for code in self.wanted(white_matter) if code in _mean_x(self)]
        if not there:
            raise ValueError(f"The atlas {self.name!r} has no labeled voxel.")
        across = self._labels_by_side()
        for one, other in (("L", "R"), ("R", "L"), (None, None)):
            match = sides == one if one else ~np.isin(sides, ["L", "R"])
            rows = np.flatnonzero(known & match)
            wanted = np.array(sorted(set(there) - set(across.get(other, ()))))
            if len(rows) and len(wanted):
                yield rows, wanted

    def _labels_by_side(self):
        """Return the label numbers of each hemisphere, by their names and places."""
        x = _mean_x(self)
        return {
            side: [
                code
                for code, name in self.names.items()
                if word.search(str(name)) and sign * x.get(code, 0.0) > 0
            ]
            for side, word, sign in (("L", LEFT, -1), ("R", RIGHT, 1))
        }

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


@lru_cache(maxsize=8)
def _search_tree(atlas: Atlas, wanted: tuple) -> tuple[cKDTree, np.ndarray]:
    """Return a tree of the centers of voxels with a wanted label, and their labels."""
    voxels = np.argwhere(np.isin(atlas.volume, wanted))
    centers = nib.affines.apply_affine(atlas.affine, voxels)
    return cKDTree(centers), atlas.volume[tuple(voxels.T)].astype(int)


@lru_cache(maxsize=8)
def _mean_x(atlas: Atlas) -> dict[int, float]:
    """Return the mean x of every label in mm."""
    voxels = np.argwhere(atlas.volume > 0)
    codes, index = np.unique(atlas.volume[tuple(voxels.T)], return_inverse=True)
    x = nib.affines.apply_affine(atlas.affine, voxels)[:, 0]
    means = np.bincount(index, x) / np.bincount(index)
    return dict(zip(codes.tolist(), means.tolist(), strict=True))


def load_atlas(atlas, *, fs_subject=None, subjects_dir=None):
    """Load a bundled atlas, the subject's own parcellation, or any NIfTI with a table.

    Parameters
    ----------
    atlas : str | path-like | tuple of path-like
        ``"desikan-killiany"``, ``"destrieux"``, or the path of a label volume (NIfTI or
        MGZ) with a table of the same name ending in ``.tsv`` next to it: columns
        ``index`` and ``name``, optionally ``tissue`` (``grey``, ``white``, ``other``).
        A tuple gives both paths.
    fs_subject : str | None
        Name of the FreeSurfer subject whose own parcellation is to be used.
    subjects_dir : path-like | None
        The FreeSurfer folder; None takes MNE's setting ``SUBJECTS_DIR``.

    Returns
    -------
    atlas : Atlas
        The atlas, in MNI152 or, with ``fs_subject``, in the scanner coordinates of that
        subject.

    Raises
    ------
    ValueError
        If the name is not known or the table lacks a column.
    FileNotFoundError
        If a file is missing.
    """
    if fs_subject is not None:
        return load_subject(str(atlas), fs_subject, subjects_dir)
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
    kinds = labels.get("tissue", _tissue(labels["name"]))
    return Atlas(
        name=name,
        volume=values,
        affine=affine,
        names=dict(zip(labels["index"].tolist(), labels["name"], strict=True)),
        white=frozenset(labels["index"][kinds == "white"].tolist()),
        other=frozenset(labels["index"][kinds == "other"].tolist()),
    )


def _tissue(names):
    """Tell gray matter, white matter and the rest apart by FreeSurfer's names.

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


def load_subject(atlas, fs_subject, subjects_dir):
    """Load the parcellation that FreeSurfer made of one subject.

    Parameters
    ----------
    atlas : "desikan-killiany" | "destrieux"
        Which parcellation.
    fs_subject : str
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
    path = Path(folder) / fs_subject / "mri" / FREESURFER_FILES[atlas]
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist. Labels in native space need the subject's "
            "FreeSurfer folder: pass `fs_subject` and `subjects_dir`."
        )
    volume, affine = read_volume(path)
    numbers, _ = mne.read_freesurfer_lut()
    present = np.unique(volume)
    by_number = {number: name for name, number in numbers.items() if number in present}
    labels = pd.Series(by_number, dtype=object)
    kinds = _tissue(labels)
    return Atlas(
        name=f"{atlas} ({fs_subject})",
        volume=volume,
        affine=affine,
        names=by_number,
        white=frozenset(kinds.index[kinds == "white"]),
        other=frozenset(kinds.index[kinds == "other"]),
    )


def read_volume(path):
    """Read a label volume.

    Parameters
    ----------
    path : path-like
        A file of any format that nibabel reads.

    Returns
    -------
    labels : ndarray of int, shape (n_x, n_y, n_z)
        The labels.
    affine : ndarray, shape (4, 4)
        From voxels to millimetres.

    Raises
    ------
    ValueError
        If the file is damaged or no volume.
    """
    try:
        _check_gzip(path)
        image = nib.load(path)
        return np.asanyarray(image.dataobj).astype(np.int32), image.affine
    except Exception as error:
        # A damaged file can make the reader stumble in any way.
        reason = f"{type(error).__name__}: {error!s:.100}"
        raise ValueError(f"{path} is damaged or no label volume ({reason}).") from error


def _check_gzip(path):
    """Read a compressed file to its end; nibabel fills up one that was cut."""
    with Path(path).open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return
    with gzip.open(path) as file:
        while file.read(1 << 22):
            pass
