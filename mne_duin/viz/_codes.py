"""Codes over time, of every epoch and of every word."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb

from mne_duin.utils._checks import as_list, check_number
from mne_duin.viz._code_meaning import check_codes, code_word_information
from mne_duin.viz._text import readable
from mne_duin.viz._theme import (
    PALETTE,
    STYLE,
    WIDTH,
    finish,
    get_axes,
    group_handles,
    theme,
)

COLORS = [np.array(to_rgb(name)) for name in (*PALETTE, "#F0E442")]
BLANK = "#E9E9E9"


def _code_colors(codes, labels, top):
    """Color the codes that carry most information about the word, or frequent ones."""
    if top is None:
        used, counts = np.unique(codes, return_counts=True)
        rank = counts.astype(float)
        if labels is not None and len(np.unique(labels)) > 1:
            result = code_word_information(codes, labels, n_permutations=0)
            rank = result.information.to_numpy()
        top = used[np.argsort(-rank, kind="stable")]
    return dict(zip([int(code) for code in top], COLORS, strict=False))


@theme(STYLE)
def plot_codes(
    codes,
    labels=None,
    *,
    token_duration=0.1,
    tmin=0.0,
    highlight=None,
    title=None,
    axes=None,
    show=True,
):
    """Show the sequence of codes of every epoch, and of every word.

    Codes are names, not amounts, so at most seven have a color: those that tell most
    about the word, or the most frequent ones where no words are given. All others are
    grey.

    Parameters
    ----------
    codes : array-like of int, shape (n_epochs, n_tokens)
        The codes.
    labels : array-like, shape (n_epochs,) | None
        Word of every epoch. Epochs are sorted by it, and a second panel shows each
        word's most frequent code at each time, the paler the fewer epochs have it.
    token_duration : float
        Length of a token in seconds.
    tmin : float
        Time of the first token's start in seconds.
    highlight : sequence of int | None
        The codes to color instead.
    title : str | None
        Title of the figure.
    axes : Axes | None
        Where to draw the epochs (no second panel then).
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.
    """
    codes, labels = check_codes(codes, labels)
    check_number("token_duration", token_duration, low=0, closed=False)
    top = None if highlight is None else np.array(as_list(highlight))
    colors = _code_colors(codes, labels, top)
    both = axes is None and labels is not None
    if both:
        n_words = len(np.unique(labels))
        tall = float(np.clip(0.14 * n_words + 0.3, 0.8, 7.0))
        figure, (axes, below) = plt.subplots(
            2, 1, figsize=(WIDTH, 2.7 + tall), height_ratios=[2.2, tall], sharex=True
        )
    else:
        figure, axes = get_axes(axes, (WIDTH, 2.6))
    order = np.arange(len(codes))
    if labels is not None:
        order = np.argsort(labels, kind="stable")
        labels = labels[order]
    edges = tmin + np.arange(codes.shape[1] + 1) * token_duration
    _draw_epochs(axes, codes[order], labels, colors, edges)
    if both:
        _draw_words(below, codes[order], labels, colors, edges)
    _add_code_legend(axes, colors)
    (below if both else axes).set_xlabel("time (s)")
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _paint(axes, image, edges):
    """Draw an RGB image of rows by tokens on a time axis."""
    extent = (edges[0], edges[-1], len(image) - 0.5, -0.5)
    axes.imshow(image, extent=extent, aspect="auto", interpolation="nearest")
    axes.spines[:].set_visible(False)
    if edges[0] < 0 < edges[-1]:
        axes.axvline(0, color="#202020", linewidth=0.7, linestyle=":")


def _draw_epochs(axes, codes, labels, colors, edges):
    image = np.empty((*codes.shape, 3))
    image[:] = to_rgb(BLANK)
    for code, color in colors.items():
        image[codes == code] = color
    _paint(axes, image, edges)
    axes.set_title("codes of every epoch")
    axes.set_ylabel("epoch")
    if labels is None:
        return
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    for start in starts[1:]:
        axes.axhline(start - 0.5, color="white", linewidth=0.8)
    if len(starts) <= 24:
        middles = (starts + np.r_[starts[1:], len(labels)] - 1) / 2
        axes.set_yticks(middles, readable([str(labels[k]) for k in starts]))
        axes.set_ylabel("epochs by word")
    axes.tick_params(length=0, axis="y")


def _draw_words(axes, codes, labels, colors, edges):
    """Draw each word's most frequent code, its fraction of the epochs as strength."""
    words = np.unique(labels)
    image = np.ones((len(words), codes.shape[1], 3))
    for row, word in enumerate(words):
        of_word = codes[labels == word]
        for token in range(codes.shape[1]):
            found, counts = np.unique(of_word[:, token], return_counts=True)
            share = counts.max() / len(of_word)
            color = colors.get(int(found[counts.argmax()]), np.array(to_rgb("#7A7A7A")))
            image[row, token] = 1 - share * (1 - color)
    _paint(axes, image, edges)
    axes.set_title("most frequent code of every word (intensity: % of its epochs)")
    size = 7 if len(words) <= 24 else 5
    names = readable([str(word) for word in words])
    axes.set_yticks(range(len(words)), names, fontsize=size)
    axes.tick_params(length=0, axis="y")


def _add_code_legend(axes, colors):
    styles = {f"code {code}": (color, "s") for code, color in colors.items()}
    styles["other codes"] = (BLANK, "s")
    axes.legend(
        handles=group_handles(styles), loc="upper left", bbox_to_anchor=(1.0, 1.02),
        labelspacing=0.25,
    )  # fmt: skip
