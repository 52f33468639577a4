"""The temporal kernels of every contact, drawn where the contact is."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from mne_duin.utils._checks import check_number
from mne_duin.viz._align import align_filters, shaft_names, takes_montage
from mne_duin.viz._choice import best_view
from mne_duin.viz._kernels import FLOOR, frequency_response
from mne_duin.viz._patches import draw_channels
from mne_duin.viz._theme import (
    MUTED,
    SEQUENTIAL,
    SHARES,
    STYLE,
    WIDTH,
    add_footnote,
    finish,
    get_axes,
    theme,
)
from mne_duin.viz.brain._glass import (
    brain_positions,
    draw_brain,
    draw_markers,
    draw_sides,
    marker_area,
)
from mne_duin.viz.brain._montage import montage_grid

CELL = 0.42  # half the height and width of a kernel; neighbors are 1 apart


@theme(STYLE)
@takes_montage
def plot_contact_kernels(kernels, contacts, *, sfreq, title=None, axes=None, show=True):
    """Plot the temporal kernels of every contact on the montage.

    A map of shafts by contact numbers shows the kernels themselves, colored by the
    center frequency of what they let through; a glass brain shows the center frequency
    where the contacts are; a map of channels by frequencies shows all responses.

    Parameters
    ----------
    kernels : array-like
        Shape (n_channels, n_times) or (n_channels, n_kernels, n_times), in the order of
        ``contacts``; the weights of a depthwise convolution.
    contacts : DataFrame | DigMontage | Info | Raw | Epochs
        Contacts, index = channel name; or an object of MNE with their positions.
    sfreq : float
        Sampling rate in Hz.
    title : str | None
        Title of the figure.
    axes : Axes | None
        Where to draw the kernels on the montage, without brain and responses.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.

    Raises
    ------
    ValueError
        If the kernels do not have one row per contact.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import make_contacts, plot_contact_kernels
    >>> places = {"A1": (-40.0, -20.0, 8.0), "A2": (-44.0, -20.0, 8.0)}
    >>> contacts = make_contacts(places, space="MNI152")
    >>> kernels = np.hanning(19) * np.ones((2, 1))
    >>> figure = plot_contact_kernels(kernels, contacts, sfreq=1000.0, show=False)
    """
    check_number("sfreq", sfreq, low=0, closed=False)
    kernels = np.asarray(kernels, dtype=float)
    kernels = kernels[:, None] if kernels.ndim == 2 else kernels
    if kernels.ndim != 3:
        raise ValueError(
            "`kernels` must have shape (n_channels, n_times) or (n_channels, "
            f"n_kernels, n_times); got {kernels.shape}."
        )
    align_filters(kernels[:, 0].T, contacts, "kernels")
    centers = center_frequencies(kernels, sfreq)
    scale = _frequency_scale(centers)
    if axes is not None:
        figure, axes = get_axes(axes, None)
        _draw_cells(axes, kernels, contacts, centers, scale)
        _add_bar(figure, axes, scale)
    else:
        figure, note = _plot_all(kernels, contacts, centers, scale, sfreq)
        milliseconds = 1000 * kernels.shape[2] / sfreq
        size = (
            f"Each cell: {milliseconds:.0f} ms across, "
            f"±{np.abs(kernels).max():.2g} in height; the line is zero."
        )
        add_footnote(figure, "\n".join(one for one in (size, note) if one))
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def center_frequencies(kernels, sfreq):
    """Return the mean frequency that the kernels of each contact let through.

    Parameters
    ----------
    kernels : array, shape (n_channels, n_kernels, n_times)
        The kernels.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    centers : array, shape (n_channels,)
        Mean frequency in Hz weighted with the power gain; NaN for kernels of zeros.
    """
    frequencies, response = frequency_response(kernels, sfreq)
    gain = 10 ** (response / 10)
    silent = ~np.abs(kernels).max(axis=(1, 2)).astype(bool)
    centers = (gain * frequencies).sum(axis=1) / gain.sum(axis=1)
    return np.where(silent, np.nan, centers)


def _frequency_scale(centers):
    """Return the map and limits of the center frequencies."""
    known = centers[np.isfinite(centers)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    room = max(0.05 * (high + low) / 2, 1.0) if high - low < 2 else 0.0
    return SEQUENTIAL, plt.Normalize(low - room, high + room)


def _add_bar(figure, axes, scale, **options):
    bar = plt.cm.ScalarMappable(scale[1], scale[0])
    figure.colorbar(bar, ax=axes, label="center frequency (Hz)", **options)


def _plot_all(kernels, contacts, centers, scale, sfreq):
    """Draw the montage of kernels, the brain, and the responses."""
    n_shafts = len(set(shaft_names(contacts)))
    xyz, note = brain_positions(contacts)
    located = bool(np.isfinite(xyz).all(axis=1).any())
    height = float(np.clip(0.9 + 0.42 * n_shafts, 2.4, 9.0))
    figure = plt.figure(figsize=(WIDTH, height + 2.3))
    top, bottom = figure.subfigures(2, 1, height_ratios=[height, 2.2])
    cells = top.subplots()
    _draw_cells(cells, kernels, contacts, centers, scale)
    cells.set_title("temporal kernels")
    below = bottom.subplots(1, 2 if located else 1, squeeze=False)[0]
    _draw_responses(bottom, below[-1], kernels, contacts, sfreq)
    if located:
        view = best_view(xyz)
        draw_brain(below[0], view, notes=False)
        draw_sides(below[0], view)
        colors = scale[0](scale[1](centers))
        colors[~np.isfinite(centers)] = (1, 1, 1, 1)
        area = np.full(len(centers), marker_area(len(centers)))
        draw_markers(below[0], xyz, view, colors=colors, sizes=area)
        below[0].set_title("center frequency")
    _add_bar(top, cells, scale, shrink=0.7, aspect=22)
    return figure, note


def _draw_cells(axes, kernels, contacts, centers, scale):
    """Draw the kernels of every contact in its cell of the montage."""
    grid, shafts = montage_grid(np.arange(len(kernels), dtype=float), contacts)
    limit = float(np.abs(kernels).max()) or 1.0
    across = np.linspace(-CELL, CELL, kernels.shape[2])
    lines, colors, rules = [], [], []
    for row, place in np.argwhere(np.isfinite(grid)):
        channel = int(grid[row, place])
        x, y = place + 1 + across, row - CELL * kernels[channel] / limit
        lines += [np.column_stack([x, one]) for one in y]
        color = scale[0](scale[1](centers[channel]))
        colors += [color if np.isfinite(centers[channel]) else MUTED] * len(y)
        rules.append([(x[0], row), (x[-1], row)])
    axes.add_collection(LineCollection(rules, colors="#D8D8D8", linewidths=0.5))
    width = 1.2 if len(lines) < 80 else 0.7
    axes.add_collection(LineCollection(lines, colors=colors, linewidths=width))
    axes.set(xlim=(0.4, grid.shape[1] + 0.6), ylim=(len(shafts) - 0.4, -0.6))
    axes.set_yticks(range(len(shafts)), shafts, fontsize=7 if len(shafts) < 25 else 5)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True, min_n_ticks=1))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="contact number", ylabel="shaft")


def _draw_responses(figure, axes, kernels, contacts, sfreq):
    """Draw channels by frequencies."""
    frequencies, response = frequency_response(kernels, sfreq)
    step = frequencies[1] - frequencies[0]
    edges = np.r_[frequencies, frequencies[-1] + step]
    scale = SHARES, plt.Normalize(FLOOR, 0)
    image = draw_channels(axes, response, contacts, edges, scale)
    axes.set(xlabel="frequency (Hz)", title="frequency response")
    figure.colorbar(image, ax=axes, label="gain (dB)", aspect=16)
