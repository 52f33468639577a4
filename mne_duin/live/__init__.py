"""Decode while it is recorded: from a stream to words.

``_clock`` finds missing samples, ``_contacts`` matches names, ``_buffer`` keeps the
newest signal, ``_engine`` joins them and filters as the training trials were filtered.
``_predictor`` applies a decoder to a window. ``LiveDecoder`` is the front; it knows
arrays only. ``_log`` writes what happens and replays it.

``run_live`` (``_session``) joins it to the Lab Streaming Layer (``_stream``), to a
terminal (``_terminal``), a page (``_page``) and events in BIDS (``_events``), which
show and write a status (``_status``). ``_replay`` plays a recording as a stream, and
``_rt`` hands a decoder to mne-rt.
"""

from mne_duin.live._calibration import LiveCalibration
from mne_duin.live._decision import Decision
from mne_duin.live._live_decoder import LiveDecoder
from mne_duin.live._log import DecisionLog, LogReplay, read_log, replay_log
from mne_duin.live._replay import ReplaySummary, replay_recording
from mne_duin.live._session import LiveSummary, run_live

__all__ = [
    "LiveCalibration",
    "Decision",
    "DecisionLog",
    "LiveDecoder",
    "LiveSummary",
    "LogReplay",
    "ReplaySummary",
    "read_log",
    "replay_log",
    "replay_recording",
    "run_live",
]
