"""Which names are public, and under which name each has its page."""

import ast
import importlib
from pathlib import Path

import mne_duin

# The folders whose __all__ has pages, from the user's side to the network's.
FOLDERS = (
    "io",
    "channels",
    "sequences",
    "estimators",
    "baselines",
    "evaluation",
    "viz",
    "workflows",
    "live",
    "datasets",
    "checkpoints",
    "training",
    "nn",
)


def stub_names():
    """Return the names of ``__init__.pyi``, in its order.

    Returns
    -------
    names : list of str
        Public names of ``mne_duin``.
    """
    path = Path(mne_duin.__file__).with_suffix(".pyi")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module]
    return [alias.asname or alias.name for node in imports for alias in node.names]


def public_objects():
    """Return the full name under which each public name is documented.

    Returns
    -------
    names : dict of str to str
        ``{"read_epochs": "mne_duin.read_epochs", ...}``: names of the stub under
        ``mne_duin``, the others under their folder.
    """
    names = {name: f"mne_duin.{name}" for name in stub_names()}
    for folder in FOLDERS:
        module = importlib.import_module(f"mne_duin.{folder}")
        for name in module.__all__:
            names.setdefault(name, f"mne_duin.{folder}.{name}")
    return names
