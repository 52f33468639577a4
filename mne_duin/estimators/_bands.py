"""What the networks see of a signal: the signal, and beside it its high gamma.

The patch encoder is linear, and power is not a linear function of the signal. With 15
hours of recording the transformer learns to compute it; with minutes it does not, and
most of what speech tells lies in high-gamma power. So the quick preset hands the power
over as further channels.
"""

import numpy as np
from scipy.signal import butter, oaconvolve, sosfiltfilt

BANDS = ("broadband", "high-gamma")
HIGH_GAMMA = (70.0, 150.0)
SMOOTHING = 0.04


def add_high_gamma(data, sfreq, *, band=HIGH_GAMMA, smoothing=SMOOTHING):
    """Append the logarithm of high-gamma power of every channel.

    Every epoch is treated alone, so its values depend on nothing else.

    Shapes: ``data`` (n_epochs, n_channels, n_times) -> (n_epochs, 2 * n_channels,
    n_times).
    """
    if sfreq <= 2 * band[1]:
        raise ValueError(
            f"High gamma ({band[0]:g}-{band[1]:g} Hz) needs a sampling rate above "
            f"{2 * band[1]:g} Hz; got {sfreq:g} Hz. Set high_gamma=False."
        )
    n_epochs, n_channels, n_times = data.shape
    inputs = np.empty((n_epochs, 2 * n_channels, n_times), np.float32)
    inputs[:, :n_channels] = data
    filters = butter(4, band, "bandpass", fs=sfreq, output="sos")
    window = np.hanning(round(smoothing * sfreq) + 2)[1:-1][None, None]
    # Near the ends part of the window lies outside; what is inside counts for it.
    weight = oaconvolve(np.ones((1, 1, n_times)), window, mode="same", axes=-1)
    for epoch, signal in enumerate(data):
        power = sosfiltfilt(filters, signal.astype(np.float64), axis=-1) ** 2
        power = oaconvolve(power[None], window, mode="same", axes=-1) / weight
        floor = 1e-6 * power.mean(-1, keepdims=True)
        padded = floor == 0
        power = np.where(padded, 1.0, np.maximum(power, floor))
        inputs[epoch, n_channels:] = np.log(power)[0]
    return inputs
