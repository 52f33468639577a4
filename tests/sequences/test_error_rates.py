"""Our edit distance and jiwer's counts agree; rates behave as rates."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mne_duin.sequences import edit_distance, error_rate, error_table

LABELS = st.lists(st.sampled_from(["ba", "du", "ni hao", "∅"]), max_size=7)
PAIRS = st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_the_rate_is_that_of_jiwer(pairs):
    truth, decoded = zip(*pairs, strict=True)
    if not any(truth):
        return
    table = error_table(truth, decoded)
    edits = table["substitutions"] + table["deletions"] + table["insertions"]
    assert edits.tolist() == [edit_distance(*pair) for pair in pairs]
    rate = edits.sum() / table["n_labels"].sum()
    assert error_rate(truth, decoded) == pytest.approx(rate)
    kept = table["hits"] + table["substitutions"] + table["deletions"]
    assert kept.tolist() == table["n_labels"].tolist() == [len(own) for own in truth]


@given(LABELS, LABELS, LABELS)
@settings(max_examples=60, deadline=None)
def test_the_distance_is_a_metric(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    longer, shorter = max(len(a), len(b)), min(len(a), len(b))
    assert longer - shorter <= edit_distance(a, b) <= longer


def test_too_much_is_worse_than_nothing():
    assert error_rate([["ba"]], [[]]) == 1.0
    assert error_rate([["ba"]], [["du", "ba", "du", "du"]]) == 3.0
    table = error_table([[], ["ba"]], [["du", "du"], ["ba"]])
    assert table["insertions"].tolist() == [2, 0]
    assert table["error_rate"].isna().tolist() == [True, False]


@pytest.mark.parametrize("function", [error_rate, error_table])
def test_what_has_no_rate(function):
    with pytest.raises(ValueError, match="one sequence per epoch each; got 1 and 2"):
        function([["ba"]], [["ba"], []])
    with pytest.raises(ValueError, match="`truth` is empty: an error rate needs labe"):
        function([[], []], [["ba"], []])
