"""What the readers of the published release share: channel names and Epochs."""

import mne
import numpy as np
from mne.utils import warn

from mne_duin.channels import name_table, reference_info
from mne_duin.datasets.official_layout import OFFICIAL_CHANNELS
from mne_duin.datasets.official_pickle import read_pickle
from mne_duin.utils.checks import as_list

SFREQ = 1000.0


def read_channel_names(path):
    """Read the names of the channels.

    Parameters
    ----------
    path : Path
        A file ``info``.

    Returns
    -------
    names : list of str
        The names, in the order of the data.

    Raises
    ------
    ValueError
        If the file holds no such names.
    """
    content = read_pickle(path)
    names = content.get("ch_names") if isinstance(content, dict) else None
    if isinstance(names, np.ndarray):
        names = names.tolist()
    is_good = isinstance(names, list | tuple) and all(
        isinstance(name, str) for name in names
    )
    if not is_good or not names or len(set(names)) < len(names):
        raise ValueError(
            f"{path} must hold a dict with `ch_names`, a list of different names; got "
            f"{type(content).__name__} with {names!r:.60}."
        )
    return list(names)


def choose_channels(picks, subject, names):
    """Choose the channels to read.

    Parameters
    ----------
    picks : str | list of str | None
        See :func:`mne_duin.datasets.read_official_epochs`.
    subject : str
        The subject.
    names : dict of str to list of str
        The channels of each run.

    Returns
    -------
    chosen : list of str
        The channels, in order.

    Raises
    ------
    ValueError
        If a run lacks one of them.
    """
    first, *others = names.values()
    if picks is None:
        common = [name for name in first if all(name in other for other in others)]
        left = sorted({name for channels in names.values() for name in channels})
        left = [name for name in left if name not in common]
        if left:
            warn(f"Not every run has {', '.join(left)}; these channels are left out.")
        return common
    if isinstance(picks, str) and picks == "published":
        if subject not in OFFICIAL_CHANNELS:
            raise ValueError(
                f"`picks`: the published code chooses no channels for {subject!r}."
            )
        picks = OFFICIAL_CHANNELS[subject]
    picks = [str(name) for name in as_list(picks)]
    for number, channels in names.items():
        missing = [name for name in picks if name not in channels]
        if missing or not picks:
            raise ValueError(
                f"`picks`: run {number} has no channel "
                f"{', '.join(missing) or 'that was asked for'}; it has "
                f"{', '.join(channels)}."
            )
    if len(set(picks)) < len(picks):
        raise ValueError(f"`picks` names a channel twice: {', '.join(picks)}.")
    return picks


def as_epochs(data, names, metadata, *, tmin):
    """Wrap samples into Epochs, and names into a contacts table.

    Parameters
    ----------
    data : ndarray, shape (n_epochs, n_channels, n_times)
        The samples, as released.
    names : list of str
        The channels.
    metadata : DataFrame
        One row for each epoch, with ``trial_type``.
    tmin : float
        Time of the first sample in seconds.

    Returns
    -------
    epochs : mne.EpochsArray
        The epochs.
    contacts : pandas.DataFrame
        One row for each channel.
    """
    contacts = name_table(names)
    contacts[["x", "y", "z"]] = np.nan
    contacts["space"] = "n/a"
    info = mne.create_info(names, SFREQ, "seeg")
    with info._unlock():
        info["highpass"], info["lowpass"], info["line_freq"] = 0.5, 200.0, 50.0
    info = reference_info(info, contacts, "bipolar")
    words = sorted(set(metadata["trial_type"]))
    event_id = {word: code for code, word in enumerate(words, 1)}
    codes = metadata["trial_type"].map(event_id).to_numpy()
    # The release does not say when a trial was; they stand one behind the other.
    samples = np.arange(len(data)) * data.shape[2] - round(tmin * SFREQ)
    events = np.column_stack([samples, np.zeros_like(codes), codes])
    epochs = mne.EpochsArray(
        data,
        info,
        events=events,
        tmin=tmin,
        event_id=event_id,
        metadata=metadata,
        baseline=None,
        proj=False,
        verbose="error",
    )
    return epochs, contacts
