"""Intervals and tests for decoding accuracies: arrays in, numbers out."""

from math import sqrt

import numpy as np
from scipy import stats

from mne_duin.utils._checks import check_number


def wilson_interval(n_correct, n_trials, *, level=0.95):
    """Score interval of a proportion (Wilson 1927).

    That of :func:`scipy.stats.binomtest`, for fractions of correct trials as well.

    Parameters
    ----------
    n_correct : float
        Correct trials; a fraction where trials were predicted repeatedly.
    n_trials : int
        Number of distinct trials.
    level : float
        Coverage of the interval.

    Returns
    -------
    low, high : float
        Limits of the proportion, between 0 and 1.

    Raises
    ------
    ValueError
        If there is no trial, or more correct ones than trials.
    """
    check_number("n_trials", n_trials, low=1)
    check_number("n_correct", n_correct, low=0, high=n_trials)
    check_number("level", level, low=0, high=1, closed=False)
    z = stats.norm.ppf(0.5 + level / 2)
    share = n_correct / n_trials
    center = share + z**2 / (2 * n_trials)
    spread = z * sqrt(share * (1 - share) / n_trials + z**2 / (4 * n_trials**2))
    scale = 1 + z**2 / n_trials
    low, high = (center - spread) / scale, (center + spread) / scale
    return max(0.0, float(low)), min(1.0, float(high))


def bootstrap_interval(
    n_correct, n_trials, *, level=0.95, n_resamples=5000, random_state=0
):
    """Percentile interval from resampling whole held-out parts (runs or folds).

    Parameters
    ----------
    n_correct, n_trials : array, shape (n_parts,)
        Correct and all trials of each held-out part.
    level : float
        Coverage of the interval.
    n_resamples : int
        Number of bootstrap samples.
    random_state : int | None
        Seed of the resampling.

    Returns
    -------
    low, high : float
        Limits of the accuracy, between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than two parts.
    """
    n_correct = np.asarray(n_correct, dtype=float)
    n_trials = np.asarray(n_trials, dtype=float)
    if len(n_correct) < 2:
        raise ValueError(
            "A bootstrap over held-out parts needs at least 2 of them; got "
            f'{len(n_correct)}. Use method="wilson".'
        )
    rng = np.random.default_rng(random_state)
    drawn = rng.integers(len(n_correct), size=(n_resamples, len(n_correct)))
    means = n_correct[drawn].sum(axis=1) / n_trials[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def shuffle_within(values, blocks, rng):
    """Shuffle values inside each block, leaving the blocks where they are.

    Parameters
    ----------
    values : array, shape (n,)
        What is shuffled.
    blocks : array, shape (n,) | None
        Block of each value; None is one block.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    shuffled : ndarray, shape (n,)
        A shuffled copy.
    """
    values = np.array(values)
    if blocks is None:
        return rng.permutation(values)
    blocks = np.asarray(blocks)
    for block in np.unique(blocks):
        where = np.flatnonzero(blocks == block)
        values[where] = values[rng.permutation(where)]
    return values


def permutation_p_value(observed, null):
    """Fraction of shuffles at least as good as what was observed, counting itself.

    Parameters
    ----------
    observed : float
        The observed score; greater is better.
    null : array, shape (n_permutations,)
        Scores under the null hypothesis.

    Returns
    -------
    p : float
        ``(1 + number of null >= observed) / (1 + n_permutations)``.
    """
    null = np.asarray(null)
    # Equal accuracies reached by different sums may differ in the last bit.
    n_better = np.count_nonzero(null >= observed - 1e-12)
    return (1 + n_better) / (1 + len(null))


def shuffled_accuracies(
    y_true, y_pred, trial, fold, *, n_permutations=1000, random_state=None
):
    """Accuracies of fixed predictions against shuffled labels of the test trials.

    The labels move between the trials that were first tested in the same fold. A
    trial that was predicted several times has one label everywhere.

    Parameters
    ----------
    y_true, y_pred : array, shape (n_predictions,)
        True and predicted labels.
    trial, fold : array of int, shape (n_predictions,)
        Which trial was predicted, and in which fold.
    n_permutations : int
        Number of shuffles.
    random_state : int | None
        Seed of the shuffles.

    Returns
    -------
    accuracies : ndarray, shape (n_permutations,)
        The accuracy for each shuffle.
    """
    rng = np.random.default_rng(random_state)
    codes = np.unique(np.concatenate([y_true, y_pred]), return_inverse=True)[1]
    true_codes, predicted_codes = np.split(codes, 2)
    first, where = np.unique(trial, return_index=True, return_inverse=True)[1:]
    labels, blocks = true_codes[first], np.asarray(fold)[first]
    accuracies = np.empty(n_permutations)
    for index in range(n_permutations):
        shuffled = shuffle_within(labels, blocks, rng)[where]
        accuracies[index] = np.mean(shuffled == predicted_codes)
    return accuracies


def corrected_t_test(differences, n_train, n_test):
    """Corrected resampled t-test of paired differences over folds.

    Training parts of different folds overlap, so the plain paired t-test finds far too
    many differences; the variance is increased by the ratio of test to training
    trials (Nadeau and Bengio, Machine Learning 2003, section 3).

    Parameters
    ----------
    differences : array, shape (n_folds,)
        Difference of the two scores in each fold.
    n_train, n_test : array, shape (n_folds,) | int
        Trials in the training and test part of each fold.

    Returns
    -------
    t : float
        The statistic; 0 if all differences are 0.
    p : float
        Two-sided p-value, n_folds - 1 degrees of freedom.

    Raises
    ------
    ValueError
        If there are fewer than two folds.
    """
    differences = np.asarray(differences, dtype=float)
    n_folds = len(differences)
    if n_folds < 2:
        raise ValueError(f"A t-test over folds needs at least 2 folds; got {n_folds}.")
    ratio = np.mean(np.asarray(n_test, dtype=float) / np.asarray(n_train, dtype=float))
    mean = differences.mean()
    error = sqrt((1 / n_folds + ratio) * differences.var(ddof=1))
    if error == 0:
        return (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
    t = mean / error
    return float(t), float(2 * stats.t.sf(abs(t), n_folds - 1))


def exact_mcnemar_test(correct_a, correct_b):
    """Exact test that two classifiers err equally often on the same trials.

    Parameters
    ----------
    correct_a, correct_b : array of bool, shape (n_trials,)
        Whether each classifier named the trial correctly.

    Returns
    -------
    p : float
        Two-sided p-value; trials on which both agree carry no information.
    """
    correct_a, correct_b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    only_a = int(np.count_nonzero(correct_a & ~correct_b))
    only_b = int(np.count_nonzero(correct_b & ~correct_a))
    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)


def holm_correction(p_values):
    """Adjust p-values so that the family-wise error rate holds (Holm 1979).

    Parameters
    ----------
    p_values : array, shape (n_tests,)
        Raw p-values. NaN marks a test that was not made; it stays NaN.

    Returns
    -------
    adjusted : ndarray, shape (n_tests,)
        Adjusted p-values, in the order they came.
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(p_values), np.nan)
    order = np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted
