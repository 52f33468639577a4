"""Files on disk: safe, versioned, atomic; and the names that others give to tensors.

A checkpoint is tensors and JSON in one file (:func:`write_checkpoint`), a training run
a folder of numbered ones (:func:`write_next`). State dicts of other programs are read
without running anything in them (:func:`read_state_dict`), and their names translated
to ours and back.
"""

from mne_duin.checkpoints._braindecode_names import (
    braindecode_sizes,
    rename_from_braindecode,
    rename_to_braindecode,
)
from mne_duin.checkpoints._folder import list_checkpoints, read_latest, write_next
from mne_duin.checkpoints._foreign import read_state_dict, unwrap_names
from mne_duin.checkpoints._format import (
    FORMAT,
    DamagedError,
    LaterVersionError,
    read_checkpoint,
    write_checkpoint,
)
from mne_duin.checkpoints._published_names import (
    check_official,
    from_official,
    official_constants,
    official_sizes,
    to_official,
)

__all__ = [
    "FORMAT",
    "DamagedError",
    "LaterVersionError",
    "braindecode_sizes",
    "check_official",
    "from_official",
    "list_checkpoints",
    "official_constants",
    "official_sizes",
    "read_checkpoint",
    "read_latest",
    "read_state_dict",
    "rename_from_braindecode",
    "rename_to_braindecode",
    "to_official",
    "unwrap_names",
    "write_checkpoint",
    "write_next",
]
