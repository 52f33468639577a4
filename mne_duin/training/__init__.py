"""One loop for all stages: arrays on the device, one step function per stage.

``data`` cuts random batches by index arithmetic, ``optim`` has decay groups and the
schedule, ``scaling`` learns each channel's mean and deviation, ``history`` keeps a
record per pass, ``devices`` chooses where and keeps randomness private, ``compiling``
compiles the steps on request, ``processes``
divides the work, ``state`` is what a training can be continued from, ``engine``
is the loop.
"""

from mne_duin.training.data import Batch, SignalData
from mne_duin.training.devices import (
    choose_device,
    choose_precision,
    private_randomness,
    seed_randomness,
)
from mne_duin.training.engine import train
from mne_duin.training.history import History
from mne_duin.training.scaling import ChannelScaler

__all__ = [
    "Batch",
    "ChannelScaler",
    "History",
    "SignalData",
    "choose_device",
    "choose_precision",
    "private_randomness",
    "seed_randomness",
    "train",
]
