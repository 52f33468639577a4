"""Which electrodes.tsv to read, and in which space and unit its positions are."""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mne.utils import logger, warn

from mne_duin.channels import SYSTEMS, is_known_space, space_family
from mne_duin.io._sidecars import entities, find_sidecars, read_json
from mne_duin.utils._checks import first_names

SYSTEM, UNITS = "iEEGCoordinateSystem", "iEEGCoordinateUnits"
ENTITY = "space"
NO_SYSTEM = ("", "n/a", "other", "none", "unknown")
# Columns that hold positions in another space: mni.x, x_mni, MNI152_x, tal.x, …
FRAME = r"(?P<frame>mni_?\d*\w*?|tal(?:airach)?|fsaverage|acpc)"
POSITION = re.compile(
    rf"^(?:{FRAME}[._\- ]?(?P<axis>[xyz])|"
    rf"(?P<axis2>[xyz])[._\- ]{FRAME.replace('frame', 'frame2')})$",
    re.IGNORECASE,
)
IN_WORDS = (
    (re.compile(r"MNI ?305", re.IGNORECASE), "MNI305"),
    (re.compile(r"fsaverage", re.IGNORECASE), "fsaverage"),
    (re.compile(r"\bMNI", re.IGNORECASE), "MNI152"),
    (re.compile(r"talairach", re.IGNORECASE), "Talairach"),
    (re.compile(r"\bACPC\b"), "ACPC"),
)


@dataclass(frozen=True)
class Electrodes:
    """Which file holds the positions, and what they are.

    Parameters
    ----------
    path : pathlib.Path
        electrodes.tsv.
    space : str
        The BIDS name of the space; ``"n/a"`` if nothing says it.
    unit : str | None
        The unit as declared.
    asked : str | None
        The space that the caller asked for.
    """

    path: Path
    space: str
    unit: str | None
    asked: str | None = None


def find_electrodes(bids_path, space) -> Electrodes | None:
    """Find electrodes.tsv of the wanted space; None if there is none at all.

    ``space`` is an entity of a file name, what a coordsystem.json says, or any known
    system that is to be taken for what the only file says.
    """
    paths = find_sidecars(bids_path, "electrodes", ".tsv", free=(ENTITY,))
    by_entity: dict[str | None, list] = {}
    for path in paths:
        by_entity.setdefault(entities(path).get(ENTITY), []).append(path)
    if not by_entity:
        if space is not None:
            raise FileNotFoundError(
                f"sub-{bids_path.subject} has no electrodes.tsv, so none in the space "
                f"{space!r}."
            )
        return None
    if space is not None and space in by_entity:
        chosen = by_entity[space]
    else:
        chosen = _choose_space(bids_path, by_entity, space)
    path = only_one(bids_path, chosen)
    return Electrodes(path, *read_system(bids_path, path), space)


def _choose_space(bids_path, by_entity, space):
    """Choose among files by what their coordsystem.json says."""
    systems = {
        entity: read_system(bids_path, paths[0], silent=True)[0]
        for entity, paths in by_entity.items()
    }
    there = ", ".join(sorted(set(systems.values())))
    if space is None:
        if len(by_entity) > 1:
            raise ValueError(
                f"sub-{bids_path.subject} has electrodes.tsv in several spaces "
                f"({there}); choose one with space=."
            )
        return next(iter(by_entity.values()))
    fitting = [entity for entity, system in systems.items() if system == space]
    if len(fitting) == 1:
        return by_entity[fitting[0]]
    if len(by_entity) == 1 and is_known_space(space):
        return next(iter(by_entity.values()))
    hint = f"electrodes.tsv exists in: {there}"
    if len(by_entity) == 1:
        known = first_names(SYSTEMS, 20)
        hint += f". To state what these coordinates are, name one of {known}"
    raise ValueError(f"`space` {space!r} is not there; {hint}.")


def only_one(bids_path, paths) -> Path:
    """Return the first of several files, or complain if the others say otherwise.

    Files that apply to the path as it is come first and decide. Among files of
    sessions, acquisitions or tasks that the path does not name, none is chosen.
    """
    first = paths[0]
    named = {key for key, value in bids_path.entities.items() if value is not None}
    rivals = [
        path
        for path in paths
        if set(entities(path)) - named - {ENTITY}
        and path.parent.name == first.parent.name
        and path.read_bytes() != first.read_bytes()
    ]
    if not set(entities(first)) - named - {ENTITY} or not rivals:
        return first
    keys = [
        key
        for key in entities(first)
        if key not in named
        and len({entities(path).get(key) for path in [first, *rivals]}) > 1
    ]
    key = keys[0] if keys else "session"
    values = sorted({str(entities(path).get(key)) for path in [first, *rivals]})
    raise ValueError(
        f"sub-{bids_path.subject} has different {first.name.split('_')[-1]} in the "
        f"{key}s {', '.join(values)}; choose one with {key}= in the BIDSPath "
        f"(--{key} at the command line)."
    )


def read_system(bids_path, electrodes, *, silent=False) -> tuple[str, str | None]:
    """Read which space (``"n/a"`` if no file says it) and unit the positions have."""
    entity = entities(electrodes).get(ENTITY)
    paths = find_sidecars(bids_path, "coordsystem", ".json", free=(ENTITY,))
    paths = [p for p in paths if entities(p).get(ENTITY) in (entity, None)]
    own = {k: v for k, v in entities(electrodes).items() if k != ENTITY}
    paths = [
        p for p in paths if all(own.get(k, v) == v for k, v in entities(p).items())
    ]
    paths = sorted(paths, key=lambda p: entities(p).get(ENTITY) is None)
    if not paths:
        return _system_in_words(electrodes, entity, silent), None
    system = read_json(paths[0])
    space, unit = system.get(SYSTEM), system.get(UNITS)
    known = space is not None and str(space).lower() not in NO_SYSTEM
    if known and entity is not None and not _same_system(entity, space):
        raise ValueError(
            f"{electrodes.name} is named space-{entity}, but {paths[0].name} says "
            f"{SYSTEM} {space!r}; correct the one that is wrong."
        )
    if space is None and not silent:
        warn(f"{paths[0]} lacks the field {SYSTEM}; taken as {entity or 'n/a'}.")
    said = system.get(f"{SYSTEM}Description")
    if not known and entity is None and said and not silent:
        logger.info(
            f"{paths[0]} says {SYSTEM} {space!r} ({str(said)[:150]}). To state what "
            "the coordinates are, pass space=, for example space='ScanRAS'."
        )
    return str((space if known else entity) or space or "n/a"), unit


def _same_system(entity, space):
    """Return whether an entity and a system are one, such as MNI and MNI152NLin6Sym."""
    return entity == space or str(space).lower() == str(entity).lower()


def _system_in_words(electrodes, entity, silent):
    """Take the space from the file name or from the words of electrodes.json."""
    described = electrodes.with_suffix(".json")
    words = ""
    if entity is None and described.is_file():
        fields = read_json(described)
        words = " ".join(str(fields.get(axis)) for axis in "xyz")
    found = [space for pattern, space in IN_WORDS if pattern.search(words)]
    if silent:
        return entity or (found[0] if found else "n/a")
    if found:
        warn(
            f"There is no coordsystem.json next to {electrodes}; as {described.name} "
            f"describes its coordinates as {found[0].removesuffix('152')}, they are "
            f"taken as {found[0]}, and the unit from the size."
        )
        return found[0]
    warn(
        f"There is no coordsystem.json next to {electrodes}; the space is taken "
        f"from the file name ({entity or 'n/a'}) and the unit from the size."
    )
    return entity or "n/a"


def position_columns(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return for each space the columns that hold x, y and z in it.

    The columns ``x``, ``y``, ``z`` themselves are not among them.
    """
    found: dict[str, dict[str, str]] = {}
    for column in table.columns:
        match = POSITION.match(str(column))
        if match is None:
            continue
        frame = (match["frame"] or match["frame2"]).lower().replace("_", "")
        axis = (match["axis"] or match["axis2"]).lower()
        if frame.startswith("mni"):
            space = "MNI305" if "305" in frame else "MNI152"
        else:
            names = {"tal": "Talairach", "talairach": "Talairach", "acpc": "ACPC"}
            space = names.get(frame, frame)
        found.setdefault(space, {})[axis] = column
    return {s: [axes[a] for a in "xyz"] for s, axes in found.items() if len(axes) == 3}


def choose_columns(
    electrodes: Electrodes, table: pd.DataFrame
) -> tuple[list[str], str]:
    """Choose the columns of the positions and say which space they are in.

    The columns ``x``, ``y``, ``z`` are in the declared space, or in the one that the
    caller states. Where further columns hold MNI coordinates and the declared space is
    not MNI, those are taken, and that is logged.
    """
    if electrodes.asked == electrodes.space:
        return list("xyz"), electrodes.space
    others = position_columns(table)
    wanted: dict[str, str | None] = {}
    if electrodes.asked:
        wanted = {electrodes.asked: electrodes.asked}
    if not wanted and space_family(electrodes.space) not in ("MNI152", "MNI305"):
        wanted = dict.fromkeys(("MNI152", "MNI305"))
    if not wanted and not _has_values(table, "xyz"):
        wanted = dict.fromkeys(others)
    for space, columns in others.items():
        match = [w for w in wanted if space_family(w) == space_family(space)]
        if match and _has_values(table, columns):
            logger.info(
                f"{electrodes.path.name}: positions are taken from the columns "
                f"{', '.join(columns)} ({match[0]}); x, y, z are in the space "
                f"{electrodes.space!r}. Pass space={electrodes.space!r} to use those."
            )
            return columns, match[0]
    if electrodes.asked is not None:
        warn(
            f"{electrodes.path}: the positions are taken as {electrodes.asked}, as "
            f"asked; the declared space is {electrodes.space!r}."
        )
    return list("xyz"), electrodes.asked or electrodes.space


def _has_values(table, columns):
    """Return whether some row has a value in all of the columns."""
    there = all(column in table for column in columns)
    return there and bool(table[list(columns)].notna().all(axis=1).any())
