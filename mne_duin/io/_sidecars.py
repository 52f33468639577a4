"""Sidecar files: found by BIDS inheritance, read strictly, reported by line."""

import io
import json
import os
import unicodedata
from pathlib import Path

import pandas as pd
from mne.utils import warn
from mne_bids import BIDSPath, get_entities_from_fname

# BIDS knows one spelling, and an empty cell means the same. Of events and names only
# these are missing, because "na", "nan" and "None" are syllables, words and channels.
MISSING = ("n/a", "")
OTHERWISE_MISSING = (*MISSING, "N/A", "na", "NA", "nan", "NaN", "None", "null", "NULL")
POINTERS = (b"/annex/objects/", b"../.git/annex/", b"version https://git-lfs")


def check_bids_path(bids_path):
    """Return a BIDSPath that names a subject in an existing folder.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        What the caller passed.

    Returns
    -------
    bids_path : mne_bids.BIDSPath
        The same path.

    Raises
    ------
    TypeError
        If it is no BIDSPath.
    ValueError
        If it has no root or no subject.
    FileNotFoundError
        If the folder of the subject does not exist.
    """
    if not isinstance(bids_path, BIDSPath):
        raise TypeError(
            f"`bids_path` must be a BIDSPath; got {type(bids_path).__name__} "
            f"{bids_path!r}. find_recordings(root) returns them."
        )
    for part in ("root", "subject"):
        if getattr(bids_path, part) is None:
            raise ValueError(
                f"`bids_path` has no {part}; set it with update({part}=…)."
            )
    subject = Path(bids_path.root) / f"sub-{bids_path.subject}"
    if not subject.is_dir():
        there = subjects_in(bids_path.root)
        raise FileNotFoundError(
            f"There is no subject {bids_path.subject!r} in {bids_path.root}; subjects "
            f"that are there: {', '.join(there) or 'none'}."
        )
    return bids_path


def subjects_in(root):
    """Return the subjects of a BIDS dataset, without ``sub-`` and in order."""
    folders = sorted(Path(root).glob("sub-*"))
    return [folder.name.removeprefix("sub-") for folder in folders if folder.is_dir()]


def entities(path):
    """Return the BIDS entities in a file name, only those that are there."""
    found = get_entities_from_fname(path, on_error="ignore")
    return {key: value for key, value in found.items() if value is not None}


def same_value(first, second):
    """Return whether two entity values are the same, be it 1 or 01."""
    if str(first).isdecimal() and str(second).isdecimal():
        return int(first) == int(second)
    return str(first) == str(second)


def place_name(bids_path):
    """Return session and acquisition of a recording, on which contacts can depend."""
    parts = ("ses", bids_path.session), ("acq", bids_path.acquisition)
    return "_".join(f"{key}-{value}" for key, value in parts if value is not None)


def find_sidecars(bids_path, suffix, extension, *, free=()):
    """Find the sidecar files that apply to a recording, the most specific first.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording, or only its subject.
    suffix, extension : str
        What to look for, for example ``"electrodes"`` and ``".tsv"``.
    free : tuple of str
        Entities that the file may have although the recording has another value.

    Returns
    -------
    paths : list of pathlib.Path
        Files in the recording's folder, then in those above it up to the root, whose
        entities do not contradict those of the recording. Files with an entity that the
        path lacks, as of a session that it does not name, come last.
    """
    root = Path(bids_path.root)
    subject = root / f"sub-{bids_path.subject}"
    session = bids_path.session
    folders = [subject] if session is None else [subject / f"ses-{session}", subject]
    inner = ["ieeg", "*/ieeg", "."] if session is None else ["ieeg", "."]
    name = f"*{suffix}{extension}"
    paths = [
        path for part in inner for path in sorted(folders[0].glob(f"{part}/{name}"))
    ]
    for folder in [*folders[1:], root]:
        paths += sorted(folder.glob(name))
    wanted = {key: value for key, value in bids_path.entities.items() if value}
    fitting = []
    for path in paths:
        if path.stem.split("_")[-1] != suffix or path.name.startswith("._"):
            continue
        own = {key: val for key, val in entities(path).items() if key not in free}
        if all(same_value(val, wanted.get(key, val)) for key, val in own.items()):
            fitting.append(path)
    return sorted(
        fitting,
        key=lambda path: (
            not set(entities(path)) <= {*wanted, *free},
            -len(path.parts),
            -len(entities(path)),
        ),
    )


def read_json(path):
    """Read a JSON sidecar as a dict; ValueError names the line that is wrong."""
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is not valid JSON (line {error.lineno}: {error.msg}); repair it."
        ) from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object with fields in {{}}.")
    return content


def check_fetched(path):
    """Complain about a file whose content DataLad or Git LFS has not fetched.

    Such a file is a link into ``.git/annex`` that leads nowhere, or a short text that
    names where the content is kept.
    """
    path = Path(path)
    pointer = ""
    if path.is_symlink() and not path.exists():
        pointer = os.readlink(path)
        if "annex" not in pointer:
            raise FileNotFoundError(
                f"{path} is a link to {pointer}, which is not there; restore the file."
            )
    elif path.is_file() and path.stat().st_size < 1000:
        with open(path, "rb") as file:
            first = file.read(300)
        if any(mark in first for mark in POINTERS):
            pointer = first.decode("utf-8", "replace").strip().splitlines()[0]
    if pointer:
        raise FileNotFoundError(
            f"The content of {path} was not fetched: it is a pointer of DataLad "
            f"(git-annex) or Git LFS ({pointer[:80]}). Run `datalad get {path.name}` "
            "(or `git annex get`, `git lfs pull`) in its folder."
        )


def compose(text):
    """Return text in its composed Unicode form (NFC), so that é is one letter."""
    return unicodedata.normalize("NFC", str(text))


def read_text(path):
    """Read a text file in composed Unicode; other encodings than UTF-8 with a warning.

    Raises FileNotFoundError if the content is a pointer that was not fetched.
    """
    check_fetched(path)
    data = Path(path).read_bytes()
    try:
        return compose(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            warn(f"{path} is UTF-16 and not UTF-8 as BIDS asks; read as UTF-16.")
            return compose(data.decode("utf-16"))
        warn(f"{path} is not UTF-8 as BIDS asks; read as Latin-1.")
        return compose(data.decode("latin-1"))


def read_table(path, required=(), *, words=False, sep="\t"):
    """Read a tab-separated sidecar as text.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    required : tuple of str
        Columns that must be there.
    words : bool
        Whether ``NA``, ``nan``, ``None`` and the like are words in all columns; else
        only in the column ``name``.
    sep : str
        What stands between the columns.

    Returns
    -------
    table : pandas.DataFrame
        All values as text, missing ones (``n/a``, empty) as None.

    Raises
    ------
    ValueError
        If the file is empty, not tab-separated or ragged, or lacks a column.
    """
    text = read_text(path)
    if not text.strip():
        raise ValueError(f"{path} is empty; it needs at least a line of column names.")
    try:
        table = pd.read_csv(
            io.StringIO(text, newline=None),
            sep=sep,
            dtype=str,
            keep_default_na=False,
            index_col=False,
            skip_blank_lines=True,
            on_bad_lines="error",
        )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ValueError(
            f"{path} cannot be read as a table: {str(error).strip()}. Every line needs "
            "as many tab-separated values as there are column names."
        ) from error
    table.columns = [str(column).strip() for column in table.columns]
    check_columns(path, table, required)
    table = table.apply(lambda column: column.astype(object).str.strip())
    missing = table.isin(MISSING if words else OTHERWISE_MISSING)
    if "name" in table:
        missing["name"] = table["name"].isin(MISSING)
    return table.where(~missing & table.notna(), None)


def check_columns(path, table, required):
    """Complain about columns that are missing, or present twice."""
    missing = [column for column in required if column not in table.columns]
    if (
        missing
        and len(table.columns) == 1
        and any(s in table.columns[0] for s in ",; ")
    ):
        raise ValueError(
            f"{path} is not separated by tabs: its only column is "
            f"{table.columns[0]!r}. Save it with tabs between the columns."
        )
    if missing:
        raise ValueError(
            f"{path} lacks the column(s) {', '.join(missing)}; it has "
            f"{', '.join(table.columns)}."
        )
    twice = [c for c in required if any(x.startswith(f"{c}.") for x in table.columns)]
    if twice:
        raise ValueError(f"{path} has the column {twice[0]!r} twice; remove one.")


def to_numbers(path, table, column):
    """Turn a text column into numbers, shape (n_rows,), NaN where one is missing.

    ValueError names the line of a value that is no number.
    """
    missing = table[column].isna() | table[column].isin(OTHERWISE_MISSING)
    values = table[column].where(~missing, None)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    wrong = numbers.isna() & values.notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        value = values.iloc[row]
        hint = " (write a decimal point, not a comma)" if "," in value else ""
        raise ValueError(
            f"{path}, line {row + 2}, column {column!r}: {value!r} is not a number"
            f"{hint}; write n/a where it is not known."
        )
    return numbers.to_numpy()
