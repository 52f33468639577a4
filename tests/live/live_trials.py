"""A small recording in which two words differ, and its trials."""

import mne
import numpy as np

from mne_duin import prepare_epochs

RATE, SFREQ, SECONDS = 256.0, 200.0, 40.0
NAMES = ["A1", "A2", "A3", "A4", "B1", "B2"]
ONSETS = np.arange(3.0, SECONDS - 2.0, 1.37)
PREPARE = {
    "tmin": -0.2,
    "tmax": 0.8,
    "l_freq": 1.0,
    "h_freq": 90.0,
    "notch": 50.0,
    "sfreq": SFREQ,
    "reject": None,
    "verbose": "error",
}


def make_raw(seed=0):
    """A recording in which two words differ in one contact."""
    rng = np.random.default_rng(seed)
    data = 2e-5 * rng.standard_normal((len(NAMES), round(SECONDS * RATE)))
    words = rng.permutation(np.resize(["ba", "di"], len(ONSETS)))
    time = np.arange(round(0.4 * RATE)) / RATE
    for onset, word in zip(ONSETS, words, strict=True):
        row, first = (1 if word == "ba" else 4), round(onset * RATE)
        data[row, first : first + len(time)] += 8e-5 * np.sin(2 * np.pi * 6 * time)
    raw = mne.io.RawArray(data, mne.create_info(NAMES, RATE, "seeg"), verbose="error")
    return raw.set_annotations(mne.Annotations(ONSETS, 0.0, words))


def make_contacts():
    """Six contacts on two shafts."""
    return {name: (1.0 * k, 10.0, 10.0) for k, name in enumerate(NAMES)}


def prepared(raw, **options):
    """The trials of a recording."""
    return prepare_epochs(raw, None, make_contacts(), **(PREPARE | options))
