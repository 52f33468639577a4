"""Judge an estimator on trials it never saw, and say how sure one can be.

``evaluate`` divides the trials (``splits``), fits a fresh copy per fold and returns a
``DecodingResult`` with scores, chance, interval and p-value. Everything that learns
sits in the training part of a fold; ``protocol="paper"`` repeats the published
evaluation and lists what it leaks.
"""

from .ablation import ablate
from .comparison import compare, compare_pairs, compare_results, evaluate_each
from .cross_validation import evaluate
from .files import format_table, write_table
from .groups import LeaveOneSubjectOut
from .learning_curve import learning_curve, summarize_curve
from .metrics import Calibration
from .result import DecodingResult, read_result
from .splits import make_folds, paper_split

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
