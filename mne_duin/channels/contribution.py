"""Channels chosen by how much they contribute, and an estimator on a choice of them."""

import mne
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from mne_duin.channels.selection import pick_channels
from mne_duin.utils.checks import check_number
from mne_duin.utils.epochs import is_epochs_list


class ContributionSelector(TransformerMixin, BaseEstimator):
    """Keep the channels that contribute most to a classifier.

    A copy of the classifier learns from all channels of the data given to ``fit``, and
    only from these; its channels are ranked and the best kept. The paper does so before
    everything else, with a network from scratch and the ten best channels.

    Parameters
    ----------
    estimator : estimator
        A classifier with ``channel_contributions(method, X=, y=)``, such as
        :class:`~mne_duin.DuINClassifier`.
    n_channels : int
        How many channels are kept.
    method : str
        The measure, see :meth:`~mne_duin.DuINClassifier.channel_contributions`.
        ``"patterns"`` and ``"ablation"`` are measured on the data given to ``fit``.

    Attributes
    ----------
    contributions_ : Series
        Contribution of every channel, averaged over subjects where there are several.
    ch_names_ : list of str
        The channels that are kept, in the order of the data.
    picks_ : ndarray of int, shape (n_channels,)
        Their places among the channels seen in ``fit``.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import ContributionSelector, DuINClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 5, 400)), np.repeat(["yes", "no"], 6)
    >>> clf = DuINClassifier(n_layers=1, max_iter=1, sfreq=1000.0, verbose=False)
    >>> ContributionSelector(clf, n_channels=2).fit_transform(X, y).shape
    (12, 2, 400)
    """

    def __init__(self, estimator, n_channels=10, *, method="weights"):
        self.estimator = estimator
        self.n_channels = n_channels
        self.method = method

    def fit(self, X, y):
        """Rank the channels and choose.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The training epochs.
        y : array, shape (n_epochs,)
            The labels.

        Returns
        -------
        self : ContributionSelector
            The fitted selector.

        Raises
        ------
        TypeError
            If the estimator has no ``channel_contributions``.
        ValueError
            If there are fewer channels than are to be kept.
        """
        check_number("n_channels", self.n_channels, low=1, integer=True)
        if not hasattr(self.estimator, "channel_contributions"):
            raise TypeError(
                "`estimator` must have a method channel_contributions, such as "
                f"DuINClassifier; got {type(self.estimator).__name__}."
            )
        fitted = clone(self.estimator).fit(X, y)
        found = fitted.channel_contributions(self.method, X=X, y=y)
        if isinstance(found, pd.DataFrame):
            found = found.mean(axis=1).rename(self.method)
        if len(found) < self.n_channels:
            raise ValueError(
                f"`n_channels` must be at most {len(found)}, the channels there are; "
                f"got {self.n_channels}."
            )
        self.contributions_ = found
        best = np.argsort(-found.to_numpy(), kind="stable")[: self.n_channels]
        self.ch_names_ = [str(found.index[row]) for row in np.sort(best)]
        self.picks_ = np.sort(best)
        return self

    def transform(self, X):
        """Keep the chosen channels.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The data, of any of the kinds that ``fit`` accepts.

        Returns
        -------
        X : Epochs | array | list of Epochs
            The same kind of data with the chosen channels only.
        """
        check_is_fitted(self, "picks_")
        if not isinstance(X, mne.BaseEpochs) and not is_epochs_list(X):
            n_channels = np.shape(X)[1]
            if n_channels != len(self.contributions_):
                raise ValueError(
                    f"`X` has {n_channels} channels; the selector was fitted with "
                    f"{len(self.contributions_)}."
                )
        return pick_channels(X, self.ch_names_, self.picks_)


class SelectedChannels(ClassifierMixin, BaseEstimator):
    """A classifier that chooses its channels first, inside its own ``fit``.

    Unlike in a pipeline, unlabelled segments and validation epochs are reduced to the
    chosen channels as well, so that pre-training happens on these.

    Parameters
    ----------
    selector : ContributionSelector | RegionSelector
        Chooses the channels from the training epochs.
    estimator : estimator
        The classifier.

    Attributes
    ----------
    selector_, estimator_ : estimator
        The fitted copies.
    classes_ : ndarray, shape (n_classes,)
        The labels.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import ContributionSelector, DuINClassifier, SelectedChannels
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 5, 400)), np.repeat(["yes", "no"], 6)
    >>> clf = DuINClassifier(n_layers=1, max_iter=1, sfreq=1000.0, verbose=False)
    >>> chosen = SelectedChannels(ContributionSelector(clf, n_channels=2), clf)
    >>> chosen.fit(X, y).predict_proba(X).shape
    (12, 2)
    """

    def __init__(self, selector, estimator):
        self.selector = selector
        self.estimator = estimator

    def fit(self, X, y, *, unlabelled=None, validation=None):
        """Choose channels, then fit the classifier on them.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The training epochs.
        y : array, shape (n_epochs,)
            The labels.
        unlabelled : Epochs | None
            Segments for a classifier whose ``fit`` takes them.
        validation : tuple of (X, y) | None
            Epochs for a classifier that chooses its best pass by them.

        Returns
        -------
        self : SelectedChannels
            The fitted classifier.
        """
        self.selector_ = clone(self.selector).fit(X, y)
        options = {}
        if unlabelled is not None:
            options["unlabelled"] = self.selector_.transform(unlabelled)
        if validation is not None:
            reduced = self.selector_.transform(validation[0])
            options["validation"] = (reduced, validation[1])
        reduced = self.selector_.transform(X)
        self.estimator_ = clone(self.estimator).fit(reduced, y, **options)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X):
        """Return the most probable class of every epoch.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs, with all channels.

        Returns
        -------
        y : ndarray, shape (n_epochs,)
            The labels.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(self.selector_.transform(X))

    def predict_proba(self, X):
        """Return the probability of every class.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            The epochs, with all channels.

        Returns
        -------
        probabilities : ndarray, shape (n_epochs, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(self.selector_.transform(X))
