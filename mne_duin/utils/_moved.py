"""Former names of parameters and options, which warn for one release."""

import warnings
from functools import wraps

from mne.utils import warn


def former_parameters(**former: str):
    """Return a decorator that takes former names of keywords: ``new="former"``."""

    def decorate(function):
        @wraps(function)
        def call(*args, **keywords):
            for name, before in former.items():
                if before in keywords:
                    _rename(keywords, before, name, function.__name__)
            return function(*args, **keywords)

        return call

    return decorate


def _rename(keywords, before, name, function):
    """Give a keyword its new name, with a warning."""
    if name in keywords:
        raise TypeError(
            f"{function}: `{before}` is the former name of `{name}`; give only "
            f"`{name}`."
        )
    warnings.warn(
        f"{function}: `{before}` is now `{name}`; the next release will no longer take "
        f"`{before}`.",
        FutureWarning,
        stacklevel=3,
    )
    keywords[name] = keywords.pop(before)


def former_option(name, value, former):
    """Return an option; a former value becomes the present one, with a warning."""
    if not isinstance(value, str) or value not in former:
        return value
    warn(
        f"{name}={value!r} is now {name}={former[value]!r}; the next release will no "
        f"longer take {value!r}.",
        FutureWarning,
    )
    return former[value]
