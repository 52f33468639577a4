"""What each spatial filter weighs: one brain, one montage, one kernel per filter."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import cKDTree

from mne_duin.utils.checks import check_number
from mne_duin.viz.contacts import marker_area
from mne_duin.viz.glass import VIEWS, brain_positions, draw_brain, draw_markers
from mne_duin.viz.montage import draw_montage
from mne_duin.viz.tables import align_filters, shaft_names
from mne_duin.viz.theme import (
    MUTED,
    STYLE,
    WIDTH,
    add_footnote,
    finish,
    theme,
    value_scale,
)

ROW = 1.12  # inches per filter


def best_view(xyz):
    """Choose the view in which the contacts lie farthest apart.

    Parameters
    ----------
    xyz : array, shape (n_contacts, 3)
        MNI152 coordinates in mm; NaN are ignored.

    Returns
    -------
    view : str
        The view with the largest median distance to the nearest neighbour; a side
        view only if no contact is on the other side.
    """
    known = xyz[np.isfinite(xyz).all(axis=1)]
    views = ["y", "z"]
    if len(known) and not (known[:, 0] > 0).any():
        views.insert(0, "l")
    if len(known) and not (known[:, 0] < 0).any():
        views.insert(0, "r")
    if len(known) < 2:
        return views[0]
    flat = [known[:, VIEWS[view][:2]] for view in views]
    gaps = [np.median(cKDTree(xy).query(xy, k=2)[0][:, 1]) for xy in flat]
    return views[int(np.argmax(gaps))]


@theme(STYLE)
def plot_spatial_filters(
    weights,
    contacts,
    *,
    kernels=None,
    sfreq=None,
    n_filters="auto",
    view="auto",
    label="weight",
    title=None,
    show=True,
):
    """Show the weights of each spatial filter on the montage.

    Every filter has a glass brain, a heat map of shafts by contact numbers and, where
    given, its temporal kernels. All share one diverging map with symmetric limits.

    Parameters
    ----------
    weights : DataFrame | array-like, shape (n_filters, n_channels)
        Weights of one subject. The columns of a DataFrame are channel names.
    contacts : DataFrame
        Contacts, index = channel name.
    kernels : array-like | None
        Shape (n_filters, n_times) or (n_filters, n_kernels, n_times): the temporal
        kernels that follow each filter. Of several, the thick line is the shape they
        share most (first singular vector).
    sfreq : float | None
        Sampling rate in Hz, for the kernels' time axis; None counts samples.
    n_filters : int | "auto"
        How many filters are shown at most, the strongest (largest norm) ones;
        ``"auto"`` shows 16, or 8 where the montage has more than 12 shafts.
    view : "auto" | "l" | "r" | "y" | "z"
        View of the brains; ``"auto"`` takes the one with the contacts farthest apart.
    label : str
        What the values are, beside the colour bar.
    title : str | None
        Title of the figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    weights, contacts = align_filters(weights, contacts, "weights")
    kernels = _check_kernels(kernels, len(weights))
    n_shafts = len(set(shaft_names(contacts)))
    n_filters = (16 if n_shafts <= 12 else 8) if n_filters == "auto" else n_filters
    check_number("n_filters", n_filters, low=1, integer=True)
    shown = strongest(weights, n_filters)
    xyz, note = brain_positions(contacts)
    view = best_view(xyz) if view == "auto" else view
    located = bool(np.isfinite(xyz).all(axis=1).any())
    figure, blocks, bar = _filter_grid(
        len(shown), located, kernels is not None, n_shafts
    )
    scale = value_scale(weights[shown], symmetric=True)
    for rank, (row, axes) in enumerate(zip(shown, blocks, strict=False)):
        last = rank >= len(shown) - 2
        axes[0].set_title(f"filter {row + 1}", fontsize=7.5, pad=2)
        if located:
            _draw_filter_brain(axes.pop(0), weights[row], xyz, view, scale)
        draw_montage(
            axes.pop(0), weights[row], contacts, cmap=scale[0], norm=scale[1],
            ticks="small" if last else "rows",
        )  # fmt: skip
        if axes:
            _draw_kernels(axes[0], kernels[row], sfreq, last)
    mappable = plt.cm.ScalarMappable(scale[1], scale[0])
    figure.colorbar(mappable, cax=bar, orientation="horizontal", label=label)
    hidden = len(weights) - len(shown)
    more = [f"{hidden} weaker filters are not shown."] * bool(hidden)
    add_footnote(figure, "\n".join([note] * bool(note) + more))
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


@theme(STYLE)
def plot_patterns(
    patterns,
    contacts,
    *,
    n_filters="auto",
    view="auto",
    title=None,
    show=True,
):
    """Show forward-model patterns: how strongly each source appears on each channel.

    Unlike weights, which may be large only to cancel noise, patterns can be read as
    places (Haufe et al., NeuroImage 2014).

    Parameters
    ----------
    patterns : DataFrame | array-like, shape (n_filters, n_channels)
        Patterns of one subject. The columns of a DataFrame are channel names.
    contacts : DataFrame
        Contacts, index = channel name.
    n_filters : int | "auto"
        How many patterns are shown at most, the strongest ones.
    view : "auto" | "l" | "r" | "y" | "z"
        View of the brains.
    title : str | None
        Title of the figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    return plot_spatial_filters(
        patterns, contacts, n_filters=n_filters, view=view, label="pattern",
        title=title, show=show,
    )  # fmt: skip


def strongest(filters, n_filters):
    """Choose the filters with the largest norm.

    Parameters
    ----------
    filters : array, shape (n_filters, ...)
        The filters.
    n_filters : int
        How many to choose at most.

    Returns
    -------
    rows : array of int
        Their positions, in their own order.
    """
    norms = np.linalg.norm(filters.reshape(len(filters), -1), axis=1)
    return np.sort(np.argsort(-norms, kind="stable")[:n_filters])


def _check_kernels(kernels, n_filters):
    """Return kernels as (n_filters, n_kernels, n_times), None if there are none."""
    if kernels is None:
        return None
    kernels = np.asarray(kernels, dtype=float)
    kernels = kernels[:, None] if kernels.ndim == 2 else kernels
    if kernels.ndim != 3 or len(kernels) != n_filters:
        raise ValueError(
            f"`kernels` must have shape ({n_filters}, n_times) or ({n_filters}, "
            f"n_kernels, n_times); got {kernels.shape}."
        )
    return kernels


def _filter_grid(n_filters, located, with_kernels, n_shafts):
    """Make two blocks of axes per row and one axes for the colour bar."""
    columns = 1 if n_filters == 1 else 2
    rows = -(-n_filters // columns)
    height = max(ROW, 0.35 + 0.075 * n_shafts)
    widths = [0.8] * located + [1.25] + [0.9] * with_kernels
    width = WIDTH if columns == 2 else 0.62 * WIDTH
    figure = plt.figure(figsize=(width, height * rows + 0.85))
    grid = figure.add_gridspec(
        rows + 1, len(widths) * columns, width_ratios=widths * columns,
        height_ratios=[height] * rows + [0.07],
    )  # fmt: skip
    step = len(widths)
    blocks = [
        [
            figure.add_subplot(grid[k // columns, (k % columns) * step + part])
            for part in range(step)
        ]
        for k in range(n_filters)
    ]
    middle = max(len(widths) * columns // 4, 0)
    return (
        figure,
        blocks,
        figure.add_subplot(grid[-1, middle : len(widths) * columns - middle]),
    )


def _draw_filter_brain(axes, weights, xyz, view, scale):
    """Draw one filter's weights on one glass brain."""
    cmap, norm = scale
    draw_brain(axes, view, notes=False)
    area = np.full(len(weights), 0.6 * marker_area(len(weights)))
    draw_markers(
        axes, xyz, view, colors=cmap(norm(weights)), sizes=area,
        linewidth=0.3 if len(weights) < 60 else 0.1, rank=np.abs(weights),
    )  # fmt: skip


def _draw_kernels(axes, kernels, sfreq, named):
    """Draw kernels as thin lines and the shape they share most as a thick one."""
    n_times = kernels.shape[1]
    times = np.arange(n_times) * (1000.0 / sfreq if sfreq else 1.0)
    axes.axhline(0, color=MUTED, linewidth=0.5)
    if len(kernels) > 1:
        axes.plot(times, kernels[:64].T, color=MUTED, linewidth=0.3, alpha=0.5)
    left, size, shape = np.linalg.svd(kernels, full_matrices=False)
    sign = np.sign(left[:, 0].sum()) or 1.0
    height = size[0] / np.sqrt(len(kernels))
    axes.plot(times, sign * height * shape[0], color="#202020", linewidth=1.1)
    axes.set(yticks=[], xlim=(times[0], max(times[-1], times[0] + 1e-9)))
    axes.tick_params(labelbottom=named, labelsize=6)
    if named:
        axes.set_xlabel("ms" if sfreq else "samples", fontsize=6.5, labelpad=1)
    axes.spines["left"].set_visible(False)
