"""How accuracy grows with the number of training trials."""

from dataclasses import replace

import mne
import numpy as np
import pandas as pd

from mne_duin.evaluation._comparison import check_estimators
from mne_duin.evaluation._cross_validation import make_plans, run_plans
from mne_duin.evaluation._statistics import wilson_interval
from mne_duin.utils._checks import as_list, check_number
from mne_duin.utils._docs import fill_doc


@fill_doc
def learning_curve(
    estimators,
    epochs,
    y=None,
    *,
    n_per_class,
    cv="auto",
    groups=None,
    n_repeats=1,
    random_state=0,
    unlabelled=None,
    pretrain_on="train",
    return_estimators=False,
    n_jobs=1,
    verbose=None,
):
    """Evaluate estimators with few and with more training trials per class.

    The test part of a fold stays the same. Its training part is thinned at random to so
    many trials of every class; smaller amounts are parts of larger ones, and all
    estimators get the same trials.

    Parameters
    ----------
    %(estimators)s
    %(trials)s
    n_per_class : int | list of int
        Training trials of every class.
    %(cv)s
    n_repeats : int
        How often to repeat with other trials (and other folds, if ``cv`` is random),
        and with other seeds of the estimators.
    random_state : int | None
        Seed.
    unlabelled : Epochs | None
        Segments for the estimators whose ``fit`` takes ``unlabelled``. They are not
        thinned: the curve is over labeled trials.
    %(pretrain_on)s
    return_estimators : bool
        Whether to return the fitted copies, too.
    %(n_jobs)s

    Returns
    -------
    curve : DataFrame
        One row per estimator, amount and fold: ``estimator``, ``n_per_class``,
        ``chance`` (uniform guess), then the columns of ``DecodingResult.folds``. See
        :func:`summarize_curve` and ``viz.plot_learning_curve``.
    estimators : list of estimator
        The fitted copy of every row; only with ``return_estimators=True``.

    Raises
    ------
    ValueError
        If a training part has too few trials of a class.
    """
    check_estimators(estimators)
    amounts = as_list(n_per_class)
    for amount in amounts:
        check_number("n_per_class", amount, low=1, integer=True)
    with mne.utils.use_log_level(verbose):
        plans = make_plans(
            estimators,
            epochs,
            y,
            cv=cv,
            groups=groups,
            random_state=random_state,
            n_repeats=n_repeats,
            unlabelled=unlabelled,
            pretrain_on=pretrain_on,
            n_jobs=n_jobs,
        )
        tasks = [(plan, thinned_folds(plan, amounts)) for plan in plans]
        outcomes = run_plans(tasks, n_jobs)
    tables = [
        tabulate_curve(plan, own, amounts)
        for plan, own in zip(plans, outcomes, strict=True)
    ]
    curve = pd.concat(tables, ignore_index=True)
    if return_estimators:
        return curve, [one.model for own in outcomes for one in own]
    return curve


def summarize_curve(curve):
    """Average a learning curve over its folds and repeats.

    Parameters
    ----------
    curve : DataFrame
        What :func:`learning_curve` returned.

    Returns
    -------
    table : DataFrame
        One row per estimator and amount: ``estimator``, ``n_per_class``, ``accuracy``
        with 95 % Wilson limits ``low`` and ``high`` (over the distinct test trials),
        ``chance``, ``log_loss``, ``n_test`` (distinct trials), ``n_fits`` and
        ``seconds_fit`` (mean of one fit).
    """
    rows = []
    for (name, amount), part in curve.groupby(["estimator", "n_per_class"], sort=False):
        n_test = int(part["n_test"].sum() // part["repeat"].nunique())
        accuracy = np.average(part["accuracy"], weights=part["n_test"])
        low, high = wilson_interval(accuracy * n_test, n_test)
        rows.append(
            {
                "estimator": name,
                "n_per_class": amount,
                "accuracy": accuracy,
                "low": low,
                "high": high,
                "chance": part["chance"].iloc[0],
                "log_loss": np.average(part["log_loss"], weights=part["n_test"]),
                "n_test": n_test,
                "n_fits": len(part),
                "seconds_fit": part["seconds_fit"].mean(),
            }
        )
    return pd.DataFrame(rows)


def thin_training(y, split, amounts):
    """Keep a few training trials of every class.

    Parameters
    ----------
    y : ndarray, shape (n_trials,)
        Labels of all trials.
    split : Split
        A fold.
    amounts : list of int
        Trials of every class to keep.

    Returns
    -------
    splits : list of Split
        One per amount; smaller training parts lie inside larger ones.

    Raises
    ------
    ValueError
        If the training part has too few trials of a class.
    """
    rng = np.random.default_rng([split.seed, 3])
    order = rng.permutation(split.train)
    by_class = {label: order[y[order] == label] for label in np.unique(y)}
    label, trials = min(by_class.items(), key=lambda item: len(item[1]))
    if len(trials) < max(amounts):
        raise ValueError(
            f"`n_per_class` must be at most {len(trials)}, the training trials of "
            f"{str(label)!r} in a fold; got {max(amounts)}."
        )
    return [
        replace(
            split, train=np.sort(np.concatenate([t[:n] for t in by_class.values()]))
        )
        for n in amounts
    ]


def thinned_folds(plan, amounts):
    """Return every fold of a plan with so many training trials per class.

    Parameters
    ----------
    plan : EvaluationPlan
        What is evaluated.
    amounts : list of int
        Training trials of every class.

    Returns
    -------
    splits : list of Split
        Of every fold all amounts.
    """
    y = plan.trials.y
    splits = [thin_training(y, split, amounts) for split in plan.split(y)]
    return [split for thinned in splits for split in thinned]


def tabulate_curve(plan, outcomes, amounts):
    """Put the folds of a learning curve into a table.

    Parameters
    ----------
    plan : EvaluationPlan
        What was done.
    outcomes : list of Outcome
        Its folds.
    amounts : list of int
        Training trials of every class.

    Returns
    -------
    curve : DataFrame
        One row per fold and amount, see :func:`learning_curve`.
    """
    table = pd.DataFrame([outcome.record for outcome in outcomes])
    table.insert(0, "estimator", plan.name)
    table.insert(1, "n_per_class", np.resize(amounts, len(table)))
    table.insert(2, "chance", 1 / len(plan.trials.labels))
    return table
