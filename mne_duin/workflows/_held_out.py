"""Estimators on the last run, with all and with fewer of the other trials to learn."""

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier

from mne_duin.evaluation._cross_validation import FoldsUnderWay, assemble, make_plans
from mne_duin.evaluation._leakage import refuse_copies
from mne_duin.evaluation._learning_curve import tabulate_curve, thinned_folds
from mne_duin.utils._epochs import run_names

CURVE_AMOUNTS = (5, 10, 20, 40)  # training trials per word


class LastRun:
    """The run that is held out, and who was tested on it.

    Parameters
    ----------
    epochs : Epochs
        All trials, with the run of each in ``metadata["run"]``.
    random_state : int | None
        Seed of the choice of fewer trials.
    n_jobs : int
        Trainings that run at the same time.

    Attributes
    ----------
    names : ndarray of str, shape (1,)
        The run that is held out; of several subjects that of each.
    amounts : list of int
        Training trials per word of the learning curve.
    results : dict of str to DecodingResult
        Of those that learned from all trials, by name.
    models : dict of tuple to estimator
        What was fitted, by name and trials per word (None: all).
    curves : dict of tuple to DataFrame
        Row of the learning curve, by name and trials per word.
    """

    def __init__(self, epochs, random_state, n_jobs):
        self.epochs, self.random_state, self.n_jobs = epochs, random_state, n_jobs
        self.results, self.models, self.curves = {}, {}, {}
        self._plans, self._first = {}, None
        plan = self._plan({("", None): DummyClassifier()})[0]
        refuse_copies(plan, allow=False)
        (split,) = plan.split(plan.trials.y)
        self.names = np.unique(run_names(epochs.metadata)[split.test])
        fewest = np.unique(plan.trials.y[split.train], return_counts=True)[1].min()
        self.amounts = [amount for amount in CURVE_AMOUNTS if amount < fewest]

    def _plan(self, estimators):
        """Return a plan for each estimator, by name and trials per word."""
        plans = make_plans(
            {str(key): estimator for key, estimator in estimators.items()},
            self.epochs,
            cv="last-run",
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        return [
            replace(plan, name=name)
            for plan, (name, _) in zip(plans, estimators, strict=True)
        ]

    def begin(self, estimators):
        """Begin to fit estimators while this process does something else.

        One job less than allowed is used; with one job nothing happens yet.

        Parameters
        ----------
        estimators : dict of tuple to estimator
            By name and training trials per word (None: all).
        """
        self._first = FoldsUnderWay(self._tasks(estimators), self.n_jobs, spare=1)

    def finish(self, estimators):
        """Fit estimators and those that were begun, and keep what is found.

        Parameters
        ----------
        estimators : dict of tuple to estimator
            By name and training trials per word (None: all).
        """
        tasks, first = self._tasks(estimators), self._first
        waiting = [] if first is None else first.withdraw()
        rest = FoldsUnderWay(tasks + waiting, self.n_jobs)
        found = [] if first is None else first.finish()
        self._first = None
        for (name, few), outcome in found + rest.finish():
            self.models[name, few] = outcome.model
            if few is None:
                self.results[name] = assemble(self._plans[name, few], [outcome])
            else:
                row = tabulate_curve(self._plans[name, few], [outcome], [few])
                self.curves[name, few] = row

    def _tasks(self, estimators):
        """Return the fold of each estimator; those that take longest come first."""
        plans = dict(zip(estimators, self._plan(estimators), strict=True))
        self._plans |= plans
        tasks = []
        for (name, few), plan in plans.items():
            whole = plan.split(plan.trials.y)
            (split,) = whole if few is None else thinned_folds(plan, [few])
            tasks.append(((name, few), plan, split))
        return sorted(tasks, key=lambda task: -len(task[2].train))

    def curve(self, names):
        """Return the learning curve of some estimators; None where there is none."""
        keys = [(name, few) for name in names for few in self.amounts]
        rows = [self.curves[key] for key in keys if key in self.curves]
        return pd.concat(rows, ignore_index=True) if rows else None
