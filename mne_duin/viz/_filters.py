"""What each spatial filter weighs: one brain, one montage, one kernel per filter."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import cKDTree

from mne_duin.utils.checks import check_number
from mne_duin.viz._align import align_filters, shaft_names
from mne_duin.viz._theme import (
    MUTED,
    STYLE,
    WIDTH,
    add_footnote,
    finish,
    given_axes,
    theme,
    value_scale,
)
from mne_duin.viz.brain._glass import (
    VIEWS,
    brain_positions,
    draw_brain,
    draw_markers,
    marker_area,
)
from mne_duin.viz.brain._montage import draw_montage

ROW = 1.12  # inches per filter
PARTS = {"brain": 0.8, "montage": 1.25, "kernels": 0.9}  # relative widths


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
    axes=None,
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
    axes : Axes | sequence of Axes | None
        One per filter, for its brain alone (its heat map, where there are no
        coordinates); the strongest filters are shown.
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
    xyz, note = brain_positions(contacts)
    located = bool(np.isfinite(xyz).all(axis=1).any())
    parts = ["brain"] * located + ["montage"] + ["kernels"] * (kernels is not None)
    if axes is None:
        shown = strongest(weights, n_filters)
        figure, blocks, place = _filter_grid(len(shown), parts, n_shafts)
    else:
        figure, axes = given_axes(axes, min(n_filters, len(weights)))
        shown = strongest(weights, len(axes))
        parts, blocks, place = parts[:1], [[one] for one in axes], {"ax": axes}
    scale = value_scale(weights[shown], symmetric=True)
    view = best_view(xyz) if view == "auto" else view
    for rank, (row, block) in enumerate(zip(shown, blocks, strict=True)):
        block[0].set_title(f"filter {row + 1}", fontsize=7.5, pad=2)
        panels = dict(zip(parts, block, strict=True))
        named = rank >= len(shown) - 2
        if "brain" in panels:
            _draw_filter_brain(panels["brain"], weights[row], xyz, view, scale)
        if "montage" in panels:
            _draw_cells(panels["montage"], weights[row], contacts, scale, named)
        if "kernels" in panels:
            _draw_kernels(panels["kernels"], kernels[row], sfreq, named)
    mappable = plt.cm.ScalarMappable(scale[1], scale[0])
    figure.colorbar(mappable, orientation="horizontal", label=label, **place)
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
    label="pattern",
    title=None,
    axes=None,
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
    label : str
        What the values are, beside the colour bar.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        One per pattern, as in `plot_spatial_filters`.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    return plot_spatial_filters(
        patterns, contacts, n_filters=n_filters, view=view, label=label,
        title=title, axes=axes, show=show,
    )  # fmt: skip


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


def _filter_grid(n_filters, parts, n_shafts):
    """Make two blocks of axes per row and say where the colour bar goes."""
    columns = 1 if n_filters == 1 else 2
    rows = -(-n_filters // columns)
    height = max(ROW, 0.35 + 0.075 * n_shafts)
    widths = [PARTS[part] for part in parts]
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
    bar = figure.add_subplot(grid[-1, middle : len(widths) * columns - middle])
    return figure, blocks, {"cax": bar}


def _draw_filter_brain(axes, weights, xyz, view, scale):
    """Draw one filter's weights on one glass brain."""
    cmap, norm = scale
    draw_brain(axes, view, notes=False)
    area = np.full(len(weights), 0.6 * marker_area(len(weights)))
    draw_markers(
        axes, xyz, view, colors=cmap(norm(weights)), sizes=area,
        linewidth=0.3 if len(weights) < 60 else 0.1, rank=np.abs(weights),
    )  # fmt: skip


def _draw_cells(axes, weights, contacts, scale, named):
    """Draw one filter's weights as shafts by contact numbers."""
    cmap, norm = scale
    ticks = "small" if named else "rows"
    draw_montage(axes, weights, contacts, cmap=cmap, norm=norm, ticks=ticks)


def _draw_kernels(axes, kernels, sfreq, named):
    """Draw kernels as thin lines and the shape they share most as a thick one."""
    n_times = kernels.shape[1]
    times = np.arange(n_times) * (1000.0 / sfreq if sfreq else 1.0)
    axes.axhline(0, color=MUTED, linewidth=0.5)
    if len(kernels) > 1:
        look = {"color": MUTED, "linewidth": 0.3, "alpha": 0.5, "rasterized": True}
        axes.plot(times, kernels.T, **look)
    left, size, shape = np.linalg.svd(kernels, full_matrices=False)
    sign = np.sign(left[:, 0].sum()) or 1.0
    height = size[0] / np.sqrt(len(kernels))
    axes.plot(times, sign * height * shape[0], color="#202020", linewidth=1.1)
    axes.set(yticks=[], xlim=(times[0], max(times[-1], times[0] + 1e-9)))
    axes.tick_params(labelbottom=named, labelsize=6)
    if named:
        axes.set_xlabel("ms" if sfreq else "samples", fontsize=6.5, labelpad=1)
    axes.spines["left"].set_visible(False)


ALIKE = 0.8  # correlation from which on two filters count as the same one


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


def distinct(filters, n_filters, *, alike=ALIKE):
    """Choose the strongest filters that are not copies of each other in time.

    A patch encoder applies the same convolutions at every step of a patch, so its
    largest filters are often one filter at several times. A filter is passed over if,
    shifted in time, it correlates with a chosen one (in absolute value) beyond
    ``alike``; shifts count that leave half of the power of both filters inside.

    Parameters
    ----------
    filters : array, shape (n_filters, n_channels, n_times)
        The filters.
    n_filters : int
        How many to choose at most.
    alike : float
        The correlation.

    Returns
    -------
    rows : array of int
        Their positions, the strongest first.
    """
    power = (filters**2).sum(axis=(1, 2))
    chosen, left = [], [int(row) for row in np.argsort(-power, kind="stable")]
    left = [row for row in left if power[row] > 0] or left[:1]
    while left and len(chosen) < n_filters:
        chosen.append(left[0])
        likeness = _shifted_correlation(filters[left[0]], filters[left])
        left = [
            row for row, one in zip(left[1:], likeness[1:], strict=True) if one < alike
        ]
    return np.array(chosen)


def _shifted_correlation(filter_, others):
    """Greatest absolute correlation of a filter with others over shifts in time."""
    n_times = filter_.shape[-1]
    length = 2 * n_times
    spectrum = np.fft.rfft(filter_, length).conj()
    product = (np.fft.rfft(others, length) * spectrum).sum(axis=1)
    # At shift k sample t of the filter meets sample t + k of the other one.
    shifts = np.arange(1 - n_times, n_times)
    product = np.fft.irfft(product, length)[:, shifts]
    own = _power_inside(filter_[None], -shifts)
    other = _power_inside(others, shifts)
    inside = (own > 0.5 * own.max()) & (other > 0.5 * other.max(axis=1, keepdims=True))
    scale = np.sqrt(np.maximum(own * other, np.finfo(float).tiny))
    return np.where(inside, np.abs(product) / scale, 0.0).max(axis=1)


def _power_inside(filters, shifts):
    """Power of the samples that stay inside when samples k, k + 1, … become the first.

    Shape (n_filters, n_shifts); a shift below zero moves the filter out at its end.
    """
    power = (filters**2).sum(axis=1)
    total = np.concatenate([0 * power[:, :1], power.cumsum(axis=1)], axis=1)
    n_times = power.shape[1]
    first, last = np.maximum(shifts, 0), n_times + np.minimum(shifts, 0)
    return total[:, last] - total[:, first]
