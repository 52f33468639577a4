"""Anatomical labels: looked up in an atlas, or taken from electrodes.tsv."""

import numpy as np
import pandas as pd
from mne.utils import logger

from mne_duin.channels.atlas import load_atlas
from mne_duin.channels.coordinates import NATIVE, space_family, to_mni152
from mne_duin.channels.label_columns import (
    find_label_column,
    hemispheres,
    take_label_column,
)
from mne_duin.channels.tables import coordinates, order_columns
from mne_duin.utils.checks import check_number


def assign_labels(
    contacts,
    atlas="desikan-killiany",
    *,
    max_distance=5.0,
    subject=None,
    subjects_dir=None,
    white_matter="nearest",
    unknown=None,
    atlas_space="MNI152",
):
    """Label every contact with the grey matter at its place or nearest to it.

    Parameters
    ----------
    contacts : pandas.DataFrame
        A table with columns ``x``, ``y``, ``z`` (mm) and ``space``. Contacts with
        unknown (NaN) coordinates get no label.
    atlas : str | path-like | tuple of path-like
        ``"desikan-killiany"``, ``"destrieux"`` (bundled, 2 mm, MNI152), the path of a
        label volume with a ``.tsv`` of the same name (columns ``index``, ``name``), or
        the paths of both.
    max_distance : float
        How far to look for grey matter, in mm. Only about a third of depth contacts lie
        exactly in a labelled grey-matter voxel of a template.
    subject : str | None
        Name of the FreeSurfer subject whose own ``aparc+aseg`` gives the labels; needed
        for native coordinates (``ACPC``, ``ScanRAS``), which are taken as the scanner
        coordinates of that FreeSurfer volume.
    subjects_dir : path-like | None
        The FreeSurfer folder; None takes MNE's setting ``SUBJECTS_DIR``.
    white_matter : "nearest" | "keep"
        What to call a contact in white matter: the nearest grey matter, or itself.
    unknown : str | None
        The label of contacts farther than ``max_distance`` from everything that may be
        a label; None leaves it missing.
    atlas_space : str
        The space of a label volume given as a path. The same name as the contacts'
        space means that no conversion is needed.

    Returns
    -------
    contacts : pandas.DataFrame
        A copy with the columns ``label``, ``label_distance`` (mm; 0 in the voxel
        itself), ``atlas`` and ``hemisphere`` (``"L"``, ``"R"``) filled in.

    Raises
    ------
    ValueError
        If a space has no known map to the atlas, with the reason and the remedy.

    Notes
    -----
    MNI305 and fsaverage coordinates are converted to MNI152 with FreeSurfer's affine.
    """
    check_number("max_distance", max_distance, low=0)
    volume = load_atlas(atlas, subject=subject, subjects_dir=subjects_dir)
    xyz = points_in_atlas(contacts, atlas_space, subject)
    labels, distances = volume.lookup(xyz, max_distance, white_matter=white_matter)
    known = np.isfinite(xyz).all(axis=1)
    if not known.all():
        logger.info(
            f"{np.sum(~known)} contact(s) have no coordinates and get no label: "
            f"{', '.join(contacts.index[~known])}."
        )
    out = contacts.copy()
    out["label"] = pd.Series(labels, out.index, dtype=object)
    if unknown is not None:
        out.loc[known & out["label"].isna(), "label"] = unknown
    out["label_distance"] = distances
    out["atlas"] = pd.Series(
        [volume.name if ok else None for ok in out["label"].notna()],
        out.index,
        dtype=object,
    )
    out["hemisphere"] = hemispheres(out)
    return order_columns(out)


def points_in_atlas(contacts, atlas_space, subject):
    """Convert contacts to the space of the atlas, or say why that cannot be done.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.
    atlas_space : str
        The space of the label volume.
    subject : str | None
        The FreeSurfer subject, if its own volume is used.

    Returns
    -------
    xyz : ndarray, shape (n_channels, 3)
        Coordinates in the space of the volume, in mm.
    """
    missing = [c for c in ("x", "y", "z", "space") if c not in contacts.columns]
    if missing:
        raise ValueError(
            f"`contacts` lacks the column(s) {', '.join(missing)}; labels need x, y, z "
            "in mm and the BIDS name of their space."
        )
    xyz = coordinates(contacts)
    known = np.isfinite(xyz).all(axis=1)
    spaces = sorted({str(space) for space in contacts["space"][known]})
    allowed = NATIVE if subject is not None else (atlas_space,)
    if all(space in allowed for space in spaces):
        return xyz
    refused = [s for s in spaces if refuse_space(s, atlas_space, subject)]
    if refused:
        raise ValueError(refuse_space(refused[0], atlas_space, subject))
    return to_mni152(contacts)


def refuse_space(space, atlas_space, subject):
    """Say why coordinates of a space cannot be looked up in an atlas.

    Parameters
    ----------
    space, atlas_space : str
        The spaces of the contacts and of the label volume.
    subject : str | None
        The FreeSurfer subject, if its own volume is used.

    Returns
    -------
    reason : str
        Empty if they can.
    """
    family = space_family(space)
    if subject is not None:
        return (
            f"The contacts are in {space!r}, not in the native space of subject "
            f"{subject!r} (ACPC or ScanRAS); leave `subject` out to use the template."
        )
    if family == "native":
        return (
            f"The contacts are in the native space {space!r}, which no template atlas "
            "covers. Pass `subject` and `subjects_dir` to use the subject's own "
            "FreeSurfer parcellation, or use a label column of electrodes.tsv."
        )
    if family is None:
        return (
            f"There is no known map from the space {space!r} to MNI152. Convert the "
            "coordinates to MNI152 or MNI305, or use a label column of electrodes.tsv."
        )
    if space_family(atlas_space) != "MNI152":
        return (
            f"The contacts are in {space!r} and the atlas in {atlas_space!r}; only "
            "MNI305 and MNI152 can be converted into each other."
        )
    return ""


def label_contacts(
    contacts,
    labels="auto",
    atlas="desikan-killiany",
    *,
    subject=None,
    subjects_dir=None,
):
    """Label contacts by the best source there is.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.
    labels : str
        ``"atlas"`` looks every contact up in ``atlas``; the name of a column of
        electrodes.tsv takes that column as it is; ``"auto"`` uses the atlas where the
        coordinates allow it and the label column of electrodes.tsv for the others.
    atlas : str | path-like
        See :func:`assign_labels`.
    subject, subjects_dir : str | None
        See :func:`assign_labels`.

    Returns
    -------
    contacts : pandas.DataFrame
        A copy with labels. Without any source the label is missing everywhere.
    """
    if labels == "atlas":
        return assign_labels(
            contacts, atlas, subject=subject, subjects_dir=subjects_dir
        )
    if labels != "auto":
        return take_label_column(contacts, labels)
    column = find_label_column(contacts)
    usable = looked_up(contacts, subject)
    if not usable.any():
        return label_without_atlas(contacts, column)
    there = contacts[usable]
    if column is None and not usable.all():
        logger.info(
            f"{np.sum(~usable)} contact(s) have no usable coordinates and no label: "
            f"{', '.join(contacts.index[~usable])}."
        )
    there = assign_labels(there, atlas, subject=subject, subjects_dir=subjects_dir)
    rest = label_without_atlas(contacts[~usable], column)
    out = contacts.copy()
    for name in ("label", "label_distance", "atlas", "hemisphere"):
        out[name] = pd.concat([there[name], rest[name]]).reindex(out.index)
    return order_columns(out)


def looked_up(contacts, subject):
    """Tell which contacts can be looked up in an atlas.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.
    subject : str | None
        The FreeSurfer subject, if there is one.

    Returns
    -------
    usable : ndarray of bool, shape (n_channels,)
        Whether the coordinates are known and their space leads to the atlas.
    """
    if subject is None:
        return np.isfinite(to_mni152(contacts)).all(axis=1)
    native = contacts["space"].isin(NATIVE).to_numpy()
    return native & np.isfinite(coordinates(contacts)).all(axis=1)


def label_without_atlas(contacts, column):
    """Label contacts by a column of electrodes.tsv, or not at all.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.
    column : str | None
        The label column, if there is one.

    Returns
    -------
    contacts : pandas.DataFrame
        A copy with the columns of :func:`assign_labels`.
    """
    if column is not None:
        if len(contacts):
            logger.info(
                f"{len(contacts)} contact(s) have no usable coordinates; their labels "
                f"come from the column {column!r} of electrodes.tsv."
            )
        return take_label_column(contacts, column)
    out = contacts.copy()
    out["label"] = pd.Series(None, out.index, dtype=object)
    out["label_distance"] = np.nan
    out["atlas"] = pd.Series(None, out.index, dtype=object)
    out["hemisphere"] = hemispheres(out)
    return out
