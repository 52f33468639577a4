"""Selection of channels inside the folds: by region, or by contribution."""

import mne
import numpy as np
import pandas as pd
from mne.utils import logger
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from mne_duin.channels._regions import as_regions, assign_regions
from mne_duin.utils._checks import check_number, check_type
from mne_duin.utils._epochs import is_epochs_list


class RegionSelector(TransformerMixin, BaseEstimator):
    """Keep the channels that lie in the named regions.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table with the column ``label`` (see :func:`assign_labels`) or
        ``region``. Epochs are matched with it by channel name; the channels of an array
        must be its rows, in the same order.
    regions : str | sequence of str | dict | None
        See :func:`assign_regions`; None keeps all channels.

    Attributes
    ----------
    ch_names_ : list of str
        The channels that are kept.
    picks_ : ndarray of int, shape (n_kept_channels,)
        Their places among the channels seen in ``fit``.
    """

    def __init__(self, contacts, regions=("vSMC", "STG")):
        self.contacts = contacts
        self.regions = regions

    def fit(self, X, y=None):
        """Find the channels to keep.

        Parameters
        ----------
        X : mne.BaseEpochs | ndarray, shape (n_epochs, n_channels, n_times) | list
            The data; a list holds one-epoch Epochs.
        y : None
            Not used.

        Returns
        -------
        self : RegionSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If no channel lies in the regions, or if an array does not have one channel
            for each contact.
        """
        names = self._channel_names(X)
        inside = contacts_in_regions(self.contacts, self.regions)
        absent = [name for name in names if name not in self.contacts.index]
        if absent and self.regions is not None:
            logger.info(f"Channels without a contact left out: {', '.join(absent)}.")
        kept = set(names if self.regions is None else self.contacts.index[inside])
        picks = [row for row, name in enumerate(names) if name in kept]
        if not picks:
            raise ValueError(no_contact_message(self.contacts, self.regions))
        self.picks_ = np.array(picks)
        self.ch_names_ = [names[row] for row in picks]
        return self

    def transform(self, X):
        """Keep the chosen channels.

        Parameters
        ----------
        X : mne.BaseEpochs | ndarray, shape (n_epochs, n_channels, n_times) | list
            The data, of any of the kinds that ``fit`` accepts.

        Returns
        -------
        X : mne.BaseEpochs | ndarray | list
            The same kind of data with the chosen channels only.
        """
        check_is_fitted(self, "picks_")
        if not isinstance(X, mne.BaseEpochs) and not is_epochs_list(X):
            self._channel_names(X)
        return pick_channels(X, self.ch_names_, self.picks_)

    def _channel_names(self, X):
        """Return the names of the channels of X."""
        check_type("X", X, (mne.BaseEpochs, np.ndarray, list, tuple))
        first = X[0] if isinstance(X, (list, tuple)) and len(X) else X
        if isinstance(first, mne.BaseEpochs):
            return list(first.ch_names)
        shape = np.shape(X)
        if len(shape) != 3 or shape[1] != len(self.contacts):
            raise ValueError(
                "An array `X` must have the shape (n_epochs, n_channels, n_times), one "
                f"channel for each of {len(self.contacts)} contacts; got {shape}."
            )
        return list(self.contacts.index)


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
        ``"patterns"`` and ``"permutation"`` are measured on the data given to ``fit``.

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


def pick_channels(X, ch_names, picks):
    """Keep some channels of data of any kind.

    Parameters
    ----------
    X : mne.BaseEpochs | ndarray, shape (n_epochs, n_channels, n_times) | list
        The data; a list holds one-epoch Epochs.
    ch_names : list of str
        The channels of Epochs to keep.
    picks : ndarray of int
        Their places in an array.

    Returns
    -------
    X : mne.BaseEpochs | ndarray | list
        The same kind of data.
    """
    if isinstance(X, mne.BaseEpochs):
        return X.copy().pick(ch_names)
    if is_epochs_list(X):
        return [epoch.copy().pick(ch_names) for epoch in X]
    return np.asarray(X)[:, picks]


def contacts_in_regions(contacts, regions):
    """Tell which contacts lie in the named regions.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table with the column ``label`` or ``region``.
    regions : str | sequence of str | dict | None
        See :func:`assign_regions`; None leaves no contact out.

    Returns
    -------
    inside : ndarray of bool, shape (n_channels,)
        Whether the contact lies in one of them.
    """
    if regions is None:
        return np.ones(len(contacts), dtype=bool)
    if "label" not in contacts and "region" in contacts:
        return contacts["region"].isin(list(as_regions(regions))).to_numpy()
    return assign_regions(contacts, regions)["region"].notna().to_numpy()


def no_contact_message(contacts, regions):
    """Say that no contact lies in the regions asked for, and which regions are there.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table.
    regions : str | sequence of str | dict
        The regions asked for.

    Returns
    -------
    message : str
        One sentence with the counts of the regions and the commonest labels.
    """
    asked = ", ".join(as_regions(regions))
    if "label" not in contacts or not contacts["label"].notna().any():
        return (
            f"No contact lies in {asked}: no contact has an anatomical label. Labels "
            "need coordinates in an MNI space in electrodes.tsv, a label column there, "
            "or the subject's FreeSurfer folder; without regions= all are kept."
        )
    counts = _by_count(assign_regions(contacts)["region"])
    there = ", ".join(f"{name} ({count})" for name, count in counts.items()) or "none"
    labels = _by_count(contacts["label"]).index[:12]
    return (
        f"No contact lies in {asked}. Regions that are there: {there}; labels that are "
        f"there: {', '.join(labels)}."
    )


def _by_count(values):
    """Count values, the commonest first, equally common ones by name."""
    counts = values.value_counts().sort_index()
    return counts.sort_values(ascending=False, kind="stable")
