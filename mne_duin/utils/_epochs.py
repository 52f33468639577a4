"""One function that turns whatever scikit-learn or MNE hands over into an array."""

from dataclasses import dataclass, replace

import mne
import numpy as np
import pandas as pd
from mne.io.constants import FIFF

from mne_duin.utils._checks import check_number
from mne_duin.utils._slots import COLUMN

# Patterns are correlations over epochs; over fewer they are chance.
FEWEST_EPOCHS = 8
# What the description of an info says about the filters.
CAUSAL, ZERO_PHASE = "mne_duin: causal filters", "mne_duin: zero-phase filters"
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
    data : ndarray, shape (n_epochs, n_channels, n_times)
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
    """

    data: np.ndarray
    sfreq: float | None = None
    ch_names: list | None = None
    subject: np.ndarray | None = None
    metadata: pd.DataFrame | None = None
    tmin: float | None = None
    filters: str | None = None

    def __getitem__(self, index):
        """Return the chosen epochs."""
        metadata = None if self.metadata is None else self.metadata.iloc[index]
        subject = None if self.subject is None else self.subject[index]
        return replace(self, data=self.data[index], subject=subject, metadata=metadata)

    def __len__(self):
        return len(self.data)


def is_epochs_list(X):
    """Return whether ``X`` is the list of Epochs that scikit-learn's indexing makes."""
    return (
        isinstance(X, list | tuple)
        and len(X) > 0
        and all(isinstance(item, mne.BaseEpochs) for item in X)
    )


def as_array(X, *, sfreq=None, name="X"):
    """Turn epochs in any accepted form into an array.

    Parameters
    ----------
    X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
        The epochs. A list is what ``cross_val_score(clf, epochs, y)`` hands over:
        Epochs of one epoch each, with the same channels.
    sfreq : float | None
        Sampling rate in Hz of an array. Epochs know theirs, which must agree.
    name : str
        Name of the argument, for messages.

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
        return X
    if isinstance(X, mne.BaseEpochs):
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
    if metadata is None or "run" not in metadata:
        return None
    # Stacked epochs list contacts; runs of two subjects may have the same name.
    stacked = ("subject",) if COLUMN in metadata else ()
    wanted = (*stacked, "session", "run")
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
    return EpochsData(
        epochs.get_data(picks=used, copy=False).astype(np.float32),
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
    if np.isfinite(epochs.data).all():
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
    if not isinstance(first, mne.BaseEpochs):
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
