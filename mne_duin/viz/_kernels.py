"""Temporal kernels in milliseconds and their frequency responses in hertz."""

import numpy as np

from mne_duin.utils._numbers import percent
from mne_duin.viz._theme import MODEL, MUTED

FLOOR = -30.0  # dB: what lies below is not drawn
LINES = 40  # as many kernels are drawn as thin lines at most


def frequency_response(filters, sfreq, *, n_points=512):
    """Power response of spatio-temporal filters, summed over channels.

    Parameters
    ----------
    filters : array, shape (n_filters, n_channels, n_times)
        The filters.
    sfreq : float
        Sampling rate in Hz.
    n_points : int
        Length of the transform, at least ``n_times``.

    Returns
    -------
    frequencies : array, shape (n_frequencies,)
        In Hz, up to half the sampling rate.
    response : array, shape (n_filters, n_frequencies)
        Power gain for a signal that is white and independent on every channel,
        in dB below each filter's maximum.
    """
    n_points = max(n_points, filters.shape[-1])
    power = (np.abs(np.fft.rfft(filters, n_points, axis=-1)) ** 2).sum(axis=1)
    power /= np.maximum(power.max(axis=1, keepdims=True), np.finfo(float).tiny)
    response = 10 * np.log10(np.maximum(power, 1e-6))
    return np.fft.rfftfreq(n_points, 1 / sfreq), response


def shared_shape(kernels):
    """Return the time course that several kernels share most.

    Parameters
    ----------
    kernels : array, shape (n_kernels, n_times)
        The kernels.

    Returns
    -------
    shape : array, shape (n_times,)
        First right singular vector, with the root mean square size of the kernels
        and the sign of most of them.
    fraction : float
        Fraction of the power of the kernels that it holds.
    """
    left, size, right = np.linalg.svd(kernels, full_matrices=False)
    sign = np.sign(left[:, 0].sum()) or 1.0
    total = max(float((size**2).sum()), np.finfo(float).tiny)
    height = size[0] / np.sqrt(len(kernels))
    return sign * height * right[0], float(size[0] ** 2 / total)


def draw_kernels(axes, kernels, sfreq, limit):
    """Draw the kernels of one filter over time, and the shape they share most.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    kernels : array, shape (n_kernels, n_times)
        The kernels; of more than 40 the strongest 40 are drawn as thin lines.
    sfreq : float | None
        Sampling rate in Hz; None counts samples.
    limit : float
        Largest absolute weight of the axis, the same for all rows.
    """
    times = np.arange(kernels.shape[1]) * (1000.0 / sfreq if sfreq else 1.0)
    axes.axhline(0, color=MUTED, linewidth=0.5)
    if len(kernels) > 1:
        order = np.argsort(-np.square(kernels).sum(axis=1), kind="stable")[:LINES]
        look = {"color": MUTED, "linewidth": 0.4, "alpha": 0.6, "rasterized": True}
        axes.plot(times, kernels[np.sort(order)].T, **look)
    shape, fraction = shared_shape(kernels)
    axes.plot(times, shape, color=MODEL, linewidth=1.3)
    if len(kernels) > 1:
        axes.text(
            0.98, 0.98, percent(fraction, 0), transform=axes.transAxes, ha="right",
            va="top", fontsize=6, color=MODEL,
        )  # fmt: skip
    axes.set(xlim=(0, max(times[-1], 1e-9)), ylim=(-limit, limit))
    axes.ticklabel_format(axis="y", style="plain")
    axes.locator_params(axis="y", nbins=3)
    axes.tick_params(labelsize=6)


def draw_response(axes, kernels, sfreq):
    """Draw the frequency response of all kernels of a filter and of their shared shape.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    kernels : array, shape (n_kernels, n_times)
        The kernels.
    sfreq : float
        Sampling rate in Hz.
    """
    shape, _ = shared_shape(kernels)
    both = np.stack([kernels, np.broadcast_to(shape, kernels.shape)])
    frequencies, response = frequency_response(both, sfreq)
    if len(kernels) > 1:
        axes.plot(frequencies, response[0], color=MUTED, linewidth=1.0)
    axes.plot(frequencies, response[1], color=MODEL, linewidth=1.0)
    axes.set(xlim=(0, frequencies[-1]), ylim=(FLOOR, 2), yticks=[FLOOR, FLOOR / 2, 0])
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(labelsize=6)
