"""Room for one more subject in what an estimator knows of channels and scales."""

from dataclasses import replace

import mne
import numpy as np

from mne_duin.estimators.subjects import learn_contacts
from mne_duin.training import ChannelScaler
from mne_duin.utils.slots import slot_names, slot_numbers


def grow_input(added, epochs, name):
    """Make room for a subject in names, contacts and scales.

    Parameters
    ----------
    added : BaseDuIN
        The estimator, changed in place; its network is not.
    epochs : EpochsData
        Epochs of the new subject.
    name : str
        Its name.

    Returns
    -------
    position : int
        Index of the subject.

    Raises
    ------
    ValueError
        If the contacts behind the channels are not known.
    """
    before, n_before = added.subjects_, added.n_features_in_
    subjects = sorted([*map(str, before), name])
    position = subjects.index(name)
    own = _own_contacts(epochs, name)
    n_slots = max(n_before, len(own))
    contacts = added.contacts_
    if contacts is None:
        # The channels of the known subjects become the contacts of their slots.
        real = added.scaler_.channel_mask[:, :n_before]
        contacts = {
            str(subject): [
                n for n, is_real in zip(added.ch_names_, row, strict=True) if is_real
            ]
            for subject, row in zip(before, real, strict=True)
        }
        _check_packed(real)
    added.subjects_ = np.array(subjects)
    added.contacts_ = contacts | {name: own}
    added.ch_names_ = slot_names(n_slots)
    added.n_features_in_ = n_slots
    added.info_ = mne.create_info(added.ch_names_, added.info_["sfreq"], "seeg")
    added.scaler_ = _grow_scaler(added, n_before, position, epochs)
    return position


def _own_contacts(epochs, name):
    """Return the names of the subject's contacts in the order of the data."""
    numbers = slot_numbers(epochs.ch_names)
    if numbers is None:
        return list(epochs.ch_names)
    contacts = learn_contacts(epochs, np.unique(epochs.subject))
    if contacts is None or numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(
            "`X` has channel slots but no list of contacts; give the epochs of the "
            "subject as they were before stacking."
        )
    return next(iter(contacts.values()))


def _check_packed(real):
    """Refuse padding that lies between channels, which slots cannot say."""
    if (np.diff(real.astype(int), axis=1) > 0).any():
        raise ValueError(
            "The known subjects have padded channels before real ones; stack them with "
            "stack_subjects and fit again."
        )


def as_slots(epochs, n_slots):
    """Pad the signal of one subject to all slots.

    Parameters
    ----------
    epochs : EpochsData
        Its epochs; slots beyond those wanted are padding.
    n_slots : int
        Number of slots.

    Returns
    -------
    epochs : EpochsData
        The same epochs with that many channels.
    """
    data = epochs.data[:, :n_slots]
    widths = ((0, 0), (0, n_slots - data.shape[1]), (0, 0))
    return replace(epochs, data=np.pad(data, widths), ch_names=slot_names(n_slots))


def _grow_scaler(added, n_before, position, epochs):
    """Return the scales of all subjects in all slots."""
    old, n_slots = added.scaler_, added.n_features_in_
    real = np.arange(n_slots) < len(added.contacts_[str(added.subjects_[position])])
    inputs = added._inputs(as_slots(epochs, n_slots))
    own = ChannelScaler.learn(
        inputs, np.zeros(len(inputs), int), 1, added.ch_names_, real[None]
    )
    grown = []
    for name, padding in (("mean", 0), ("scale", 1), ("channel_mask", False)):
        value = getattr(old, name)
        value = value.reshape(len(value), -1, n_before)
        widths = ((0, 0), (0, 0), (0, n_slots - n_before))
        value = np.pad(value, widths, constant_values=padding).reshape(len(value), -1)
        grown.append(np.insert(value, position, getattr(own, name)[0], axis=0))
    return ChannelScaler(*grown)
