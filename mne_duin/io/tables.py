"""Tab-separated tables and text files, read strictly and reported by line."""

import io
from pathlib import Path

import pandas as pd
from mne.utils import warn

MISSING = ("n/a", "N/A", "na", "NA", "nan", "NaN", "")


def read_text(path):
    """Read a text file, whatever its encoding.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    text : str
        Its content; other encodings than UTF-8 are read with a warning.
    """
    data = Path(path).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            warn(f"{path} is UTF-16 and not UTF-8 as BIDS asks; read as UTF-16.")
            return data.decode("utf-16")
        warn(f"{path} is not UTF-8 as BIDS asks; read as Latin-1.")
        return data.decode("latin-1")


def read_table(path, required=()):
    """Read a tab-separated sidecar as text.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    required : tuple of str
        Columns that must be there.

    Returns
    -------
    table : pandas.DataFrame
        All values as text, with missing ones (``n/a``) as None.

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
            sep="\t",
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
    return table.where(~table.isin(MISSING) & table.notna(), None)


def check_columns(path, table, required):
    """Complain about columns that are missing, or present twice.

    Parameters
    ----------
    path : pathlib.Path
        The file, for the message.
    table : pandas.DataFrame
        Its content.
    required : tuple of str
        Columns that must be there.
    """
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
    """Turn a text column into numbers.

    Parameters
    ----------
    path : pathlib.Path
        The file, for the message.
    table : pandas.DataFrame
        Its content.
    column : str
        The column.

    Returns
    -------
    numbers : ndarray of float, shape (n_rows,)
        NaN where the value is missing.

    Raises
    ------
    ValueError
        If a value is not a number, naming its line.
    """
    numbers = pd.to_numeric(table[column], errors="coerce").astype(float)
    wrong = numbers.isna() & table[column].notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        value = table[column].iloc[row]
        hint = " (write a decimal point, not a comma)" if "," in value else ""
        raise ValueError(
            f"{path}, line {row + 2}, column {column!r}: {value!r} is not a number"
            f"{hint}; write n/a where it is not known."
        )
    return numbers.to_numpy()
