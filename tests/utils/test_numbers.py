"""Numbers are rounded alike in results, logs and reports."""

import numpy as np
import pandas as pd
import pytest

from mne_duin.evaluation import DecodingResult
from mne_duin.utils._numbers import p_value_text, percent, percent_range


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8, "80.0 %"), (0.8034, "80.3 %"), (1, "100.0 %"), (np.nan, "n/a")],
)
def test_percentages_have_one_decimal(value, text):
    assert percent(value) == text


def test_limits_share_the_unit():
    assert percent_range(0.6, 0.8576) == "60.0 to 85.8 %"


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.38, "= 0.38"), (0.0123, "= 0.012"), (1e-5, "< 0.001"), (np.nan, "not tested")],
)
def test_p_values_have_two_significant_digits_or_a_bound(p, text):
    assert p_value_text(p) == text


def test_summary_and_repr_of_a_result_agree():
    y = np.array(["a", "b"] * 10)
    wrong = np.arange(20) < 3
    result = DecodingResult(
        y_true=y,
        y_pred=np.where(wrong, y[::-1], y),
        probabilities=None,
        labels=np.array(["a", "b"]),
        fold=np.zeros(20, dtype=int),
        epoch=np.arange(20),
        estimator="LDA",
        folds=pd.DataFrame({"n_test": [20], "majority": [0.5], "held_out": ["1"]}),
        null_predictions=np.full(999, 0.5),
    )
    assert "accuracy 85.0 %" in repr(result)
    assert "accuracy 85.0 % (95 % interval 64.0 to 94.8 %, Wilson)" in str(result)
    assert "balanced accuracy 85.0 %" in str(result)
    assert "p = 0.001 (" in str(result)
