"""What the recordings hold: power spectra, and high-gamma responses to the words."""

import numpy as np
from matplotlib.colors import Normalize
from scipy.signal import welch

from mne_duin.utils._bands import BANDS, bandpass
from mne_duin.viz._align import column_names, shaft_names
from mne_duin.viz._patches import draw_channels
from mne_duin.viz._text import readable
from mne_duin.viz._theme import (
    DIVERGING,
    MUTED,
    STYLE,
    WIDTH,
    finish,
    get_axes,
    group_handles,
    group_names,
    group_styles,
    legend_below,
    theme,
)

BIN = 0.05  # s: width of the bins of high-gamma power
MANY_EPOCHS = 200  # of more epochs, this many spread over the recording give spectra


@theme(STYLE)
def plot_spectra(
    data, contacts, *, sfreq, h_freq=None, line_freq=None, axes=None, show=True
):
    """Plot the power spectrum of every channel, colored by region.

    Parameters
    ----------
    data : array, shape (n_epochs, n_channels, n_times)
        The signal in volts.
    contacts : DataFrame
        Contacts in the order of the channels.
    sfreq : float
        Sampling rate in Hz.
    h_freq : float | None
        Upper edge of the pass band in Hz; the axis ends a little above it.
    line_freq : float | None
        Line frequency in Hz, marked with its harmonics.
    axes : Axes | None
        Where to draw.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    figure, axes = get_axes(axes, (3.5, 2.7))
    rows = np.linspace(0, len(data) - 1, min(len(data), MANY_EPOCHS)).astype(int)
    length = min(data.shape[-1], int(round(sfreq)))
    frequencies, power = welch(data[rows] * 1e6, sfreq, nperseg=length)
    power = np.median(power, axis=0)
    groups = group_names(column_names(contacts, "region"))
    styles = group_styles(groups)
    top = 0.48 * sfreq if h_freq is None else min(0.48 * sfreq, 1.1 * h_freq)
    inside = (frequencies >= 1) & (frequencies <= top)
    for own, group in zip(power, groups, strict=True):
        look = {"color": styles[group][0], "linewidth": 0.6, "alpha": 0.7}
        axes.loglog(frequencies[inside], own[inside], **look)
    for harmonic in () if not line_freq else np.arange(line_freq, top, line_freq):
        axes.axvline(harmonic, color=MUTED, linewidth=0.5, linestyle=":")
    axes.set(xlabel="frequency (Hz)", ylabel="power (µV²/Hz)")
    axes.set_title("power spectra, one line per channel")
    axes.xaxis.set_major_formatter("{x:g}")
    if len(styles) > 1:
        legend_below(axes, group_handles(styles))
    return finish(figure, show)


def high_gamma_response(data, sfreq, tmin):
    """Return the high-gamma power of trials relative to before time zero.

    Parameters
    ----------
    data : array, shape (n_epochs, n_channels, n_times)
        The signal.
    sfreq : float
        Sampling rate in Hz.
    tmin : float
        Time of the first sample in seconds.

    Returns
    -------
    response : array, shape (n_epochs, n_channels, n_bins) | None
        Power of 70 to 150 Hz in bins of 50 ms, in dB of the channel's mean power before
        time zero, or of its mean power where there are no such samples; None where the
        sampling rate does not reach the band.
    edges : array, shape (n_bins + 1,)
        Edges of the bins in seconds.
    """
    size = max(int(round(BIN * sfreq)), 1)
    n_bins = data.shape[-1] // size
    edges = tmin + np.arange(n_bins + 1) * size / sfreq
    if BANDS["high-gamma"][1] >= sfreq / 2 or n_bins < 2:
        return None, edges
    power = np.empty((*data.shape[:2], n_bins))
    for row, epoch in enumerate(data):
        own = bandpass(epoch, sfreq, BANDS["high-gamma"])[:, : n_bins * size] ** 2
        power[row] = own.reshape(len(own), n_bins, size).mean(axis=-1)
    before = edges[1:] <= 1e-9
    reference = power[..., before] if before.any() else power
    reference = reference.mean(axis=(0, 2), keepdims=True)[0]
    return 10 * np.log10(np.maximum(power, 1e-30) / np.maximum(reference, 1e-30)), edges


@theme(STYLE)
def plot_responses(response, edges, labels, contacts, *, axes=None, show=True):
    """Plot the mean high-gamma response of every channel, and to every word.

    Parameters
    ----------
    response : array, shape (n_epochs, n_channels, n_bins)
        Power in dB, from `high_gamma_response`.
    edges : array, shape (n_bins + 1,)
        Edges of the bins in seconds.
    labels : array of str, shape (n_epochs,)
        Word of every trial.
    contacts : DataFrame
        Contacts in the order of the channels.
    axes : sequence of two Axes | None
        Where to draw.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        Left all channels, mean over trials; right the words, in the channel with the
        largest variance of its mean responses to the words.
    """
    mean = response.mean(axis=0)
    words, which = np.unique(np.asarray(labels).astype(str), return_inverse=True)
    by_word = np.array([response[which == k].mean(axis=0) for k in range(len(words))])
    best = int(by_word.var(axis=0).mean(axis=-1).argmax())
    height = 1.3 + max(0.16 * len(words), 0.035 * len(mean), 1.2)
    figure = None
    if axes is None:
        figure, _ = get_axes(None, (WIDTH, min(height, 7.0)))
        figure.clear()
        axes = figure.subplots(1, 2)
    figure = axes[0].figure.get_figure(root=True)
    top = float(np.abs([mean.min(), mean.max(), *_ends(by_word[:, best])]).max())
    scale = DIVERGING, Normalize(-top, top)
    image = draw_channels(axes[0], mean, contacts, edges, scale)
    axes[0].set_title("channels, mean of all trials")
    axes[1].pcolormesh(
        edges, np.arange(len(words) + 1), by_word[:, best], cmap=scale[0],
        norm=scale[1], rasterized=True,
    )  # fmt: skip
    axes[1].set_ylim(len(words), 0)
    size = 6.5 if len(words) <= 30 else 5
    axes[1].set_yticks(
        np.arange(len(words)) + 0.5, readable(list(words)), fontsize=size
    )
    axes[1].set_title(f"words, in {contacts.index[best]}")
    for one in axes:
        one.axvline(0, color="#202020", linewidth=0.7)
        one.set_xlabel("time (s)")
    if len(set(shaft_names(contacts))) == len(contacts) <= 30:
        axes[0].set_yticks(np.arange(len(contacts)) + 0.5, list(contacts.index))
    figure.colorbar(image, ax=axes, label="high-gamma power (dB)", aspect=22)
    return finish(figure, show)


def _ends(values):
    return float(values.min()), float(values.max())
