"""Argument checks whose messages name the argument, what is allowed and what came."""

from collections.abc import Iterable
from importlib import import_module
from math import isfinite
from numbers import Integral, Real

import numpy as np


def check_option(name, value, allowed):
    """Return ``value`` if it is one of ``allowed``.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        What the caller passed.
    allowed : iterable
        The accepted values.

    Returns
    -------
    value : object
        The value, unchanged.

    Raises
    ------
    ValueError
        If the value is not among the allowed ones.
    """
    allowed = list(allowed)
    if value not in allowed:
        listing = ", ".join(repr(option) for option in allowed)
        raise ValueError(f"`{name}` must be one of {listing}; got {value!r}.")
    return value


def check_type(name, value, types, *, none=False):
    """Return ``value`` if it is an instance of ``types`` (or None where allowed).

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        What the caller passed.
    types : type | tuple of type
        The accepted types.
    none : bool
        Whether None is accepted as well.

    Returns
    -------
    value : object
        The value, unchanged.

    Raises
    ------
    TypeError
        If the value has another type.
    """
    if (none and value is None) or isinstance(value, types):
        return value
    types = types if isinstance(types, tuple) else (types,)
    wanted = " or ".join(kind.__name__ for kind in types) + (" or None" * none)
    raise TypeError(f"`{name}` must be {wanted}; got {type(value).__name__} {value!r}.")


def check_number(name, value, *, low=None, high=None, integer=False, closed=True):
    """Return ``value`` if it is a number within ``[low, high]``.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : float | int
        What the caller passed.
    low, high : float | None
        The limits; None leaves that side open.
    integer : bool
        Whether only whole numbers are accepted.
    closed : bool
        Whether the lower limit itself is accepted.

    Returns
    -------
    value : float | int
        The value, unchanged.

    Raises
    ------
    TypeError
        If the value is not a number, or not a whole one where that is asked for.
    ValueError
        If the value lies outside the limits.
    """
    kind = Integral if integer else Real
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = "a whole number" if integer else "a number"
        raise TypeError(
            f"`{name}` must be {wanted}; got {type(value).__name__} {value!r}."
        )
    too_low = low is not None and (value < low or (value == low and not closed))
    if too_low or (high is not None and value > high) or not isfinite(value):
        left = "" if low is None else f"{'at least' if closed else 'above'} {low}"
        right = "" if high is None else f"at most {high}"
        limits = " and ".join(part for part in (left, right) if part) or "finite"
        raise ValueError(f"`{name}` must be {limits}; got {value!r}.")
    return value


def import_optional(module, *, extra, purpose):
    """Import an optional package or say how to install it.

    Parameters
    ----------
    module : str
        Name of the module to import.
    extra : str
        The extra of mne_duin that installs it.
    purpose : str
        What it is needed for; completes "… is needed to".

    Returns
    -------
    module : module
        The imported module.

    Raises
    ------
    ImportError
        If the package is missing; the message is the install command.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"The package {module!r} is needed to {purpose}. "
            f'Install it with: pip install "mne-duin[{extra}]"'
        ) from error


def as_list(value):
    """Return ``value`` as a list: None is empty, a string is one element.

    Parameters
    ----------
    value : None | str | iterable
        What the caller passed.

    Returns
    -------
    values : list
        The elements.
    """
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    return list(value)


def first_names(names, limit=10):
    """Return names as text for a message, at most ``limit`` of them.

    Parameters
    ----------
    names : iterable
        The names.
    limit : int
        How many to write out.

    Returns
    -------
    text : str
        Such as ``"A1, A2, … and 60 more"``.
    """
    names = [str(name) for name in names]
    shown = ", ".join(names[:limit])
    rest = len(names) - limit
    return f"{shown}, … and {rest} more" if rest > 0 else shown


def draw_seed(random_state):
    """Return an integer seed without touching any global random state.

    Parameters
    ----------
    random_state : None | int | RandomState | Generator
        None asks the operating system; an int is the seed itself.

    Returns
    -------
    seed : int
        Between 0 and 2**31 - 1 for anything but an int.

    Raises
    ------
    TypeError, ValueError
        If it is none of these.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_number("random_state", random_state, low=0, integer=True))
