"""Names that moved to another folder: the old place warns for one release."""

import importlib
import warnings


def forward(old: str, new: str, names: tuple[str, ...]):
    """Return a ``__getattr__`` for the module ``old`` that finds names in ``new``."""

    def __getattr__(name):
        if name not in names:
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        warnings.warn(
            f"{old}.{name} is now {new}.{name}; the next release will no longer have "
            "it at the old place.",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module(new), name)

    return __getattr__
