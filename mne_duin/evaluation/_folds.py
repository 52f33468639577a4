"""One fold: fit on its training part, predict its test part, and nothing else."""

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from mne_duin.evaluation._metrics import balanced_accuracy, label_codes, log_loss
from mne_duin.evaluation._splits import make_folds, natural_key, paper_split
from mne_duin.evaluation._trials import join_columns
from mne_duin.utils._epochs import run_names
from mne_duin.utils._parallel import one_blas_thread
from mne_duin.utils._signature import (
    accepts,
    predicts_most_probable,
    takes_segments,
)


@dataclass(frozen=True)
class Split:
    """The trials of one fold.

    Parameters
    ----------
    train, test : ndarray of int
        Indices of the trials.
    repeat : int
        Which repeat it belongs to.
    seed : int
        Seed of the repeat.
    held_out : str
        Names of the groups that only the test part has; empty if there are none.
    validation : ndarray of int | None
        Trials for the choice of the model in ``protocol="paper"``.
    segments : ndarray of int | None
        Unlabeled segments for pre-training.
    """

    train: np.ndarray
    test: np.ndarray
    repeat: int
    seed: int
    held_out: str = ""
    validation: np.ndarray | None = None
    segments: np.ndarray | None = None


@dataclass(frozen=True)
class Outcome:
    """What came out of one fold.

    Parameters
    ----------
    split : Split
        The trials of the fold.
    y_pred : ndarray, shape (n_test,)
        Predicted labels.
    probabilities : ndarray, shape (n_test, n_classes) | None
        Predicted probabilities.
    record : dict
        The row of the table of folds.
    model : estimator | None
        The fitted copy.
    """

    split: Split
    y_pred: np.ndarray
    probabilities: np.ndarray | None = None
    record: dict = field(default_factory=dict)
    model: object = None


def plan_splits(trials, cv, groups, within, *, protocol, seeds):
    """Divide the trials once per seed.

    Parameters
    ----------
    trials : Trials
        The trials.
    cv : int | str | splitter
        The way of splitting. For ``protocol="paper"`` it is not used: every seed is
        one split.
    groups, within : ndarray, shape (n_trials,) | None
        Groups that stay together, and what the last group is the last of.
    protocol : "clean" | "paper"
        The protocol.
    seeds : sequence of int
        One seed per repeat.

    Returns
    -------
    splits : list of Split
        The folds of all repeats.
    """
    runs = run_names(trials.metadata)
    splits = []
    for repeat, seed in enumerate(seeds):
        if protocol == "paper":
            parts = paper_split(trials.y, runs, random_state=seed)
            held_out = _held_out(runs, parts.train, parts.test)
            splits.append(
                Split(parts.train, parts.test, repeat, seed, held_out, parts.validation)
            )
            continue
        for train, test in make_folds(
            trials.y, cv, groups=groups, within=within, random_state=seed
        ):
            held_out = _held_out(runs if groups is None else groups, train, test)
            splits.append(Split(train, test, repeat, seed, held_out))
    return splits


@one_blas_thread()
def run_fold(estimator, trials, split, unlabelled=None, *, protocol, reseed):
    """Fit a fresh copy on the training part and predict the test part.

    Parameters
    ----------
    estimator : estimator
        The estimator; a copy is fitted.
    trials : Trials
        All trials.
    split : Split
        Which of them are for training and for testing.
    unlabelled : Epochs | ndarray | None
        All unlabeled segments; only those of the split are used.
    protocol : "clean" | "paper"
        With ``"paper"`` the validation and test part go to ``fit`` if it takes them.
    reseed : bool
        Whether to set every ``random_state`` of the estimator to the seed of the split;
        else only those that are None.

    Returns
    -------
    outcome : Outcome
        The predictions and a record.
    """
    model = clone(estimator)
    set_random_state(model, split.seed, given_too=reseed)
    arguments = _fit_arguments(model, trials, split, unlabelled, protocol)
    X_train, X_test = take(trials.X, split.train), take(trials.X, split.test)
    start = perf_counter()
    model.fit(X_train, trials.y[split.train], **arguments)
    fitted = perf_counter()
    y_pred, probabilities = predict_once(model, X_test)
    if probabilities is not None:
        probabilities = _align(model, probabilities, trials.labels)
    seconds = {
        "seconds_fit": fitted - start,
        "seconds_predict": perf_counter() - fitted,
    }
    scores = _score(trials, split, y_pred, probabilities)
    record = {**_count(split), **scores, **seconds}
    y_pred = y_pred.astype(trials.labels.dtype)
    return Outcome(split, y_pred, probabilities, record, model)


def take(X, index):
    """Return some trials in the form they have.

    Parameters
    ----------
    X : Epochs | ndarray
        All trials.
    index : ndarray of int
        The trials wanted.

    Returns
    -------
    X : Epochs | ndarray
        A copy of these trials.
    """
    return X[index]


def set_random_state(estimator, seed, *, given_too=True):
    """Set every ``random_state`` of an estimator, nested ones included.

    Parameters
    ----------
    estimator : estimator
        The estimator, changed in place.
    seed : int
        The seed.
    given_too : bool
        Whether to replace those that the user gave, too, and not only None, with which
        two equal calls would have different results.
    """
    names = [
        name
        for name, value in estimator.get_params(deep=True).items()
        if name.split("__")[-1] == "random_state" and (given_too or value is None)
    ]
    estimator.set_params(**dict.fromkeys(names, seed))


def takes_model_choice(estimator):
    """Return whether an estimator can choose its model as the published code does.

    Parameters
    ----------
    estimator : estimator
        The estimator.

    Returns
    -------
    able : bool
        Whether ``fit`` takes ``validation`` and ``test`` and ``select`` is a parameter.
    """
    has_parts = all(accepts(estimator.fit, name) for name in ("validation", "test"))
    return has_parts and "select" in estimator.get_params(deep=False)


def _fit_arguments(model, trials, split, unlabelled, protocol):
    arguments = {}
    if unlabelled is not None and takes_segments(model):
        arguments["unlabelled"] = take(unlabelled, split.segments)
    if protocol == "paper" and accepts(model.fit, "validation"):
        arguments["validation"] = _part(trials, split.validation)
        if takes_model_choice(model):
            model.set_params(select="paper")
            arguments["test"] = _part(trials, split.test)
    return arguments


def _part(trials, index):
    return take(trials.X, index), trials.y[index]


def predict_once(model, X):
    """Predict labels and probabilities, from one encoding where that is possible.

    Parameters
    ----------
    model : estimator
        A fitted classifier.
    X : Epochs | ndarray
        The trials.

    Returns
    -------
    y_pred : ndarray, shape (n_trials,)
        What ``predict`` returns.
    probabilities : ndarray, shape (n_trials, n_classes) | None
        What ``predict_proba`` returns; None where there is no such method.
    """
    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(X)), None
    if type(model) is Pipeline:
        for _, step in model.steps[:-1]:
            if step not in (None, "passthrough"):
                X = step.transform(X)
        model = model[-1]
    probabilities = np.asarray(model.predict_proba(X), dtype=float)
    if predicts_most_probable(model):
        return model.classes_[probabilities.argmax(1)], probabilities
    return np.asarray(model.predict(X)), probabilities


def _align(model, predicted, labels):
    """Put probabilities into the columns of all labels; unseen classes get 0."""
    if not np.isfinite(predicted).all():
        raise ValueError(f"{type(model).__name__}.predict_proba returned NaN.")
    probabilities = np.zeros((len(predicted), len(labels)))
    probabilities[:, label_codes(model.classes_, labels)] = predicted
    return probabilities


def _score(trials, split, y_pred, probabilities):
    y_test = trials.y[split.test]
    unknown = set(np.unique(y_pred).tolist()) - set(trials.labels.tolist())
    if unknown:
        raise ValueError(f"The estimator predicted labels that `y` lacks: {unknown}.")
    names, counts = np.unique(trials.y[split.train], return_counts=True)
    loss = np.nan
    if probabilities is not None:
        loss = log_loss(label_codes(y_test, trials.labels), probabilities)
    return {
        "accuracy": float(np.mean(y_pred == y_test)),
        "balanced_accuracy": balanced_accuracy(y_test, y_pred),
        "log_loss": loss,
        "majority": float(np.mean(y_test == names[counts.argmax()])),
    }


def _count(split):
    return {
        "repeat": split.repeat,
        "seed": split.seed,
        "held_out": split.held_out,
        "n_train": len(split.train),
        "n_test": len(split.test),
        "n_unlabelled": 0 if split.segments is None else len(split.segments),
    }


def _held_out(groups, train, test):
    if groups is None:
        return ""
    names = np.setdiff1d(groups[test], groups[train])
    if not np.isin(groups[test], names).all():
        return ""
    return ", ".join(sorted(map(str, names), key=natural_key))


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
        Metadata of the unlabeled segments.
    trials : DataFrame
        Metadata of the labeled trials.
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
