"""From a BIDS folder to Epochs and a contacts table.

``finding`` lists recordings. ``_record`` reads everything that describes one into one
record: sidecars (``_sidecars``, ``_channels``, ``_events``, ``transcripts``), the file
itself (``_formats``, ``_nwb``, ``_gaps``) and its time axis (``_timing``). ``checks``
holds the parts against each other, and ``recordings`` opens what passed. ``contacts``,
``coordsystem`` and ``_units`` read where the contacts are; ``_channel_choice`` decides
which channels to make before any sample is read. ``_trials`` picks events, ``_windows``
lays out trials and segments, ``_processing`` and ``_stream`` reference, filter and
resample piece by piece, ``_assemble`` makes Epochs, ``_on_disk`` and ``_segments``
write segments to a folder in their place, ``epochs`` is the front, and ``_prepare`` the
front for recordings without BIDS.
"""

from mne_duin.io._checks import check_recording, list_checks
from mne_duin.io._contacts import read_contacts
from mne_duin.io._epochs import read_epochs, read_segments
from mne_duin.io._finding import find_recordings
from mne_duin.io._prepare import prepare_epochs
from mne_duin.io._recordings import read_raw
from mne_duin.io._segments import write_segments
from mne_duin.io._transcripts import read_stimulus_events, read_transcript
from mne_duin.utils._segments import DiskSegments, open_segments

__all__ = [
    "DiskSegments",
    "check_recording",
    "find_recordings",
    "list_checks",
    "open_segments",
    "prepare_epochs",
    "read_contacts",
    "read_epochs",
    "read_raw",
    "read_segments",
    "read_stimulus_events",
    "read_transcript",
    "write_segments",
]
