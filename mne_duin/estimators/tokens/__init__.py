"""Labels for every token, or the sequence of an epoch."""

from mne_duin.estimators.tokens._decoder import DuINTokenDecoder

__all__ = ["DuINTokenDecoder"]
