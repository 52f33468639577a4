"""What a fitted first stage says about epochs: codes, and the rebuilt signal."""

import numpy as np
from sklearn.base import TransformerMixin

from mne_duin.utils.docs import fill_doc


@fill_doc
class Coding(TransformerMixin):
    """The part of the first stage that codes and rebuilds; not to be used itself."""

    @property
    def codebook_(self):
        """The codes, unit vectors, shape (n_codes, code_dim)."""
        return self.module_.quantizer.codebook.cpu().numpy().copy()

    def _encode(self, epochs):
        return self._batched(self.module_.encode, *self._scaled(epochs))

    def transform(self, X, *, subject=None):
        """Return the code of every token.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        codes : ndarray of int, shape (n_epochs, n_tokens)
            Indices into ``codebook_``.
        """
        return self._encode(self._check_fitted(X, subject))

    def reconstruct(self, X, *, subject=None):
        """Rebuild the signal from its codes.

        Parameters
        ----------
        %(X)s
        %(subject)s

        Returns
        -------
        reconstruction : ndarray, shape (n_epochs, n_channels, n_times)
            In the unit of ``X``; as long as whole patches go. High-gamma power, where
            the network was given it, is rebuilt as well but not returned.
        """
        x, subject = self._scaled(self._check_fitted(X, subject))
        rebuilt = self._rebuild(x, subject)[:, : self.n_features_in_]
        return self.scaler_.invert(rebuilt, subject)

    def _rebuild(self, x, subject):
        return self._batched(self._rebuild_batch, x, subject)

    def _rebuild_batch(self, x, subject):
        return self.module_(x, subject)[0]

    def _loss_of(self, x, subject, target=None):
        """Mean squared error of rebuilding the real inputs (or a target), per epoch."""
        target = x if target is None else target
        error = np.square(self._rebuild(x, subject) - target).mean(-1)
        mask = self.scaler_.channel_mask[subject]
        return (error * mask).sum(1) / mask.sum(1)

    def score(self, X, y=None, *, subject=None):
        """Return the share of the variance of the z-scored inputs that is rebuilt.

        Parameters
        ----------
        %(X)s
        %(y_ignored)s
        %(subject)s

        Returns
        -------
        score : float
            One minus the mean squared error in units of the training data's variance
            (the paper's Table 8 lists that error).
        """
        return 1 - self._mean_loss(X, subject)
