"""Channel slots: how epochs of several subjects say which channels are real.

Subjects have different contacts, so stacked epochs have numbered slots in place of
channel names. The metadata column ``contacts`` lists the subject's contacts in the
order of the slots; the slots that are left are zero padding.
"""

import re

COLUMN = "contacts"
SEPARATOR = ", "
SLOT = re.compile(r"slot(\d{3,})")


def slot_names(n_slots):
    """Name the slots.

    Parameters
    ----------
    n_slots : int
        How many.

    Returns
    -------
    names : list of str
        ``"slot001"`` and so on.

    Examples
    --------
    >>> slot_names(2)
    ['slot001', 'slot002']
    """
    return [f"slot{index + 1:03d}" for index in range(n_slots)]


def slot_numbers(names):
    """Return the number of each slot.

    Parameters
    ----------
    names : iterable of str
        Channel names.

    Returns
    -------
    numbers : list of int | None
        From 1; None if any of the channels is no slot.

    Examples
    --------
    >>> slot_numbers(["slot002", "slot001"]), slot_numbers(["slot001", "TI'1"])
    ([2, 1], None)
    """
    found = [SLOT.fullmatch(name) for name in names]
    return [int(match[1]) for match in found] if all(found) else None


def join_contacts(names):
    """Write the contacts of a subject as one text.

    Parameters
    ----------
    names : iterable of str
        Their names, in the order of the slots.

    Returns
    -------
    text : str
        The value of the metadata column.

    Raises
    ------
    ValueError
        If a name holds the separator.
    """
    names = [str(name) for name in names]
    bad = [name for name in names if SEPARATOR in name]
    if bad:
        raise ValueError(
            f"A contact's name must not hold {SEPARATOR!r}; got {bad[:5]}."
        )
    return SEPARATOR.join(names)


def split_contacts(text):
    """Read what :func:`join_contacts` wrote.

    Parameters
    ----------
    text : str
        The value of the metadata column.

    Returns
    -------
    names : list of str
        The contacts.
    """
    return str(text).split(SEPARATOR)
