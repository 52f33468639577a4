"""Du-IN for MNE: decode speech from intracranial sEEG with a discrete codex.

``BIDS folder -> io -> (Epochs, contacts) -> channels -> estimators (codes -> masked
pre-training -> words) -> evaluation -> viz, report``. Names are loaded on first use;
``__init__.pyi`` is the table of contents.
"""

import lazy_loader

from mne_duin._version import __version__

_FOLDERS = (
    "baselines",
    "channels",
    "checkpoints",
    "datasets",
    "estimators",
    "evaluation",
    "io",
    "live",
    "nn",
    "report",
    "sequences",
    "training",
    "viz",
    "weights",
    "workflows",
)

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
# Folders are attributes, but `from mne_duin import *` must not hide the library's io.
__all__ = [name for name in __all__ if name not in _FOLDERS] + ["__version__"]
