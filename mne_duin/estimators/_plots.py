"""What the plots of the estimators need: subjects, channels and contacts matched."""

from collections.abc import Mapping

import mne
from sklearn.utils.validation import check_is_fitted

from mne_duin.utils._checks import check_option
from mne_duin.utils._epochs import subject_index
from mne_duin.viz._align import as_contacts


def subject_row(estimator, show_subject):
    """Return the position of a subject; the only one if there is one."""
    check_is_fitted(estimator, "module_")
    names = [str(name) for name in estimator.subjects_]
    if len(names) == 1:
        return 0
    return names.index(check_option("show_subject", str(show_subject), names))


def own_contacts(estimator, contacts, row):
    """Return the contacts of a subject in the order of the data.

    A table of `stack_subjects` or a dict of tables is taken apart by subject.
    """
    contacts = as_contacts(contacts, estimator.info_)
    n_real = int(estimator.scaler_.channel_mask[row, : estimator.n_features_in_].sum())
    stacked = isinstance(contacts, Mapping)
    if not stacked and contacts.index.nlevels == 1 and len(estimator.subjects_) == 1:
        missing = [name for name in estimator.ch_names_ if name not in contacts.index]
        if missing:
            raise ValueError(
                f"`contacts` lacks {len(missing)} channels that "
                f"{type(estimator).__name__} was fitted with: {missing[:5]}."
            )
        return contacts.loc[estimator.ch_names_]
    name = str(estimator.subjects_[row])
    table = contacts[name] if stacked else contacts.loc[name]
    table = table.set_index("contact") if "contact" in table else table
    if len(table) != n_real:
        raise ValueError(
            f"`contacts` must have the {n_real} channels of subject {name!r}; got "
            f"{len(table)}."
        )
    return table


def own_epochs(estimator, X, subject, row):
    """Return a subject's signal, real channels only, and which epochs it is."""
    epochs = estimator._check_fitted(X, subject)
    whose = subject_index(epochs, estimator.subjects_)[1]
    real = estimator.scaler_.channel_mask[row, : estimator.n_features_in_]
    return epochs.data[whose == row][:, real], whose == row


def of_real_channels(estimator, values, row):
    """Take one subject's values (channels last) without padded channels."""
    real = estimator.scaler_.channel_mask[row, : estimator.n_features_in_]
    return values[row][..., real]


def signal_timing(X):
    """Say when the epochs start and in which unit they are."""
    first = X[0] if isinstance(X, list) and X else X
    if isinstance(first, mne.BaseEpochs):
        return float(first.tmin), "V"
    return 0.0, "signal"
