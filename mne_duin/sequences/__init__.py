"""Labels in time: from intervals to tokens, and from tokens back to sequences.

``tiers`` reads annotations and tables of intervals, ``targets`` turns labels into the
integers that networks learn, ``beam`` turns the probabilities of a CTC network into
sequences, ``errors`` says how far these are from the truth, ``pinyin`` splits Mandarin
syllables into initials and finals.
"""

from mne_duin.sequences._beam import beam_search, greedy_sequence
from mne_duin.sequences._errors import edit_distance, error_rate, error_table
from mne_duin.sequences._pinyin import FINALS, INITIALS, split_pinyin
from mne_duin.sequences._targets import collapse, sequence_targets, token_targets
from mne_duin.sequences._tiers import label_sequences, token_labels

__all__ = [
    "FINALS",
    "INITIALS",
    "beam_search",
    "collapse",
    "edit_distance",
    "error_rate",
    "error_table",
    "greedy_sequence",
    "label_sequences",
    "sequence_targets",
    "split_pinyin",
    "token_labels",
    "token_targets",
]
