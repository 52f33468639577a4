"""Recordings to try things on: simulated subjects whose truth is known.

``montages``, ``lexicon`` and ``schedule`` say who reads what and when; ``background``,
``speech`` and ``artefacts`` make the sources, ``brain`` mixes them into contacts, and
``synthetic`` puts it together.
"""

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
    "simulate_recording",
    "simulate_word_reading",
]
