"""Which trials belong together, and splitters that hold them out."""

import re

import numpy as np

from mne_duin.evaluation.trials import join_columns


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
        Groups, or a column of the metadata. None takes the run or session (runs are
        counted inside their session) where the name of the split asks for it.
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
        wanted = re.search("run|session", cv) if isinstance(cv, str) else None
        if wanted is None:
            return None
        columns = ("session", "run") if wanted[0] == "run" else ("session",)
        groups, name = join_columns(metadata, columns), wanted[0]
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
