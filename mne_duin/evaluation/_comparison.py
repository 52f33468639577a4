"""Compare estimators on the same folds, with tests that know the folds overlap."""

from itertools import combinations

import mne
import numpy as np
import pandas as pd

from mne_duin.evaluation._cross_validation import evaluate_plans, make_plans
from mne_duin.evaluation._statistics import (
    corrected_t_test,
    exact_mcnemar_test,
    holm_correction,
)
from mne_duin.utils._checks import check_option, check_type
from mne_duin.utils._docs import fill_doc

T_TEST = "corrected resampled t-test over folds"
MCNEMAR = "exact McNemar test over trials"


@fill_doc
def compare(
    estimators,
    epochs,
    y=None,
    *,
    reference=None,
    cv="auto",
    groups=None,
    protocol="clean",
    n_permutations=0,
    random_state=0,
    n_repeats=1,
    unlabelled=None,
    pretrain_on="train",
    n_jobs=1,
    verbose=None,
):
    """Evaluate several estimators on the same folds and test their differences.

    Parameters
    ----------
    %(estimators)s
    %(trials)s
    %(reference)s
    %(cv)s
    %(repeated)s
    %(unlabelled)s
    %(pretrain_on)s
    %(n_jobs)s

    Returns
    -------
    table : DataFrame
        See :func:`compare_results`.
    """
    results = evaluate_each(
        estimators,
        epochs,
        y,
        cv=cv,
        groups=groups,
        protocol=protocol,
        n_permutations=n_permutations,
        random_state=random_state,
        n_repeats=n_repeats,
        unlabelled=unlabelled,
        pretrain_on=pretrain_on,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    return compare_results(results, reference=reference)


@fill_doc
def evaluate_each(
    estimators,
    epochs,
    y=None,
    *,
    cv="auto",
    groups=None,
    protocol="clean",
    n_permutations=0,
    random_state=0,
    n_repeats=1,
    unlabelled=None,
    pretrain_on="train",
    n_jobs=1,
    verbose=None,
):
    """Evaluate several estimators on the same folds.

    Parameters
    ----------
    %(estimators)s
    %(trials)s
    %(cv)s
    %(repeated)s
    %(unlabelled)s
    %(pretrain_on)s
    %(n_jobs)s

    Returns
    -------
    %(results)s
    """
    check_estimators(estimators)
    with mne.utils.use_log_level(verbose):
        plans = make_plans(
            estimators,
            epochs,
            y,
            cv=cv,
            groups=groups,
            protocol=protocol,
            random_state=random_state,
            n_repeats=n_repeats,
            unlabelled=unlabelled,
            pretrain_on=pretrain_on,
            n_jobs=n_jobs,
        )
        found = evaluate_plans(plans, n_permutations=n_permutations)
    return {plan.name: result for plan, (result, _) in zip(plans, found, strict=True)}


@fill_doc
def compare_results(results, *, reference=None):
    """Put results of the same folds side by side and test their differences.

    Parameters
    ----------
    %(results)s
    %(reference)s

    Returns
    -------
    table : DataFrame
        Index ``estimator``. Columns: ``accuracy`` with its 95 % Wilson limits ``low``
        and ``high``, ``chance``, ``p`` (permutation, ``p_kind``),
        ``balanced_accuracy``, ``log_loss``, ``n_leaks`` (see ``result.leaks``),
        ``n_unlabelled`` (segments per fold),
        ``seconds_fit``, ``seconds_predict`` (all folds), then against the reference
        ``difference``, ``p_paired``, ``p_holm`` (Holm's correction over the
        estimators) and ``test``. The test is the corrected resampled t-test (Nadeau
        and Bengio 2003) over the folds, or the exact McNemar test over the trials where
        there is one fold only.

    Raises
    ------
    ValueError
        If the reference is unknown or the results are not of the same folds.
    """
    names = list(results)
    reference = names[0] if reference is None else reference
    check_option("reference", reference, names)
    rows = [_describe(result) for result in results.values()]
    table = pd.DataFrame(rows, index=pd.Index(names, name="estimator"))
    tests = {
        name: _test_pair(result, results[reference])
        for name, result in results.items()
        if name != reference
    }
    columns = ("difference", "p_paired", "test")
    tests = pd.DataFrame.from_dict(tests, orient="index", columns=columns)
    tests.insert(2, "p_holm", holm_correction(tests["p_paired"]))
    return table.join(tests)


def compare_pairs(results):
    """Test the differences of all pairs of results of the same folds.

    Parameters
    ----------
    results : dict of str to DecodingResult
        The results by name; at least two.

    Returns
    -------
    table : DataFrame
        One row per pair: ``first``, ``second``, ``difference`` (first minus second),
        ``p_paired``, ``p_holm`` (Holm's correction over all pairs), ``test``.
    """
    rows = [
        (first, second, *_test_pair(results[first], results[second]))
        for first, second in combinations(results, 2)
    ]
    columns = ["first", "second", "difference", "p_paired", "test"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(4, "p_holm", holm_correction(table["p_paired"]))
    return table


def check_estimators(estimators):
    """Check that estimators come as a dict with names.

    Parameters
    ----------
    estimators : dict of str to estimator
        What the caller passed.

    Raises
    ------
    TypeError, ValueError
        If it is no dict, or empty.
    """
    check_type("estimators", estimators, dict)
    if not estimators:
        raise ValueError("`estimators` is empty; pass at least one, by its name.")


def _describe(result):
    low, high = result.interval
    has_probabilities = result.probabilities is not None
    return {
        "accuracy": result.accuracy,
        "low": low,
        "high": high,
        "chance": result.chance,
        "p": result.p_value,
        "p_kind": result.p_value_kind,
        "balanced_accuracy": result.balanced_accuracy,
        "log_loss": result.log_loss if has_probabilities else np.nan,
        "n_leaks": len(result.leaks),
        "n_unlabelled": int(result.folds["n_unlabelled"].max()),
        "seconds_fit": float(result.folds["seconds_fit"].sum()),
        "seconds_predict": float(result.folds["seconds_predict"].sum()),
    }


def _test_pair(first, second):
    same = all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("epoch", "fold", "y_true")
    )
    if not same:
        raise ValueError(
            "Results can only be compared if they come from the same folds: same "
            "epochs, `cv`, `groups`, `n_repeats` and `random_state`."
        )
    difference = first.accuracy - second.accuracy
    if len(first.folds) == 1:
        p = exact_mcnemar_test(first.correct, second.correct)
        return difference, p, MCNEMAR
    differences = first.folds["accuracy"] - second.folds["accuracy"]
    sizes = first.folds["n_train"], first.folds["n_test"]
    return difference, corrected_t_test(differences, *sizes)[1], T_TEST
