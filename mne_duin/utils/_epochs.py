"""Epochs as arrays, with what is known about them: channels, subjects, amplitudes."""

from dataclasses import dataclass, field, replace

import mne
import numpy as np
import pandas as pd
from mne.io.constants import FIFF

from mne_duin.utils._checks import check_number
from mne_duin.utils._segments import DiskSegments
from mne_duin.utils._slots import COLUMN, slot_numbers, split_contacts
from mne_duin.utils._stored import StoredArray, blocks

# Patterns are correlations over epochs; over fewer they are chance.
FEWEST_EPOCHS = 8
# Amplitudes beyond so many medians are far from the others; fewer trials do not tell.
FAR, FEWEST_TRIALS = 20.0, 5
# What the description of an info says about the filters.
CAUSAL, ZERO_PHASE = "mne_duin: causal filters", "mne_duin: zero-phase filters"
# Columns of the metadata that together name a recording.
RECORDING = ("subject", "session", "task", "acquisition", "run")
NEURAL_TYPES = ("seeg", "ecog", "dbs", "eeg", "mag", "grad")

FRAMES = {
    "mni_tal": FIFF.FIFFV_MNE_COORD_MNI_TAL,
    "mri": FIFF.FIFFV_COORD_MRI,
    "head": FIFF.FIFFV_COORD_HEAD,
}


@dataclass(frozen=True)
class EpochsData:
    """The numbers of some epochs and what is known about them.

    Parameters
    ----------
    data : ndarray | StoredArray, shape (n_epochs, n_channels, n_times)
        The signal, float32, in the unit it came in (volts for MNE objects).
    sfreq : float | None
        Sampling rate in Hz, if known.
    ch_names : list of str | None
        Channel names, if known.
    subject : ndarray, shape (n_epochs,) | None
        Subject of each epoch, if known.
    metadata : DataFrame | None
        Metadata of the epochs, if there are any.
    tmin : float | None
        Time of the first sample in seconds relative to the event, if known.
    filters : str | None
        What the info says about the filters, if anything.
    inputs : list of tuple of ndarray
        The data, and what a network is given of them, if that was computed already and
        not yet used; the one who uses it takes it from the list.
    """

    data: np.ndarray
    sfreq: float | None = None
    ch_names: list | None = None
    subject: np.ndarray | None = None
    metadata: pd.DataFrame | None = None
    tmin: float | None = None
    filters: str | None = None
    inputs: list = field(default_factory=list, compare=False, repr=False)

    def __getitem__(self, index):
        """Return the chosen epochs."""
        metadata = None if self.metadata is None else self.metadata.iloc[index]
        subject = None if self.subject is None else self.subject[index]
        data, known = self.data[index], self.known_inputs
        # Inputs may be written to, so they must not be a view.
        is_copy = isinstance(index, np.ndarray) and known is not None
        inputs = [(data, known[index])] if is_copy else []
        return replace(
            self, data=data, subject=subject, metadata=metadata, inputs=inputs
        )

    def __len__(self):
        return len(self.data)

    @property
    def known_inputs(self):
        """Inputs that were computed of just these data, or None."""
        if self.inputs and self.inputs[0][0] is self.data:
            return self.inputs[0][1]
        return None


def is_epochs_list(X):
    """Return whether ``X`` is the list of Epochs that scikit-learn's indexing makes."""
    return (
        isinstance(X, list | tuple)
        and len(X) > 0
        and all(isinstance(item, mne.BaseEpochs) for item in X)
    )


def as_array(X, *, sfreq=None, name="X", on_disk=False):
    """Turn epochs in any accepted form into an array.

    Parameters
    ----------
    X : Epochs | DiskSegments | array | list of Epochs
        The epochs, shape (n_epochs, n_channels, n_times). A list is what
        ``cross_val_score(clf, epochs, y)`` hands over: Epochs of one epoch each, with
        the same channels.
    sfreq : float | None
        Sampling rate in Hz of an array. Epochs know theirs, which must agree.
    name : str
        Name of the argument, for messages.
    on_disk : bool
        Whether segments on disk stay there; otherwise they are read into memory.

    Returns
    -------
    epochs : EpochsData
        The signal with its sampling rate, channel names, subjects and metadata.

    Raises
    ------
    TypeError
        If ``X`` is none of the accepted kinds.
    ValueError
        If the array is not three-dimensional, is empty, holds values that are not
        finite, if the Epochs of a list differ in their channels or sampling rate, or if
        Epochs have another sampling rate than ``sfreq``.
    """
    if isinstance(X, EpochsData):
        return X if on_disk else in_memory(X)
    if isinstance(X, DiskSegments):
        epochs = _from_disk(X)
        epochs = epochs if on_disk else in_memory(epochs)
    elif isinstance(X, mne.BaseEpochs):
        epochs = _from_epochs(X, name)
    elif is_epochs_list(X):
        epochs = _from_list(X, name)
    elif isinstance(X, mne.io.BaseRaw):
        raise TypeError(
            f"`{name}` is a Raw; cut it into epochs first, for example with "
            "mne.make_fixed_length_epochs or mne_duin.read_segments."
        )
    else:
        epochs = _from_array(X, sfreq, name)
    if sfreq is not None and not np.isclose(sfreq, epochs.sfreq):
        raise ValueError(
            f"`{name}` has a sampling rate of {epochs.sfreq:g} Hz, but `sfreq` is "
            f"{sfreq:g} Hz. Leave `sfreq` out for Epochs, or resample them."
        )
    _check_finite(epochs, name)
    return epochs


def _from_disk(segments):
    return EpochsData(
        segments.data,
        float(segments.info["sfreq"]),
        segments.ch_names,
        _subject_column(segments.metadata),
        segments.metadata if len(segments.metadata.columns) else None,
        float(segments.tmin),
        segments.info["description"],
    )


def in_memory(epochs):
    """Return epochs whose signal is in memory.

    Parameters
    ----------
    epochs : EpochsData
        The epochs, in memory or on disk.

    Returns
    -------
    epochs : EpochsData
        The same ones.
    """
    if isinstance(epochs.data, StoredArray):
        return replace(epochs, data=epochs.data.read())
    return epochs


def recording_names(metadata):
    """Name the recording of every epoch.

    Parameters
    ----------
    metadata : DataFrame | None
        Metadata of the epochs.

    Returns
    -------
    names : ndarray of str, shape (n_epochs,) | None
        Subject, session, task, acquisition and run, as far as there are such columns;
        None without a column ``run``.
    """
    return _joined_names(metadata, RECORDING)


def run_names(metadata):
    """Name the run of every epoch.

    Parameters
    ----------
    metadata : DataFrame | None
        Metadata of the epochs.

    Returns
    -------
    runs : ndarray of str, shape (n_epochs,) | None
        "run", or "session/run" where there is a column ``session``; of stacked epochs
        with the subject in front; None without a column ``run``.
    """
    # Stacked epochs list contacts; runs of two subjects may have the same name.
    is_stacked = metadata is not None and COLUMN in metadata
    return _joined_names(metadata, (*["subject"] * is_stacked, "session", "run"))


def _joined_names(metadata, wanted):
    """Join some columns, as far as they are there; None without a column ``run``."""
    if metadata is None or "run" not in metadata:
        return None
    columns = [column for column in wanted if column in metadata]
    parts = [metadata[column].astype(str) for column in columns]
    return np.array(["/".join(row) for row in zip(*parts, strict=True)], dtype=str)


def check_start(epochs, tmin, name):
    """Check that epochs start when those of the training did.

    Parameters
    ----------
    epochs : EpochsData
        The epochs.
    tmin : float | None
        When the training epochs started; None if that is not known.
    name : str
        Name of the estimator, for the message.

    Raises
    ------
    ValueError
        If they start at another time, by more than half a sample.
    """
    if tmin is None or epochs.tmin is None:
        return
    if abs(epochs.tmin - tmin) > 0.5 / epochs.sfreq:
        raise ValueError(
            f"`X` starts {epochs.tmin:+.3f} s from the event; {name} was fitted with "
            f"epochs that start at {tmin:+.3f} s. Cut the same window (tmin, tmax); to "
            "try another one on purpose, hand over the array."
        )


def _from_epochs(epochs, name):
    used = usable_channels(epochs, name)
    signal = epochs.get_data(copy=False)
    rows = [epochs.ch_names.index(channel) for channel in used]
    # Epoch by epoch: choosing channels of all would take another copy of them.
    data = np.empty((len(signal), len(rows), signal.shape[2]), np.float32)
    for own, epoch in zip(data, signal, strict=True):
        own[:] = epoch[rows]
    return EpochsData(
        data,
        float(epochs.info["sfreq"]),
        used,
        _subject_column(epochs.metadata),
        epochs.metadata,
        float(epochs.tmin),
        epochs.info["description"],
    )


def usable_channels(epochs, name):
    """Return the neural channels that are not marked bad; warn of the others.

    Parameters
    ----------
    epochs : Epochs
        The epochs.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    used : list of str
        Their names, in the order of the data.

    Raises
    ------
    ValueError
        If there is none.
    """
    types = epochs.get_channel_types()
    used = [
        channel
        for channel, kind in zip(epochs.ch_names, types, strict=True)
        if kind in NEURAL_TYPES and channel not in epochs.info["bads"]
    ]
    left_out = [channel for channel in epochs.ch_names if channel not in used]
    if not used:
        raise ValueError(
            f"`{name}` has no usable neural channel; the channel types are "
            f"{sorted(set(types))} and {len(epochs.info['bads'])} are marked bad."
        )
    if left_out:
        mne.utils.warn(
            f"{len(left_out)} channels of `{name}` are not neural or marked bad and "
            f"are not used: {', '.join(left_out[:10])}."
        )
    return used


def _from_list(parts, name):
    first = parts[0]
    for part in parts[1:]:
        alike = (
            part.ch_names == first.ch_names
            and part.info["sfreq"] == first.info["sfreq"]
            and set(part.info["bads"]) == set(first.info["bads"])
            and np.array_equal(part.times, first.times)
        )
        if not alike:
            raise ValueError(
                f"The Epochs in the list `{name}` differ in channels, bad channels, "
                "length or sampling rate."
            )
    used = usable_channels(first, name)
    data = [part.get_data(picks=used, copy=False) for part in parts]
    metadata = None
    if all(part.metadata is not None for part in parts):
        metadata = pd.concat([part.metadata for part in parts])
    return EpochsData(
        np.concatenate(data).astype(np.float32),
        float(first.info["sfreq"]),
        used,
        _subject_column(metadata),
        metadata,
        float(first.tmin),
        first.info["description"],
    )


def _from_array(X, sfreq, name):
    if hasattr(X, "dtype") and np.iscomplexobj(X):
        raise ValueError(
            f"Complex data not supported: `{name}` must hold real numbers; take the "
            "magnitude, or the real part."
        )
    try:
        data = np.asarray(X, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"`{name}` must be mne.Epochs, an array of numbers (n_epochs, n_channels, "
            f"n_times) or a list of Epochs; got {type(X).__name__}."
        ) from error
    if data.ndim != 3 or 0 in data.shape:
        raise ValueError(
            f"`{name}` must have shape (n_epochs, n_channels, n_times), none of them "
            f"zero; got shape {data.shape}."
        )
    if sfreq is not None:
        check_number("sfreq", sfreq, low=0, closed=False)
    return EpochsData(data, None if sfreq is None else float(sfreq))


def _subject_column(metadata):
    if metadata is None or "subject" not in metadata:
        return None
    return metadata["subject"].to_numpy()


def _check_finite(epochs, name):
    # Segments on disk were looked at when they were written.
    if isinstance(epochs.data, StoredArray) or np.isfinite(epochs.data).all():
        return
    bad = ~np.isfinite(epochs.data).all(axis=(0, 2))
    names = epochs.ch_names or [str(index) for index in range(len(bad))]
    listing = ", ".join(np.asarray(names)[bad][:10])
    raise ValueError(
        f"`{name}` holds values that are not finite in {bad.sum()} channels "
        f"({listing}); drop or repair these channels."
    )


def info_with_positions(X, ch_names, sfreq):
    """Return names, sampling rate and the positions of channels, nothing else.

    Parameters
    ----------
    X : Epochs | array | list of Epochs
        What the user passed.
    ch_names : list of str
        The channels.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    info : mne.Info
        Of sEEG channels, with the positions of ``X`` where it is of MNE.
    """
    info = mne.create_info(ch_names, sfreq, "seeg")
    first = X[0] if isinstance(X, list) and X else X
    if not isinstance(first, mne.BaseEpochs | DiskSegments):
        return info
    montage = first.get_montage()
    if montage is None:
        return info
    known = montage.get_positions()
    has_fiducials = any(known[key] is not None for key in ("nasion", "lpa", "rpa"))
    if known["coord_frame"] == "head" and has_fiducials:
        return info  # head coordinates do not say where in the brain a contact is
    frame = FRAMES.get(known["coord_frame"], FIFF.FIFFV_COORD_UNKNOWN)
    for channel in info["chs"]:
        if channel["ch_name"] in known["ch_pos"]:
            channel["loc"][:3] = known["ch_pos"][channel["ch_name"]]
            channel["coord_frame"] = frame
    return info


def peak_to_peak(data, rows=None):
    """Return the amplitude of each channel of each trial.

    Parameters
    ----------
    data : ndarray | StoredArray, shape (n_trials, n_channels, n_times)
        The trials.
    rows : ndarray of int, shape (n_rows,) | None
        Which trials; None takes all.

    Returns
    -------
    peaks : ndarray, shape (n_trials, n_channels)
        Largest minus smallest value.
    """
    trials = (trial for block in blocks(data, rows) for trial in block)
    return np.stack([trial.max(axis=-1) - trial.min(axis=-1) for trial in trials])


def silent_channels(data):
    """Return which channels of which epochs are zero throughout.

    Shapes: ``data`` (n_epochs, n_channels, n_times) -> (n_epochs, n_channels).
    """
    return np.concatenate([~block.any(axis=-1) for block in blocks(data)])


def usual_limits(peaks):
    """Return the amplitude of each channel beyond which a trial is far from the rest.

    Parameters
    ----------
    peaks : ndarray, shape (n_trials, n_channels)
        Peak-to-peak amplitudes.

    Returns
    -------
    limits : ndarray, shape (n_channels,)
        20 times the median over trials; infinite for fewer than 5 trials, which do not
        tell what is usual, and for channels that are mostly constant.
    """
    if len(peaks) < FEWEST_TRIALS:
        return np.full(peaks.shape[1], np.inf)
    limits = FAR * np.median(peaks, axis=0)
    return np.where(limits > 0, limits, np.inf)


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
    if isinstance(epochs.data, StoredArray):
        data = epochs.data.pad_channels(len(missing))
        return replace(epochs, data=data, ch_names=[*epochs.ch_names, *missing])
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
