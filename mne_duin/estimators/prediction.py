"""What a fitted classifier says about epochs."""

import torch
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from torch.nn import functional

from mne_duin.estimators.labels import class_index
from mne_duin.utils.docs import fill_doc


@fill_doc
class Prediction(ClassifierMixin):
    """The part of the classifier that names words; not to be used itself."""

    def decision_function(self, X, *, subject=None):
        """Return the scores that enter the softmax.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        scores : ndarray, shape (n_epochs, n_classes) | shape (n_epochs,)
            In the order of ``classes_``. Of two classes, as everywhere in scikit-learn,
            the second's score minus the first's.
        """
        scores = self._scores(X, subject)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _scores(self, X, subject):
        epochs = self._check_fitted(X, subject)
        return self._network_scores(*self._scaled(epochs))

    def _network_scores(self, x, subject):
        """Return the scores of scaled inputs."""
        n_tokens = x.shape[-1] // self.patch_size_
        wanted = self.module_.hidden.in_features // self.module_.encoder.dim
        if n_tokens != wanted:
            raise ValueError(
                f"`X` has epochs of {n_tokens} patches; the classifier was fitted with "
                f"{wanted}."
            )
        return self._batched(self.module_, x, subject)

    def predict_proba(self, X, *, subject=None):
        """Return the probability of every class.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        probabilities : ndarray, shape (n_epochs, n_classes)
            In the order of ``classes_``.
        """
        scores = torch.from_numpy(self._scores(X, subject)).double()
        return scores.softmax(-1).numpy()

    def predict(self, X, *, subject=None):
        """Return the most probable class of every epoch.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        y : ndarray, shape (n_epochs,)
            The labels.
        """
        index = self._scores(X, subject).argmax(-1)
        return self.classes_[index]

    def score(self, X, y, sample_weight=None, *, subject=None):
        """Return the share of the epochs that are named right.

        Parameters
        ----------
        %(X)s
        %(y)s
        sample_weight : array, shape (n_epochs,) | None
            Weight of each epoch.
        %(subject)s

        Returns
        -------
        accuracy : float
            Between 0 and 1.
        """
        predicted = self.predict(X, subject=subject)
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def _loss_of(self, x, subject, y):
        """Cross-entropy, per epoch."""
        scores = torch.from_numpy(self._network_scores(x, subject))
        index = torch.from_numpy(class_index(self.classes_, y))
        return functional.cross_entropy(scores, index, reduction="none").numpy()
