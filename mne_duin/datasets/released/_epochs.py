"""The published word-reading set, from its files to Epochs."""

import numpy as np
import pandas as pd
from mne.utils import warn

from mne_duin.datasets.released._layout import (
    EPOCHS,
    as_epochs,
    choose_channels,
    find_runs,
    find_subject,
    read_channel_names,
)
from mne_duin.datasets.released._pickle import read_pickle
from mne_duin.utils._checks import as_list

TMIN = -0.5


def read_official_epochs(folder, subject, *, run=None, picks=None):
    """Read the published word-reading trials of a subject.

    The release (Zheng et al. 2024) holds 3 s around the go cue of each trial, bipolar,
    0.5 to 200 Hz, at 1000 Hz. It states neither unit, contacts of a pair, positions nor
    time zero: the values have the size of volts and stay as they are; time zero is
    where the published code puts it, half a second into the trial. Nothing in the files
    is run.

    Parameters
    ----------
    folder : path-like
        The release: the folder with ``data/seeg.he2023xuanwu``, or that folder itself;
        :func:`fetch_official` downloads it.
    subject : str | int
        The subject, ``"001"`` to ``"012"``.
    run : str | list of str | None
        Numbers of the runs; None reads all.
    picks : str | list of str | None
        Names of the channels, in the order wanted; ``"published"`` are the ten that the
        published weights of the subject take; None takes those that all runs have. All
        channels of a subject need about 10 GB of memory.

    Returns
    -------
    epochs : mne.EpochsArray
        The trials; ``metadata`` has the columns ``trial_type`` (the word), ``run``,
        ``subject`` and ``trial`` (its place in the file of the run).
    contacts : pandas.DataFrame
        One row for each channel, as :func:`read_contacts` makes them; no positions.

    Raises
    ------
    FileNotFoundError
        If there is no such subject or run, or a file is missing.
    ValueError
        If a file is damaged or not what the release has, or lacks a channel.

    Notes
    -----
    Each trial may hold a second array, ``data_n``, which neither the published training
    nor this function uses; the public release leaves it out.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, section 4 and appendix A;
    ``utils/data/seeg/he2023xuanwu/word_recitation.py`` of the published code.

    Examples
    --------
    >>> epochs, contacts = read_official_epochs("Du-IN", "001", picks="published")
    ... # doctest: +SKIP
    """
    path = find_subject(folder, subject)
    runs = find_runs(path, [str(number) for number in as_list(run)])
    names = {number: _read_names(place / EPOCHS) for number, place in runs.items()}
    names = {number: channels for number, channels in names.items() if channels}
    if not names:
        raise FileNotFoundError(f"No run of {str(path)!r} has {EPOCHS}/data and info.")
    chosen = choose_channels(picks, path.name, names)
    parts, tables = [], []
    for number, channels in names.items():
        place = [channels.index(name) for name in chosen]
        data, words = _read_trials(runs[number] / EPOCHS / "data", channels, place)
        parts.append(data)
        tables.append(_trial_table(words, number, path.name))
    _check_lengths(dict(zip(names, parts, strict=True)))
    metadata = pd.concat(tables, ignore_index=True)
    data = np.concatenate(parts)
    return as_epochs(data, chosen, metadata, tmin=TMIN)


def _read_names(folder):
    """Return the channel names of a run, none where the run was left out."""
    there = [name for name in ("data", "info") if (folder / name).exists()]
    if not there:
        warn(f"{str(folder)!r} has neither data nor info and is left out.")
        return []
    return read_channel_names(folder / "info")


def _read_trials(path, channels, place):
    """Return the chosen channels of the trials of a run, and their words."""
    trials = read_pickle(path)
    if not isinstance(trials, list) or not trials:
        raise ValueError(
            f"{path} must hold a list of trials; got {type(trials).__name__}."
        )
    words = [_check_trial(*item, path, channels) for item in enumerate(trials)]
    lengths = {trial["data_s"].shape[1] for trial in trials}
    if len(lengths) > 1:
        raise ValueError(f"{path} has trials of {sorted(lengths)} samples, not of one.")
    return np.array([trial["data_s"][place] for trial in trials], float), words


def _check_trial(number, trial, path, channels):
    """Return the word of a trial that is as it should be."""
    trial = trial if isinstance(trial, dict) else {}
    word, data = trial.get("name"), trial.get("data_s")
    shape = data.shape if isinstance(data, np.ndarray) else None
    if not isinstance(word, str) or shape is None or len(shape) != 2:
        raise ValueError(
            f"Trial {number} of {path} must be a dict with `name` and `data_s` "
            f"(channels x samples); it has {sorted(map(str, trial))}."
        )
    if shape[0] != len(channels):
        raise ValueError(
            f"Trial {number} of {path} has {shape[0]} channels; info has "
            f"{len(channels)} names."
        )
    if not np.isfinite(data).all():
        raise ValueError(f"Trial {number} of {path} has values that are not finite.")
    return word


def _check_lengths(parts):
    lengths = {number: data.shape[2] for number, data in parts.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"The runs have trials of different lengths: {lengths}.")


def _trial_table(words, run, subject):
    columns = {"trial_type": words, "run": run, "subject": subject}
    return pd.DataFrame({**columns, "trial": range(len(words))})
