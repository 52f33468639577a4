"""Files of fitted networks: ours, the published ones and braindecode's.

:func:`save_decoder` saves any decoder and :func:`read_model` opens it again;
:func:`from_pretrained` reads what was shared on the Hugging Face Hub.
:func:`read_official` and :func:`to_published` speak the layout of the published
implementation, :func:`from_braindecode` and :func:`to_braindecode` that of braindecode,
and :func:`convert_weights` turns one file into another.
"""

from mne_duin.weights._braindecode import from_braindecode, to_braindecode
from mne_duin.weights._conversion import convert_weights
from mne_duin.weights._linear import save_decoder
from mne_duin.weights._published import read_official, to_published
from mne_duin.weights._reading import (
    from_pretrained,
    read_baseline,
    read_estimator,
    read_model,
)

__all__ = [
    "convert_weights",
    "from_braindecode",
    "from_pretrained",
    "read_baseline",
    "read_estimator",
    "read_model",
    "read_official",
    "save_decoder",
    "to_braindecode",
    "to_published",
]
