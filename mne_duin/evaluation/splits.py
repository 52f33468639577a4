"""Ways to divide trials into training and test parts, by name or by splitter."""

import re
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import (
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)

from mne_duin.evaluation.groups import LastGroups, natural_key
from mne_duin.utils.checks import check_number

N_STRATIFIED = 5
NAMES = (
    "stratified",
    "stratified-by-run",
    "stratified-by-session",
    "leave-one-run-out",
    "leave-one-session-out",
    "leave-one-subject-out",
    "last-run",
    "last-session",
)
LAST = re.compile(r"last(?:-(\d+))?-(run|session)s?")


@dataclass(frozen=True)
class PaperSplit:
    """Indices of one split as in the published evaluation.

    Parameters
    ----------
    train, validation, test : ndarray of int
        Indices of the trials, without overlap, together all trials.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def make_folds(y, cv=5, *, groups=None, within=None, random_state=None):
    """Divide trials into training and test parts.

    Parameters
    ----------
    y : array, shape (n_trials,)
        Label of each trial.
    cv : int | str | splitter | iterable of (train, test)
        A number is that many stratified folds, which keep groups together if there
        are any. Names: ``"stratified"``, ``"stratified-by-run"``,
        ``"stratified-by-session"`` (5 folds), ``"leave-one-run-out"``,
        ``"leave-one-session-out"``, ``"leave-one-subject-out"`` (see also
        :class:`LeaveOneSubjectOut`), ``"last-run"``, ``"last-session"``,
        ``"last-2-runs"`` and so on (one fold). Anything else goes to
        :func:`sklearn.model_selection.check_cv`.
    groups : array, shape (n_trials,) | None
        Group of each trial, by ``mne_duin.evaluation.groups.find_groups``.
    within : array, shape (n_trials,) | None
        For ``"last-..."``: hold out the last groups of each of these (subjects).
    random_state : int | None
        Seed of the stratified folds.

    Returns
    -------
    folds : list of tuple of ndarray
        ``(train, test)`` indices of each fold.

    Raises
    ------
    ValueError
        If the split is unknown or impossible: fewer trials of a class, or fewer groups,
        than folds; parts that are empty or overlap.
    """
    y = np.asarray(y)
    splitter = _make_splitter(y, cv, groups, within, random_state)
    folds = list(_split(splitter, y, groups))
    for index, (train, test) in enumerate(folds):
        if len(train) == 0 or len(test) == 0:
            raise ValueError(
                f"Fold {index} has {len(train)} training and {len(test)} test trials; "
                "neither part may be empty. Use fewer folds."
            )
        if np.intersect1d(train, test).size:
            raise ValueError(f"Training and test trials of fold {index} overlap.")
    return [(np.asarray(train), np.asarray(test)) for train, test in folds]


def paper_split(y, runs=None, *, random_state=None):
    """Divide trials as the published evaluation does (Zheng et al. 2024, run_cls.py).

    Trials are shuffled inside each run and the runs put one after the other, in the
    order they first occur. Of each label the first 80 % are for training; the trials
    that remain, all labels together, are halved at random into validation and test.

    Parameters
    ----------
    y : array, shape (n_trials,)
        Label of each trial.
    runs : array, shape (n_trials,) | None
        Run of each trial; None treats all trials as one run.
    random_state : int | None
        Seed of the shuffles.

    Returns
    -------
    split : PaperSplit
        The three parts.

    Raises
    ------
    ValueError
        If a class has fewer than two trials or a part would be empty.
    """
    y = np.asarray(y)
    rng = np.random.default_rng(random_state)
    runs = np.zeros(len(y)) if runs is None else np.asarray(runs)
    first = np.unique(runs, return_index=True)[1]
    order = [rng.permutation(np.flatnonzero(runs == runs[i])) for i in np.sort(first)]
    order = np.concatenate(order)
    train, rest = [], []
    for label in np.unique(y):
        trials = order[y[order] == label]
        n_train = int(0.8 * len(trials))
        if n_train == 0:
            raise ValueError(
                f'protocol="paper" needs at least 2 trials of every class; '
                f"{str(label)!r} has {len(trials)}."
            )
        train.append(trials[:n_train])
        rest.append(trials[n_train:])
    rest = rng.permutation(np.concatenate(rest))
    if len(rest) < 2:
        raise ValueError("Too few trials for a validation and a test part.")
    half = len(rest) // 2
    parts = np.concatenate(train), rest[:half], rest[half:]
    return PaperSplit(*(np.sort(part) for part in parts))


def _make_splitter(y, cv, groups, within, random_state):
    if isinstance(cv, str):
        last = LAST.fullmatch(cv)
        if last:
            return LastGroups(int(last[1] or 1), within)
        if cv.startswith("leave-one-") and cv in NAMES:
            _check_groups(groups, 2, cv)
            return PredefinedSplit(_rank(groups))
        if cv not in NAMES:
            raise ValueError(
                f"`cv` must be a number of folds, a scikit-learn splitter or one of "
                f"{', '.join(map(repr, NAMES))}, 'last-2-runs'; got {cv!r}."
            )
        cv = N_STRATIFIED
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        check_number("cv", cv, low=2, integer=True)
        _check_counts(y, cv)
        if groups is None:
            return StratifiedKFold(cv, shuffle=True, random_state=random_state)
        _check_groups(groups, cv, cv)
        return StratifiedGroupKFold(cv, shuffle=True, random_state=random_state)
    return check_cv(cv)


def _split(splitter, y, groups):
    if isinstance(splitter, PredefinedSplit):
        return splitter.split()
    return splitter.split(np.zeros(len(y)), y, groups)


def _rank(groups):
    names = sorted(set(groups), key=natural_key)
    return np.array([names.index(group) for group in groups])


def _check_counts(y, n_folds):
    labels, counts = np.unique(y, return_counts=True)
    few = counts < n_folds
    if few.any():
        listing = ", ".join(
            f"{label} ({count})"
            for label, count in zip(labels[few], counts[few], strict=True)
        )
        raise ValueError(
            f"{n_folds} folds need at least {n_folds} trials of every class; too few "
            f"have: {listing}. Use fewer folds, or read more runs."
        )


def _check_groups(groups, n_needed, cv):
    names = np.unique(groups)
    if len(names) < n_needed:
        raise ValueError(
            f"cv={cv!r} needs at least {n_needed} groups (runs, sessions, subjects); "
            f"there {'is' if len(names) == 1 else 'are'} {len(names)}: "
            f"{', '.join(map(str, names))}. Read more runs, or use fewer folds: "
            'cv=2, groups="run".'
        )
