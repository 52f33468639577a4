"""What training and test data share, and what a reader of a result should know."""

import mne
import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from mne_duin.evaluation._folds import takes_model_choice, trained_runs
from mne_duin.evaluation._splits import natural_key
from mne_duin.utils._epochs import run_names
from mne_duin.utils._signature import accepts
from mne_duin.utils._similarity import same_trials

# Fewer points can agree by chance.
FEWEST_TIMES = 20


def describe_estimator(estimator):
    """Name an estimator, and the steps of a pipeline.

    Parameters
    ----------
    estimator : estimator
        The estimator.

    Returns
    -------
    name : str
        Class names, joined by " + " for a pipeline.
    """
    if isinstance(estimator, FrozenEstimator):
        return describe_estimator(estimator.estimator)
    if isinstance(estimator, Pipeline):
        return " + ".join(describe_estimator(step) for _, step in estimator.steps)
    return type(estimator).__name__


def describe_cv(plan):
    """Say in words how the trials were divided.

    Parameters
    ----------
    plan : EvaluationPlan
        The evaluation.

    Returns
    -------
    text : str
        A few words.
    """
    if plan.protocol == "paper":
        return "random 80/10/10 split"
    if isinstance(plan.cv, str):
        return plan.cv
    if isinstance(plan.cv, int | np.integer):
        keep = "" if plan.groups is None else ", groups kept together"
        return f"{plan.cv} stratified folds{keep}"
    return type(plan.cv).__name__


def copied_trials(plan):
    """Find test trials that are also training trials, under another name.

    Parameters
    ----------
    plan : EvaluationPlan
        The evaluation.

    Returns
    -------
    pairs : list of tuple of int
        A test and a training trial of one fold with the same signal.
    """
    X = plan.trials.X
    data = X.get_data(copy=False) if isinstance(X, mne.BaseEpochs) else X
    if data.ndim != 3 or data.shape[-1] < FEWEST_TIMES:
        return []
    copies = [(i, j) for i, j in same_trials(data, data) if i < j]
    if not copies:
        return []
    first, second = np.array(copies).T
    pairs = []
    for split in plan.split(plan.trials.y):
        test, train = (
            np.isin(np.arange(len(data)), part) for part in (split.test, split.train)
        )
        for one, other in ((first, second), (second, first)):
            crossing = test[one] & train[other]
            pairs += list(
                zip(one[crossing].tolist(), other[crossing].tolist(), strict=True)
            )
    return list(dict.fromkeys(pairs))


def refuse_copies(plan, allow):
    """Complain about test trials that are also training trials.

    Parameters
    ----------
    plan : EvaluationPlan
        The evaluation.
    allow : bool
        Whether to return a sentence about them instead.

    Returns
    -------
    leaks : tuple of str
        What leaks.

    Raises
    ------
    ValueError
        If there are such trials and they are not allowed.
    """
    pairs = copied_trials(plan)
    if not pairs:
        return ()
    tested = len({test for test, _ in pairs})
    said = (
        f"{tested} of {len(plan.trials)} trials are tested on a copy of a training "
        f"trial (correlation of at least 0.999 over the channels; for example trials "
        f"{pairs[0][0]} and {pairs[0][1]})"
    )
    if allow:
        return (f"{said}.",)
    raise ValueError(
        f"{said}. A recording was probably read twice, so accuracy would say nothing: "
        "leave one of the copies out, or pass allow_copies=True."
    )


def collect_leaks(plan, splits):
    """Say in which ways held-out trials had an influence on the fitted models.

    Parameters
    ----------
    plan : EvaluationPlan
        The evaluation.
    splits : list of Split
        Its folds.

    Returns
    -------
    leaks : tuple of str
        Sentences; empty where there is none that can be known.
    """
    leaks = []
    if plan.protocol == "paper":
        leaks.append(
            "Every channel was scaled over all trials, the test trials included (an "
            "estimator that scales again on its training trials undoes this)."
        )
        if takes_model_choice(plan.estimator):
            leaks.append(
                "The test trials chose the model: among the passes with the best "
                "validation accuracy, the one with the best test accuracy was kept."
            )
        if _share_runs(plan, splits):
            leaks.append(
                "Trials were divided at random, so test trials lie between training "
                "trials of the same run."
            )
    if plan.unlabelled is not None and plan.pretrain_on == "all":
        leaks.append(
            "Unlabeled segments of the test runs were used for pre-training "
            '(pretrain_on="all").'
        )
    for name, part in plan.parts.items():
        shared = _test_runs(plan, splits) & (trained_runs(part) or set())
        if shared:
            leaks.append(
                f"`{name}` was fitted beforehand on runs that are tested: "
                f"{_listing(shared)}."
            )
    return tuple(leaks)


def collect_notes(plan, splits):
    """Say what else a reader of the numbers should know.

    Parameters
    ----------
    plan : EvaluationPlan
        The evaluation.
    splits : list of Split
        Its folds.

    Returns
    -------
    notes : tuple of str
        Sentences.
    """
    notes = [_describe_part(plan, name) for name in plan.parts]
    if plan.protocol == "paper" and not takes_model_choice(plan.estimator):
        used = accepts(plan.estimator.fit, "validation")
        notes.append(
            "The published choice of the model, with ties broken on the test trials, "
            f"was not applied: {describe_estimator(plan.estimator)} does not offer it. "
            f"It was {'' if used else 'not '}given the validation trials."
        )
    if plan.protocol == "clean" and _share_runs(plan, splits):
        notes.append(
            "Training and test trials come from the same runs, so slow changes of the "
            'signal may help; cv="leave-one-run-out" holds out runs.'
        )
    if plan.reseed:
        notes.append(
            "Each repeat sets every `random_state` of the estimator to its own seed."
        )
    untrained = [
        str(label)
        for split in splits
        for label in np.setdiff1d(plan.trials.y[split.test], plan.trials.y[split.train])
    ]
    if untrained:
        notes.append(
            "Some test trials have a class that their training part lacks: "
            f"{_listing(set(untrained))}."
        )
    return tuple(notes)


def _describe_part(plan, name):
    runs = trained_runs(plan.parts[name])
    kind = type(plan.parts[name]).__name__
    if runs is None or run_names(plan.trials.metadata) is None:
        return (
            f"`{name}` ({kind}) was fitted beforehand and it is not known on which "
            "runs; if test runs were among them, the result leaks."
        )
    return f"`{name}` ({kind}) was fitted beforehand, on runs {_listing(runs)}."


def _test_runs(plan, splits):
    runs = run_names(plan.trials.metadata)
    if runs is None:
        return set()
    return {str(run) for split in splits for run in np.unique(runs[split.test])}


def _share_runs(plan, splits):
    runs = run_names(plan.trials.metadata)
    return runs is not None and any(
        np.isin(runs[split.test], runs[split.train]).any() for split in splits
    )


def _listing(names):
    return ", ".join(sorted(names, key=natural_key))
