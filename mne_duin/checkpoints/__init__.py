"""Files and foreign state dicts: safe, versioned, atomic.

``official`` translates the published checkpoints' names to ours and back, ``format``
reads and writes our own files.
"""

from mne_duin.checkpoints.format import read_checkpoint, write_checkpoint
from mne_duin.checkpoints.official import (
    from_official,
    official_sizes,
    read_state_dict,
    to_official,
)

__all__ = [
    "from_official",
    "official_sizes",
    "read_checkpoint",
    "read_state_dict",
    "to_official",
    "write_checkpoint",
]
