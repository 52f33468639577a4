"""Anatomical labels: looked up in an atlas, or taken from a lab's own files."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from mne.utils import logger, warn

from mne_duin.channels._atlas import Atlas, load_atlas
from mne_duin.channels._label_columns import find_label_column, take_label_column
from mne_duin.channels._pairs import complete_pairs
from mne_duin.channels._spaces import (
    NATIVE,
    hemispheres,
    side_of_x,
    space_family,
    to_mni152,
)
from mne_duin.channels._table import coordinates, order_columns
from mne_duin.utils._checks import check_number, first_names
from mne_duin.utils._moved import former_parameters
from mne_duin.utils._numbers import percent

# Standard deviation of a contact's position in the atlas along each axis in mm:
# localization (1 to 2 mm) and registration to the template. Where labs give labels of
# their own, these make the probabilities calibrated (see the page on public data sets).
ERRORS = {"MNI305": 4.0, "MNI152": 5.5, "Talairach": 6.0, "native": 2.0}
SMALLEST_PROBABILITY = 0.01
OUTSIDE = 10.0  # mm from everything that the atlas labels
IN_BRAIN = 0.8  # of the contacts of a subject must lie in its own brain
ADDED = [
    "label",
    "label_distance",
    "label_probability",
    "label_candidates",
    "label_reason",
    "tissue",
    "atlas",
    "hemisphere",
]


@former_parameters(fs_subject="subject")
def assign_labels(
    contacts: pd.DataFrame,
    atlas="desikan-killiany",
    *,
    max_distance: float = 5.0,
    error: float | str = "auto",
    fs_subject: str | None = None,
    subjects_dir=None,
    white_matter: str = "nearest",
    unknown: str | None = None,
    atlas_space: str = "MNI152",
) -> pd.DataFrame:
    """Label every contact with the gray matter at its place or nearest to it.

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
        How far to look for gray matter, in mm. Only about a third of depth contacts lie
        exactly in a labeled gray-matter voxel of a template.
    error : float | "auto"
        Standard deviation of the position of a contact along each axis in mm, from
        localization and registration; it gives the probability of the label.
        ``"auto"`` is 4 mm for coordinates in MNI305 (fsaverage), 5.5 mm in MNI152,
        6 mm in Talairach, and 2 mm in the subject's own parcellation.
    fs_subject : str | None
        Name of the FreeSurfer subject whose own ``aparc+aseg`` gives the labels; needed
        for native coordinates. ``ACPC`` and ``ScanRAS`` are taken as the scanner
        coordinates of that FreeSurfer volume; ``Other`` as its scanner or its surface
        coordinates, if the contacts lie in the brain with only one of them.
    subjects_dir : path-like | None
        The FreeSurfer folder; None takes MNE's setting ``SUBJECTS_DIR``.
    white_matter : "nearest" | "keep"
        What to call a contact in white matter: the nearest gray matter, or itself.
    unknown : str | None
        The label of contacts farther than ``max_distance`` from everything that may be
        a label; None leaves it missing.
    atlas_space : str
        The space of a label volume given as a path. The same name as the contacts'
        space means that no conversion is needed.

    Returns
    -------
    contacts : pandas.DataFrame
        A copy with these columns filled in: ``label``; ``label_distance`` (mm; 0 in the
        voxel itself); ``label_probability``; ``label_candidates``, all labels with a
        probability of 0.01 or more, as ``"ctx-lh-insula 0.62; Left-Putamen 0.38"``;
        ``label_reason``, why a contact has no label; ``tissue`` of the voxel
        (``grey``, ``white``, ``other``); ``atlas``; and ``hemisphere`` (``"L"``,
        ``"R"``).

    Raises
    ------
    ValueError
        If a space has no known map to the atlas, with the reason and the remedy.

    Notes
    -----
    MNI305 and fsaverage coordinates are converted to MNI152 with FreeSurfer's affine,
    Talairach coordinates with that of Lancaster et al. (2007). In a template, a contact
    never gets a label of the other hemisphere.

    The label is what lies at the contact, or nearest to it; the probability is the part
    of the labeled matter around the contact that has this label, weighted by a normal
    distribution with the given error. :func:`assign_regions` uses the probabilities.
    """
    check_number("max_distance", max_distance, low=0)
    volume = load_atlas(atlas, fs_subject=fs_subject, subjects_dir=subjects_dir)
    points = _points_in_atlas(contacts, volume, atlas_space, fs_subject)
    options = {"white_matter": white_matter, "side": points.side}
    labels, distances = volume.lookup(points.xyz, max_distance, **options)
    chances = volume.probabilities(points.xyz, _errors(error, points), **options)
    out = _keep_own_label(contacts)
    out["label"] = pd.Series(labels, out.index, dtype=object)
    out["label_distance"] = distances
    found = out["label"].notna().to_numpy()
    pairs = list(zip(labels, chances, strict=True))
    out["label_probability"] = [p.get(label, np.nan) for label, p in pairs]
    texts = [_candidates(label, p) if label else None for label, p in pairs]
    out["label_candidates"] = pd.Series(texts, out.index, dtype=object)
    reasons = _reasons(volume, points, distances, max_distance, contacts.index)
    out["label_reason"] = pd.Series(reasons, out.index, dtype=object)
    if "tissue" not in contacts or "label_distance" in contacts:
        out["tissue"] = pd.Series(volume.tissue(points.xyz), out.index, dtype=object)
    if unknown is not None:
        out.loc[np.isfinite(points.xyz).all(axis=1) & ~found, "label"] = unknown
    named = out["label"].notna().to_numpy()
    out["atlas"] = pd.Series(
        np.where(named, volume.name, None), out.index, dtype=object
    )
    out["hemisphere"] = hemispheres(out)
    return complete_pairs(order_columns(out))


class _Points(NamedTuple):
    """Contacts in the space of an atlas: mm, hemisphere, and family of their spaces."""

    xyz: np.ndarray
    side: list
    family: list


def _candidates(label, probabilities):
    """Write labels and their probabilities as one text, the label itself included."""
    kept = {
        name: p
        for name, p in probabilities.items()
        if p >= SMALLEST_PROBABILITY or name == label
    }
    return "; ".join(f"{name} {p:.2f}" for name, p in kept.items()) or None


def _errors(error, points):
    """Return the standard deviation of each position along each axis in mm."""
    if isinstance(error, str) and error == "auto":
        largest = ERRORS["MNI152"]
        return np.array([ERRORS.get(family, largest) for family in points.family])
    check_number("error", error, low=0)
    return np.full(len(points.xyz), float(error))


def _reasons(volume, points, distances, max_distance, names):
    """Say for each contact why it has no label; None where it has one."""
    missing = ~np.isfinite(distances)
    asked = np.where((missing | (max_distance > OUTSIDE))[:, None], points.xyz, np.nan)
    beyond = volume.distance_to_brain(asked) > OUTSIDE
    if beyond.any():
        logger.warning(
            f"{beyond.sum()} contact(s) lie more than {OUTSIDE:g} mm outside the brain "
            f"of the atlas {volume.name}: {first_names(names[beyond])}. Check their "
            "coordinates and the space that is declared."
        )
    known = np.isfinite(points.xyz).all(axis=1)
    if not known.all():
        logger.info(
            f"{np.sum(~known)} contact(s) have no coordinates and get no label: "
            f"{first_names(names[~known])}."
        )
    near = f"no gray matter within {max_distance:g} mm"
    across = np.isfinite(volume.lookup(asked, max_distance)[1])
    near = np.where(across, f"{near} on this side of the midline", near)
    texts = np.select([~known, beyond], ["no position", "outside the brain"], near)
    return np.where(missing, texts, None).tolist()


def _points_in_atlas(contacts, volume: Atlas, atlas_space, fs_subject) -> _Points:
    """Convert contacts to the space of the atlas, or say why that cannot be done."""
    missing = [c for c in ("x", "y", "z", "space") if c not in contacts.columns]
    if missing:
        raise ValueError(
            f"`contacts` lacks the column(s) {', '.join(missing)}; labels need x, y, z "
            "in mm and the BIDS name of their space."
        )
    xyz = coordinates(contacts)
    known = np.isfinite(xyz).all(axis=1)
    spaces = sorted({str(space) for space in contacts["space"][known]})
    if fs_subject is not None and all(s in (*NATIVE, "Other") for s in spaces):
        xyz = _in_own_brain(xyz, spaces, volume, fs_subject)
        side = hemispheres(contacts.drop(columns=["label", "x"], errors="ignore"))
        return _Points(xyz, side.tolist(), ["native"] * len(xyz))
    if fs_subject is not None or any(space != atlas_space for space in spaces):
        refused = [s for s in spaces if _refuse_space(s, atlas_space, fs_subject)]
        if refused:
            raise ValueError(_refuse_space(refused[0], atlas_space, fs_subject))
        xyz = to_mni152(contacts)
    plain = pd.DataFrame(xyz, contacts.index, ["x", "y", "z"])
    side = side_of_x(plain.assign(space=atlas_space))
    return _Points(xyz, side.tolist(), [space_family(s) for s in contacts["space"]])


def _in_own_brain(xyz, spaces, volume, fs_subject):
    """Return native coordinates as scanner coordinates of the subject's volume.

    Coordinates in the space ``Other`` can be those of the scanner or FreeSurfer's
    surface coordinates; they are taken as the ones with which the contacts lie in the
    brain, with a warning that says so.
    """
    known = np.isfinite(xyz).all(axis=1)
    if not known.any():
        return xyz
    frames = {"scanner": xyz, "surface": volume.from_surface(xyz)}
    inside = {
        name: float((volume.distance_to_brain(points[known]) <= OUTSIDE).mean())
        for name, points in frames.items()
    }
    if "Other" not in spaces:
        if inside["scanner"] < IN_BRAIN:
            warn(
                f"Only {percent(inside['scanner'], 0)} of the contacts lie in the "
                f"brain of the FreeSurfer subject {fs_subject!r}; its T1 may not be "
                f"the one that coordinates ({', '.join(spaces)}) belong to."
            )
        return xyz
    fitting = [name for name, part in inside.items() if part >= IN_BRAIN]
    same = np.nanmax(np.abs(frames["scanner"] - frames["surface"])) < 0.5
    if len(fitting) == 1 or (fitting and same):
        warn(
            f"The space 'Other' is taken as the {fitting[0]} coordinates of the "
            f"FreeSurfer subject {fs_subject!r}: {percent(inside[fitting[0]], 0)} of "
            "the contacts lie in its brain."
        )
        return frames[fitting[0]]
    parts = ", ".join(f"{percent(part, 0)} as {name}" for name, part in inside.items())
    raise ValueError(
        "The contacts are in the space 'Other', and neither the scanner nor the "
        f"surface coordinates of the FreeSurfer subject {fs_subject!r} fit alone "
        f"({parts} coordinates in the brain). State the space: read_contacts(…, "
        "space='ScanRAS') takes them as scanner coordinates."
    )


def _refuse_space(space, atlas_space, fs_subject) -> str:
    """Say why coordinates of a space cannot be looked up in an atlas; empty if so."""
    family = space_family(space)
    if fs_subject is not None:
        return (
            f"The contacts are in {space!r}, not in the native space of subject "
            f"{fs_subject!r} (ACPC or ScanRAS); leave `fs_subject` out to use the "
            "template."
        )
    if family == "native":
        return (
            f"The contacts are in the native space {space!r}, which no template atlas "
            "covers. Pass `fs_subject` and `subjects_dir` to use the subject's own "
            "FreeSurfer parcellation, or use a label column of electrodes.tsv."
        )
    if family is None:
        return (
            f"There is no known map from the space {space!r} to MNI152. Convert the "
            "coordinates to MNI152 or MNI305, pass `fs_subject` and `subjects_dir` if "
            "they are native, use a label column of electrodes.tsv, or state what they "
            "are: read_contacts(…, space='MNI152')."
        )
    if space_family(atlas_space) != "MNI152":
        return (
            f"The contacts are in {space!r} and the atlas in {atlas_space!r}; only "
            "MNI305, Talairach and MNI152 can be converted into each other."
        )
    return ""


def _keep_own_label(contacts):
    """Copy a table; a lab's own column ``label`` gets the name of its file."""
    if "label" not in contacts or "label_distance" in contacts:
        return contacts.copy()
    is_channels = "label" in contacts.attrs.get("channels_tsv", ())
    file = "channels" if is_channels else "electrodes"
    return contacts.rename(columns={"label": f"label_{file}"})


def label_contacts(
    contacts: pd.DataFrame,
    label_source: str = "auto",
    atlas="desikan-killiany",
    *,
    error: float | str = "auto",
    fs_subject: str | None = None,
    subjects_dir=None,
) -> pd.DataFrame:
    """Label contacts by the best source there is.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.
    label_source : str
        ``"atlas"`` looks every contact up in ``atlas``; the name of a column of
        electrodes.tsv or channels.tsv takes that column as it is; ``"auto"`` uses the
        atlas where the coordinates allow it and, for the others, the label column with
        the most anatomical names.
    atlas : str | path-like
        See :func:`assign_labels`.
    error : float | "auto"
        See :func:`assign_labels`.
    fs_subject, subjects_dir : str | None
        See :func:`assign_labels`.

    Returns
    -------
    contacts : pandas.DataFrame
        A copy with labels, and for each contact without one the ``label_reason``.
        Without any source the label is missing everywhere.
    """
    options = {"error": error, "fs_subject": fs_subject, "subjects_dir": subjects_dir}
    if label_source == "atlas":
        return assign_labels(contacts, atlas, **options)
    if label_source != "auto":
        return complete_pairs(order_columns(take_label_column(contacts, label_source)))
    column = find_label_column(contacts)
    usable = _is_usable(contacts, fs_subject)
    rest = _label_without_atlas(contacts[~usable], column, fs_subject)
    if not usable.any():
        return complete_pairs(order_columns(rest))
    there = assign_labels(contacts[usable], atlas, **options)
    out = _keep_own_label(contacts)
    for name in ADDED:
        if name in there or name in rest:
            parts = [part[name] for part in (there, rest) if name in part]
            out[name] = pd.concat([p for p in parts if len(p)]).reindex(out.index)
    return complete_pairs(order_columns(out))


def _is_usable(contacts, fs_subject) -> np.ndarray:
    """Return which contacts can be looked up in an atlas."""
    if fs_subject is None:
        return np.isfinite(to_mni152(contacts)).all(axis=1)
    spaces = contacts.get("space", pd.Series("n/a", contacts.index))
    native = spaces.isin([*NATIVE, "Other"]).to_numpy()
    return native & np.isfinite(coordinates(contacts)).all(axis=1)


def _label_without_atlas(contacts, column, fs_subject):
    """Label contacts by a lab's own column, or say why they have no label."""
    reasons = _why_no_atlas(contacts, fs_subject)
    if column is not None:
        out = take_label_column(contacts, column)
        source = next(iter(out["atlas"].dropna()), "a file")
        if len(contacts):
            logger.info(
                f"{len(contacts)} contact(s) have no usable coordinates; their labels "
                f"come from the column {column!r} of {source.split(':')[0]}."
            )
        missing = out["label"].isna()
        out.loc[missing, "label_reason"] = reasons[missing] + "; " + out["label_reason"]
        return out
    out = contacts.copy()
    for name in ("label", "label_candidates", "atlas"):
        out[name] = pd.Series(None, out.index, dtype=object)
    out["label_distance"] = out["label_probability"] = np.nan
    out["label_reason"] = reasons
    out["hemisphere"] = hemispheres(out)
    if len(out):
        places = reasons.str.contains("space")
        hint = (
            " Native coordinates need the subject's FreeSurfer folder: pass "
            "`fs_subject` and `subjects_dir`."
        )
        logger.info(
            f"{len(out)} contact(s) get no label: {first_names(sorted(set(reasons)))}; "
            "and no column of electrodes.tsv or channels.tsv holds labels."
            f"{hint if places.any() else ''}"
        )
    return out


def _why_no_atlas(contacts, fs_subject):
    """Say for each contact why no atlas can be used."""
    placed = np.isfinite(coordinates(contacts)).all(axis=1)
    spaces = contacts.get("space", pd.Series("n/a", contacts.index)).astype(str)
    native = spaces.map(space_family) == "native"
    reasons = "no way from the space " + spaces + " to an atlas"
    reasons[native] = "native space " + spaces[native] + " without a FreeSurfer subject"
    if fs_subject is not None:
        reasons = "the space " + spaces + f" is not native to the subject {fs_subject}"
    return reasons.where(placed, "no position").astype(object)
