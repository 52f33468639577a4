"""Decode while it is recorded: from a stream to words.

``_clock`` finds missing samples, ``_contacts`` matches names, ``_buffer`` keeps the
newest signal, ``_engine`` joins them and filters as the training trials were filtered.
``_predictor`` applies a decoder to a window. ``LiveDecoder`` is the front; it knows
arrays only. ``_log`` writes what happens and replays it.
"""

from mne_duin.live._calibration import Calibration
from mne_duin.live._decision import Decision
from mne_duin.live._live_decoder import LiveDecoder
from mne_duin.live._log import DecisionLog, LogReplay, read_log, replay_log

__all__ = [
    "Calibration",
    "Decision",
    "DecisionLog",
    "LiveDecoder",
    "LogReplay",
    "read_log",
    "replay_log",
]
