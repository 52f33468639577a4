import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import ShuffleSplit

from mne_duin.evaluation import make_folds, paper_split
from mne_duin.evaluation._splits import find_groups, natural_key

RUNS = np.repeat(["1", "2", "10", "11"], 12)
Y = np.tile(["a", "b", "c"], 16)
METADATA = pd.DataFrame({"run": RUNS, "session": np.repeat(["x", "y"], 24)})


@pytest.mark.parametrize(
    ("cv", "n_folds"),
    [
        (3, 3),
        ("stratified", 5),
        ("leave-one-run-out", 4),
        ("leave-one-session-out", 2),
        ("last-run", 1),
        ("last-2-runs", 1),
        ("last-session", 1),
        (ShuffleSplit(3, random_state=0), 3),
    ],
)
def test_parts_never_overlap_and_cover(cv, n_folds):
    groups = find_groups(None, cv, METADATA, len(Y))
    folds = make_folds(Y, cv, groups=groups, random_state=0)
    assert len(folds) == n_folds
    for train, test in folds:
        assert not np.intersect1d(train, test).size
        assert len(train) + len(test) == len(Y)
        if groups is not None:
            assert not np.intersect1d(groups[train], groups[test]).size


def test_last_run_is_last_by_number_not_by_text():
    shuffled = np.random.default_rng(0).permutation(RUNS)
    ((train, test),) = make_folds(Y, "last-run", groups=shuffled)
    assert set(shuffled[test]) == {"11"}
    ((train, test),) = make_folds(Y, "last-2-runs", groups=shuffled)
    assert set(shuffled[train]) == {"1", "2"}


def test_last_run_of_every_subject():
    subject = np.tile(["s1", "s2"], 24)
    runs = np.where((subject == "s2") & (RUNS == "11"), "2", RUNS)
    ((_, test),) = make_folds(Y, "last-run", groups=runs, within=subject)
    assert set(zip(subject[test], runs[test], strict=True)) == {
        ("s1", "11"),
        ("s2", "10"),
    }


def test_runs_of_different_sessions_are_different():
    metadata = METADATA.assign(run=np.tile(np.repeat(["1", "2"], 12), 2))
    groups = find_groups(None, "leave-one-run-out", metadata, len(Y))
    assert len(make_folds(Y, "leave-one-run-out", groups=groups)) == 4


def test_folds_by_number_keep_groups_together_if_there_are_any():
    groups = find_groups("run", 2, METADATA, len(Y))
    for train, test in make_folds(Y, 2, groups=groups, random_state=1):
        assert not np.intersect1d(groups[train], groups[test]).size


@given(seed=st.integers(0, 99), n_folds=st.integers(2, 8))
@settings(max_examples=20, deadline=None)
def test_stratified_folds_are_balanced_and_repeatable(seed, n_folds):
    folds = make_folds(Y, n_folds, random_state=seed)
    again = make_folds(Y, n_folds, random_state=seed)
    tested = np.concatenate([test for _, test in folds])
    assert np.array_equal(np.sort(tested), np.arange(len(Y)))
    for (_, test), (_, same) in zip(folds, again, strict=True):
        counts = np.unique(Y[test], return_counts=True)[1]
        assert np.ptp(counts) <= 1
        assert np.array_equal(test, same)


@given(
    counts=st.lists(st.integers(5, 30), min_size=2, max_size=6),
    n_runs=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_paper_split_is_as_published(counts, n_runs, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    runs = np.arange(len(y)) % n_runs
    split = paper_split(y, runs, random_state=seed)
    everything = np.concatenate([split.train, split.validation, split.test])
    assert np.array_equal(np.sort(everything), np.arange(len(y)))
    for label, count in enumerate(counts):
        assert np.sum(y[split.train] == label) == int(0.8 * count)
    n_rest = len(split.validation) + len(split.test)
    assert len(split.validation) == n_rest // 2
    again = paper_split(y, runs, random_state=seed)
    assert np.array_equal(split.test, again.test)


def test_paper_split_fills_the_training_part_with_the_first_runs():
    runs = np.repeat(["b", "a", "d", "c", "e"], 20)
    y = np.tile([0, 1], 50)
    split = paper_split(y, runs, random_state=0)
    assert set(runs[split.train]) == {"b", "a", "d", "c"}
    one_run = paper_split(y, None, random_state=0)
    assert set(runs[one_run.train]) == set(runs)
    assert set(y[one_run.test]) == set(y[one_run.validation]) == {0, 1}


@pytest.mark.parametrize(
    ("y", "cv", "groups", "message"),
    [
        (["a"] * 9 + ["b"] * 4, 5, None, r"too few have: b \(4\)"),
        (Y, 5, RUNS, "at least 5 groups .* there are 4: 1, 10, 11, 2"),
        (Y, "leave-one-run-out", np.repeat("1", 48), "there is 1: 1"),
        (Y, "last-run", np.repeat("1", 48), "leaves none to train on"),
        (Y, "leave-one-out", None, "'leave-one-run-out'.*; got 'leave-one-out'"),
        (Y, 1, None, "`cv` must be at least 2"),
        (Y, [(np.arange(5), np.arange(3, 9))], None, "fold 0 overlap"),
        (Y, [(np.arange(5), np.arange(0))], None, "0 test trials"),
    ],
)
def test_impossible_splits_say_why(y, cv, groups, message):
    with pytest.raises(ValueError, match=message):
        make_folds(y, cv, groups=groups)


@pytest.mark.parametrize(
    ("groups", "cv", "metadata", "message"),
    [
        (None, "last-run", None, "there is no metadata"),
        (None, "last-run", METADATA[["session"]], "needs a column 'run'.* session"),
        ("day", 5, METADATA, "got 'day', and the metadata has run, session"),
        (RUNS[:5], 5, METADATA, r"shape \(48,\); got shape \(5,\)"),
    ],
)
def test_missing_groups_say_what_is_there(groups, cv, metadata, message):
    with pytest.raises(ValueError, match=message):
        find_groups(groups, cv, metadata, len(Y))


def test_paper_split_needs_two_trials_of_a_class():
    with pytest.raises(ValueError, match="at least 2 trials of every class; .*b"):
        paper_split(["a"] * 9 + ["b"], random_state=0)


@given(st.lists(st.text(alphabet="ab0129", max_size=4), max_size=6))
def test_natural_key_never_compares_text_with_numbers(names):
    assert len(sorted(names, key=natural_key)) == len(names)
