"""Evaluate an estimator on trials it never saw."""

import warnings
from collections import deque
from dataclasses import dataclass, replace

import mne
import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from mne_duin.evaluation._folds import (
    allowed_segments,
    freeze_parts,
    plan_splits,
    run_fold,
)
from mne_duin.evaluation._leakage import (
    collect_leaks,
    collect_notes,
    describe_cv,
    describe_estimator,
    refuse_copies,
)
from mne_duin.evaluation._result import DecodingResult
from mne_duin.evaluation._splits import choose_cv, find_groups
from mne_duin.evaluation._statistics import shuffle_within, shuffled_accuracies
from mne_duin.evaluation._trials import Trials, load_epochs, prepare_trials
from mne_duin.utils._checks import check_number, check_option, draw_seed
from mne_duin.utils._numbers import percent
from mne_duin.utils._segments import DiskSegments
from mne_duin.utils._signature import takes_segments


def evaluate(
    estimator,
    epochs,
    y=None,
    *,
    cv="auto",
    groups=None,
    protocol="clean",
    n_permutations=0,
    random_state=0,
    n_label_permutations=1000,
    n_repeats=1,
    unlabelled=None,
    pretrain_on="train",
    n_jobs=1,
    return_estimators=False,
    allow_copies=False,
    name=None,
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
        The labeled trials.
    y : array, shape (n_trials,) | None
        Labels; None takes the event names of the Epochs.
    cv : "auto" | int | str | splitter
        The way of splitting. ``"auto"`` holds out each group in turn where ``groups``
        are given, each run where the metadata have at least two, and makes 5 stratified
        folds otherwise; ``result.cv`` says which. For the others see
        :func:`make_folds`: a number of stratified folds, ``"leave-one-run-out"``,
        ``"leave-one-subject-out"``, ``"last-run"``, … With ``protocol="paper"`` the
        number of random splits.
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
        Seed; repeat r uses ``random_state + r``. The default makes the same folds each
        time; None draws a seed, and ``result.seeds`` has it. A ``random_state`` of the
        estimator that is None gets the seed of the repeat.
    n_label_permutations : int
        Shuffles of the test labels against the fixed predictions.
    n_repeats : int
        How often to repeat with other seeds. Every ``random_state`` of the estimator is
        then set to the seed of the repeat.
    unlabelled : Epochs | DiskSegments | None
        Segments without labels, for estimators whose ``fit`` takes ``unlabelled``.
        Needs ``metadata["run"]``.
    pretrain_on : "train" | "all"
        ``"train"``: no segment of a run that has a test trial of the fold.
    n_jobs : int
        Folds that run at the same time.
    return_estimators : bool
        Whether to return the fitted copies as well.
    allow_copies : bool
        Whether test trials may hold the same signal as training trials (correlation of
        at least 0.999 over the channels), as when a recording was read twice. Then
        ``result.leaks`` says so.
    name : str | None
        Name of the estimator in the log; None takes that of its class.
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
        fewer trials of a class than folds, runs that are not there, test trials that
        are also training trials.
    """
    with mne.utils.use_log_level(verbose):
        plans = make_plans(
            {name or describe_estimator(estimator): estimator},
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
        ((result, models),) = evaluate_plans(
            plans,
            n_permutations=n_permutations,
            n_label_permutations=n_label_permutations,
            allow_copies=allow_copies,
        )
    return (result, models) if return_estimators else result


def evaluate_plans(
    plans, *, n_permutations=0, n_label_permutations=1000, allow_copies=False
):
    """Evaluate estimators as planned, see :func:`evaluate`.

    Parameters
    ----------
    plans : list of EvaluationPlan
        What is evaluated, each on the same folds.
    n_permutations, n_label_permutations : int
        Repetitions with shuffled labels, and shuffles against fixed predictions.
    allow_copies : bool
        Whether test trials may be copies of training trials.

    Returns
    -------
    found : list of tuple of (DecodingResult, list of estimator)
        Of every plan, with the fitted copy of every fold.
    """
    check_number("n_permutations", n_permutations, low=0, integer=True)
    check_number("n_label_permutations", n_label_permutations, low=0, integer=True)
    copies = refuse_copies(plans[0], allow_copies)
    tasks = [(plan, plan.split(plan.trials.y)) for plan in plans]
    found = []
    for plan, outcomes in zip(plans, run_plans(tasks, plans[0].n_jobs), strict=True):
        null_refit = _refit_on_shuffled(plan, n_permutations)
        result = assemble(plan, outcomes, null_refit, n_label_permutations)
        result = replace(result, leaks=result.leaks + copies)
        found.append((result, [outcome.model for outcome in outcomes]))
    return found


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


def assemble(plan, outcomes, null_refit=(), n_label_permutations=1000):
    """Put the folds of an evaluation together.

    Parameters
    ----------
    plan : EvaluationPlan
        What was done.
    outcomes : list of Outcome
        Its folds.
    null_refit : array, shape (n_permutations,)
        Accuracies with shuffled labels.
    n_label_permutations : int
        Shuffles of the labels against the predictions.

    Returns
    -------
    result : DecodingResult
        Predictions of the held-out trials and their scores.
    """
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
        null_refit=np.asarray(null_refit),
        notes=collect_notes(plan, splits),
        leaks=collect_leaks(plan, splits),
    )


@dataclass(frozen=True)
class EvaluationPlan:
    """Everything that an evaluation does, as a function of the labels.

    Parameters
    ----------
    estimator : estimator
        What is fitted, with its pre-trained parts frozen.
    parts : dict of str to estimator
        These parts.
    trials : Trials
        The trials.
    cv : int | str | splitter
        The way of splitting.
    groups, within : ndarray, shape (n_trials,) | None
        Groups that stay together, and what the last group is the last of.
    protocol : "clean" | "paper"
        The protocol.
    seeds : tuple of int
        Seed of each repeat.
    unlabelled : Epochs | DiskSegments | ndarray | None
        Segments for pre-training.
    pretrain_on : "train" | "all"
        Which of them a fold may use.
    n_jobs : int
        Folds that run at the same time.
    name : str
        Name of the estimator in the log.
    """

    estimator: object
    parts: dict
    trials: Trials
    cv: object
    groups: np.ndarray | None
    within: np.ndarray | None
    protocol: str
    seeds: tuple
    unlabelled: object
    pretrain_on: str
    n_jobs: int
    name: str

    @property
    def reseed(self):
        """Whether the estimator gets the seed of each repeat."""
        return len(self.seeds) > 1 or self.protocol == "paper"

    def run(self, y=None):
        """Fit and predict every fold.

        Parameters
        ----------
        y : array, shape (n_trials,) | None
            Labels in place of the true ones, for permutation tests.

        Returns
        -------
        outcomes : list of Outcome
            The folds.
        """
        y = self.trials.y if y is None else y
        plan = replace(self, trials=replace(self.trials, y=y))
        return run_plans([(plan, plan.split(y))], self.n_jobs)[0]

    def fit_fold(self, split, level=None):
        """Fit and predict one fold.

        Parameters
        ----------
        split : Split
            The fold.
        level : str | None
            Level of the log while it is fitted; None leaves it as it is.

        Returns
        -------
        outcome : Outcome
            The predictions and a record.
        """
        with mne.utils.use_log_level(level):
            return run_fold(
                self.estimator,
                self.trials,
                split,
                self.unlabelled,
                protocol=self.protocol,
                reseed=self.reseed,
            )

    def split(self, y):
        """Divide the trials, and choose the segments of each fold.

        Parameters
        ----------
        y : array, shape (n_trials,)
            Labels.

        Returns
        -------
        splits : list of Split
            The folds of all repeats.
        """
        splits = plan_splits(
            replace(self.trials, y=y),
            self.cv,
            self.groups,
            self.within,
            protocol=self.protocol,
            seeds=self.seeds,
        )
        if self.unlabelled is None:
            return splits
        return [self._add_segments(split) for split in splits]

    def _add_segments(self, split):
        chosen = allowed_segments(
            self.unlabelled.metadata,
            self.trials.metadata,
            split.test,
            pretrain_on=self.pretrain_on,
        )
        return replace(split, segments=chosen)


def run_plans(plans, n_jobs):
    """Fit and predict folds of several estimators, some at the same time.

    Estimators that pre-train may share what they learn (``memory``), so their folds
    come one estimator after the other; the folds of all others come together.

    Parameters
    ----------
    plans : list of tuple of (EvaluationPlan, list of Split)
        What is fitted, and the folds of each.
    n_jobs : int
        Folds that run at the same time.

    Returns
    -------
    outcomes : list of list of Outcome
        Of every plan, in the order of its folds.
    """
    plain = [not takes_segments(plan.estimator) for plan, _ in plans]
    groups = [[index] for index, is_plain in enumerate(plain) if not is_plain]
    groups.append([index for index, is_plain in enumerate(plain) if is_plain])
    outcomes = [[] for _ in plans]
    for group in groups:
        tasks = [
            (index, plans[index][0], split)
            for index in group
            for split in plans[index][1]
        ]
        for index, outcome in FoldsUnderWay(tasks, n_jobs).finish():
            outcomes[index].append(outcome)
    return outcomes


class FoldsUnderWay:
    """Folds that other processes fit while this one does something else.

    With one job nothing happens before :meth:`finish`.

    Parameters
    ----------
    tasks : list of tuple of (hashable, EvaluationPlan, Split)
        A key, what is fitted, and the fold.
    n_jobs : int
        Folds that run at the same time.
    spare : int
        How many jobs fewer than that are used.
    """

    def __init__(self, tasks, n_jobs, spare=0):
        self._waiting, self._begun = deque(tasks), []
        at_once = effective_n_jobs(n_jobs)
        # Progress bars of several processes would overwrite each other.
        level = "WARNING" if at_once > 1 else None
        # The next fold is taken when one has ended, so that others can be withdrawn.
        ahead = {"pre_dispatch": max(at_once - spare, 1), "batch_size": 1}
        self._found = Parallel(n_jobs=n_jobs, return_as="generator", **ahead)(
            self._take(level)
        )

    def _take(self, level):
        while self._waiting:
            self._begun.append(self._waiting.popleft())
            _, plan, split = self._begun[-1]
            yield delayed(plan.fit_fold)(split, level)

    def withdraw(self):
        """Give up the folds that were not begun.

        Returns
        -------
        tasks : list of tuple of (hashable, EvaluationPlan, Split)
            These folds.
        """
        tasks = list(self._waiting)
        self._waiting.clear()
        return tasks

    def finish(self):
        """Wait for the folds.

        Returns
        -------
        found : list of tuple of (hashable, Outcome)
            In the order of the tasks.
        """
        found = []
        with warnings.catch_warnings():
            # A process that has grown is replaced by a new one, which is no loss.
            warnings.filterwarnings("ignore", message="A worker stopped while some")
            for outcome in self._found:
                key, plan, _ = self._begun[len(found)]
                record = outcome.record
                mne.utils.logger.info(
                    f"{plan.name}: fold of {record['n_train']} training and "
                    f"{record['n_test']} test trials, accuracy "
                    f"{percent(record['accuracy'])}, {record['seconds_fit']:.1f} s."
                )
                found.append((key, outcome))
        return found


def make_plans(
    estimators,
    epochs,
    y=None,
    *,
    cv="auto",
    groups=None,
    protocol="clean",
    random_state=0,
    n_repeats=1,
    unlabelled=None,
    pretrain_on="train",
    n_jobs=1,
):
    """Check the arguments of :func:`evaluate` and prepare the trials, once for all.

    Parameters
    ----------
    estimators : dict of str to estimator
        What is evaluated, by its name in the log.
    epochs, y, cv, groups, protocol, random_state, n_repeats, ``unlabelled``
        As in :func:`evaluate`; the segments are for those that take them.
    pretrain_on, n_jobs
        As in :func:`evaluate`.

    Returns
    -------
    plans : list of EvaluationPlan
        What is going to be done, one per estimator.
    """
    trials = prepare_trials(epochs, y)
    cv = choose_cv(cv, groups, trials.metadata, protocol=protocol)
    for estimator in estimators.values():
        _check_arguments(estimator, protocol, pretrain_on, cv)
    check_number("n_repeats", n_repeats, low=1, integer=True)
    if protocol == "paper":
        trials = replace(trials, X=scale_all(trials.X))
    seed = draw_seed(random_state)
    n_seeds = n_repeats * (cv if protocol == "paper" else 1)
    groups = find_groups(groups, cv, trials.metadata, len(trials))
    segments = _prepare_segments(estimators, unlabelled, protocol)
    plans = []
    for name, estimator in estimators.items():
        copy, parts = freeze_parts(estimator)
        plan = EvaluationPlan(
            estimator=copy,
            parts=parts,
            trials=trials,
            cv=cv,
            groups=groups,
            within=_find_subjects(trials),
            protocol=protocol,
            seeds=tuple(seed + repeat for repeat in range(n_seeds)),
            unlabelled=segments if takes_segments(estimator) else None,
            pretrain_on=pretrain_on,
            n_jobs=n_jobs,
            name=name,
        )
        plans.append(plan)
    return plans


def _check_arguments(estimator, protocol, pretrain_on, cv):
    missing = [
        name
        for name in ("fit", "predict", "get_params")
        if isinstance(estimator, type) or not hasattr(estimator, name)
    ]
    if missing:
        raise TypeError(
            "`estimator` must be an instance of a scikit-learn classifier; "
            f"{estimator!r} has no {' and no '.join(missing)}."
        )
    check_option("protocol", protocol, ("clean", "paper"))
    check_option("pretrain_on", pretrain_on, ("train", "all"))
    if protocol == "paper":
        check_number("cv", cv, low=1, integer=True)


def _prepare_segments(estimators, unlabelled, protocol):
    if unlabelled is None:
        return None
    if not any(map(takes_segments, estimators.values())):
        kinds = {type(estimator).__name__: None for estimator in estimators.values()}
        mne.utils.warn(
            f"{', '.join(kinds)}.fit takes no `unlabelled`; the segments are not used."
        )
        return None
    if isinstance(unlabelled, DiskSegments):
        if protocol == "paper":
            return scale_all(unlabelled.to_epochs())
        return unlabelled
    segments = load_epochs(unlabelled, "unlabelled")
    if not isinstance(segments, mne.BaseEpochs):
        raise TypeError(
            "`unlabelled` must be Epochs or DiskSegments, as their run has to be known."
        )
    return scale_all(segments) if protocol == "paper" else segments


def _find_subjects(trials):
    if trials.metadata is None or "subject" not in trials.metadata:
        return None
    return trials.metadata["subject"].to_numpy()


def scale_all(X):
    """Scale every channel to mean 0 and standard deviation 1 over all trials.

    The published code does so before it divides the trials (run_cls.py, z-score over
    trials and times), so test trials take part in it. Only for ``protocol="paper"``.

    Parameters
    ----------
    X : Epochs | ndarray, shape (n_trials, n_channels, n_times)
        All trials, training and test.

    Returns
    -------
    X : Epochs | ndarray
        A scaled copy; of Epochs only the data channels are scaled.

    Raises
    ------
    ValueError
        If a channel is flat, or an array has no channels.
    """
    if isinstance(X, mne.BaseEpochs):
        picks = mne.pick_types(
            X.info, meg=True, eeg=True, seeg=True, ecog=True, dbs=True, exclude=()
        )
        data = X.get_data(picks=picks, copy=False)
        mean, deviation = _moments(data, np.array(X.ch_names)[picks])
        return X.copy().apply_function(
            _scale, picks, channel_wise=False, mean=mean, deviation=deviation
        )
    if X.ndim != 3:
        raise ValueError(
            'protocol="paper" scales channels, so an array must have shape (n_trials, '
            f"n_channels, n_times); got shape {X.shape}."
        )
    mean, deviation = _moments(X, np.arange(X.shape[1]))
    return _scale(X, mean=mean, deviation=deviation)


def _moments(data, names):
    deviation = data.std(axis=(0, 2))
    flat = deviation == 0
    if flat.any():
        listing = ", ".join(map(str, names[flat][:10]))
        raise ValueError(f"Channels are flat: {listing}. Drop them.")
    return data.mean(axis=(0, 2))[:, np.newaxis], deviation[:, np.newaxis]


def _scale(data, mean, deviation):
    return (data - mean) / deviation
