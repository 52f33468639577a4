"""From a BIDS folder to Epochs and a contacts table.

``finding`` lists recordings and ``recordings`` opens them, ``nwb`` those that MNE does
not know; ``sidecars`` and ``tables``, ``channels``, ``events``, ``contacts``,
``coordsystem`` and ``units`` read the files beside them; ``channel_choice`` decides
which channels to make before any sample is read; ``trials`` picks events, ``windows``
lays out trials and segments; ``processing`` and ``stream`` reference, filter and
resample piece by piece; ``assemble`` makes Epochs; ``epochs`` is the front.
"""

from mne_duin.io.contacts import read_contacts
from mne_duin.io.epochs import read_epochs, read_segments
from mne_duin.io.finding import find_recordings
from mne_duin.io.recordings import read_raw

__all__ = [
    "find_recordings",
    "read_contacts",
    "read_epochs",
    "read_raw",
    "read_segments",
]
