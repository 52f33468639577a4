"""Ways to divide trials into training and test parts, also by run or session."""

import re
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import (
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)

from mne_duin.evaluation._trials import join_columns
from mne_duin.utils._checks import check_number

N_STRATIFIED = 5
NAMES = (
    "stratified",
    "stratified-by-run",
    "stratified-by-session",
    "leave-one-group-out",
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
        ``"leave-one-group-out"``, ``"leave-one-session-out"``,
        ``"leave-one-subject-out"`` (see also
        :class:`LeaveOneSubjectOut`), ``"last-run"``, ``"last-session"``,
        ``"last-2-runs"`` and so on (one fold). Anything else goes to
        :func:`sklearn.model_selection.check_cv`.
    groups : array, shape (n_trials,) | None
        Group of each trial, by ``mne_duin.evaluation._splits.find_groups``.
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


class LastGroups:
    """Hold out the last group(s), such as the last run; one fold.

    Groups are ordered by name, numbers in them by value (run 2 before run 10).

    Parameters
    ----------
    n_groups : int
        Number of groups to hold out.
    within : array, shape (n_trials,) | None
        Hold out the last groups of each of these, such as of each subject.
    """

    def __init__(self, n_groups=1, within=None):
        self.n_groups = n_groups
        self.within = within

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds: one."""
        return 1

    def split(self, X, y=None, groups=None):
        """Yield the one division.

        Parameters
        ----------
        X : array, shape (n_trials, ...)
            Not used.
        y : array, shape (n_trials,) | None
            Not used.
        groups : array, shape (n_trials,)
            Group of each trial.

        Yields
        ------
        train, test : ndarray of int
            Indices of the trials of each part.

        Raises
        ------
        ValueError
            If nothing would be left to train on.
        """
        groups = np.asarray(groups)
        within = np.zeros(len(groups)) if self.within is None else self.within
        is_test = np.zeros(len(groups), dtype=bool)
        for part in np.unique(within):
            names = sorted(set(groups[within == part]), key=natural_key)
            if len(names) <= self.n_groups:
                raise ValueError(
                    f"Holding out the last {self.n_groups} of {len(names)} groups "
                    f"({', '.join(map(str, names))}) leaves none to train on; read "
                    "more runs or use cv=5."
                )
            is_test |= (within == part) & np.isin(groups, names[-self.n_groups :])
        yield np.flatnonzero(~is_test), np.flatnonzero(is_test)


class LeaveOneSubjectOut:
    """Hold out every subject in turn, apart from a few trials per class.

    With ``n_per_class=0`` nothing that is labeled comes from the held-out subject.
    That asks for an estimator that knows the subject without labels, such as a
    classifier whose ``pretrained`` stage has learned from its segments. With a few
    trials per class the question is what the other subjects save a new patient.

    Parameters
    ----------
    n_per_class : int
        Trials of each class of the held-out subject that stay in the training part.
    random_state : int
        Seed of which these are.

    Examples
    --------
    >>> import numpy as np
    >>> y, groups = np.tile(["ba", "da"], 6), np.repeat(["01", "02"], 6)
    >>> splitter = LeaveOneSubjectOut(n_per_class=1)
    >>> [(len(train), len(test)) for train, test in splitter.split(y, y, groups)]
    [(8, 4), (8, 4)]
    """

    groups_column = "subject"

    def __init__(self, n_per_class=0, random_state=0):
        self.n_per_class = n_per_class
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds, that of the subjects.

        Parameters
        ----------
        X, y : array, shape (n_trials, ...) | None
            Not used.
        groups : array, shape (n_trials,)
            Subject of each trial.

        Returns
        -------
        n_splits : int
            Number of subjects.
        """
        return len(np.unique(groups))

    def split(self, X, y, groups):
        """Yield the divisions.

        Parameters
        ----------
        X : array, shape (n_trials, ...)
            Not used.
        y : array, shape (n_trials,)
            Labels.
        groups : array, shape (n_trials,)
            Subject of each trial.

        Yields
        ------
        train, test : ndarray of int
            Indices of the trials of each part.

        Raises
        ------
        ValueError
            If there is one subject only, or if one has no more trials of a class than
            are to stay in the training part.
        """
        check_number("n_per_class", self.n_per_class, low=0, integer=True)
        y, groups = np.asarray(y), np.asarray(groups)
        subjects = sorted(set(groups.tolist()), key=natural_key)
        if len(subjects) < 2:
            raise ValueError(
                f"Leaving one subject out needs at least 2; there is {subjects}."
            )
        rng = np.random.default_rng(self.random_state)
        for subject in subjects:
            own = np.flatnonzero(groups == subject)
            kept = [self._draw(rng, own[y[own] == c], c) for c in np.unique(y[own])]
            test = np.setdiff1d(own, np.concatenate(kept))
            yield np.setdiff1d(np.arange(len(y)), test), test

    def _draw(self, rng, trials, label):
        if len(trials) <= self.n_per_class:
            raise ValueError(
                f"n_per_class={self.n_per_class} leaves no trial of {str(label)!r} to "
                f"test: a subject has {len(trials)}."
            )
        return rng.permutation(trials)[: self.n_per_class]


def natural_key(name):
    """Key that sorts names with the numbers in them by value.

    Parameters
    ----------
    name : object
        A name; it is turned into a string.

    Returns
    -------
    key : list
        Text and numbers in turn.
    """
    parts = re.split(r"(\d+)", str(name))
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]


def choose_cv(cv, groups, metadata, *, protocol="clean"):
    """Choose the way of splitting where it is left open.

    Parameters
    ----------
    cv : "auto" | int | str | splitter
        The way of splitting; whatever is not ``"auto"`` stays.
    groups : array, shape (n_trials,) | str | None
        Groups that the caller gave.
    metadata : DataFrame | None
        Metadata of the trials.
    protocol : "clean" | "paper"
        The published protocol makes random splits.

    Returns
    -------
    cv : int | str | splitter
        ``"leave-one-group-out"`` with groups, ``"leave-one-run-out"`` with at least two
        runs, else 5.
    """
    if not isinstance(cv, str) or cv != "auto":
        return cv
    if protocol == "paper":
        return N_STRATIFIED
    if groups is not None:
        return "leave-one-group-out"
    runs = join_columns(metadata, ("session", "run"))
    has_runs = runs is not None and "run" in metadata
    is_complete = has_runs and metadata["run"].notna().all()
    if is_complete and len(np.unique(runs)) > 1:
        return "leave-one-run-out"
    return N_STRATIFIED


def find_groups(groups, cv, metadata, n_trials):
    """Find the group of each trial for a way of splitting.

    Parameters
    ----------
    groups : array, shape (n_trials,) | str | None
        Groups, or a column of the metadata. None takes the subject, run or session
        (runs are counted inside their session) where the split asks for it.
    cv : int | str | splitter
        The way of splitting.
    metadata : DataFrame | None
        Metadata of the trials.
    n_trials : int
        Number of trials.

    Returns
    -------
    groups : ndarray, shape (n_trials,) | None
        The groups; None if the split needs none.

    Raises
    ------
    ValueError
        If the groups are not there, are missing for some trials or too many or few.
    """
    if groups is None:
        wanted = re.search("run|session|subject", cv) if isinstance(cv, str) else None
        name = wanted[0] if wanted else getattr(cv, "groups_column", None)
        if isinstance(cv, str) and cv == "leave-one-group-out":
            raise ValueError(f"cv={cv!r} needs `groups`: an array or a column.")
        if name is None:
            return None
        columns = ("session", "run") if name == "run" else (name,)
        groups = join_columns(metadata, columns)
        if groups is None or name not in metadata:
            raise ValueError(
                f"cv={cv!r} needs a column {name!r} in epochs.metadata, or `groups`; "
                f"got {_columns(metadata)}."
            )
    elif isinstance(groups, str):
        if metadata is None or groups not in metadata:
            raise ValueError(
                f"`groups` must be a column of epochs.metadata or an array; got "
                f"{groups!r}, and {_columns(metadata)}."
            )
        groups = metadata[groups].to_numpy()
    groups = np.asarray(groups)
    if groups.shape != (n_trials,):
        raise ValueError(
            f"`groups` must have one entry per trial, shape ({n_trials},); got shape "
            f"{groups.shape}."
        )
    return groups


def _columns(metadata):
    if metadata is None:
        return "there is no metadata"
    return f"the metadata has {', '.join(map(str, metadata.columns))}"
