"""The contacts table: its columns, and reading names and coordinates out of it."""

import pandas as pd

from mne_duin.channels.names import parse_contact, split_name, split_pair

ORDER = (
    "shaft number anode cathode x y z space status hemisphere label label_distance "
    "atlas region anode_label cathode_label label_rule"
).split()


def name_table(names, groups=None):
    """Tabulate shaft and number of many contacts.

    Parameters
    ----------
    names : sequence of str
        Channel names that are known to be contacts.
    groups : sequence | None
        The shaft of each where it is known, missing values allowed.

    Returns
    -------
    table : pandas.DataFrame, shape (n_channels, 2)
        Columns ``shaft`` (missing where the name has no number) and ``number``.
    """
    groups = [None] * len(names) if groups is None else groups
    known = [None if pd.isna(group) else group for group in groups]
    parts = [split_name(*pair) for pair in zip(names, known, strict=True)]
    table = pd.DataFrame(index=pd.Index(names, name="name", dtype=object))
    table["shaft"] = pd.Series(
        [part.shaft if part else None for part in parts], table.index, dtype=object
    )
    table["number"] = pd.array([part and part.number for part in parts], dtype="Int64")
    return table


def as_name_table(contacts):
    """Return a table with ``shaft`` and ``number`` from a contacts table or names.

    Parameters
    ----------
    contacts : pandas.DataFrame | sequence of str
        The contacts table or channel names. Bipolar names are no contacts.

    Returns
    -------
    table : pandas.DataFrame
        The contacts, one row each.
    """
    if isinstance(contacts, pd.DataFrame):
        if {"shaft", "number"} <= set(contacts.columns):
            return contacts
        parts = name_table(list(contacts.index), contacts.get("group"))
        rest = contacts.drop(columns=["shaft", "number"], errors="ignore")
        return pd.concat([parts, rest], axis=1)
    names = [name for name in contacts if parse_contact(name) and not split_pair(name)]
    return name_table(names)


def order_columns(contacts):
    """Put the columns that this package knows first, in one order.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.

    Returns
    -------
    contacts : pandas.DataFrame
        The same table; further columns of electrodes.tsv follow as they stood.
    """
    known = [column for column in ORDER if column in contacts.columns]
    rest = [column for column in contacts.columns if column not in ORDER]
    return contacts[known + rest]


def coordinates(contacts):
    """Return the coordinates of a contacts table as an array.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table; missing columns count as unknown.

    Returns
    -------
    xyz : ndarray, shape (n_channels, 3)
        Coordinates in mm, NaN where unknown.
    """
    columns = contacts.reindex(columns=["x", "y", "z"])
    return columns.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
