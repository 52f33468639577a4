"""Evaluate an estimator on trials it never saw."""

import mne
import numpy as np
import pandas as pd

from mne_duin.evaluation.notes import (
    collect_leaks,
    collect_notes,
    describe_cv,
    describe_estimator,
)
from mne_duin.evaluation.plan import make_plan
from mne_duin.evaluation.result import DecodingResult
from mne_duin.evaluation.statistics import shuffle_within, shuffled_accuracies
from mne_duin.utils.checks import check_number


def evaluate(
    estimator,
    epochs,
    y=None,
    *,
    cv=5,
    groups=None,
    protocol="clean",
    n_permutations=0,
    random_state=None,
    n_label_permutations=1000,
    n_repeats=1,
    unlabelled=None,
    pretrain_on="train",
    n_jobs=1,
    return_estimators=False,
    verbose=None,
):
    """Evaluate an estimator on trials it never saw.

    A fresh copy is fitted in every fold, so everything it learns (scaling, choice of
    channels, pre-training, early stopping) comes from the training part.

    Parameters
    ----------
    estimator : estimator
        Any classifier with the scikit-learn grammar that takes what ``epochs`` is.
        Parts that are already fitted (``pretrained``, ``vqvae``) are kept as they are,
        and the result says so.
    epochs : Epochs | array, shape (n_trials, ...) | list of Epochs
        The labelled trials.
    y : array, shape (n_trials,) | None
        Labels; None takes the event names of the Epochs.
    cv : int | str | splitter
        The way of splitting, see :func:`make_folds`: a number of stratified folds,
        ``"leave-one-run-out"``, ``"leave-one-subject-out"``, ``"last-run"``, … With
        ``protocol="paper"`` the number of random splits.
    groups : array, shape (n_trials,) | str | None
        Groups that stay together, or the metadata column that holds them. None takes
        the run, session or subject where ``cv`` names one.
    protocol : "clean" | "paper"
        ``"paper"`` repeats the published evaluation: scaling over all trials, 80/10/10
        splits, and, where the estimator offers it, a model chosen by validation
        accuracy with ties broken on the test trials. ``result.leaks`` says what leaks.
    n_permutations : int
        How often to repeat the whole evaluation on shuffled labels (shuffled inside
        the groups if there are any), for a p-value that holds for any ``cv``.
    random_state : int | None
        Seed; repeat r uses ``random_state + r``. None draws one; ``result.seeds`` has
        it.
    n_label_permutations : int
        Shuffles of the test labels against the fixed predictions.
    n_repeats : int
        How often to repeat with other seeds. Every ``random_state`` of the estimator is
        then set to the seed of the repeat.
    unlabelled : Epochs | None
        Segments without labels, for estimators whose ``fit`` takes ``unlabelled``.
        Needs ``metadata["run"]``.
    pretrain_on : "train" | "all"
        ``"train"``: no segment of a run that has a test trial of the fold.
    n_jobs : int
        Folds that run at the same time.
    return_estimators : bool
        Whether to return the fitted copies as well.
    verbose : bool | str | int | None
        Verbosity, as in MNE.

    Returns
    -------
    result : DecodingResult
        Predictions of the held-out trials and their scores.
    estimators : list of estimator
        The fitted copy of every fold; only with ``return_estimators=True``.

    Raises
    ------
    TypeError
        If the estimator lacks ``fit``, ``predict`` or ``get_params``.
    ValueError
        If the trials cannot be evaluated: values that are not finite, one class only,
        fewer trials of a class than folds, runs that are not there.
    """
    check_number("n_permutations", n_permutations, low=0, integer=True)
    check_number("n_label_permutations", n_label_permutations, low=0, integer=True)
    with mne.utils.use_log_level(verbose):
        plan = make_plan(
            estimator,
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
        outcomes = plan.run()
        null_refit = _refit_on_shuffled(plan, n_permutations)
        result = _assemble(plan, outcomes, null_refit, n_label_permutations)
    if return_estimators:
        return result, [outcome.model for outcome in outcomes]
    return result


def _refit_on_shuffled(plan, n_permutations):
    rng = np.random.default_rng([plan.seeds[0], 1])
    accuracies = np.empty(n_permutations)
    for index in range(n_permutations):
        shuffled = shuffle_within(plan.trials.y, plan.groups, rng)
        with mne.utils.use_log_level("WARNING"):
            outcomes = plan.run(shuffled)
        correct = [
            outcome.y_pred == shuffled[outcome.split.test] for outcome in outcomes
        ]
        accuracies[index] = np.concatenate(correct).mean()
    return accuracies


def _assemble(plan, outcomes, null_refit, n_label_permutations):
    trials, splits = plan.trials, [outcome.split for outcome in outcomes]
    epoch = np.concatenate([split.test for split in splits])
    fold = np.repeat(np.arange(len(splits)), [len(split.test) for split in splits])
    y_pred = np.concatenate([outcome.y_pred for outcome in outcomes])
    probabilities = None
    if outcomes[0].probabilities is not None:
        probabilities = np.concatenate([outcome.probabilities for outcome in outcomes])
    return DecodingResult(
        y_true=trials.y[epoch],
        y_pred=y_pred,
        probabilities=probabilities,
        labels=trials.labels,
        fold=fold,
        epoch=epoch,
        estimator=describe_estimator(plan.estimator),
        folds=pd.DataFrame([outcome.record for outcome in outcomes]),
        protocol=plan.protocol,
        cv=describe_cv(plan),
        seeds=plan.seeds,
        null_predictions=shuffled_accuracies(
            trials.y[epoch],
            y_pred,
            epoch,
            fold,
            n_permutations=n_label_permutations,
            random_state=[plan.seeds[0], 2],
        ),
        null_refit=null_refit,
        notes=collect_notes(plan, splits),
        leaks=collect_leaks(plan, splits),
    )
