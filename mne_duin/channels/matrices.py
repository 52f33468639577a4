"""The matrix of each reference, and the table of the channels it makes."""

import numpy as np
import pandas as pd
from mne.utils import logger

from mne_duin.channels.pairs import bipolar_pairs
from mne_duin.channels.tables import as_name_table, coordinates, order_columns
from mne_duin.utils.checks import check_option

REFERENCES = ("bipolar", "laplacian", "shaft", "none")


def reference_matrix(contacts, reference, *, max_gap=1, max_distance="auto"):
    """Build the matrix and the table of a reference.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The good contacts that were recorded, in the order of the data.
    reference : "bipolar" | "laplacian" | "shaft" | "none"
        The reference.
    max_gap, max_distance : int, float | "auto" | None
        See :func:`bipolar_pairs`.

    Returns
    -------
    matrix : ndarray, shape (n_new_channels, n_channels)
        The new channels are ``matrix @ data``.
    contacts : pandas.DataFrame
        The table of the new channels.

    Raises
    ------
    ValueError
        If the reference leaves no channel.
    """
    check_option("reference", reference, REFERENCES)
    contacts = as_name_table(contacts)
    n_contacts = len(contacts)
    if reference == "none":
        return np.eye(n_contacts), contacts.copy()
    place = {name: row for row, name in enumerate(contacts.index)}
    if reference == "bipolar":
        pairs = bipolar_pairs(contacts, max_gap=max_gap, max_distance=max_distance)
        ends = [(place[anode], place[cathode]) for anode, cathode in pairs]
        anodes, cathodes = np.array(ends, dtype=int).reshape(-1, 2).T
        matrix = np.eye(n_contacts)[anodes] - np.eye(n_contacts)[cathodes]
        table = pair_table(contacts.iloc[anodes], contacts.iloc[cathodes])
    else:
        near = shaft_neighbours(contacts, max_gap if reference == "laplacian" else None)
        count = near.sum(axis=1, keepdims=True)
        matrix = np.eye(n_contacts) - near / np.maximum(count, 1)
        kept = count[:, 0] > (0 if reference == "laplacian" else 1)
        matrix, table = matrix[kept], contacts[kept].copy()
    _report_left_out(contacts, matrix, reference)
    return matrix, table


def shaft_neighbours(contacts, max_gap):
    """Tell which contacts are neighbours of which.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.
    max_gap : int | None
        Largest difference of the numbers; None counts the whole shaft, the contact
        itself included.

    Returns
    -------
    near : ndarray of float, shape (n_channels, n_channels)
        1 for neighbours, 0 for others.
    """
    shaft = contacts["shaft"].to_numpy(dtype=object)
    number = contacts["number"].to_numpy(dtype=float, na_value=np.nan)
    known = contacts["shaft"].notna().to_numpy()
    same = (shaft[:, None] == shaft) & known[:, None] & known
    if max_gap is None:
        return same.astype(float)
    order = np.where(same, number[:, None] - number, np.nan)
    near = np.zeros(same.shape)
    for sign in (1, -1):
        gaps = np.where(sign * order > 0, sign * order, np.inf)
        near += (gaps <= max_gap) & (gaps == gaps.min(axis=1, keepdims=True))
    return near


def _report_left_out(contacts, matrix, reference):
    """Log the contacts that a reference does not use, or say that none is left."""
    unused = contacts.index[~matrix.any(axis=0)]
    if not len(matrix):
        raise ValueError(
            f"The {reference} reference leaves no channel: no two of the "
            f"{len(contacts)} contact(s) are neighbours on a shaft "
            f"({', '.join(contacts.index[:8])}{', …' if len(contacts) > 8 else ''}). "
            "Use reference='none', or allow a larger gap."
        )
    if len(unused):
        logger.info(
            f"{len(unused)} contact(s) have no neighbour for the {reference} "
            f"reference and are left out: {', '.join(unused)}."
        )


def pair_table(anodes, cathodes):
    """Describe bipolar channels by their two contacts.

    Parameters
    ----------
    anodes, cathodes : pandas.DataFrame
        The rows of the two contacts of each pair.

    Returns
    -------
    contacts : pandas.DataFrame
        See :func:`reference_bipolar`.
    """
    names = [f"{a}-{c}" for a, c in zip(anodes.index, cathodes.index, strict=True)]
    table = anodes.copy()
    table.index = pd.Index(names, name="name", dtype=object)
    midpoint = (coordinates(anodes) + coordinates(cathodes)) / 2
    table[["x", "y", "z"]] = midpoint
    table.insert(2, "anode", anodes.index.to_numpy())
    table.insert(3, "cathode", cathodes.index.to_numpy())
    if "label" not in table:
        return table
    winner, rule = choose_label(anodes, cathodes)
    for column in ("label", "label_distance", "atlas", "hemisphere", "region"):
        if column in anodes:
            first, second = (part[column].to_numpy() for part in (anodes, cathodes))
            table[column] = np.where(winner == 0, first, second)
    table["anode_label"] = anodes["label"].to_numpy()
    table["cathode_label"] = cathodes["label"].to_numpy()
    table["label_rule"] = rule
    return order_columns(table)


def choose_label(anodes, cathodes):
    """Choose which contact names a pair.

    Parameters
    ----------
    anodes, cathodes : pandas.DataFrame
        The rows of the two contacts of each pair.

    Returns
    -------
    winner : ndarray of int, shape (n_pairs,)
        0 for the anode, 1 for the cathode.
    rule : ndarray of str, shape (n_pairs,)
        ``same``, ``only`` (the other one has no label), ``nearer``, ``anode``.
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
