"""Find the recordings of a BIDS dataset."""

from pathlib import Path

from mne.utils import warn
from mne_bids import BIDSPath

from mne_duin.io._formats import OPENERS
from mne_duin.io._sidecars import check_bids_path, entities, same_value, subjects_in
from mne_duin.utils._checks import as_list, first_names

FORMATS = tuple(OPENERS)
PARTS = ("subject", "session", "task", "acquisition", "run")


def find_recordings(
    root, *, subject=None, session=None, task=None, run=None, acquisition=None
) -> list[BIDSPath]:
    """Find the iEEG recordings of a BIDS dataset.

    Parameters
    ----------
    root : path-like
        The folder of the dataset.
    subject, session, task, run : str | sequence of str | None
        What to look for; None takes all.
    acquisition : str | sequence of str | None
        Which acquisition (``acq-``), where a run is there more than once, for example
        recorded by two amplifiers or stored with two references.

    Returns
    -------
    recordings : list of mne_bids.BIDSPath
        Sorted by subject, session, task, acquisition and run.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or nothing matches; the message lists the
        subjects, sessions, tasks, runs and acquisitions that are there.

    Examples
    --------
    >>> from mne_duin import find_recordings, sample_data_path
    >>> len(find_recordings(sample_data_path(), subject="01"))
    4
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"The BIDS folder {root} does not exist.")
    wanted = {"subject": subject, "session": session, "task": task, "run": run}
    wanted["acquisition"] = acquisition
    found: dict[tuple, list] = {}
    for path in sorted(root.glob("sub-*/**/ieeg/*_ieeg.*")):
        if path.suffix.lower() not in FORMATS or path.name.startswith("."):
            continue
        parts = entities(path)
        if all(_fits(parts.get(key), value) for key, value in wanted.items()):
            _add_recording(found, path, parts)
    if not found:
        raise FileNotFoundError(_nothing_found(root, wanted))
    order = sorted(found, key=lambda key: [_natural(part) for part in key])
    return [_as_bids_path(root, found[key]) for key in order]


def _fits(value, wanted):
    """Return whether an entity of a file is among those asked for."""
    if wanted is None:
        return True
    prefixes = ("sub-", "ses-", "task-", "run-", "acq-")
    for option in as_list(wanted):
        option = str(option)
        for prefix in prefixes:
            option = option.removeprefix(prefix)
        if value is not None and same_value(value, option):
            return True
    return False


def _natural(value):
    """Return a key that sorts runs 2 and 10 as numbers."""
    text = "" if value is None else str(value)
    return (not text.isdecimal(), int(text) if text.isdecimal() else 0, text)


def _add_recording(found, path, parts):
    """Remember a recording; of two formats of the same one, keep the first."""
    key = tuple(parts.get(part) for part in PARTS)
    if key not in found:
        found[key] = path
        return
    ranks = [FORMATS.index(p.suffix.lower()) for p in (found[key], path)]
    kept, other = (path, found[key]) if ranks[1] < ranks[0] else (found[key], path)
    warn(
        f"The recording {kept.stem} is there twice; {kept.name} is read, not "
        f"{other.name}."
    )
    found[key] = kept


def _as_bids_path(root, path):
    """Return the BIDSPath of a file, spaces in the name left to the sidecars."""
    parts = entities(path)
    parts = {key: value for key, value in parts.items() if key != "space"}
    return BIDSPath(
        **parts,
        root=root,
        datatype="ieeg",
        suffix="ieeg",
        extension=path.suffix,
        check=False,
    )


def _nothing_found(root, wanted):
    """Say what was looked for and what is there instead."""
    asked = ", ".join(f"{k} {v!r}" for k, v in wanted.items() if v is not None)
    files = [
        path
        for path in root.glob("sub-*/**/ieeg/*_ieeg.*")
        if path.suffix.lower() in FORMATS
    ]
    if not files:
        others = sorted({p.suffix for p in root.glob("sub-*/**/ieeg/*_ieeg.*")})
        return (
            f"There is no iEEG recording ({', '.join(FORMATS)}) in {root}. Subjects: "
            f"{', '.join(subjects_in(root)) or 'none'}; files named *_ieeg have the "
            f"endings {', '.join(others) or 'none'}."
        )
    there = []
    for key in wanted:
        values = sorted({entities(p).get(key) for p in files} - {None}, key=_natural)
        if values:
            there.append(f"{key}s: {first_names(values, 40)}")
    return f"No iEEG recording in {root} has {asked}. There are {'; '.join(there)}."


def resolve(bids_path):
    """Find the one file that a BIDSPath means.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording; ending, data type and suffix can be left out.

    Returns
    -------
    bids_path : mne_bids.BIDSPath
        The complete path.

    Raises
    ------
    ValueError
        If several recordings match.
    """
    check_bids_path(bids_path)
    parts = {
        key: getattr(bids_path, key) for key in ("subject", "session", "task", "run")
    }
    matches = find_recordings(
        bids_path.root, acquisition=bids_path.acquisition, **parts
    )
    if bids_path.extension is not None:
        kept = [path for path in matches if path.extension == bids_path.extension]
        matches = kept or matches
        # A complete name means its file, also where a longer name matches.
        exact = [path for path in matches if path.basename == bids_path.basename]
        matches = exact or matches
    if len(matches) > 1:
        names = first_names((path.basename for path in matches), 6)
        raise ValueError(
            f"{len(matches)} recordings match {bids_path.basename!r}: {names}. Name "
            "one of them, or pass the list of runs."
        )
    return matches[0]
