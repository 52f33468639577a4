"""Which bands a network is given the power of."""

import numpy as np

from mne_duin.utils._bands import (
    ALWAYS,
    LONGEST_SMOOTHING,
    N_AT_ONCE,
    NAMED,
    RAW,
    bands_below_nyquist,
    check_bands,
    distinct_bands,
    log_powers,
    same_edges,
)
from mne_duin.utils._parallel import in_threads
from mne_duin.utils._screening import group_p_value
from mne_duin.utils._unmixing import learn_unmixing

SCREENED = "screened"
LEVEL = 0.05


def choose_bands(bands, epochs, y=None, subject=None, n_subjects=1):
    """Return the bands that a network is given the power of, and their unmixing.

    Parameters
    ----------
    bands : str | sequence of str | dict
        The parameter of the estimators.
    epochs : EpochsData
        The training epochs.
    y : ndarray, shape (n_epochs,) | None
        Their classes, for the screening: high gamma always enters, a lower band only if
        its power differs between the classes by more than chance in the training data
        of any subject.
    subject : ndarray of int, shape (n_epochs,) | None
        Whose each epoch is.
    n_subjects : int
        Number of subjects.

    Returns
    -------
    edges : dict of str to tuple of float
        Lower and upper edge in Hz of each band.
    unmixing : dict of str to ndarray, shape (n_subjects, n_channels, n_channels)
        See :func:`~mne_duin.utils._unmixing.learn_unmixing`.
    """
    if isinstance(bands, str) and bands == RAW:
        return {}, {}
    screened = isinstance(bands, str) and bands == SCREENED
    wanted = NAMED if screened else check_bands("bands", bands)
    usable = bands_below_nyquist(wanted, epochs.sfreq)
    usable = distinct_bands(usable, epochs.data.shape[1])
    unmixing = learn_unmixing(epochs.data, epochs.sfreq, usable, subject, n_subjects)
    if not screened:
        return usable, unmixing
    subject = np.zeros(len(epochs), int) if subject is None else subject

    def screen(names):
        own = [unmixing.get(name) for name in names]
        differ = _differ(epochs, usable[names[0]], own, y, subject)
        return [name for name, is_in in zip(names, differ, strict=True) if is_in]

    unsure = {name: usable[name] for name in usable if name not in ALWAYS}
    chosen = {*ALWAYS}.union(*in_threads(screen, same_edges(unsure)))
    usable = {name: edges for name, edges in usable.items() if name in chosen}
    return usable, {name: unmixing[name] for name in unmixing if name in usable}


def _differ(epochs, band, unmixing, y, subject):
    """Return whether the power in a band differs between the classes.

    One answer for each of ``unmixing``, where None stands for the channels.
    """
    parts = []
    for first in range(0, len(epochs), N_AT_ONCE):
        rows = slice(first, first + N_AT_ONCE)
        own = [None if one is None else one[subject[rows]] for one in unmixing]
        parts.append([*log_powers(epochs.data[rows], epochs.sfreq, band, own)])
    return [
        _differs(np.concatenate(power), epochs.sfreq, y, subject)
        for power in zip(*parts, strict=True)
    ]


def _differs(power, sfreq, y, subject):
    """Return whether power differs between the classes, in any subject."""
    size = max(round(LONGEST_SMOOTHING * sfreq), 1)
    starts = np.arange(0, power.shape[-1], size)
    bins = np.add.reduceat(power, starts, axis=-1)
    bins = bins / np.diff(starts, append=power.shape[-1])
    mean = power.mean(-1, keepdims=True)
    features = np.concatenate([bins, mean], axis=-1).reshape(len(power), -1)
    rows = [subject == one for one in np.unique(subject)]
    p_values = [group_p_value(features[own], y[own]) for own in rows]
    return min(p_values) * len(rows) <= LEVEL
