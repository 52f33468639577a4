"""Whole jobs in one call, from a BIDS folder to files: what the commands run.

``decoding`` goes to decoded words and a report, ``group`` does so for several subjects,
``pretraining`` to two networks, ``comparing`` and ``ablating`` to tables and figures,
``predicting`` from a saved decoder to predictions, ``_live`` to a live decoder, and
``reporting`` from saved files to a report; all read through ``reading`` and write
through ``_writing``.
"""

from mne_duin.workflows._ablating import ablate_words
from mne_duin.workflows._comparing import WordComparison, compare_words
from mne_duin.workflows._group import GroupDecoding, decode_group
from mne_duin.workflows._live import read_live_decoder
from mne_duin.workflows._predicting import WordPredictions, predict_words
from mne_duin.workflows._pretraining import Pretraining, pretrain
from mne_duin.workflows._reporting import read_decoding, report_words
from mne_duin.workflows.decoding import WordDecoding, decode_words

__all__ = [
    "GroupDecoding",
    "Pretraining",
    "WordComparison",
    "WordDecoding",
    "WordPredictions",
    "ablate_words",
    "compare_words",
    "decode_group",
    "decode_words",
    "predict_words",
    "pretrain",
    "read_decoding",
    "read_live_decoder",
    "report_words",
]
