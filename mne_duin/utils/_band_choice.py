"""Which bands a network is given the power of."""

import numpy as np

from mne_duin.utils._bands import (
    ALWAYS,
    LONGEST_SMOOTHING,
    NAMED,
    RAW,
    add_bands,
    bands_below_nyquist,
    check_bands,
    distinct_bands,
)
from mne_duin.utils._parallel import in_threads
from mne_duin.utils._screening import group_p_value
from mne_duin.utils._stored import StoredArray
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
    inputs : ndarray, shape (n_epochs, (1 + n_bands) * n_channels, n_times) | None
        Signal and power of the epochs, of which power takes long to compute; None
        without bands, and of epochs on disk, next to which it is kept.
    """
    if isinstance(bands, str) and bands == RAW:
        return {}, {}, None
    screened = isinstance(bands, str) and bands == SCREENED
    wanted = NAMED if screened else check_bands("bands", bands)
    usable = bands_below_nyquist(wanted, epochs.sfreq)
    usable = distinct_bands(usable, epochs.data.shape[1])
    unmixing = learn_unmixing(epochs.data, epochs.sfreq, usable, subject, n_subjects)
    if not usable or isinstance(epochs.data, StoredArray):
        return usable, unmixing, None
    inputs = add_bands(epochs.data, epochs.sfreq, usable, unmixing, subject)
    if not screened:
        return usable, unmixing, inputs
    n_epochs, n_channels, n_times = epochs.data.shape
    by_band = inputs.reshape(n_epochs, -1, n_channels, n_times)
    subject = np.zeros(n_epochs, int) if subject is None else subject

    def is_chosen(name):
        power = by_band[:, 1 + list(usable).index(name)]
        return name in ALWAYS or _differs(power, epochs.sfreq, y, subject)

    chosen = in_threads(is_chosen, usable)
    usable = {n: usable[n] for n, is_in in zip(usable, chosen, strict=True) if is_in}
    if not all(chosen):
        by_band = by_band[:, [True, *chosen]]
        inputs = by_band.reshape(n_epochs, -1, n_times)
    return usable, {n: unmixing[n] for n in unmixing if n in usable}, inputs


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
