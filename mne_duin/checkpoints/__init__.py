"""Files and foreign state dicts: safe, versioned, atomic.

``official`` translates the published checkpoints' names to ours and back by the rows of
``official_table``, ``pth`` reads the published files, ``format`` reads and writes ours
through ``atomic``, and ``folder`` keeps the numbered ones of a training run.
"""

from mne_duin.checkpoints.folder import read_latest, write_next
from mne_duin.checkpoints.format import (
    LaterVersionError,
    read_checkpoint,
    write_checkpoint,
)
from mne_duin.checkpoints.official import (
    check_official,
    from_official,
    official_sizes,
    to_official,
)
from mne_duin.checkpoints.pth import read_state_dict

__all__ = [
    "LaterVersionError",
    "check_official",
    "from_official",
    "official_sizes",
    "read_checkpoint",
    "read_latest",
    "read_state_dict",
    "to_official",
    "write_checkpoint",
    "write_next",
]
