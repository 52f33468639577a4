"""Du-IN for MNE: decode speech from intracranial sEEG with a discrete codex.

``BIDS folder -> io -> (Epochs, contacts) -> channels -> estimators (codes -> masked
pre-training -> words) -> evaluation -> viz, report``. Names are loaded on first use;
``__init__.pyi`` is the table of contents.
"""

import lazy_loader

from mne_duin._version import __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
