"""What can be asked of a simulated recording."""

from dataclasses import dataclass

from mne_duin.datasets.simulation._montages import Montage
from mne_duin.utils._checks import check_number


@dataclass(frozen=True, kw_only=True)
class SimulationSettings:
    """What a simulated recording is like.

    Parameters
    ----------
    n_words : int
        Size of the vocabulary.
    n_trials_per_word : int
        Trials of every word in every run.
    n_runs : int
        Number of runs.
    sfreq : float
        Sampling rate in Hz; at least 350, for the high gamma.
    montage : "left" | "right" | Montage
        Where the contacts are.
    snr : float
        Strength of the planted responses: 1 is a phase-locked response of about 20
        microvolts at the source, against about 20 microvolts rms of ongoing activity.
    phase_locked : float
        Fraction of the planted responses that is locked in phase; the rest is
        high-gamma power. From 0 to 1.
    onset_jitter : float
        Standard deviation in s of an utterance around its voice onset.
    speed_jitter, gain_jitter : float
        Standard deviation of the logarithm of the speed and of the gain.
    filler_rate : float
        Probability that something unlabeled is said between two words.
    rest : float
        Seconds without task at each end of a run, filled with unlabeled speech.
    line_noise : float
        Mean amplitude of the mains in microvolts.
    line_freq : float
        Frequency of the mains in Hz.
    trouble : bool
        Whether the montage's bad contact is broken and its unlocated contact has no
        coordinates.
    """

    n_words: int = 8
    n_trials_per_word: int = 9
    n_runs: int = 4
    sfreq: float = 512.0
    montage: str | Montage = "left"
    snr: float = 0.8
    phase_locked: float = 0.5
    onset_jitter: float = 0.018
    speed_jitter: float = 0.2
    gain_jitter: float = 0.4
    filler_rate: float = 0.7
    rest: float = 3.0
    line_noise: float = 8.0
    line_freq: float = 50.0
    trouble: bool = False

    def check(self):
        """Check the values.

        Raises
        ------
        TypeError, ValueError
            If one is of the wrong type or out of its limits; the message names it.
        """
        for name in ("n_trials_per_word", "n_runs"):
            check_number(name, getattr(self, name), low=1, integer=True)
        check_number("sfreq", self.sfreq, low=350.0)
        check_number("rest", self.rest, low=0.5)
        check_number("line_freq", self.line_freq, low=0.0, closed=False)
        for name in ("phase_locked", "filler_rate"):
            check_number(name, getattr(self, name), low=0.0, high=1.0)
        for name in ("snr", "onset_jitter", "speed_jitter", "gain_jitter"):
            check_number(name, getattr(self, name), low=0.0)
        check_number("line_noise", self.line_noise, low=0.0)
