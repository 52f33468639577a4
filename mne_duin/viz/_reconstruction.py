"""What the codes keep of the signal: traces, error per contact, spectrum."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.signal import welch

from mne_duin.utils._checks import check_number, check_type
from mne_duin.viz._align import column_names
from mne_duin.viz._theme import (
    MODEL,
    MUTED,
    SIGNAL,
    STYLE,
    WIDTH,
    finish,
    given_axes,
    group_names,
    group_styles,
    theme,
)


def reconstruction_error(signal, reconstruction):
    """Relative squared error per channel: 0 is perfect, 1 is what a flat line gets.

    Parameters
    ----------
    signal, reconstruction : array, shape (n_epochs, n_channels, n_times)
        The signal and what was made out of its codes, on the same scale.

    Returns
    -------
    error : array, shape (n_channels,)
        Mean squared error divided by the variance of the channel; NaN for a flat
        channel.
    """
    squared = ((signal - reconstruction) ** 2).mean(axis=(0, 2))
    variance = signal.var(axis=(0, 2))
    return np.divide(
        squared, variance, out=np.full(len(squared), np.nan), where=variance > 0
    )


@theme(STYLE)
def plot_reconstruction(
    signal,
    reconstruction,
    contacts=None,
    *,
    sfreq,
    tmin=0.0,
    epoch=None,
    n_channels=8,
    unit="signal",
    title=None,
    axes=None,
    show=True,
):
    """Compare a signal with its reconstruction.

    Left: one epoch, channels taken evenly from the best to the worst reconstructed.
    Right: the error of every channel by region, and the mean power spectrum.

    Parameters
    ----------
    signal, reconstruction : array-like, shape (n_epochs, n_channels, n_times)
        The signal and what was made out of its codes, on the same scale.
    contacts : DataFrame | None
        Contacts, index = channel name, one row per channel in the same order.
    sfreq : float
        Sampling rate in Hz.
    tmin : float
        Time of the first sample in seconds.
    epoch : int | None
        Which epoch to show; None takes the one whose error is the median.
    n_channels : int
        How many channels to show at most.
    unit : str
        Unit of the data, for the scale bar and the spectrum; ``"V"`` is drawn as µV.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        Where to draw: the traces, the errors, the spectrum.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    signal, reconstruction = _check_pair(signal, reconstruction)
    check_number("sfreq", sfreq, low=0, closed=False)
    check_number("n_channels", n_channels, low=1, integer=True)
    names, groups = _channel_names(contacts, signal.shape[1])
    error = reconstruction_error(signal, reconstruction)
    if epoch is None:
        per_epoch = ((signal - reconstruction) ** 2).mean(axis=(1, 2))
        epoch = int(np.argsort(per_epoch, kind="stable")[len(per_epoch) // 2])
    check_number("epoch", epoch, low=0, high=len(signal) - 1, integer=True)
    shown = _spread(error, n_channels)
    if unit == "V":
        signal, reconstruction, unit = 1e6 * signal, 1e6 * reconstruction, "µV"
    if axes is None:
        figure = plt.figure(figsize=(WIDTH, max(0.42 * len(shown) + 0.9, 3.4)))
        grid = figure.add_gridspec(2, 2, width_ratios=[1.7, 1])
        axes = [figure.add_subplot(grid[k]) for k in (np.s_[:, 0], (0, 1), (1, 1))]
    else:
        figure, axes = given_axes(axes, 3)
    times = tmin + np.arange(signal.shape[2]) / sfreq
    pair = signal[epoch][shown], reconstruction[epoch][shown]
    labels = [f"{names[k]}\n{error[k]:.2f}" for k in shown]
    _draw_traces(axes[0], times, pair, labels, unit)
    axes[0].set_title(f"epoch {epoch} of {len(signal)}, relative error per channel")
    for one in axes[1:2]:
        _draw_errors(one, error, groups)
    for one in axes[2:]:
        _draw_spectrum(one, signal, reconstruction, sfreq, unit)
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _check_pair(signal, reconstruction):
    signal = np.asarray(signal, dtype=float)
    reconstruction = np.asarray(reconstruction, dtype=float)
    if signal.ndim != 3 or signal.shape != reconstruction.shape:
        raise ValueError(
            "`signal` and `reconstruction` must have the same shape (n_epochs, "
            f"n_channels, n_times); got {signal.shape} and {reconstruction.shape}."
        )
    return signal, reconstruction


def _channel_names(contacts, n_channels):
    """Return names and regions of the channels, numbers where there is no table."""
    if contacts is None:
        return [f"channel {k + 1}" for k in range(n_channels)], None
    check_type("contacts", contacts, pd.DataFrame)
    if len(contacts) != n_channels:
        raise ValueError(
            f"`contacts` must have one row per channel ({n_channels}); got "
            f"{len(contacts)}. Pick the same channels in both."
        )
    return list(contacts.index), group_names(column_names(contacts, "region"))


def _spread(error, n_channels):
    """Choose channels evenly over the ranking by error, best first."""
    order = np.argsort(np.nan_to_num(error, nan=np.inf), kind="stable")
    picks = np.linspace(0, len(order) - 1, min(n_channels, len(order)))
    return order[np.unique(picks.round().astype(int))]


def _draw_traces(axes, times, pair, names, unit):
    """Draw signal and reconstruction of each channel on its own baseline."""
    signal, model = pair
    step = 5.0 * np.median(signal.std(axis=1)) or 1.0
    for row in range(len(signal)):
        offset = -row * step
        middle = signal[row].mean()
        first = row == 0
        axes.plot(
            times, signal[row] - middle + offset, color=SIGNAL, linewidth=0.6,
            label="signal" if first else None,
        )  # fmt: skip
        axes.plot(
            times, model[row] - middle + offset, color=MODEL, linewidth=0.9,
            label="reconstruction" if first else None,
        )  # fmt: skip
    axes.set_yticks(-step * np.arange(len(signal)), names)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="time (s)", xlim=(times[0], times[-1]))
    highest = max((trace[0] - trace[0].mean()).max() for trace in pair)
    # The legend is above the first channel.
    axes.set_ylim(-step * (len(signal) - 0.35), max(highest, step * 0.6) + step * 0.55)
    axes.legend(loc="upper right", ncols=2, borderaxespad=0.0)
    _draw_scale_bar(axes, step, unit)


def _draw_scale_bar(axes, step, unit):
    """Draw a bar of a round height at the right edge, and write its height."""
    size = 10.0 ** np.floor(np.log10(step))
    size *= max(factor for factor in (1, 2, 5) if factor * size <= step)
    edge = axes.get_yaxis_transform()
    low = axes.get_ylim()[0]
    axes.plot(
        [1.01, 1.01], [low, low + size], transform=edge, color="#202020", linewidth=1.5,
        clip_on=False, solid_capstyle="butt",
    )  # fmt: skip
    axes.text(
        1.02, low + size / 2, f"{size:g} {unit}", transform=edge, rotation=90,
        ha="left", va="center", fontsize=6.5,
    )  # fmt: skip


def _draw_errors(axes, error, groups):
    """Draw one dot per channel by region, with the median of each region."""
    groups = ["all channels"] * len(error) if groups is None else groups
    styles = group_styles(groups)
    groups = np.array(groups)
    spread = np.random.default_rng(0)
    for row, (name, (color, marker)) in enumerate(styles.items()):
        values = error[groups == name]
        jitter = row + spread.uniform(-0.18, 0.18, len(values))
        axes.scatter(
            values, jitter, color=color, marker=marker, s=14, alpha=0.85,
            edgecolors="#303030", linewidths=0.3,
        )  # fmt: skip
        if np.isfinite(values).any():
            axes.plot(
                [np.nanmedian(values)] * 2, [row - 0.32, row + 0.32], color="#202020"
            )
    axes.axvline(1.0, color=MUTED, linestyle="--", linewidth=0.8)
    axes.set_yticks(range(len(styles)), styles)
    axes.set(ylim=(len(styles) - 0.4, -0.6), xlim=(0, None))
    axes.set(
        xlabel="relative error (1: as large as the signal)", title="error by region"
    )


def _draw_spectrum(axes, signal, reconstruction, sfreq, unit):
    """Draw the mean power spectra of both on logarithmic axes."""
    length = int(min(signal.shape[2], max(sfreq, 8)))
    for data, color, name in (
        (signal, SIGNAL, "signal"),
        (reconstruction, MODEL, "reconstruction"),
    ):
        frequencies, power = welch(data, sfreq, nperseg=length, axis=-1)
        mean = power.mean(axis=(0, 1))
        axes.loglog(frequencies[1:], mean[1:], color=color, label=name)
    power = f"power ({unit}²/Hz)"
    axes.set(xlabel="frequency (Hz)", ylabel=power, title="spectrum")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(frequencies[1], frequencies[-1])
    axes.legend()
