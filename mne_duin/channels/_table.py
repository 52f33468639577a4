"""The contacts table: its columns, and reading names and coordinates out of it."""

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from mne_duin.channels._names import (
    find_other_channels,
    name_table,
    recorded_pairs,
    split_name,
)

ORDER = (
    "shaft number anode cathode x y z space status channel_type hemisphere label "
    "label_distance label_probability label_candidates label_reason tissue atlas "
    "region region_probability anode_label cathode_label label_rule"
).split()


def as_name_table(contacts) -> pd.DataFrame:
    """Return a table with ``shaft`` and ``number`` from a contacts table or names.

    Of plain names, only those of contacts are kept: no auxiliary and scalp channels, no
    names without a number, and no bipolar names.
    """
    if isinstance(contacts, pd.DataFrame):
        if {"shaft", "number"} <= set(contacts.columns):
            return contacts
        parts = name_table(list(contacts.index), contacts.get("group"))
        rest = contacts.drop(columns=["shaft", "number"], errors="ignore")
        return pd.concat([parts, rest], axis=1)
    names = list(contacts)
    out = {*find_other_channels(names), *recorded_pairs(names)}
    return name_table([n for n in names if n not in out and split_name(n)])


def is_pair(contacts: pd.DataFrame) -> np.ndarray:
    """Return for each row whether it is the difference of two contacts, recorded so.

    The columns ``anode`` and ``cathode`` say so, else the names.
    """
    if {"anode", "cathode"} <= set(contacts.columns):
        return contacts[["anode", "cathode"]].notna().all(axis=1).to_numpy()
    pairs = recorded_pairs(list(contacts.index))
    return np.array([name in pairs for name in contacts.index], dtype=bool)


def is_end(contacts: pd.DataFrame) -> np.ndarray:
    """Return for each row whether it is a contact of a recorded pair of the table."""
    if not {"anode", "cathode"} <= set(contacts.columns):
        return np.zeros(len(contacts), dtype=bool)
    pairs = contacts[is_pair(contacts)]
    ends = {*pairs["anode"], *pairs["cathode"]} - set(pairs.index)
    return contacts.index.isin(ends)


def order_columns(contacts: pd.DataFrame) -> pd.DataFrame:
    """Put the columns that this package knows first; the others follow as they are."""
    known = [column for column in ORDER if column in contacts.columns]
    rest = [column for column in contacts.columns if column not in ORDER]
    return contacts[known + rest]


def coordinates(contacts: pd.DataFrame) -> np.ndarray:
    """Return coordinates in mm, shape (n_channels, 3); NaN where unknown."""
    if {"x", "y", "z"} <= set(contacts.columns):
        columns = contacts[["x", "y", "z"]]
        if all(is_float_dtype(dtype) for dtype in columns.dtypes):
            return columns.to_numpy(dtype=float, copy=True)
    columns = contacts.reindex(columns=["x", "y", "z"])
    return columns.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
