"""Predictions of trials that were held out, and their scores."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mne_duin.evaluation import metrics

# Further columns of the table, and the fields of its JSON sidecar, which describes the
# columns by their names: no class can have one of these to itself.
COLUMNS = ("y_true", "y_pred", "fold")
FIELDS = (
    "kind", "version", "summary", "estimator", "protocol", "cv", "seeds", "notes",
    "leaks", "labels", "labels_dtype", "folds", "epoch", "null_predictions",
    "null_refit", "tsv_sha256", "sha256", "Settings", "Networks", "Model",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """True and predicted labels of held-out trials.

    Parameters
    ----------
    y_true, y_pred : ndarray, shape (n_predictions,)
        True and predicted labels. A trial occurs once, or once per repeat.
    probabilities : ndarray, shape (n_predictions, n_classes) | None
        Predicted probabilities; None if the estimator has none.
    labels : ndarray, shape (n_classes,)
        All classes, sorted; the columns of ``probabilities``.
    fold : ndarray of int, shape (n_predictions,)
        Fold of each prediction.
    epoch : ndarray of int, shape (n_predictions,)
        Position of the trial in the Epochs that were evaluated.
    estimator : str
        Name of the estimator.
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    probabilities: np.ndarray | None
    labels: np.ndarray
    fold: np.ndarray
    epoch: np.ndarray
    estimator: str

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
        """Share of right predictions, all folds together."""
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
        """Share of trials whose true class is among the k most probable ones.

        Parameters
        ----------
        k : int
            Number of classes that may be named. Equal probabilities share their places.

        Returns
        -------
        accuracy : float
            The share.
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
