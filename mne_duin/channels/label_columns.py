"""Labels that electrodes.tsv brings along, and the hemisphere of a contact."""

import re

import numpy as np
import pandas as pd

from mne_duin.channels.coordinates import to_mni152

LABEL_COLUMNS = re.compile(
    r"^(?:.*[_\-. ])?(?:label|labels|desikan.*|destrieux.*|dk|dkt|aparc.*|anat|anatomy|"
    r"anatomical.*|area|brain_?area|location|loc|gyrus|structure|parcel.*|roi)$",
    re.IGNORECASE,
)
MISSING = {"", "n/a", "na", "nan", "none", "null"}
LEFT = re.compile(r"(?:^|[-_. ])(?:lh|left|l)(?:[-_. ]|$)", re.IGNORECASE)
RIGHT = re.compile(r"(?:^|[-_. ])(?:rh|right|r)(?:[-_. ]|$)", re.IGNORECASE)


def hemispheres(contacts):
    """Tell the hemisphere of every contact.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table. What its column ``hemisphere`` says goes first, then the
        label's own words (``lh``, ``Left``), then the sign of a template's x.

    Returns
    -------
    hemisphere : pandas.Series of str
        ``"L"``, ``"R"`` or missing.
    """
    side = pd.Series(None, contacts.index, dtype=object)
    x = to_mni152(contacts)[:, 0]
    side[x < 0], side[x > 0] = "L", "R"
    if "label" in contacts:
        text = contacts["label"].astype("string")
        side[text.str.contains(LEFT).fillna(False).astype(bool)] = "L"
        side[text.str.contains(RIGHT).fillna(False).astype(bool)] = "R"
    if "hemisphere" in contacts:
        given = contacts["hemisphere"].astype("string").str.strip().str.upper().str[:1]
        known = given.isin(["L", "R"]).fillna(False).astype(bool)
        side[known] = given[known].astype(object)
    return side


def find_label_column(contacts):
    """Find the column of electrodes.tsv that holds anatomical labels.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.

    Returns
    -------
    column : str | None
        The first column with a telling name and at least one value that is a text.
    """
    own = {"label", "label_distance", "region"}
    for column in contacts.columns:
        if column in own or not LABEL_COLUMNS.match(str(column)):
            continue
        values = contacts[column].map(_clean_label).dropna()
        if len(values) and not values.str.fullmatch(r"[-+\d.eE]+").all():
            return column
    return None


def take_label_column(contacts, column):
    """Use a column of electrodes.tsv as the labels, as it is.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.
    column : str
        Name of the column.

    Returns
    -------
    contacts : pandas.DataFrame
        A copy with ``label``, ``label_distance`` (NaN), ``atlas``
        (``"electrodes.tsv:"`` and the column) and ``hemisphere``.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    if column not in contacts.columns:
        raise ValueError(
            f"electrodes.tsv has no column {column!r}; it has "
            f"{', '.join(map(str, contacts.columns))}."
        )
    out = contacts.copy()
    out["label"] = contacts[column].map(_clean_label).astype(object)
    out["label_distance"] = np.nan
    out["atlas"] = pd.Series(
        [f"electrodes.tsv:{column}" if ok else None for ok in out["label"].notna()],
        out.index,
        dtype=object,
    )
    out["hemisphere"] = hemispheres(out)
    return out


def _clean_label(value):
    """Return a label as text, or None for the ways to write a missing one."""
    if value is None or pd.isna(value) or str(value).strip().lower() in MISSING:
        return None
    return str(value).strip()
