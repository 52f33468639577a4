"""What codes mean: the words they go with and the signal they stand for."""

import matplotlib.pyplot as plt
import numpy as np

from mne_duin.utils.checks import as_list, check_number
from mne_duin.viz.code_tables import (
    check_codes,
    code_triggered_average,
    code_word_information,
)
from mne_duin.viz.fonts import readable
from mne_duin.viz.given_axes import given_axes
from mne_duin.viz.patches import draw_channels
from mne_duin.viz.tables import align_filters
from mne_duin.viz.theme import (
    MUTED,
    PALETTE,
    SHARES,
    STYLE,
    TRAIN,
    WIDTH,
    add_footnote,
    add_note,
    finish,
    theme,
    value_scale,
)


@theme(STYLE)
def plot_code_words(
    codes,
    labels,
    *,
    n_codes=30,
    n_permutations=500,
    random_state=0,
    title=None,
    axes=None,
    show=True,
):
    """Show which codes go with which words, and how much each tells about the word.

    Parameters
    ----------
    codes : array-like of int, shape (n_epochs, n_tokens)
        The codes.
    labels : array-like, shape (n_epochs,)
        Word of every epoch.
    n_codes : int
        How many codes are shown at most, the most informative ones.
    n_permutations : int
        How often words are shuffled for the threshold.
    random_state : int
        Seed of the shuffles.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        Where to draw: the table of shares, then the information.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        Above: mutual information of each code's presence and the word, with the
        threshold that holds 5 % over all codes. Below: share of every word's epochs
        that have the code. See `code_word_information` for the numbers.
    """
    check_number("n_codes", n_codes, low=1, integer=True)
    result = code_word_information(
        codes, labels, n_permutations=n_permutations, random_state=random_state
    )
    ranked = result.information.sort_values(ascending=False, kind="stable")
    bits = ranked.iloc[:n_codes]
    table = result.table.loc[bits.index].T
    if axes is None:
        tall = float(np.clip(0.17 * len(table) + 0.4, 1.0, 7.5))
        figure, (above, axes) = plt.subplots(
            2, 1, figsize=(WIDTH, 1.9 + tall), height_ratios=[1.1, tall], sharex=True
        )
        _draw_information(above, bits, result)
    else:
        figure, (axes, *above) = given_axes(axes, 2)
        for one in above:
            _draw_information(one, bits, result)
    _draw_shares(figure, axes, table)
    hidden = len(ranked) - len(bits)
    if hidden:
        add_footnote(figure, f"{hidden} less informative codes are not shown.")
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _draw_shares(figure, axes, table):
    """Draw the share of every word's epochs (rows) that have each code."""
    image = axes.imshow(table, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    size = 7 if len(table) <= 30 else 5
    names = readable([str(name) for name in table.index])
    axes.set_yticks(range(len(table)), names, fontsize=size)
    axes.set_xticks(range(table.shape[1]), table.columns, rotation=90, fontsize=6)
    axes.tick_params(length=0)
    axes.set_xlabel("code, the most informative first")
    figure.colorbar(image, ax=axes, label="share of the word's epochs", shrink=0.9)


def _draw_information(axes, bits, result):
    """Draw the bars of information and the threshold."""
    above = bits.to_numpy() > result.threshold
    axes.bar(range(len(bits)), bits, color=np.where(above, TRAIN, MUTED), width=0.75)
    if np.isfinite(result.threshold):
        axes.axhline(result.threshold, color=PALETTE[0], linestyle="--", linewidth=0.9)
        axes.annotate(
            "5 % level over all codes, words shuffled", (1.0, result.threshold),
            xytext=(0, 2), textcoords="offset points", ha="right", va="bottom",
            xycoords=("axes fraction", "data"), fontsize=6.5, color=PALETTE[0],
        )  # fmt: skip
        axes.set_ylim(0, 1.3 * max(result.threshold, bits.max()))
        n_codes, n_informative = len(result.information), len(result.informative)
        axes.set_title(f"{n_informative} of {n_codes} codes tell about the word")
    axes.set_ylabel("bits")
    axes.tick_params(axis="x", labelbottom=False)


@theme(STYLE)
def plot_code_average(
    data,
    codes,
    contacts,
    *,
    sfreq,
    which=None,
    n_codes=6,
    n_around=1,
    label="signal",
    title=None,
    axes=None,
    show=True,
):
    """Show the signal that codes stand for: averages around the tokens that have them.

    Parameters
    ----------
    data : array-like, shape (n_epochs, n_channels, n_times)
        The signal that the codes were made of, for instance scaled epochs.
    codes : array-like of int, shape (n_epochs, n_tokens)
        The codes.
    contacts : DataFrame
        Contacts, index = channel name, in the order of ``data``.
    sfreq : float
        Sampling rate in Hz.
    which : sequence of int | None
        The codes to show; None takes the most frequent ones.
    n_codes : int
        How many codes are shown where ``which`` is None.
    n_around : int
        Tokens shown before and after.
    label : str
        What the data are, with their unit.
    title : str | None
        Title of the figure.
    axes : Axes | sequence of Axes | None
        One per code.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        One map of channels by time per code, all with the same symmetric limits; dotted
        lines bound the token itself.
    """
    codes, _ = check_codes(codes)
    data = np.asarray(data, dtype=float)
    align_filters(data[0, :, :1].T, contacts, "data")
    if which is None:
        used, counts = np.unique(codes, return_counts=True)
        which = used[np.argsort(-counts, kind="stable")][:n_codes]
    which = as_list(which)
    found = [
        code_triggered_average(data, codes, one, n_around=n_around) for one in which
    ]
    edges = np.arange(0, data.shape[2] // codes.shape[1] * (2 * n_around + 1) + 1)
    length = 1000.0 / sfreq * (data.shape[2] // codes.shape[1])
    times = edges * 1000.0 / sfreq - n_around * length
    if axes is None:
        figure, axes = _average_axes(len(which))
    else:
        figure, axes = given_axes(axes, len(which))
    _draw_averages(
        figure, axes, (which, found), contacts, (times, (0.0, length)), label
    )
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _average_axes(n_codes):
    """Make a grid of axes for the maps of codes."""
    columns = min(n_codes, 3)
    rows = -(-n_codes // columns)
    size = (WIDTH * (0.25 + 0.25 * columns), 1.7 * rows + 0.5)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for one in axes.flat[n_codes:]:
        one.set_axis_off()
    return figure, list(axes.flat[:n_codes])


def _draw_averages(figure, axes, codes, contacts, times, label):
    """Draw one map per code; ``times`` are edges of samples and of the token."""
    which, found = codes
    times, limits = times
    averages = np.array([average for average, _ in found])
    scale = value_scale(averages, symmetric=True)
    for one, code, (average, count) in zip(axes, which, found, strict=False):
        one.set_title(f"code {code}, n = {count}", fontsize=7.5)
        if not count:
            add_note(one, "nowhere in these data")
            continue
        draw_channels(one, average, contacts, times, scale)
        for edge in limits:
            one.axvline(edge, color="#202020", linewidth=0.7, linestyle=":")
        one.set_xlabel("ms from the token's start")
    bar = plt.cm.ScalarMappable(scale[1], scale[0])
    figure.colorbar(bar, ax=axes, label=f"mean {label}", shrink=0.7, aspect=25)
