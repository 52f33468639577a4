import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mne_duin.evaluation._statistics import (
    bootstrap_interval,
    corrected_t_test,
    exact_mcnemar_test,
    holm_correction,
    permutation_p_value,
    shuffle_within,
    shuffled_accuracies,
    wilson_interval,
)


@given(n=st.integers(10, 300))
@settings(max_examples=15, deadline=None)
def test_wilson_interval_covers_as_often_as_it_says(n):
    limits = np.array([wilson_interval(k, n) for k in range(n + 1)])
    shares = np.linspace(0.05, 0.95, 181)
    inside = (limits[:, :1] <= shares) & (shares <= limits[:, 1:])
    chances = stats.binom.pmf(np.arange(n + 1)[:, np.newaxis], n, shares)
    coverage = (inside * chances).sum(axis=0)
    assert coverage.min() > 0.88
    assert 0.945 < coverage.mean() < 0.96


@given(k=st.integers(0, 50), level=st.sampled_from([0.5, 0.9, 0.95]))
def test_wilson_interval_equals_scipy(k, level):
    known = stats.binomtest(k, 50).proportion_ci(level, method="wilson")
    assert np.allclose(wilson_interval(k, 50, level=level), known, atol=1e-12)


def test_bootstrap_interval_covers_runs_that_differ():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        rates = rng.beta(6, 6, size=20)
        correct = rng.binomial(30, rates)
        low, high = bootstrap_interval(correct, np.full(20, 30), n_resamples=400)
        covered += low <= 0.5 <= high
    # Binomial(100, 0.93): about 93 are expected with 20 runs.
    assert 85 <= covered <= 99
    with pytest.raises(ValueError, match="at least 2 of them; got 1"):
        bootstrap_interval([3], [9])


@given(
    values=st.lists(st.integers(0, 3), min_size=1, max_size=30), seed=st.integers(0, 9)
)
def test_shuffle_stays_inside_its_block(values, seed):
    values = np.array(values)
    blocks = np.arange(len(values)) % 3
    before = values.copy()
    shuffled = shuffle_within(values, blocks, np.random.default_rng(seed))
    assert np.array_equal(values, before)
    for block in range(3):
        inside = blocks == block
        assert sorted(shuffled[inside]) == sorted(values[inside])


@pytest.mark.slow
def test_p_values_are_uniform_for_predictions_that_know_nothing():
    rng = np.random.default_rng(0)
    p_values = []
    for seed in range(400):
        y_true, y_pred = rng.integers(4, size=(2, 200))
        trial, fold = np.arange(200), np.zeros(200, int)
        null = shuffled_accuracies(
            y_true, y_pred, trial, fold, n_permutations=99, random_state=seed
        )
        p_values.append(permutation_p_value(np.mean(y_true == y_pred), null))
    p_values = np.array(p_values)
    for level in (0.05, 0.2, 0.5, 0.8):
        n_below = int((p_values <= level).sum())
        assert stats.binomtest(n_below, 400, level, alternative="greater").pvalue > 0.01
        # Ties of a discrete score make p larger than needed, but not by much.
        assert n_below / 400 > 0.6 * level
    assert p_values.min() >= 1 / 100


def test_predictions_that_know_everything_get_the_smallest_p_value():
    y = np.tile([0, 1, 2, 3], 20)
    null = shuffled_accuracies(
        y, y, np.arange(80), np.repeat([0, 1], 40), n_permutations=99, random_state=0
    )
    assert permutation_p_value(1.0, null) == 1 / 100


def test_telling_folds_apart_is_no_evidence():
    y = np.repeat([0, 1], 30)
    null = shuffled_accuracies(
        y, y, np.arange(60), y, n_permutations=50, random_state=0
    )
    assert permutation_p_value(1.0, null) == 1.0


def test_a_repeated_trial_keeps_one_label_in_a_shuffle():
    y = np.tile([0, 1], 20)
    twice = np.tile(np.arange(40), 2)
    once = shuffled_accuracies(
        y, y, np.arange(40), y * 0, n_permutations=50, random_state=3
    )
    both = shuffled_accuracies(
        y[twice], y[twice], twice, twice * 0, n_permutations=50, random_state=3
    )
    assert np.array_equal(once, both)


def test_corrected_t_test_is_the_plain_one_without_overlap():
    differences = np.array([0.1, -0.02, 0.08, 0.05, 0.11])
    plain = stats.ttest_1samp(differences, 0)
    assert np.allclose(corrected_t_test(differences, 1, 0), plain)
    ratios = [corrected_t_test(differences, 100, n)[1] for n in (0, 10, 25, 100)]
    assert np.all(np.diff(ratios) > 0)
    assert corrected_t_test(np.zeros(5), 4, 1) == (0.0, 1.0)
    with pytest.raises(ValueError, match="at least 2 folds; got 1"):
        corrected_t_test([0.1], 4, 1)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_a_sign_test_of_the_trials_that_differ(only_a, only_b):
    a = np.repeat([True, False, True, False], [only_a, only_b, 7, 3])
    b = np.repeat([False, True, True, False], [only_a, only_b, 7, 3])
    known = 1.0
    if only_a + only_b:
        known = stats.binomtest(only_a, only_a + only_b).pvalue
    assert np.isclose(exact_mcnemar_test(a, b), known)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_its_step_down_rule_rejects(p_values):
    adjusted = holm_correction(p_values)
    assert np.all(adjusted >= np.asarray(p_values) - 1e-15)
    order = np.argsort(p_values)
    for level in (0.01, 0.05, 0.3):
        rejected = np.zeros(len(p_values), bool)
        for rank, index in enumerate(order):
            if p_values[index] * (len(p_values) - rank) > level:
                break
            rejected[index] = True
        assert np.array_equal(adjusted <= level, rejected)


def test_holm_leaves_tests_that_were_not_made():
    adjusted = holm_correction([0.01, np.nan, 0.04])
    assert np.allclose(adjusted, [0.02, np.nan, 0.04], equal_nan=True)
