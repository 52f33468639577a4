"""Which trials belong together, and splitters that hold them out."""

import re

import numpy as np

from mne_duin.evaluation.trials import join_columns
from mne_duin.utils.checks import check_number


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

    With ``n_per_class=0`` nothing that is labelled comes from the held-out subject.
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
