"""One loop for all stages: arrays on the device, one step function per stage.

:class:`SignalData` holds the scaled epochs on the device and cuts random batches by
index arithmetic; :func:`train` makes the passes, each with a record in a
:class:`History`. Randomness is private to a training. Several processes
(:func:`join_processes`) share each batch, and checkpoints keep the state between two
passes. :class:`SampledData` counts training in steps, and :class:`PretrainingCheck`
says what was learned beyond simple rules.
"""

from mne_duin.training._check import PretrainingCheck, cell_rules, code_rules
from mne_duin.training._data import Batch, ChannelScaler, SignalData
from mne_duin.training._devices import (
    choose_device,
    choose_precision,
    is_main,
    join_processes,
    leave_processes,
    n_processes,
    private_randomness,
)
from mne_duin.training._engine import train
from mne_duin.training._sampling import SampledData, split_steps, steps_for
from mne_duin.training._state import CheckpointHooks, History, TrainingState
from mne_duin.training._threads import jobs_at_once

__all__ = [
    "Batch",
    "ChannelScaler",
    "CheckpointHooks",
    "History",
    "PretrainingCheck",
    "SampledData",
    "SignalData",
    "TrainingState",
    "cell_rules",
    "choose_device",
    "choose_precision",
    "code_rules",
    "is_main",
    "jobs_at_once",
    "join_processes",
    "leave_processes",
    "n_processes",
    "private_randomness",
    "split_steps",
    "steps_for",
    "train",
]
