"""What an evaluation returns: printed, plotted, saved and read again."""

from dataclasses import dataclass, field
from html import escape
from textwrap import fill

import numpy as np
import pandas as pd

from mne_duin import viz
from mne_duin.evaluation import _metrics as metrics
from mne_duin.evaluation._files import check_record, read_record, write_record
from mne_duin.evaluation._statistics import (
    bootstrap_interval,
    permutation_p_value,
    wilson_interval,
)
from mne_duin.utils._checks import check_option
from mne_duin.utils._labels import label_array
from mne_duin.utils._numbers import p_value_text, percent, percent_range

# Further columns of the table, and the fields of its JSON sidecar, which describes the
# columns by their names: no class can have one of these to itself.
COLUMNS = ("y_true", "y_pred", "fold")
FIELDS = (
    "kind", "version", "summary", "estimator", "protocol", "cv", "seeds", "notes",
    "leaks", "labels", "labels_dtype", "folds", "epoch", "null_predictions",
    "null_refit", "tsv_sha256", "sha256", "Settings", "Networks", "Model",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class DecodingResult:
    """Predictions of trials that were held out, and what follows from them.

    In addition to what is listed here it has the scores of its predictions:
    ``accuracy``, ``balanced_accuracy``, ``top_k(k)``, ``log_loss``, ``calibration()``,
    ``per_class()``, ``confusion_matrix()`` and the table ``to_frame()``.

    Parameters
    ----------
    y_true, y_pred : ndarray, shape (n_predictions,)
        True and predicted labels. A trial occurs once, or once per repeat.
    probabilities : ndarray, shape (n_predictions, n_classes) | None
        Predicted probabilities; None if the estimator has none.
    labels : ndarray, shape (n_classes,)
        All classes, sorted; the columns of ``probabilities``.
    fold : ndarray of int, shape (n_predictions,)
        Fold of each prediction, a row of ``folds``.
    epoch : ndarray of int, shape (n_predictions,)
        Position of the trial in the Epochs that were evaluated.
    estimator : str
        Name of the estimator.
    folds : DataFrame
        One row per fold: ``repeat``, ``seed``, ``held_out`` (runs or other groups),
        ``n_train``, ``n_test``, ``n_unlabelled``, ``accuracy``,
        ``balanced_accuracy``, ``log_loss``, ``majority`` (accuracy of always naming the
        most frequent class of the training part), ``seconds_fit``,
        ``seconds_predict``.
    protocol : "clean" | "paper"
        The protocol.
    cv : str
        The way of splitting, in words.
    seeds : tuple of int
        Seed of each repeat; the first is the one that ``evaluate`` was given.
    null_predictions : ndarray, shape (n_label_permutations,)
        Accuracies of the fixed predictions against shuffled test labels.
    null_refit : ndarray, shape (n_permutations,)
        Accuracies after fitting again on shuffled labels; empty if not asked for.
    notes : tuple of str
        What a reader of the numbers should know.
    leaks : tuple of str
        Ways in which held-out trials had an influence on the fitted models.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mne_duin import evaluate
    >>> X, y = np.arange(30.0)[:, None], np.repeat(["no", "yes"], 15)
    >>> clf = LogisticRegression()
    >>> result = evaluate(clf, X, y, cv=3, random_state=0, verbose="WARNING")
    >>> result.n_trials, result.labels.tolist(), result.protocol
    (30, ['no', 'yes'], 'clean')
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    probabilities: np.ndarray | None
    labels: np.ndarray
    fold: np.ndarray
    epoch: np.ndarray
    estimator: str
    folds: pd.DataFrame
    protocol: str = "clean"
    cv: str = ""
    seeds: tuple = ()
    null_predictions: np.ndarray = field(default_factory=lambda: np.empty(0))
    null_refit: np.ndarray = field(default_factory=lambda: np.empty(0))
    notes: tuple = ()
    leaks: tuple = ()

    def __repr__(self):
        return (
            f"<DecodingResult | {self.estimator}, {len(self.folds)} folds, "
            f"accuracy {percent(self.accuracy)}>"
        )

    def __str__(self):
        return summarize(self)

    def _repr_html_(self):
        """Return the accuracy as a table and the summary below it."""
        table = viz.results_table({self.estimator: self}).to_html(border=0)
        return f"{table}<pre>{escape(summarize(self))}</pre>"

    @property
    def n_trials(self):
        """Number of distinct trials that were tested."""
        return len(np.unique(self.epoch))

    @property
    def correct(self):
        """Whether each prediction is right, shape (n_predictions,)."""
        return self.y_true == self.y_pred

    @property
    def accuracy(self):
        """Fraction of correctly classified trials, all folds together."""
        return float(np.mean(self.correct))

    @property
    def balanced_accuracy(self):
        """Mean recall of the classes, all folds together."""
        return metrics.balanced_accuracy(self.y_true, self.y_pred)

    @property
    def log_loss(self):
        """Mean negative log-probability of the true class, in nats.

        The uniform guess has ``log(n_classes)``.
        """
        return metrics.log_loss(self._codes(), self._probabilities("log_loss"))

    def top_k(self, k):
        """Fraction of trials whose true class is among the k most probable ones.

        Parameters
        ----------
        k : int
            Number of classes that may be named. Equal probabilities share their places.

        Returns
        -------
        accuracy : float
            The fraction.
        """
        return metrics.top_k_accuracy(self._codes(), self._probabilities("top_k"), k)

    def calibration(self, *, n_bins=10):
        """Compare stated probabilities with how often they are right.

        Parameters
        ----------
        n_bins : int
            Number of equally wide bins of the highest probability.

        Returns
        -------
        calibration : Calibration
            ``.table`` (reliability) and ``.error`` (expected calibration error).
        """
        probabilities = self._probabilities("calibration")
        return metrics.calibration(
            self.y_true, self.labels, probabilities, n_bins=n_bins
        )

    def per_class(self):
        """Return recall (with limits), precision and F1 of every class.

        Returns
        -------
        table : DataFrame
            Index ``label``; columns ``n``, ``n_predicted``, ``recall``, ``low``,
            ``high``, ``precision``, ``f1``.
        """
        return metrics.per_class_scores(self.y_true, self.y_pred, self.labels)

    def confusion_matrix(self):
        """Count the predictions of every class.

        Returns
        -------
        table : DataFrame, shape (n_classes, n_classes)
            Rows are true, columns predicted classes.
        """
        counts = np.zeros((len(self.labels),) * 2, dtype=int)
        predicted = metrics.label_codes(self.y_pred, self.labels)
        np.add.at(counts, (self._codes(), predicted), 1)
        index = pd.Index(self.labels, name="true")
        return pd.DataFrame(counts, index, pd.Index(self.labels, name="predicted"))

    def to_frame(self):
        """Return the table of predictions.

        Returns
        -------
        table : DataFrame
            Columns ``y_true``, ``y_pred``, one per class with its probability (named
            like the class; left out if the estimator has no probabilities), ``fold``.
            The index ``epoch`` is the position of the trial.
        """
        columns = {"y_true": self.y_true, "y_pred": self.y_pred}
        if self.probabilities is not None:
            for name, values in zip(
                self.probability_columns(), self.probabilities.T, strict=True
            ):
                columns[name] = values
        columns["fold"] = self.fold
        return pd.DataFrame(columns, index=pd.Index(self.epoch, name="epoch"))

    def probability_columns(self):
        """Name the columns of ``to_frame`` that hold the probabilities.

        Returns
        -------
        names : list of str
            The classes; one named like another column, or like a field of the JSON
            sidecar, gets " (probability)" behind it.
        """
        taken = {*COLUMNS, *FIELDS}
        names = [str(label) for label in self.labels]
        return [f"{name} (probability)" if name in taken else name for name in names]

    def _codes(self):
        return metrics.label_codes(self.y_true, self.labels)

    def _probabilities(self, name):
        if self.probabilities is None:
            raise ValueError(
                f"`{name}` needs probabilities, and {self.estimator} has no "
                "predict_proba."
            )
        return self.probabilities

    @property
    def chance(self):
        """Accuracy to beat: the larger of the uniform and the majority guess."""
        return max(1 / len(self.labels), self._majority())

    @property
    def chance_rule(self):
        """Which guess :attr:`chance` is: ``"uniform"`` or ``"majority"``."""
        return "majority" if self._majority() > 1 / len(self.labels) else "uniform"

    @property
    def interval(self):
        """Wilson interval of the accuracy with 95 % coverage, ``(low, high)``.

        See :meth:`confidence_interval` for what it covers.
        """
        return self.confidence_interval()

    @property
    def p_value(self):
        """Permutation p-value of the accuracy, of the kind :attr:`p_value_kind`.

        From refitting where that was asked for, else from shuffled test labels; NaN
        without any shuffles.
        """
        null = self.null_refit if len(self.null_refit) else self.null_predictions
        return permutation_p_value(self.accuracy, null) if len(null) else np.nan

    @property
    def p_value_kind(self):
        """How :attr:`p_value` was found: ``"refit"``, ``"predictions"``, ``"none"``.

        ``"predictions"``: the fitted models stay, the labels of the test trials are
        shuffled inside each fold. For a single fold this is a Monte-Carlo test with the
        stated error rate. For several folds it is approximate, because every test trial
        also trains the models of other folds: with shrinkage LDA on noise in 5 or 10
        folds (five settings, 300 data sets each), 1.0 to 2.7 % of the results came out
        at p <= 0.01. ``"refit"``: the whole evaluation runs again on shuffled labels,
        which holds for any number of folds.
        """
        if len(self.null_refit):
            return "refit"
        return "predictions" if len(self.null_predictions) else "none"

    def confidence_interval(self, method="wilson", *, level=0.95, random_state=0):
        """Interval of the accuracy.

        Parameters
        ----------
        method : "wilson" | "bootstrap"
            ``"wilson"`` treats the distinct trials as independent and the fitted models
            as given; it is right for few folds and small samples, and does not cover
            what other training trials or other days would change. ``"bootstrap"``
            resamples whole held-out runs (or folds); it covers their differences, but
            is too narrow with fewer than about ten.
        level : float
            Coverage.
        random_state : int
            Seed of the bootstrap.

        Returns
        -------
        low, high : float
            Limits, between 0 and 1.

        Raises
        ------
        ValueError
            If the method is unknown, or a bootstrap has fewer than two parts or parts
            that share trials.
        """
        check_option("method", method, ("wilson", "bootstrap"))
        if method == "wilson":
            n_trials = self.n_trials
            return wilson_interval(self.accuracy * n_trials, n_trials, level=level)
        parts = self.folds["held_out"].to_numpy()[self.fold]
        if (parts == "").any():
            parts = self.fold
            if len(self.seeds) > 1:
                raise ValueError(
                    "Folds of different repeats share trials, so they cannot be "
                    'resampled; use method="wilson" or hold out runs.'
                )
        part = pd.Series(self.correct).groupby(parts)
        return bootstrap_interval(
            part.sum(), part.size(), level=level, random_state=random_state
        )

    def plot(self, *, axes=None, show=True):
        """Plot the confusion matrix.

        Parameters
        ----------
        axes : matplotlib.axes.Axes | None
            Where to plot; None makes a figure.
        show : bool
            Whether to show the figure.

        Returns
        -------
        figure : matplotlib.figure.Figure
            The figure.
        """
        return viz.plot_confusion(
            self.y_true, self.y_pred, self.labels, axes=axes, show=show
        )

    def save(self, path):
        """Save as two files that any program can read.

        Parameters
        ----------
        path : path-like
            A path that ends in ``.json``. The predictions go next to it, to the same
            name with ``.tsv``. Existing files are replaced, both or none: whenever the
            program is stopped, the earlier result can be read, or the new one.

        Returns
        -------
        path : pathlib.Path
            The path of the JSON file.
        """
        return write_result(self, path)

    def _majority(self):
        n_test = self.folds["n_test"]
        return float((self.folds["majority"] * n_test).sum() / n_test.sum())


def read_result(path):
    """Read a result that :meth:`DecodingResult.save` wrote.

    Parameters
    ----------
    path : path-like
        The path of the JSON file, or of the TSV file next to it.

    Returns
    -------
    result : DecodingResult
        The result, equal to the saved one.

    Raises
    ------
    ValueError
        If the files are no decoding result, do not belong together, or were written by
        a newer version.
    """
    return DecodingResult(**read_fields(path))


KIND = "mne_duin.DecodingResult"
VERSION = 1
TEXTS = ("estimator", "protocol", "cv")
TUPLES = ("seeds", "notes", "leaks")
NULLS = ("null_predictions", "null_refit")


def write_result(result, path):
    """Write a result as JSON, and its predictions as TSV next to it.

    Parameters
    ----------
    result : DecodingResult
        The result.
    path : path-like
        A path that ends in ``.json``.

    Returns
    -------
    path : pathlib.Path
        The path of the JSON file.
    """
    folds = result.folds
    record = {
        "kind": KIND,
        "version": VERSION,
        "summary": str(result),
        **{name: getattr(result, name) for name in TEXTS},
        **{name: list(getattr(result, name)) for name in TUPLES},
        "labels": result.labels.tolist(),
        "labels_dtype": result.labels.dtype.str,
        "folds": folds.astype(object).where(folds.notna(), None).to_dict(orient="list"),
        "epoch": result.epoch.tolist(),
        **{name: getattr(result, name).tolist() for name in NULLS},
    }
    return write_record(path, describe_table(result) | record, result.to_frame())


def describe_table(result):
    """Return what every column of a table of predictions holds, as in BIDS sidecars."""
    columns = {
        "y_true": "Label of the trial.",
        "y_pred": "Predicted label; the trial was not used to fit the decoder.",
    }
    if result.probabilities is not None:
        for column, label in zip(
            result.probability_columns(), result.labels, strict=True
        ):
            columns[column] = f"Predicted probability of the label {str(label)!r}."
    columns["fold"] = "Fold of the cross-validation, counted from 0."
    return {name: {"Description": text} for name, text in columns.items()}


def read_fields(path):
    """Read the fields of a result.

    Parameters
    ----------
    path : path-like
        The path of the JSON file, or of the TSV file next to it.

    Returns
    -------
    fields : dict
        The arguments of ``DecodingResult``.

    Raises
    ------
    ValueError
        If the files are damaged or no decoding result, do not belong together, or were
        written by a newer version.
    """
    record, table = read_record(path)
    version = record.get("version", 0)
    is_later = not isinstance(version, int) or version > VERSION
    if record.get("kind") != KIND or is_later:
        raise ValueError(
            f"{path} must be a {KIND} of version {VERSION} or older; got "
            f"{record.get('kind')!r}, version {record.get('version')!r}."
        )
    check_record(record, path)
    try:
        return _fields(record, table)
    except (LookupError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged or not a decoding result "
            f"({type(error).__name__}: {error!s:.100})."
        ) from error


def _fields(record, table):
    """Return the fields that a record and its table hold."""
    labels = _labels(record, len(table))
    if len(record["epoch"]) != len(table):
        raise ValueError(f"{len(record['epoch'])} epochs, {len(table)} predictions")
    fold, folds = table["fold"].to_numpy(dtype=int), _restore_folds(record["folds"])
    if not ((fold >= 0) & (fold < len(folds))).all():
        raise ValueError(f"a fold that is none of the {len(folds)}")
    position = {str(label): index for index, label in enumerate(labels)}
    probabilities = table.iloc[:, 2:-1]
    if probabilities.shape[1] not in (0, len(labels)):
        raise ValueError(f"{len(labels)} labels, {probabilities.shape[1]} columns")
    return {
        "y_true": labels[[position[name] for name in table["y_true"]]],
        "y_pred": labels[[position[name] for name in table["y_pred"]]],
        "probabilities": _to_float(probabilities) if probabilities.size else None,
        "labels": labels,
        "fold": fold,
        "epoch": np.array(record["epoch"], dtype=int),
        "folds": folds,
        **{name: record[name] for name in TEXTS},
        **{name: tuple(record[name]) for name in TUPLES},
        **{name: np.array(record[name], dtype=float) for name in NULLS},
    }


def _labels(record, n_predictions):
    """Return the labels; how wide their type is, is seen from the labels themselves."""
    labels = label_array(record["labels"], 2 * n_predictions)
    declared = np.dtype(record["labels_dtype"])
    kinds = "UO" if labels.dtype.kind == "U" else "biufO"
    if declared.kind not in kinds or declared.shape:
        raise ValueError(f"labels cannot be {declared}")
    if declared.kind != "U":
        labels = np.array(record["labels"], dtype=declared)
    if len(set(labels.tolist())) < len(labels):
        raise ValueError("a label that comes twice")
    return labels


def _to_float(table):
    """Turn text into exactly the numbers it came from, as pandas may not."""
    return np.array(table.to_numpy(dtype=object), dtype=str).astype(float)


def _restore_folds(columns):
    """Turn columns into a table, where null is a number that is missing."""
    if len({len(values) for values in columns.values()}) > 1:
        raise ValueError("columns of the folds differ in length")
    return pd.DataFrame(
        {
            name: pd.Series(
                values, dtype=float if None in values or not values else None
            )
            for name, values in columns.items()
        }
    )


WIDTH = 88
HOW_TESTED = {
    "refit": "{n} evaluations repeated on shuffled labels",
    "predictions": "{n} shuffles of the test labels, fitted models unchanged",
}


def summarize(result):
    """Describe a result: accuracy, interval, chance, p-value, notes and leaks.

    Parameters
    ----------
    result : DecodingResult
        The result.

    Returns
    -------
    text : str
        A few lines of at most 88 characters.
    """
    lines = [_headline(result), _accuracy(result), _scores(result), _test(result)]
    lines += [f"Leak: {leak}" for leak in result.leaks]
    lines += [f"Note: {note}" for note in result.notes]
    # "leave-one-run-out" stays together.
    options = {"subsequent_indent": "  ", "break_on_hyphens": False}
    return "\n".join(fill(line, WIDTH, **options) for line in lines)


def _headline(result):
    n_folds, n_repeats = len(result.folds), len(result.seeds)
    repeats = f", {n_repeats} repeats" if n_repeats > 1 else ""
    return (
        f"{result.estimator}: {result.cv}{repeats} ({n_folds} "
        f"fold{'s' * (n_folds != 1)}), {result.protocol} protocol, {result.n_trials} "
        f"test trials, {len(result.labels)} classes"
    )


def _accuracy(result):
    low, high = result.interval
    return (
        f"accuracy {percent(result.accuracy)} (95 % interval "
        f"{percent_range(low, high)}, Wilson), chance {percent(result.chance)} "
        f"({result.chance_rule} guess)"
    )


def _scores(result):
    parts = [f"balanced accuracy {percent(result.balanced_accuracy)}"]
    if result.probabilities is not None:
        if len(result.labels) > 3:
            parts.append(f"top-3 {percent(result.top_k(3))}")
        uniform = np.log(len(result.labels))
        parts.append(f"log-loss {result.log_loss:.2f} (uniform guess {uniform:.2f})")
        parts.append(f"calibration error {result.calibration().error:.2f}")
    return ", ".join(parts)


def _test(result):
    kind = result.p_value_kind
    if kind == "none":
        return "no permutation test was made"
    n = len(result.null_refit if kind == "refit" else result.null_predictions)
    approximate = "; approximate, as folds share training trials"
    text = f"p {p_value_text(result.p_value)} ({HOW_TESTED[kind].format(n=n)}"
    return text + approximate * (kind == "predictions" and len(result.folds) > 1) + ")"
