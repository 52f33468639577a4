"""Judge an estimator on trials it never saw, and say how sure one can be.

``evaluate`` divides the trials (``splits``), fits a fresh copy per fold and returns a
``DecodingResult`` with scores, chance, interval and p-value. Everything that learns
sits in the training part of a fold; ``protocol="paper"`` repeats the published
evaluation and lists what it leaks.
"""

from mne_duin.evaluation._ablation import ablate
from mne_duin.evaluation._comparison import (
    compare,
    compare_pairs,
    compare_results,
    evaluate_each,
)
from mne_duin.evaluation._cross_validation import evaluate
from mne_duin.evaluation._files import format_table, write_table
from mne_duin.evaluation._learning_curve import learning_curve, summarize_curve
from mne_duin.evaluation._metrics import Calibration
from mne_duin.evaluation._result import DecodingResult, read_result
from mne_duin.evaluation._splits import LeaveOneSubjectOut, make_folds, paper_split

__all__ = [
    "Calibration",
    "DecodingResult",
    "LeaveOneSubjectOut",
    "ablate",
    "compare",
    "compare_pairs",
    "compare_results",
    "evaluate",
    "evaluate_each",
    "format_table",
    "learning_curve",
    "make_folds",
    "paper_split",
    "read_result",
    "summarize_curve",
    "write_table",
]
