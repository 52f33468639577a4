"""What an evaluation is going to do, as a function of the labels."""

from dataclasses import dataclass, replace

import mne
import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from mne_duin.evaluation.folds import plan_splits, run_fold
from mne_duin.evaluation.groups import find_groups
from mne_duin.evaluation.parts import allowed_segments, freeze_parts
from mne_duin.evaluation.protocols import scale_all
from mne_duin.evaluation.trials import Trials, load_epochs, prepare_trials
from mne_duin.utils.checks import check_number, check_option
from mne_duin.utils.random import draw_seed
from mne_duin.utils.signature import takes_segments


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
    unlabelled : Epochs | ndarray | None
        Segments for pre-training.
    pretrain_on : "train" | "all"
        Which of them a fold may use.
    n_jobs : int
        Folds that run at the same time.
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
        trials = replace(self.trials, y=y)
        return Parallel(n_jobs=self.n_jobs)(
            delayed(run_fold)(
                self.estimator,
                trials,
                split,
                self.unlabelled,
                protocol=self.protocol,
                reseed=self.reseed,
            )
            for split in self.split(y)
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


def make_plan(
    estimator,
    epochs,
    y=None,
    *,
    cv=5,
    groups=None,
    protocol="clean",
    random_state=None,
    n_repeats=1,
    unlabelled=None,
    pretrain_on="train",
    n_jobs=1,
):
    """Check the arguments of :func:`evaluate` and prepare the trials.

    Parameters
    ----------
    estimator, epochs, y, cv, groups, protocol, random_state, n_repeats, unlabelled
        As in :func:`evaluate`.
    pretrain_on, n_jobs
        As in :func:`evaluate`.

    Returns
    -------
    plan : EvaluationPlan
        What is going to be done.
    """
    _check_arguments(estimator, protocol, pretrain_on, cv)
    check_number("n_repeats", n_repeats, low=1, integer=True)
    trials = prepare_trials(epochs, y)
    if protocol == "paper":
        trials = replace(trials, X=scale_all(trials.X))
    seed = draw_seed(random_state)
    n_seeds = n_repeats * (cv if protocol == "paper" else 1)
    copy, parts = freeze_parts(estimator)
    return EvaluationPlan(
        estimator=copy,
        parts=parts,
        trials=trials,
        cv=cv,
        groups=find_groups(groups, cv, trials.metadata, len(trials)),
        within=_find_subjects(trials),
        protocol=protocol,
        seeds=tuple(seed + repeat for repeat in range(n_seeds)),
        unlabelled=_prepare_segments(estimator, unlabelled, protocol),
        pretrain_on=pretrain_on,
        n_jobs=n_jobs,
    )


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


def _prepare_segments(estimator, unlabelled, protocol):
    if unlabelled is None:
        return None
    if not takes_segments(estimator):
        mne.utils.warn(
            f"{type(estimator).__name__}.fit takes no `unlabelled`; the segments are "
            "not used."
        )
        return None
    segments = load_epochs(unlabelled, "unlabelled")
    if not isinstance(segments, mne.BaseEpochs):
        raise TypeError("`unlabelled` must be Epochs, as their run has to be known.")
    return scale_all(segments) if protocol == "paper" else segments


def _find_subjects(trials):
    if trials.metadata is None or "subject" not in trials.metadata:
        return None
    return trials.metadata["subject"].to_numpy()
