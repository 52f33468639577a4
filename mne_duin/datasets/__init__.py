"""Recordings to try things on: simulated subjects whose truth is known.

``montages``, ``lexicon`` and ``schedule`` say who reads what and when; ``background``,
``speech`` and ``artefacts`` make the sources, ``brain`` mixes them into contacts, and
``synthetic`` puts it together. ``bids`` writes a dataset with the texts of ``sidecars``
and the files of ``brainvision``; ``sample`` is the command that writes the repository's
own, and ``sample_path`` finds it.
"""

from .bids import write_simulated_bids
from .sample_path import sample_data_path
from .settings import SimulationSettings
from .synthetic import (
    SimulatedRecording,
    cut_epochs,
    simulate_recording,
    simulate_word_reading,
)

__all__ = [
    "SimulatedRecording",
    "SimulationSettings",
    "cut_epochs",
    "sample_data_path",
    "simulate_recording",
    "simulate_word_reading",
    "write_simulated_bids",
]
