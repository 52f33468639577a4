"""The folded patch encoder: receptive fields of token features in space and time."""

import matplotlib.pyplot as plt
import numpy as np

from mne_duin.utils._checks import check_number
from mne_duin.utils._numbers import percent
from mne_duin.viz._align import align_filters, shaft_names, takes_montage
from mne_duin.viz._choice import best_view, distinct
from mne_duin.viz._kernels import frequency_response
from mne_duin.viz._theme import (
    MODEL,
    MUTED,
    STYLE,
    TRAIN,
    WIDTH,
    add_footnote,
    finish,
    given_axes,
    theme,
    value_scale,
)
from mne_duin.viz.brain._glass import brain_positions, draw_brain, draw_markers


def split_rank_one(filters):
    """Split each filter into its best place and time course (first singular vectors).

    Parameters
    ----------
    filters : array, shape (n_filters, n_channels, n_times)
        The filters.

    Returns
    -------
    places : array, shape (n_filters, n_channels)
        Weights over channels, the largest one positive.
    courses : array, shape (n_filters, n_times)
        Time courses of unit norm.
    share : array, shape (n_filters,)
        How much of each filter's power that product holds.
    """
    left, size, right = np.linalg.svd(filters, full_matrices=False)
    places = left[:, :, 0] * size[:, :1]
    courses = right[:, 0]
    peak = np.abs(places).argmax(axis=1)
    sign = np.sign(places[np.arange(len(places)), peak])
    sign[sign == 0] = 1.0
    total = np.maximum((size**2).sum(axis=1), np.finfo(float).tiny)
    return places * sign[:, None], courses * sign[:, None], size[:, 0] ** 2 / total


@theme(STYLE)
@takes_montage
def plot_patch_filters(
    filters, contacts, *, sfreq, n_filters=6, title=None, axes=None, show=True
):
    """Show the folded patch encoder as spatio-temporal filters.

    Without activations, spatial map, convolutions and normalisations fold into one
    matrix: each number of a token is one filter over channels and time. Each row has
    the filter, the place and the time course that describe it best, and its frequency
    response.

    Parameters
    ----------
    filters : array-like, shape (n_filters, n_channels, n_times)
        The folded matrix of one subject, channels in the order of ``contacts``.
    contacts : DataFrame | DigMontage | Info | Raw | Epochs
        Contacts, index = channel name; or an object of MNE with their positions.
    sfreq : float
        Sampling rate in Hz.
    n_filters : int
        How many filters are shown at most: the strongest (largest norm) ones that are
        not one another at another time of the patch.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        One per filter, for its map of channels by time alone.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    check_number("sfreq", sfreq, low=0, closed=False)
    check_number("n_filters", n_filters, low=1, integer=True)
    filters = np.asarray(filters, dtype=float)
    if filters.ndim != 3:
        raise ValueError(
            "`filters` must have shape (n_filters, n_channels, n_times); got "
            f"{filters.shape}."
        )
    align_filters(filters[..., 0], contacts, "filters")
    shown = distinct(filters, n_filters)
    if axes is None:
        figure = _plot_rows(filters[shown], shown, contacts, sfreq)
    else:
        figure, axes = given_axes(axes, len(shown))
        shown = shown[: len(axes)]
        _draw_maps(figure, axes, filters[shown], shown, contacts, sfreq)
    hidden = len(filters) - len(shown)
    if hidden:
        text = "filters, weaker or alike at another time, are not shown."
        add_footnote(figure, f"{hidden} further {text}")
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _draw_maps(figure, axes, filters, numbers, contacts, sfreq):
    """Draw channels by time of each filter and one color bar."""
    milliseconds = np.arange(filters.shape[2] + 1) * 1000.0 / sfreq
    scale = value_scale(filters, symmetric=True)
    for one, filter_, number in zip(axes, filters, numbers, strict=True):
        image = draw_channels(one, filter_, contacts, milliseconds, scale)
        one.set_title(f"token dimension {number + 1}", fontsize=7.5)
        one.set_xlabel("time (ms)")
    figure.colorbar(image, ax=axes, label="weight", shrink=0.7)


def _plot_rows(filters, numbers, contacts, sfreq):
    """Draw one row per filter."""
    xyz, _ = brain_positions(contacts)
    located = bool(np.isfinite(xyz).all(axis=1).any())
    places, courses, share = split_rank_one(filters)
    frequencies, response = frequency_response(filters, sfreq)
    figure, axes = plt.subplots(
        len(filters), 4, figsize=(WIDTH, 1.35 * len(filters) + 0.7), squeeze=False,
        width_ratios=[1.5, 0.9, 1, 1.1],
    )  # fmt: skip
    milliseconds = np.arange(filters.shape[2] + 1) * 1000.0 / sfreq
    scale = value_scale(filters, symmetric=True)
    for row, one in enumerate(axes):
        image = draw_channels(one[0], filters[row], contacts, milliseconds, scale)
        one[0].set_title(f"token dimension {numbers[row] + 1}", fontsize=7.5)
        _draw_place(one[1], places[row], xyz, located)
        one[1].set_title("spatial weights", fontsize=7)
        one[2].plot(milliseconds[:-1], courses[row], color=TRAIN)
        one[2].set_title(
            f"time course, {percent(share[row], 0)} of the power", fontsize=7
        )
        one[3].plot(frequencies, response[row], color=MODEL)
        one[3].set(
            xscale="log", ylim=(-40, 2), ylabel="gain (dB)", yticks=[-40, -20, 0]
        )
        one[3].set_xlim(max(5.0, frequencies[1]), frequencies[-1])
        one[3].xaxis.set_major_formatter("{x:g}")
        one[2].set(yticks=[], xlim=(0, milliseconds[-1]))
        one[2].axhline(0, color=MUTED, linewidth=0.5)
    for one, text in zip(
        axes[-1][[0, 2, 3]], ("time (ms)", "time (ms)", "frequency (Hz)"), strict=True
    ):
        one.set_xlabel(text)
    figure.colorbar(
        image, ax=axes[:, :2], orientation="horizontal", shrink=0.5, aspect=40,
        label="weight", pad=0.02,
    )  # fmt: skip
    return figure


def draw_channels(axes, weights, contacts, milliseconds, scale):
    """Draw channels by time, with lines and names between the shafts.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    weights : array, shape (n_channels, n_times)
        The values.
    contacts : DataFrame
        Contacts in the same order.
    milliseconds : array, shape (n_times + 1,)
        Edges of the samples.
    scale : tuple of Colormap, Normalize
        Colors and limits.

    Returns
    -------
    image : QuadMesh
        The cells, for a color bar.
    """
    cmap, norm = scale
    image = axes.pcolormesh(
        milliseconds, np.arange(len(weights) + 1), weights, cmap=cmap, norm=norm,
        rasterized=True,
    )  # fmt: skip
    shafts = shaft_names(contacts)
    starts = np.flatnonzero(np.r_[True, shafts[1:] != shafts[:-1]])
    for start in starts[1:]:
        axes.axhline(start, color="#404040", linewidth=0.6 if len(starts) < 10 else 0.2)
    middles = (starts + np.r_[starts[1:], len(shafts)]) / 2
    step = -(-len(starts) // 9)  # more names than these would overlap
    axes.set_yticks(middles[::step], shafts[starts][::step], fontsize=6.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(weights), 0)
    return image


def _draw_place(axes, place, xyz, located):
    """Draw the weights over channels on one brain, scaled to this filter."""
    if not located:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no coordinates", ha="center", fontsize=6.5, color=MUTED)
        return
    cmap, norm = value_scale(place, symmetric=True)
    view = best_view(xyz)
    draw_brain(axes, view, notes=False)
    area = np.full(len(place), 7.0 if len(place) < 60 else 4.0)
    draw_markers(
        axes, xyz, view, colors=cmap(norm(place)), sizes=area, linewidth=0.2,
        rank=np.abs(place),
    )  # fmt: skip
