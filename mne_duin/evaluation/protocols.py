"""What the published evaluation does to the data before it is divided."""

import mne
import numpy as np


def scale_all(X):
    """Scale every channel to mean 0 and standard deviation 1 over all trials.

    The published code does so before it divides the trials (run_cls.py, z-score over
    trials and times), so test trials take part in it. Only for ``protocol="paper"``.

    Parameters
    ----------
    X : Epochs | ndarray, shape (n_trials, n_channels, n_times)
        All trials, training and test.

    Returns
    -------
    X : Epochs | ndarray
        A scaled copy; of Epochs only the data channels are scaled.

    Raises
    ------
    ValueError
        If a channel is flat, or an array has no channels.
    """
    if isinstance(X, mne.BaseEpochs):
        picks = mne.pick_types(
            X.info, meg=True, eeg=True, seeg=True, ecog=True, dbs=True, exclude=()
        )
        data = X.get_data(picks=picks, copy=False)
        mean, deviation = _moments(data, np.array(X.ch_names)[picks])
        return X.copy().apply_function(
            _scale, picks, channel_wise=False, mean=mean, deviation=deviation
        )
    if X.ndim != 3:
        raise ValueError(
            'protocol="paper" scales channels, so an array must have shape (n_trials, '
            f"n_channels, n_times); got shape {X.shape}."
        )
    mean, deviation = _moments(X, np.arange(X.shape[1]))
    return _scale(X, mean=mean, deviation=deviation)


def _moments(data, names):
    deviation = data.std(axis=(0, 2))
    flat = deviation == 0
    if flat.any():
        listing = ", ".join(map(str, names[flat][:10]))
        raise ValueError(f"Channels are flat: {listing}. Drop them.")
    return data.mean(axis=(0, 2))[:, np.newaxis], deviation[:, np.newaxis]


def _scale(data, mean, deviation):
    return (data - mean) / deviation
