"""The table of bipolar channels: midpoints, and one label for two contacts."""

import numpy as np
import pandas as pd

from mne_duin.channels._names import Contact, name_table, recorded_pairs, split_name
from mne_duin.channels._table import coordinates, order_columns

UNKNOWN = "unknown"  # the cathode of a channel that is only known to be bipolar
OF_A_LABEL = (
    "label", "label_distance", "label_probability", "label_candidates", "label_reason",
    "tissue", "atlas", "hemisphere", "region", "region_probability",
)  # fmt: skip
OF_A_PAIR = {*"xyz", "space", "anode_label", "cathode_label", "label_rule", *OF_A_LABEL}


def complete_pairs(contacts: pd.DataFrame, names=()) -> pd.DataFrame:
    """Describe recorded bipolar channels by their two contacts.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table. Bipolar channels are known by the columns ``anode`` and
        ``cathode``, else by name.
    names : sequence of str
        Further channels of the recording. The bipolar ones whose two contacts are in
        the table become rows.

    Returns
    -------
    contacts : pandas.DataFrame
        The same rows and then new ones. Bipolar channels have ``anode``, ``cathode``
        and, if both contacts are rows of the table, the midpoint and what
        :func:`pair_table` says about labels.
    """
    pairs = recorded_pairs([*contacts.index, *names])
    if {"anode", "cathode"} <= set(contacts.columns):
        said = contacts[["anode", "cathode"]].dropna()
        pairs |= {name: tuple(ends) for name, *ends in said.itertuples()}
    rows = _rows_by_contact(contacts[~contacts.index.isin(list(pairs))])
    ends = {
        name: [_find_row(rows, end) for end in pair] for name, pair in pairs.items()
    }
    whole = [name for name, found in ends.items() if None not in found]
    new = [name for name in whole if name not in contacts.index]
    out = contacts.reindex([*contacts.index, *new])
    out.index.name, out.attrs = contacts.index.name, contacts.attrs
    there = [name for name in pairs if name in out.index]
    if not there:
        return out
    for column, k in (("anode", 0), ("cathode", 1)):
        if column not in out:
            out[column] = pd.Series(None, out.index, dtype=object)
        out.loc[there, column] = [pairs[name][k] for name in there]
    if whole:
        anodes, cathodes = (contacts.loc[[ends[n][k] for n in whole]] for k in (0, 1))
        table = pair_table(anodes, cathodes, names=whole)
        for column in table.columns.difference(["anode", "cathode"]):
            if column not in out:
                out[column] = pd.Series(None, out.index, dtype=object)
            of_pair = column in OF_A_PAIR
            rows = [n for n in whole if of_pair or pd.isna(out.at[n, column])]
            out.loc[rows, column] = table.loc[rows, column].to_numpy()
        parts = name_table(new)
        for column in parts.columns.intersection(out.columns):
            out.loc[new, column] = parts[column]
    return order_columns(out)


def _rows_by_contact(contacts):
    """Return the row name of each contact, by its name and by its shaft and number."""
    rows: dict = {}
    for name in contacts.index:
        rows.setdefault(split_name(name), name)
    if {"shaft", "number"} <= set(contacts.columns):
        known = contacts[["shaft", "number"]].dropna()
        for name, shaft, number in known.itertuples():
            rows.setdefault(Contact(shaft, int(number)), name)
    rows.pop(None, None)
    return rows | {name: name for name in contacts.index}


def _find_row(rows, end):
    """Return the row of one end of a pair, or None."""
    return rows.get(end, rows.get(split_name(end)))


def pair_table(
    anodes: pd.DataFrame, cathodes: pd.DataFrame, names=None
) -> pd.DataFrame:
    """Describe bipolar channels by the rows of their two contacts.

    Returns the midpoint in ``x``, ``y``, ``z``, both labels, and the label of the pair
    by the rule in ``label_rule``; see :func:`reference_bipolar`.
    """
    if names is None:
        ends = zip(anodes.index, cathodes.index, strict=True)
        names = [f"{anode}-{cathode}" for anode, cathode in ends]
    table = anodes.copy()
    table.index = pd.Index(names, name="name", dtype=object)
    midpoint = (coordinates(anodes) + coordinates(cathodes)) / 2
    table[["x", "y", "z"]] = midpoint
    table["anode"] = anodes.index.to_numpy()
    table["cathode"] = cathodes.index.to_numpy()
    if "space" in table:
        same = anodes["space"].to_numpy() == cathodes["space"].to_numpy()
        table.loc[~same, ["x", "y", "z"]] = np.nan
    if "label" not in table:
        return order_columns(table)
    winner, rule = _choose_label(anodes, cathodes)
    for column in OF_A_LABEL:
        if column in anodes:
            first, second = (part[column].to_numpy() for part in (anodes, cathodes))
            table[column] = np.where(winner == 0, first, second)
    table["anode_label"] = anodes["label"].to_numpy()
    table["cathode_label"] = cathodes["label"].to_numpy()
    table["label_rule"] = rule
    return order_columns(table)


def _choose_label(anodes, cathodes):
    """Choose which contact of each pair gives the label.

    Returns 0 for the anode and 1 for the cathode, int (n_pairs,), and the rule: both
    are the ``same``, it is the ``only`` one, the ``nearer`` one, or the ``anode``.
    """
    first, second = (part["label"].to_numpy(object) for part in (anodes, cathodes))
    far = [
        pd.to_numeric(
            part.get("label_distance", pd.Series(np.nan, part.index))
        ).to_numpy(dtype=float)
        for part in (anodes, cathodes)
    ]
    missing = [pd.isna(first), pd.isna(second)]
    same = (first == second) | (missing[0] & missing[1])
    only = missing[0] ^ missing[1]
    nearer = ~same & ~only & np.isfinite(far[0] + far[1]) & (far[0] != far[1])
    rule = np.select([same, only, nearer], ["same", "only", "nearer"], "anode")
    winner = np.where(only, missing[0], nearer & (far[1] < far[0])).astype(int)
    return winner, rule.astype(object)
