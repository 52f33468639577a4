"""Simulated subjects who read words, for the benchmarks: trials and segments."""

import mne
import numpy as np
import pandas as pd

from mne_duin.channels import RegionSelector
from mne_duin.datasets import cut_epochs, simulate_recording


def simulate_words(settings, seed, *, regions=("vSMC", "STG")):
    """Simulate a subject.

    Parameters
    ----------
    settings : SimulationSettings
        What the recording is like.
    seed : int
        Seed.
    regions : tuple of str | None
        Regions whose bipolar channels are kept; None keeps all.

    Returns
    -------
    epochs : Epochs
        The trials.
    segments : Epochs
        Segments of 8 s of all runs that overlap by 4 s; both name their run.
    """
    recording = simulate_recording(settings, random_state=seed)
    epochs, contacts, _ = cut_epochs(recording, reference="bipolar")
    if regions is not None:
        selector = RegionSelector(contacts, regions)
        epochs = selector.fit(epochs).transform(epochs)
    return epochs, cut_segments(recording.raws, contacts.loc[epochs.ch_names])


def cut_segments(raws, contacts):
    """Cut the bipolar channels of all runs.

    Parameters
    ----------
    raws : list of Raw
        The runs.
    contacts : DataFrame
        The bipolar channels, with ``anode`` and ``cathode``.

    Returns
    -------
    segments : Epochs
        Segments of 8 s that overlap by 4 s; the metadata name the run.
    """
    parts, runs, sfreq = [], [], raws[0].info["sfreq"]
    n_times = round(8 * sfreq)
    for run, raw in enumerate(raws, start=1):
        data = raw.get_data(list(contacts["anode"]))
        data -= raw.get_data(list(contacts["cathode"]))
        starts = range(0, data.shape[1] - n_times + 1, n_times // 2)
        parts += [data[:, start : start + n_times] for start in starts]
        runs += [str(run)] * len(starts)
    return mne.EpochsArray(
        np.stack(parts),
        mne.create_info(list(contacts.index), sfreq, "seeg"),
        metadata=pd.DataFrame({"run": runs}),
        verbose=False,
    )
