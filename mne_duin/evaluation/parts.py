"""Pre-trained parts of an estimator, and the segments a fold may pre-train on."""

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from mne_duin.evaluation.trials import join_columns

PART_NAMES = ("pretrained", "vqvae")
SEGMENT_COLUMNS = ("subject", "session", "run")


def freeze_parts(estimator):
    """Copy an estimator without its fit, but with the pre-trained parts it was given.

    ``clone`` forgets the fit of nested estimators. A part that is already fitted, given
    as ``pretrained`` or ``vqvae``, is wrapped in
    :class:`sklearn.frozen.FrozenEstimator`, which keeps it through every clone; so is
    whatever else was given wrapped like that. An estimator that is frozen as a whole
    stays as it is.

    Parameters
    ----------
    estimator : estimator
        The estimator; it is not changed.

    Returns
    -------
    estimator : estimator
        A copy that is not fitted.
    parts : dict of str to estimator
        The fitted parts it keeps, by the name of the parameter.
    """
    if isinstance(estimator, FrozenEstimator):
        return estimator, {"estimator": estimator.estimator}
    found = {}
    parameters = estimator.get_params(deep=True)
    for name in sorted(parameters, key=lambda name: name.count("__")):
        value = parameters[name]
        inside = any(name.startswith(f"{outer}__") for outer in found)
        is_part = name.split("__")[-1] in PART_NAMES
        is_part = is_part or isinstance(value, FrozenEstimator)
        if not inside and is_part and _is_fitted(value):
            found[name] = _unwrap(value)
    copy = clone(estimator)
    frozen = {name: FrozenEstimator(part) for name, part in found.items()}
    return copy.set_params(**frozen), found


def trained_runs(part):
    """Find the runs that a pre-trained part says it was fitted on.

    Parameters
    ----------
    part : estimator
        A fitted estimator. What it was fitted on is its attribute ``fit_groups_``,
        names of runs ("run", or "session/run" where there are sessions).

    Returns
    -------
    runs : set of str | None
        The runs, those of the parts inside it included; None if one does not say.
    """
    runs = getattr(part, "fit_groups_", None)
    if runs is None:
        return None
    runs = {str(run) for run in runs}
    for name in PART_NAMES:
        inner = getattr(part, name, None)
        if inner is None:
            continue
        inner_runs = trained_runs(_unwrap(inner))
        if inner_runs is None:
            return None
        runs |= inner_runs
    return runs


def segment_names(metadata, other):
    """Name the run of each row so that two tables of metadata can be compared.

    Parameters
    ----------
    metadata, other : DataFrame
        Metadata of trials and of segments, in either order.

    Returns
    -------
    names : ndarray of str, shape (n_rows,)
        Subject, session and run, as far as both tables have them.

    Raises
    ------
    ValueError
        If either has no column ``run``.
    """
    if any(table is None or "run" not in table for table in (metadata, other)):
        raise ValueError(
            "`unlabelled` segments are matched to trials by their run: both Epochs "
            'need a column "run" in their metadata.'
        )
    return join_columns(metadata, [c for c in SEGMENT_COLUMNS if c in other])


def allowed_segments(segments, trials, test, *, pretrain_on="train"):
    """Choose the segments that a fold may pre-train on.

    Parameters
    ----------
    segments : DataFrame
        Metadata of the unlabelled segments.
    trials : DataFrame
        Metadata of the labelled trials.
    test : array of int
        The test trials of the fold.
    pretrain_on : "train" | "all"
        ``"train"`` leaves out every segment of a run that has a test trial.

    Returns
    -------
    chosen : ndarray of int
        Indices of the segments.

    Raises
    ------
    ValueError
        If no segment is left.
    """
    if pretrain_on == "all":
        return np.arange(len(segments))
    test_runs = np.unique(segment_names(trials, segments)[test])
    chosen = np.flatnonzero(~np.isin(segment_names(segments, trials), test_runs))
    if len(chosen) == 0:
        raise ValueError(
            "Every run of the `unlabelled` segments has test trials, so none may be "
            'used for pre-training. Hold out runs (cv="leave-one-run-out" or '
            '"last-run"), or pass pretrain_on="all", which the result will report.'
        )
    return chosen


def _unwrap(value):
    return value.estimator if isinstance(value, FrozenEstimator) else value


def _is_fitted(value):
    value = _unwrap(value)
    if isinstance(value, type) or not hasattr(value, "fit"):
        return False
    try:
        check_is_fitted(value)
    except NotFittedError:
        return False
    return True
