"""Files and foreign state dicts: safe, versioned, atomic.

``official`` translates the published checkpoints' names to ours and back by the rows of
``official_table``, ``braindecode`` those of braindecode's network; ``pth`` reads files
of either, ``format`` reads and writes ours, and ``folder`` keeps the
numbered ones of a training run.
"""

from mne_duin.checkpoints.folder import list_checkpoints, read_latest, write_next
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
from mne_duin.checkpoints.pth import read_state_dict, unwrap_names

__all__ = [
    "LaterVersionError",
    "check_official",
    "from_official",
    "list_checkpoints",
    "official_sizes",
    "read_checkpoint",
    "read_latest",
    "read_state_dict",
    "to_official",
    "unwrap_names",
    "write_checkpoint",
    "write_next",
]
