"""Which electrodes.tsv to read, and what coordsystem.json says about it."""

from mne.utils import warn

from mne_duin.io._sidecars import entities, find_sidecars, read_json

SYSTEM, UNITS = "iEEGCoordinateSystem", "iEEGCoordinateUnits"
ENTITY = "space"


def find_electrodes(bids_path, space):
    """Find electrodes.tsv of the wanted space.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording or subject.
    space : str | None
        The space; None takes the only one.

    Returns
    -------
    path : pathlib.Path | None
        The file; None if there is none at all.
    """
    paths = find_sidecars(bids_path, "electrodes", ".tsv", free=(ENTITY,))
    spaces = {entities(path).get(ENTITY): path for path in reversed(paths)}
    if not spaces:
        if space is not None:
            raise FileNotFoundError(
                f"sub-{bids_path.subject} has no electrodes.tsv, so none in the space "
                f"{space!r}."
            )
        return None
    there = ", ".join(sorted(map(str, spaces)))
    if space is not None and space not in spaces:
        systems = {read_system(bids_path, path)[0]: path for path in spaces.values()}
        if space in systems:
            return systems[space]
        raise ValueError(
            f"`space` {space!r} is not there; electrodes.tsv exists in: {there}."
        )
    if space is None and len(spaces) > 1:
        raise ValueError(
            f"sub-{bids_path.subject} has electrodes.tsv in several spaces ({there}); "
            "choose one with space=."
        )
    path = spaces[space] if space is not None else next(iter(spaces.values()))
    _check_sessions(bids_path, path, paths)
    return path


def _check_sessions(bids_path, path, paths):
    """Complain if the sessions differ and the path does not name one."""
    same = [p for p in paths if entities(p).get(ENTITY) == entities(path).get(ENTITY)]
    rivals = [p for p in same if p.parent != path.parent and p.parent.name == "ieeg"]
    if bids_path.session is None and any(
        rival.read_bytes() != path.read_bytes() for rival in rivals
    ):
        sessions = sorted({str(entities(p).get("session")) for p in [path, *rivals]})
        raise ValueError(
            f"sub-{bids_path.subject} has different electrodes.tsv in the sessions "
            f"{', '.join(sessions)}; choose one with session= in the BIDSPath."
        )


def read_system(bids_path, electrodes):
    """Read which space and unit the positions have.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording or subject.
    electrodes : pathlib.Path
        The file of the positions.

    Returns
    -------
    space : str
        The BIDS name of the space; ``"n/a"`` if no file says it.
    unit : str | None
        The unit as declared.
    """
    entity = entities(electrodes).get(ENTITY)
    paths = find_sidecars(bids_path, "coordsystem", ".json", free=(ENTITY,))
    paths = [p for p in paths if entities(p).get(ENTITY) in (entity, None)]
    paths = sorted(paths, key=lambda p: entities(p).get(ENTITY) is None)
    if not paths:
        warn(
            f"There is no coordsystem.json beside {electrodes}; the space is taken "
            f"from the file name ({entity or 'n/a'}) and the unit from the size."
        )
        return entity or "n/a", None
    system = read_json(paths[0])
    space, unit = system.get(SYSTEM), system.get(UNITS)
    known = space is not None and str(space).lower() not in ("n/a", "other", "")
    if known and entity is not None and entity != space:
        raise ValueError(
            f"{electrodes.name} is named space-{entity}, but {paths[0].name} says "
            f"{SYSTEM} {space!r}; correct the one that is wrong."
        )
    if space is None:
        warn(f"{paths[0]} lacks the field {SYSTEM}; taken as {entity or 'n/a'}.")
    return str((space if known else entity) or space or "n/a"), unit
