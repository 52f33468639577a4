"""Per-channel z-scores, learned on training data only.

One trial of a touched cable, 300 times as large as the others, must not decide what the
rest looks like: trials far from the others are left out of the scales with a warning,
and scaled values end at 50 standard deviations.
"""

from dataclasses import dataclass

import numpy as np
from mne.utils import warn

from mne_duin.utils.checks import first_names
from mne_duin.utils.outliers import FAR, peak_to_peak, usual_limits

LARGEST = 50.0


@dataclass(frozen=True)
class ChannelScaler:
    """Mean and standard deviation of every channel of every subject.

    Parameters
    ----------
    mean, scale : ndarray, shape (n_subjects, n_channels)
        In the unit of the signal. Padded channels have mean 0 and scale 1.
    channel_mask : ndarray of bool, shape (n_subjects, n_channels)
        True where a subject really has the channel.
    """

    mean: np.ndarray
    scale: np.ndarray
    channel_mask: np.ndarray

    @classmethod
    def learn(cls, data, subject, n_subjects, ch_names=None, channel_mask=None):
        """Learn the scales.

        Parameters
        ----------
        data : ndarray, shape (n_epochs, n_channels, n_times)
            The training epochs.
        subject : ndarray of int, shape (n_epochs,)
            Index of the subject of each epoch.
        n_subjects : int
            Number of subjects.
        ch_names : list of str | None
            For the error message.
        channel_mask : ndarray of bool, shape (n_subjects, n_channels) | None
            True where a channel is real, if that is known; else, of several subjects,
            a channel of zeros only is taken for padding.

        Returns
        -------
        scaler : ChannelScaler
            The scales.

        Raises
        ------
        ValueError
            If a channel is flat (constant) although other values are not zero padding.
        """
        shape = (n_subjects, data.shape[1])
        mean, scale = np.zeros(shape, np.float32), np.ones(shape, np.float32)
        mask = np.zeros(shape, bool)
        for index in range(n_subjects):
            part = _without_far_trials(data[subject == index])
            center = part.mean((0, 2), dtype=np.float64)
            spread = part.std((0, 2), dtype=np.float64)
            padded = ~part.any((0, 2))
            if channel_mask is not None:
                # What the network sees may hold each channel twice.
                n_bands = len(padded) // channel_mask.shape[1]
                padded &= ~np.tile(channel_mask[index], n_bands)
            elif padded.all() or n_subjects == 1:
                padded = np.zeros_like(padded)
            flat = (spread <= 1e-6 * np.abs(center)) & ~padded
            if flat.any():
                _refuse_flat(flat, ch_names)
            mask[index] = ~padded
            mean[index] = np.where(padded, 0, center)
            scale[index] = np.where(padded, 1, spread)
        return cls(mean, scale, mask)

    def apply(self, data, subject):
        """Scale epochs.

        Parameters
        ----------
        data : ndarray, shape (n_epochs, n_channels, n_times)
            The epochs.
        subject : ndarray of int, shape (n_epochs,)
            Index of the subject of each epoch.

        Returns
        -------
        scaled : ndarray of float32, shape (n_epochs, n_channels, n_times)
            A z-scored copy, clipped at 50 standard deviations.
        """
        scaled = data - self.mean[subject][..., None]
        scaled /= self.scale[subject][..., None]
        np.clip(scaled, -LARGEST, LARGEST, out=scaled)
        return scaled.astype(np.float32, copy=False)

    def invert(self, data, subject):
        """Bring scaled epochs back to their own unit.

        Parameters
        ----------
        data : ndarray, shape (n_epochs, n_channels, n_times)
            Scaled epochs; the first channels are enough.
        subject : ndarray of int, shape (n_epochs,)
            Index of the subject of each epoch.

        Returns
        -------
        signal : ndarray of float32, shape (n_epochs, n_channels, n_times)
            As many channels as ``data`` has.
        """
        n_channels = data.shape[1]
        scale = self.scale[subject, :n_channels, None]
        mean = self.mean[subject, :n_channels, None]
        return (data * scale + mean).astype(np.float32, copy=False)


def _without_far_trials(data):
    """Leave trials out that are far from the others, with a warning."""
    peaks = peak_to_peak(data) if len(data) else np.zeros((0, 1))
    far = (peaks > usual_limits(peaks)).any(axis=1)
    if not far.any():
        return data
    warn(
        f"{far.sum()} of {len(far)} trials (number {first_names(np.flatnonzero(far))}) "
        f"have more than {FAR:g} times the usual amplitude of a channel. They are left "
        "out of the scaling and clipped; drop them, for example with epochs.drop."
    )
    return data[~far]


def _refuse_flat(flat, ch_names):
    names = ch_names or [str(index) for index in range(len(flat))]
    # What the network sees may hold each channel twice, its signal and its power.
    found = [names[index % len(names)] for index in np.flatnonzero(flat)]
    found = list(dict.fromkeys(found))
    raise ValueError(
        f"{len(found)} channels are flat ({', '.join(found[:10])}): their signal is "
        "constant, so they cannot be scaled. Mark them bad or drop them."
    )
