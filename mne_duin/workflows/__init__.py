"""Whole jobs in one call, from a BIDS folder to files: what the commands run.

``decoding`` goes to decoded words and a report, ``pretraining`` to two networks,
``comparing`` and ``ablating`` to tables and figures; all read through ``reading``.
"""

from mne_duin.workflows.ablating import ablate_words
from mne_duin.workflows.comparing import WordComparison, compare_words
from mne_duin.workflows.decoding import WordDecoding, decode_words
from mne_duin.workflows.pretraining import Pretraining, pretrain

__all__ = [
    "Pretraining",
    "WordComparison",
    "WordDecoding",
    "ablate_words",
    "compare_words",
    "decode_words",
    "pretrain",
]
