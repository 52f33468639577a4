"""Recordings to try things on: simulated subjects, the sample data, published data.

``simulation`` makes subjects whose sources, words and contacts are known and writes
them as BIDS; ``sample`` finds the sample dataset or writes it; ``released`` reads and
fetches the published word-reading recordings.
"""

from mne_duin.datasets.released._download import fetch_official
from mne_duin.datasets.released._epochs import read_official_epochs
from mne_duin.datasets.released._layout import OFFICIAL_CHANNELS
from mne_duin.datasets.released._segments import read_official_segments
from mne_duin.datasets.sample import sample_data_path
from mne_duin.datasets.simulation._bids import write_simulated_bids
from mne_duin.datasets.simulation._settings import SimulationSettings
from mne_duin.datasets.simulation._subjects import simulate_cohort, simulate_subjects
from mne_duin.datasets.simulation._syllables import simulate_syllables
from mne_duin.datasets.simulation._unit_speech import (
    UnitSpeechTruth,
    simulate_unit_speech,
)
from mne_duin.datasets.simulation._words import (
    SimulatedRecording,
    cut_epochs,
    simulate_recording,
    simulate_word_reading,
)

__all__ = [
    "OFFICIAL_CHANNELS",
    "SimulatedRecording",
    "SimulationSettings",
    "UnitSpeechTruth",
    "cut_epochs",
    "fetch_official",
    "read_official_epochs",
    "read_official_segments",
    "sample_data_path",
    "simulate_cohort",
    "simulate_recording",
    "simulate_subjects",
    "simulate_syllables",
    "simulate_unit_speech",
    "simulate_word_reading",
    "write_simulated_bids",
]
