"""Recordings to try things on: simulated subjects whose truth is known.

``montages``, ``lexicon`` and ``schedule`` say who reads what and when; ``background``,
``speech`` and ``artefacts`` make the sources, ``brain`` mixes them into contacts, and
``synthetic`` puts it together; ``cohort`` makes several subjects who share their word
codes, ``syllables`` one who says streams of syllables. ``bids`` writes a dataset with
the texts of ``sidecars`` and the files of ``brainvision``; ``sample`` is the command
that writes the repository's own, and ``sample_path`` finds it. ``official`` and
``official_segments`` read the published word-reading set in the layout of
``official_layout``, with what they share in
``official_tables`` and pickles through ``official_pickle``; ``official_download``
fetches it.
"""

from .bids import write_simulated_bids
from .cohort import simulate_cohort, simulate_subjects
from .official import read_official_epochs
from .official_download import fetch_official
from .official_layout import OFFICIAL_CHANNELS
from .official_segments import read_official_segments
from .sample_path import sample_data_path
from .settings import SimulationSettings
from .syllables import simulate_syllables
from .synthetic import (
    SimulatedRecording,
    cut_epochs,
    simulate_recording,
    simulate_word_reading,
)

__all__ = [
    "OFFICIAL_CHANNELS",
    "SimulatedRecording",
    "SimulationSettings",
    "cut_epochs",
    "fetch_official",
    "read_official_epochs",
    "read_official_segments",
    "sample_data_path",
    "simulate_cohort",
    "simulate_recording",
    "simulate_subjects",
    "simulate_syllables",
    "simulate_word_reading",
    "write_simulated_bids",
]
