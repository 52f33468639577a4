"""The codex as a whole: how its codes are used and how they lie to each other."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from mne_duin.utils._checks import check_option
from mne_duin.viz._align import as_frame
from mne_duin.viz._text import place_labels, readable
from mne_duin.viz._theme import (
    MUTED,
    PALETTE,
    SEQUENTIAL,
    STYLE,
    TRAIN,
    WIDTH,
    add_note,
    finish,
    get_axes,
    legend_below,
    share_ticks,
    theme,
)


def code_usage(counts):
    """Summarize how often the codes are used.

    Parameters
    ----------
    counts : array-like, shape (n_codes,)
        How often each code was chosen; moving averages are fine.

    Returns
    -------
    summary : dict
        ``n_codes``; ``used`` and ``dead`` (codes with and without any count);
        ``perplexity`` (2 to the entropy in bits: the number of codes that, used
        evenly, would carry as much).

    Raises
    ------
    ValueError
        If counts are negative, not finite or not one-dimensional.
    """
    counts = np.asarray(counts, dtype=float)
    if counts.ndim != 1 or not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError(
            "`counts` must be finite and not negative, shape (n_codes,); got shape "
            f"{counts.shape}."
        )
    used = int((counts > 0).sum())
    share = counts[counts > 0] / max(counts.sum(), np.finfo(float).tiny)
    perplexity = float(np.exp(-(share * np.log(share)).sum())) if used else 0.0
    return {
        "n_codes": counts.size,
        "used": used,
        "dead": counts.size - used,
        "perplexity": perplexity,
    }


@theme(STYLE)
def plot_code_usage(counts, history=None, *, title=None, axes=None, show=True):
    """Show sorted usage of the codes, dead codes and perplexity, over passes too.

    Parameters
    ----------
    counts : array-like, shape (n_codes,)
        How often each code was chosen.
    history : DataFrame | object with ``to_frame()`` | None
        History with ``codes_used`` and ``perplexity``; makes a second panel.
    title : str | None
        Title of the figure.
    axes : Axes | None
        Where to draw the sorted usage (no second panel then).
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    summary = code_usage(counts)
    frame = None if history is None or axes is not None else as_frame(history)
    columns = ["codes_used", "perplexity"]
    known = [] if frame is None else [name for name in columns if name in frame]
    if known:
        figure, (axes, over) = plt.subplots(
            1, 2, figsize=(WIDTH, 2.5), width_ratios=[1.6, 1]
        )
        _draw_passes(over, frame, known, summary["n_codes"])
    else:
        figure, axes = get_axes(axes, (4.6, 2.5))
    _draw_usage(axes, np.asarray(counts, dtype=float), summary)
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _draw_usage(axes, counts, summary):
    """Draw the sorted fractions as a filled curve with the numbers next to it."""
    n_codes, used = summary["n_codes"], summary["used"]
    text = f"{used} of {n_codes} codes used, perplexity {summary['perplexity']:.0f}"
    axes.set_title(text)
    if not used:
        add_note(axes, "No code was ever chosen.")
        return
    share = np.sort(counts)[::-1] / counts.sum()
    edges = np.arange(n_codes + 1)
    low = share[used - 1] / 2
    axes.stairs(
        share[:used],
        edges[: used + 1],
        baseline=low,
        fill=True,
        color=TRAIN,
        alpha=0.85,
    )
    axes.axhline(1 / n_codes, color=PALETTE[0], linewidth=0.9, linestyle="--")
    axes.annotate(
        "even use", (0.99, 1 / n_codes), xycoords=("axes fraction", "data"), ha="right",
        va="bottom", fontsize=7, color=PALETTE[0],
    )  # fmt: skip
    if summary["dead"]:
        _shade_dead(axes, used, n_codes)
    axes.set_yscale("log")
    share_ticks(axes.yaxis)
    axes.set(xlim=(0, n_codes), ylim=(low, 2 * share[0]))
    axes.set(xlabel="code, sorted by use", ylabel="proportion of tokens")


def _shade_dead(axes, used, n_codes):
    """Shade the places of the dead codes and count them."""
    dead = n_codes - used
    axes.axvspan(used, n_codes, color=MUTED, alpha=0.2, linewidth=0)
    axes.annotate(
        f"{dead} dead", ((used + n_codes) / 2, 0.25), va="center", ha="center",
        xycoords=("data", "axes fraction"), fontsize=7, color="#404040",
        rotation=90 if dead < 0.2 * n_codes else 0,
    )  # fmt: skip


def _draw_passes(axes, frame, columns, n_codes):
    for name, color in zip(
        ("codes_used", "perplexity"), (TRAIN, PALETTE[2]), strict=True
    ):
        if name in columns:
            axes.plot(
                frame["pass"], frame[name], color=color, label=name.replace("_", " ")
            )
    axes.axhline(
        n_codes, color=MUTED, linewidth=0.8, linestyle="--", label="codex size"
    )
    axes.set(
        xlabel="pass", ylabel="codes", ylim=(0, None), title="codes in use, by pass"
    )
    legend_below(axes)


@theme(STYLE)
def plot_codex(
    codebook,
    counts=None,
    *,
    method="pca",
    groups=None,
    random_state=0,
    title=None,
    axes=None,
    show=True,
):
    """Map the codex to two dimensions, codes close together being alike.

    Parameters
    ----------
    codebook : array-like, shape (n_codes, code_dim)
        The codes; their directions are compared.
    counts : array-like, shape (n_codes,) | None
        How often each code was chosen: size and color; dead codes are grey.
    method : "pca" | "tsne"
        Linear projection, whose axes say how much variance they hold, or t-SNE, whose
        distances between clusters mean nothing.
    groups : array-like of str, shape (n_codes,) | None
        A name per code, for instance the word it favours; drawn next to the ten codes
        used most.
    random_state : int
        Seed of t-SNE.
    title : str | None
        Title of the axes.
    axes : Axes | None
        Where to draw.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import plot_codex
    >>> codebook = np.random.default_rng(0).standard_normal((16, 4))
    >>> figure = plot_codex(codebook, np.arange(16), show=False)
    """
    check_option("method", method, ["pca", "tsne"])
    codebook = np.asarray(codebook, dtype=float)
    if codebook.ndim != 2:
        raise ValueError(
            f"`codebook` must have shape (n_codes, code_dim); got {codebook.shape}."
        )
    counts = np.ones(len(codebook)) if counts is None else np.asarray(counts, float)
    if counts.shape != (len(codebook),):
        raise ValueError(
            f"`counts` must have shape ({len(codebook)},); got {counts.shape}."
        )
    figure, axes = get_axes(axes, (4.2, 3.6))
    places, names = _project(codebook, method, random_state)
    _draw_map(figure, axes, places, counts)
    if groups is not None:
        top = np.argsort(-counts, kind="stable")[:10]
        groups = readable([str(groups[row]) for row in top])
        place_labels(axes, places[top], groups, obstacles=places[top])
    axes.set(xlabel=names[0], ylabel=names[1], xticks=[], yticks=[])
    axes.set_title(title or f"codex, {(counts > 0).sum()} of {len(counts)} codes used")
    return finish(figure, show)


def _project(codebook, method, random_state):
    """Project unit vectors to the plane; name the axes."""
    norms = np.linalg.norm(codebook, axis=1, keepdims=True)
    unit = codebook / np.where(norms > 0, norms, 1.0)
    if len(unit) < 3:
        return np.column_stack([np.arange(len(unit)), np.zeros(len(unit))]), ("", "")
    if method == "tsne":
        perplexity = min(30.0, (len(unit) - 1) / 3)
        model = TSNE(2, perplexity=perplexity, init="pca", random_state=random_state)
        return model.fit_transform(unit), ("t-SNE 1", "t-SNE 2")
    model = PCA(2, svd_solver="full")
    places = model.fit_transform(unit)
    share = 100 * model.explained_variance_ratio_
    return places, tuple(f"PC {k + 1} ({share[k]:.0f} %)" for k in range(2))


def _draw_map(figure, axes, places, counts):
    """Draw dead codes as grey crosses and used ones by their counts."""
    dead = counts <= 0
    axes.scatter(
        *places[dead].T, marker="x", s=9, linewidths=0.6, color=MUTED,
        label=f"{dead.sum()} dead",
    )  # fmt: skip
    used = np.flatnonzero(~dead)[np.argsort(counts[~dead], kind="stable")]
    if not len(used):
        axes.legend()
        return
    share = counts[used] / counts[used].sum()
    low, high = share.min(), share.max()
    norm = LogNorm(low, high if high > low else low * 1.01)
    points = axes.scatter(
        *places[used].T, c=share, cmap=SEQUENTIAL, norm=norm, linewidths=0.3,
        s=8 + 50 * share / high, edgecolors="#303030",
    )  # fmt: skip
    if high > low:
        bar = figure.colorbar(points, ax=axes, shrink=0.7, aspect=18)
        bar.set_label("proportion of tokens")
        share_ticks(bar.ax.yaxis)
    if dead.any():
        axes.legend()
