"""Values meet their contacts by name, never by accident of order."""

from collections.abc import Mapping
from functools import wraps
from inspect import signature

import numpy as np
import pandas as pd

from mne_duin.channels import as_contacts
from mne_duin.utils._checks import check_type


def takes_montage(function):
    """Let a function take a montage, or an object of MNE, as its contacts.

    Parameters
    ----------
    function : callable
        A function with a parameter ``contacts``.

    Returns
    -------
    function : callable
        The function; what is no table is made one by :func:`make_contacts`.
    """
    names = list(signature(function).parameters)
    place = names.index("contacts")

    @wraps(function)
    def call(*args, **options):
        args = list(args)
        if len(args) > place:
            args[place] = as_contacts(args[place])
        elif "contacts" in options:
            options["contacts"] = as_contacts(options["contacts"])
        return function(*args, **options)

    return call


def join_subjects(contacts):
    """Return one table of contacts out of a table or of one table per subject.

    Parameters
    ----------
    contacts : DataFrame | dict of str to DataFrame
        Contacts of one subject, or of several by subject.

    Returns
    -------
    contacts : DataFrame
        The rows of all subjects in order; with a column ``subject`` if they came by
        subject.
    """
    check_type("contacts", contacts, (pd.DataFrame, Mapping))
    if isinstance(contacts, pd.DataFrame):
        return contacts
    tables = [table.assign(subject=str(name)) for name, table in contacts.items()]
    return pd.concat(tables)


def align_values(values, contacts, name="values"):
    """Bring values and contacts into the same order.

    Parameters
    ----------
    values : Series | array-like | dict
        A Series is looked up by channel name; an array is taken in the order of
        ``contacts``; a dict holds one of them per subject.
    contacts : DataFrame | dict of str to DataFrame
        Contacts, index = channel name; a dict holds one table per subject.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    values : array, shape (n_channels,)
        The values.
    contacts : DataFrame
        The rows that belong to them, in the same order.

    Raises
    ------
    ValueError
        If a channel has no contact, or an array has another length than the table.
    """
    if isinstance(contacts, Mapping):
        return _align_subjects(values, contacts, name)
    check_type("contacts", contacts, pd.DataFrame)
    if isinstance(values, pd.Series) and not values.index.equals(contacts.index):
        unknown = [label for label in values.index if label not in contacts.index]
        if unknown:
            raise ValueError(
                f"`{name}` has channels that `contacts` does not list: {unknown[:5]}. "
                "Give the contacts of the same channels."
            )
        if not contacts.index.is_unique:
            raise ValueError(
                "`contacts` lists a channel name twice. For several subjects give a "
                f"dict of tables and a dict of `{name}`, both by subject."
            )
        contacts = contacts.loc[values.index]
    values = np.asarray(values, dtype=float)
    if values.shape != (len(contacts),):
        raise ValueError(
            f"`{name}` must have one value per contact, shape ({len(contacts)},); "
            f"got shape {values.shape}. Give a Series indexed by channel name to show "
            "some of the contacts."
        )
    return values, contacts


def _align_subjects(values, contacts, name):
    """Align every subject's values with that subject's contacts."""
    check_type(name, values, Mapping)
    missing = sorted({str(one) for one in values} ^ {str(one) for one in contacts})
    if missing:
        raise ValueError(
            f"`{name}` and `contacts` must have the same subjects; only one of them "
            f"has {missing}."
        )
    parts = [align_values(values[one], contacts[one], name) for one in contacts]
    tables = dict(zip(contacts, (table for _, table in parts), strict=True))
    return np.concatenate([part for part, _ in parts]), join_subjects(tables)


def align_filters(filters, contacts, name):
    """Check filters by channels and bring the contacts into their order.

    Parameters
    ----------
    filters : DataFrame | array-like, shape (n_filters, n_channels)
        The columns of a DataFrame are channel names and are looked up; an array is in
        the order of ``contacts``.
    contacts : DataFrame
        Contacts, index = channel name.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    filters : array, shape (n_filters, n_channels)
        The values.
    contacts : DataFrame
        One row per channel, in the same order.
    """
    check_type("contacts", contacts, pd.DataFrame)
    if isinstance(filters, pd.DataFrame):
        unknown = [label for label in filters.columns if label not in contacts.index]
        if unknown:
            raise ValueError(
                f"`{name}` has channels that `contacts` does not list: {unknown[:5]}. "
                "Give the contacts of the same channels."
            )
        contacts = contacts.loc[filters.columns]
    filters = np.atleast_2d(np.asarray(filters, dtype=float))
    if filters.ndim != 2 or filters.shape[1] != len(contacts):
        raise ValueError(
            f"`{name}` must have shape (n_filters, n_channels) with one column per "
            f"contact ({len(contacts)}); got {filters.shape}. Take one subject only."
        )
    return filters, contacts


def column_names(contacts, column):
    """Return a column as an array of objects, all missing if it is not there.

    Parameters
    ----------
    contacts : DataFrame
        Contacts.
    column : str
        Name of the column.

    Returns
    -------
    values : array of object, shape (n_contacts,)
        Its values.
    """
    if column not in contacts:
        return np.full(len(contacts), None, dtype=object)
    return contacts[column].to_numpy(dtype=object)


def shaft_names(contacts):
    """Name the shaft of every contact, with the subject where there are several.

    Parameters
    ----------
    contacts : DataFrame
        Contacts with ``shaft``; ``subject`` where there are several subjects.

    Returns
    -------
    shafts : array of object, shape (n_contacts,)
        Names such as ``"TI'"`` or ``"03 TI'"``; "?" where the shaft is not known.
    """
    shafts = column_names(contacts, "shaft")
    shafts = ["?" if pd.isna(shaft) else str(shaft) for shaft in shafts]
    subjects = column_names(contacts, "subject")
    if len(set(subjects)) > 1:
        pairs = zip(subjects, shafts, strict=True)
        shafts = [f"{subject} {shaft}" for subject, shaft in pairs]
    return np.array(shafts, dtype=object)


def as_frame(history):
    """Return a history as a table, one row per pass.

    Parameters
    ----------
    history : DataFrame | object with ``to_frame()`` | sequence of dict
        What a fit recorded.

    Returns
    -------
    frame : DataFrame
        With a column ``pass``; counted from 1 if it was missing.
    """
    if hasattr(history, "to_frame") and not isinstance(history, pd.DataFrame):
        history = history.to_frame()
    frame = pd.DataFrame(history)
    if "pass" not in frame:
        frame = frame.assign(**{"pass": np.arange(1, len(frame) + 1)})
    return frame
