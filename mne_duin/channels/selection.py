"""Selection of channels as a step of a scikit-learn pipeline."""

import mne
import numpy as np
from mne.utils import logger
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mne_duin.channels.regions import as_regions, assign_regions
from mne_duin.utils.checks import check_type
from mne_duin.utils.epochs import is_epochs_list


class RegionSelector(TransformerMixin, BaseEstimator):
    """Keep the channels that lie in the named regions.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The contacts table with the column ``label`` (see :func:`assign_labels`) or
        ``region``. Epochs are matched with it by channel name; the channels of an array
        must be its rows, in the same order.
    regions : str | sequence of str | dict
        See :func:`assign_regions`.

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
        if absent:
            logger.info(f"Channels without a contact left out: {', '.join(absent)}.")
        kept = set(self.contacts.index[inside])
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
    regions : str | sequence of str | dict
        See :func:`assign_regions`.

    Returns
    -------
    inside : ndarray of bool, shape (n_channels,)
        Whether the contact lies in one of them.
    """
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
