"""Tables and records on disk, each file whole or not at all."""

import csv
import hashlib
import json
import re
from contextlib import suppress
from glob import escape
from io import BytesIO
from pathlib import Path

import pandas as pd

from mne_duin.utils._atomic import move_file, remove_partial, write_text
from mne_duin.utils._checks import check_option

DIGEST = re.compile("[0-9a-f]{64}")


def format_table(table, style="tsv", *, digits=3):
    """Turn a table into text.

    Parameters
    ----------
    table : DataFrame
        The table; its index is written only if it has a name.
    style : "tsv" | "markdown"
        Tab-separated values at full precision, or a Markdown table.
    digits : int
        Decimals of the numbers in a Markdown table.

    Returns
    -------
    text : str
        The text, ending with a newline. Missing values are ``n/a``.

    Raises
    ------
    ValueError
        If the style is unknown.
    """
    check_option("style", style, ("tsv", "markdown"))
    if table.index.name is not None:
        table = table.reset_index()
    if style == "tsv":
        return table.to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n")
    rows = [[str(column) for column in table.columns], ["---"] * table.shape[1]]
    for row in table.itertuples(index=False):
        rows.append([_format_cell(value, digits) for value in row])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def write_table(table, path, *, digits=3):
    """Write a table as TSV or Markdown, by the ending of the path.

    Parameters
    ----------
    table : DataFrame
        The table; its index is written only if it has a name.
    path : path-like
        A path that ends in ``.tsv`` or ``.md``.
    digits : int
        Decimals of the numbers in a Markdown table.

    Returns
    -------
    path : pathlib.Path
        The path that was written.

    Raises
    ------
    ValueError
        If the path ends otherwise.
    """
    path = Path(path)
    check_option("path", path.suffix, (".tsv", ".md"))
    style = "tsv" if path.suffix == ".tsv" else "markdown"
    return write_text(path, format_table(table, style, digits=digits))


def write_record(path, record, table):
    """Write a record as JSON and its table as TSV next to it.

    Parameters
    ----------
    path : path-like
        A path that ends in ``.json``; the table has the same name with ``.tsv``.
    record : dict
        What JSON can hold. The checksum of the table is added as ``tsv_sha256``, that
        of the record as ``sha256``.
    table : DataFrame
        The table; its index is not written.

    Returns
    -------
    path : pathlib.Path
        The path of the JSON file.
    """
    path = Path(path)
    check_option("path", path.suffix, (".json",))
    text = table.to_csv(sep="\t", index=False, lineterminator="\n")
    if "\r" in text:
        # The writer quotes only its own line end, the reader knows both.
        text = table.to_csv(
            sep="\t", index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC
        )
    record = {**record, "tsv_sha256": hashlib.sha256(text.encode()).hexdigest()}
    # The record commits both: until it is there, the earlier table is in its place;
    # from then on the reader knows where the new one is.
    waiting = write_text(_waiting(path, record), text)
    try:
        _write_json(path, record)
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise
    move_file(waiting, path.with_suffix(".tsv"))
    for leftover in path.parent.glob(f".{escape(path.stem)}.*.next.tsv"):
        leftover.unlink(missing_ok=True)
    remove_partial(path.parent)
    return path


def _waiting(path, record):
    """Return where a table waits for its record to be written."""
    return path.with_name(f".{path.stem}.{record['tsv_sha256'][:16]}.next.tsv")


def _read_table(path, record):
    """Return the table of a record; complete the writing of one that waits."""
    place, waiting = path.with_suffix(".tsv"), _waiting(path, record)
    for source in (place, waiting):
        if source.is_file():
            content = source.read_bytes()
            if hashlib.sha256(content).hexdigest() == record["tsv_sha256"]:
                break
    else:
        raise ValueError(
            f"{place} is not the table that {path.name} was saved with; save the "
            "result again or restore both files."
        )
    if source is waiting:
        # Where the folder cannot be written, the next reader finds it waiting, too.
        with suppress(OSError):
            move_file(waiting, place)
    return pd.read_csv(BytesIO(content), sep="\t", dtype=str, keep_default_na=False)


def extend_record(path, **fields):
    """Add fields to a record on the disk.

    Parameters
    ----------
    path : path-like
        The path of the JSON file.
    **fields : object
        What JSON can hold; a field that is there is replaced.

    Returns
    -------
    path : pathlib.Path
        The path.

    Raises
    ------
    ValueError
        If the file is damaged or of another kind.
    """
    record, _ = read_record(path)
    check_record(record, path)
    return _write_json(Path(path).with_suffix(".json"), record | fields)


def _write_json(path, record):
    """Write a record with its checksum."""
    record["sha256"] = _checksum(record)
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    return write_text(path, text + "\n")


def read_record(path):
    """Read what :func:`write_record` wrote.

    Parameters
    ----------
    path : path-like
        The path of the JSON file, or of the TSV file next to it.

    Returns
    -------
    record : dict
        The record.
    table : DataFrame
        The table; every value is text.

    Raises
    ------
    ValueError
        If a file is damaged or of another kind, or the two do not belong together.
    """
    path = Path(path).with_suffix(".json")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged or not a decoding result ({error!s:.100})."
        ) from error
    if not isinstance(record, dict) or not _is_digest(record.get("tsv_sha256")):
        raise ValueError(f"{path} is not a decoding result.")
    return record, _read_table(path, record)


def _is_digest(value):
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def check_record(record, path):
    """Check that a record is as it was written.

    Parameters
    ----------
    record : dict
        The record; those of earlier versions have no checksum and pass.
    path : path-like
        Its file, for the message.

    Raises
    ------
    ValueError
        If its checksum is another one.
    """
    if record.get("sha256", None) not in (None, _checksum(record)):
        raise ValueError(
            f"{path} is damaged: its content does not match its checksum. Save the "
            "result again or restore the file."
        )


def _checksum(record):
    rest = {name: value for name, value in record.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _format_cell(value, digits):
    if isinstance(value, float):
        return "n/a" if value != value else f"{value:.{digits}f}"
    return str(value).replace("|", "\\|")
