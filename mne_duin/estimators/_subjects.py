"""Which contacts of which subject lie behind the channel slots of an estimator."""

from dataclasses import replace

import numpy as np

from mne_duin.utils._slots import COLUMN, slot_numbers, split_contacts


def learn_contacts(epochs, subjects):
    """Read the contacts of every subject from the metadata.

    Shapes: ``subjects`` (n_subjects,).
    """
    metadata = epochs.metadata
    if metadata is None or COLUMN not in metadata or epochs.subject is None:
        return None
    listing = metadata[COLUMN].to_numpy(dtype=object)
    contacts = {}
    for subject in subjects:
        found = set(listing[epochs.subject == subject])
        if len(found) > 1:
            raise ValueError(
                f"The epochs of subject {str(subject)!r} come from {len(found)} lists "
                "of contacts; give each of them a subject's name of its own."
            )
        contacts |= {str(subject): split_contacts(text) for text in found}
    return contacts


def check_contacts(known, epochs):
    """Check that known subjects still have the contacts that were learned from."""
    if known is None or epochs.subject is None:
        return
    found = learn_contacts(epochs, np.unique(epochs.subject)) or {}
    for subject in sorted(found.keys() & known.keys()):
        before, now = known[subject], found[subject]
        if before == now:
            continue
        lost = [name for name in before if name not in now]
        new = [name for name in now if name not in before]
        change = f"lost {lost[:5]}, new {new[:5]}" if lost or new else "another order"
        raise ValueError(
            f"The contacts of subject {subject!r} are not those that were learned from "
            f"({change}). Give the same channels in the same order, or treat the "
            "recording as a new subject (add_subject)."
        )


def check_shared_classes(epochs, classes, y):
    """Check that every subject shares a class with another one.

    Otherwise whose brain it is would tell the class, and that is all a classifier would
    learn.

    Shapes: ``classes`` (n_classes,), ``y`` (n_epochs,).
    """
    if epochs.subject is None:
        return
    subjects = np.unique(epochs.subject)
    own = {one: set(y[epochs.subject == one].tolist()) for one in subjects}
    for name, found in own.items():
        others = set().union(*(own[other] for other in subjects if other != name))
        if len(subjects) > 1 and not found & others:
            raise ValueError(
                f"Subject {str(name)!r} shares no class with the others: it has "
                f"{classes[sorted(found)].tolist()[:5]}, they have "
                f"{classes[sorted(others)].tolist()[:5]}."
            )


def real_channels(contacts, subjects, ch_names):
    """Say which channels are real, where the metadata told.

    Shapes: ``subjects`` (n_subjects,) -> (n_subjects, n_channels).
    """
    numbers = None if contacts is None else slot_numbers(ch_names)
    if numbers is None:
        return None
    counts = np.array([len(contacts[str(subject)]) for subject in subjects])
    return np.array(numbers) <= counts[:, None]


def fill_slots(epochs, ch_names):
    """Pad stacked epochs with the slots that their subjects have no contact for."""
    if epochs.ch_names is None or learn_contacts(epochs, []) is None:
        return epochs
    missing = [name for name in ch_names if name not in epochs.ch_names]
    numbers = slot_numbers([*epochs.ch_names, *missing])
    if not missing or numbers is None:
        return epochs
    counts = [len(split_contacts(text)) for text in set(epochs.metadata[COLUMN])]
    if min(numbers[len(epochs.ch_names) :]) <= max(counts):
        # A real slot was taken away: the usual complaint names it.
        return epochs
    padding = np.zeros(
        (len(epochs), len(missing), epochs.data.shape[-1]), epochs.data.dtype
    )
    data = np.concatenate([epochs.data, padding], axis=1)
    return replace(epochs, data=data, ch_names=[*epochs.ch_names, *missing])


def with_subject(epochs, subject):
    """Say whose each epoch of an array is.

    Shapes: ``subject`` (n_epochs,).
    """
    subject = np.asarray(subject)
    if subject.shape != (len(epochs),):
        raise ValueError(
            f"`subject` must have one value per epoch, shape ({len(epochs)},); got "
            f"shape {subject.shape}."
        )
    return replace(epochs, subject=subject)


def subject_index(epochs, known=None):
    """Return the subjects and which of them each epoch is of.

    Shapes: ``known`` (n_subjects,) -> (n_subjects,), (n_epochs,).
    """
    anonymous = np.array([""])
    if epochs.subject is None:
        if known is not None and len(known) > 1:
            raise ValueError(
                f"The estimator knows subjects {known.tolist()}; say whose each is "
                "by metadata['subject'] or `subject=`."
            )
        return anonymous if known is None else known, np.zeros(len(epochs), int)
    if known is None:
        return np.unique(epochs.subject, return_inverse=True)
    if np.array_equal(known, anonymous):
        return known, np.zeros(len(epochs), int)
    unknown = set(epochs.subject.tolist()) - set(known.tolist())
    if unknown:
        raise ValueError(
            f"`X` has unknown subjects {sorted(unknown, key=str)}; the estimator knows "
            f"{known.tolist()}. Teach it others with add_subject, or keep some of "
            "their trials in the training data."
        )
    return known, np.searchsorted(known, epochs.subject)
