"""The baseline of open-set decoding: a linear discriminant for every token."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from mne_duin.baselines._features import EvokedPower
from mne_duin.baselines._lda import SelectInformative
from mne_duin.baselines._shrinkage import make_shrinkage_lda
from mne_duin.sequences import collapse, token_targets
from mne_duin.utils._bands import NAMED
from mne_duin.utils._checks import check_number
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._epochs import as_array
from mne_duin.utils._unmixing import learn_unmixing

UNMIXED_BAND = "high-gamma-unmixed"


@fill_doc
class TokenLDA(BaseEstimator):
    """Name the label of every token by shrinkage LDA on what surrounds it.

    Evoked amplitudes and high-gamma power (:class:`EvokedPower`) of the token and
    of its neighbors, the power of channels and of unmixed channels, each standardized,
    those chosen that differ between labels, then linear discriminant analysis with the
    shrinkage of Ledoit and Wolf: the same ingredients as :func:`mne_duin.make_lda`.

    Parameters
    ----------
    context : int
        Neighbors on either side; what lies outside the epoch is zero, the mean.
    token_duration : float
        Length of a token in seconds.
    evoked_bin, high_gamma_bin : float
        Length of the bins in seconds; a token is a whole number of them.
    selection : float
        Features with a p-value below this are kept.
    sfreq : float | None
        Sampling rate in Hz of arrays.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels.
    unmixing_ : ndarray, shape (n_channels, n_channels)
        What the channels are multiplied by for the power of unmixed channels.
    mean_ : ndarray, shape (n_features,)
        Mean of the features of a token.
    pipeline_ : Pipeline
        Scaling, selection and discriminant.

    Examples
    --------
    >>> from mne_duin import simulate_syllables, token_labels
    >>> from mne_duin.baselines import TokenLDA
    >>> epochs, _, tiers = simulate_syllables(n_epochs=12, n_runs=1, random_state=0)
    >>> y = token_labels(epochs, tiers, tier="syllable", silence="silence")
    >>> lda = TokenLDA().fit(epochs[:9], y[:9])
    >>> len(lda.decode(epochs[9:], silence="silence"))
    3
    """

    def __init__(
        self,
        context=2,
        *,
        token_duration=0.1,
        evoked_bin=0.025,
        high_gamma_bin=0.05,
        selection=0.003,
        sfreq=None,
    ):
        self.context = context
        self.token_duration = token_duration
        self.evoked_bin = evoked_bin
        self.high_gamma_bin = high_gamma_bin
        self.selection = selection
        self.sfreq = sfreq

    def fit(self, X, y):
        """Fit the discriminant on the labeled tokens.

        Parameters
        ----------
        %(X)s
        y : ndarray of object, shape (n_epochs, n_tokens)
            The labels of one tier; None where a token has none.

        Returns
        -------
        self : TokenLDA
            The fitted estimator.

        Raises
        ------
        ValueError
            If the labels do not fit the epochs, or there is one label only.
        """
        check_number("context", self.context, low=0, integer=True)
        epochs = self._epochs(X)
        band = {UNMIXED_BAND: NAMED[UNMIXED_BAND]}
        unmixing = learn_unmixing(epochs.data, epochs.sfreq, band)
        self.unmixing_ = unmixing[UNMIXED_BAND][0]
        bins = self._bins(epochs)
        targets, mask, classes = token_targets(y)
        if mask.shape != bins.shape[:2]:
            raise ValueError(
                f"`y` must have one label per token, shape {bins.shape[:2]}; got shape "
                f"{mask.shape}."
            )
        if len(classes) < 2:
            raise ValueError(f"`y` has one label only, {classes.tolist()[0]!r}.")
        self.classes_, self.mean_ = classes, bins.mean((0, 1))
        lda = make_shrinkage_lda()
        self.pipeline_ = make_pipeline(
            StandardScaler(), SelectInformative(self.selection), lda
        )
        self.pipeline_.fit(self._with_neighbours(bins)[mask], targets[mask])
        return self

    def predict(self, X):
        """Return the most probable label of every token.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        y : ndarray, shape (n_epochs, n_tokens)
            The labels.
        """
        check_is_fitted(self, "pipeline_")
        features = self._with_neighbours(self._bins(self._epochs(X)))
        codes = self.pipeline_.predict(features.reshape(-1, features.shape[-1]))
        return self.classes_[codes].reshape(features.shape[:2])

    def decode(self, X, *, silence=None, min_tokens=1):
        """Return the sequence of labels of every epoch.

        Parameters
        ----------
        %(X)s
        silence : object
            Label that says nothing and is left out.
        min_tokens : int
            Runs of fewer equal tokens are taken for mistakes.

        Returns
        -------
        sequences : list of tuple
            The labels of each epoch; equal labels that follow each other are one.
        """
        options = {"silence": silence, "min_tokens": min_tokens}
        return [collapse(own.tolist(), **options) for own in self.predict(X)]

    def score(self, X, y):
        """Return the fraction of the labeled tokens that are named right.

        Parameters
        ----------
        %(X)s
        y : ndarray of object, shape (n_epochs, n_tokens)
            The labels; None where a token has none.

        Returns
        -------
        accuracy : float
            Between 0 and 1.
        """
        predicted = self.predict(X)
        _, mask, _ = token_targets(y, self.classes_)
        return float((predicted[mask] == np.asarray(y)[mask]).mean())

    def _epochs(self, X):
        """Return the epochs as arrays, whose sampling rate has to be known."""
        epochs = as_array(X, sfreq=self.sfreq)
        if epochs.sfreq is None:
            raise ValueError(
                "The sampling rate of an array is not known; give it as `sfreq` in Hz."
            )
        return epochs

    def _bins(self, epochs):
        """Return the features of every token, (n_epochs, n_tokens, n_features)."""
        data = epochs.data
        kinds = [
            ("evoked", data, self.evoked_bin),
            ("high-gamma", data, self.high_gamma_bin),
            ("high-gamma", self.unmixing_ @ data, self.high_gamma_bin),
        ]
        parts = []
        for name, signal, seconds in kinds:
            n_bins = round(self.token_duration / seconds)
            size = seconds * epochs.sfreq
            if abs(n_bins * seconds - self.token_duration) > 1e-9 or size % 1 > 1e-6:
                raise ValueError(
                    f"A token of {self.token_duration} s must be a whole number of "
                    f"bins of {seconds} s, and these a whole number of samples."
                )
            extract = EvokedPower(
                name,
                sfreq=epochs.sfreq,
                evoked_bin=seconds,
                high_gamma_bin=seconds,
                unmixed=False,
            )
            values = extract.fit_transform(signal).reshape(*data.shape[:2], -1)
            n_tokens = data.shape[-1] // round(n_bins * size)
            values = values[..., : n_tokens * n_bins]
            values = values.reshape(*values.shape[:2], n_tokens, n_bins)
            values = values.transpose(0, 2, 1, 3)
            parts.append(values.reshape(*values.shape[:2], -1))
        return np.concatenate(parts, axis=-1)

    def _with_neighbours(self, bins):
        """Put the features of the neighbors next to those of each token."""
        near = self.context
        padded = np.pad(bins - self.mean_, ((0, 0), (near, near), (0, 0)))
        n_tokens = bins.shape[1]
        shifted = [padded[:, k : k + n_tokens] for k in range(2 * near + 1)]
        return np.concatenate(shifted, axis=-1)
