"""What codes mean: the words they go with and the signal they stand for."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import xlogy

from mne_duin.utils._checks import as_list, check_number
from mne_duin.viz._align import align_filters, takes_montage
from mne_duin.viz._patches import draw_channels
from mne_duin.viz._text import readable
from mne_duin.viz._theme import (
    MUTED,
    PALETTE,
    SHARES,
    STYLE,
    TRAIN,
    WIDTH,
    add_footnote,
    add_note,
    finish,
    given_axes,
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
    """Show which codes occur with which words, and their information about the word.

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
        threshold that holds 5 % over all codes. Below: fraction of every word's epochs
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
    """Draw the fraction of every word's epochs (rows) that have each code."""
    image = axes.imshow(table, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    size = 7 if len(table) <= 30 else 5
    names = readable([str(name) for name in table.index])
    axes.set_yticks(range(len(table)), names, fontsize=size)
    axes.set_xticks(range(table.shape[1]), table.columns, rotation=90, fontsize=6)
    axes.tick_params(length=0)
    axes.set_xlabel("code, the most informative first")
    figure.colorbar(image, ax=axes, label="proportion of the word's epochs", shrink=0.9)


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
        carry = "codes carry information about the word"
        axes.set_title(f"{n_informative} of {n_codes} {carry}")
    axes.set_ylabel("bits")
    axes.tick_params(axis="x", labelbottom=False)


@theme(STYLE)
@takes_montage
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


@dataclass(frozen=True)
class CodeWordInformation:
    """Information about the word in the presence of each code in an epoch.

    Parameters
    ----------
    table : DataFrame, shape (n_codes_used, n_words)
        Fraction of each word's epochs in which the code occurs; index = code.
    information : Series, shape (n_codes_used,)
        Mutual information of presence and word, in bits.
    threshold : float
        95th percentile, over permutations of the words, of the greatest information
        of any code: above it, a code is informative with the error rate of 5 % held
        over all codes. NaN without permutations.
    n_permutations : int
        How many permutations were made.
    """

    table: pd.DataFrame
    information: pd.Series
    threshold: float
    n_permutations: int

    @property
    def informative(self):
        """Codes above the threshold, the most informative first."""
        above = self.information[self.information > self.threshold]
        return above.sort_values(ascending=False).index.to_numpy()


def check_codes(codes, labels=None):
    """Check codes of epochs and their words.

    Parameters
    ----------
    codes : array-like of int, shape (n_epochs, n_tokens)
        The codes.
    labels : array-like, shape (n_epochs,) | None
        Word of every epoch.

    Returns
    -------
    codes : array of int, shape (n_epochs, n_tokens)
        The codes.
    labels : array, shape (n_epochs,) | None
        The words.
    """
    codes = np.asarray(codes)
    if codes.ndim != 2 or not codes.size or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(
            "`codes` must be whole numbers of shape (n_epochs, n_tokens); got "
            f"{codes.dtype} of shape {codes.shape}."
        )
    if labels is not None:
        labels = np.asarray(labels)
        if labels.shape != (len(codes),):
            raise ValueError(
                f"`labels` must have one word per epoch, shape ({len(codes)},); got "
                f"{labels.shape}."
            )
    return codes, labels


def _count(word, epochs, columns, shape):
    """Count, for each word, the epochs that have each code."""
    flat = np.bincount(word[epochs] * shape[1] + columns, minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _information(counts, n_of_word):
    """Mutual information, in bits, of each code's presence and the word.

    ``counts`` is (n_words, n_codes): epochs with the code; ``n_of_word`` is (n_words,).
    """
    n_epochs = n_of_word.sum()
    prior = n_of_word / n_epochs
    present = counts / n_epochs
    absent = np.maximum(prior[:, None] - present, 0.0)
    share = present.sum(axis=0)
    # I(presence; word) = H(word) + H(presence) - H(presence, word)
    joint = (xlogy(present, present) + xlogy(absent, absent)).sum(axis=0)
    alone = (
        xlogy(prior, prior).sum() + xlogy(share, share) + xlogy(1 - share, 1 - share)
    )
    return np.maximum(joint - alone, 0.0) / np.log(2)


def code_word_information(codes, labels, *, n_permutations=500, random_state=0):
    """Measure the information about the word in the presence of each code.

    Parameters
    ----------
    codes : array-like of int, shape (n_epochs, n_tokens)
        Codes of every epoch.
    labels : array-like, shape (n_epochs,)
        Word of every epoch.
    n_permutations : int
        How often the words are shuffled for the threshold; 0 gives none.
    random_state : int
        Seed of the shuffles.

    Returns
    -------
    information : CodeWordInformation
        Table, information and threshold. Plug-in estimates of information are biased
        upwards for few epochs; the shuffled ones are as well, so compare with the
        threshold, not with zero.

    Raises
    ------
    ValueError
        If there is only one word, or shapes do not fit.
    """
    codes, labels = check_codes(codes, labels)
    check_number("n_permutations", n_permutations, low=0, integer=True)
    names, word = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"`labels` must hold two words or more; got only {names}.")
    used, columns = np.unique(codes, return_inverse=True)
    epochs = np.repeat(np.arange(len(codes)), codes.shape[1])
    pairs = np.unique(np.column_stack([epochs, columns.ravel()]), axis=0).T
    shape, n_of_word = (len(names), len(used)), np.bincount(word)
    counts = _count(word, *pairs, shape)
    rng = np.random.default_rng(random_state)
    greatest = [
        _information(_count(rng.permutation(word), *pairs, shape), n_of_word).max()
        for _ in range(n_permutations)
    ]
    index = pd.Index(used, name="code")
    return CodeWordInformation(
        table=pd.DataFrame((counts / n_of_word[:, None]).T, index=index, columns=names),
        information=pd.Series(_information(counts, n_of_word), index, name="bits"),
        threshold=float(np.quantile(greatest, 0.95)) if greatest else np.nan,
        n_permutations=n_permutations,
    )


def code_triggered_average(data, codes, code, *, n_around=1):
    """Average the signal around every token that has a code.

    Parameters
    ----------
    data : array, shape (n_epochs, n_channels, n_times)
        The signal that the codes were made of; ``n_times`` is a multiple of the number
        of tokens.
    codes : array of int, shape (n_epochs, n_tokens)
        The codes.
    code : int
        The code.
    n_around : int
        Tokens shown before and after; occurrences whose surroundings leave the epoch
        are left out.

    Returns
    -------
    average : array, shape (n_channels, (2 * n_around + 1) * n_times_per_token)
        The average; NaN without any occurrence.
    count : int
        Occurrences that were averaged.
    """
    n_epochs, n_channels, n_times = data.shape
    n_tokens = codes.shape[1]
    if len(codes) != n_epochs or n_times % n_tokens:
        raise ValueError(
            "`data` must have the epochs of `codes`, and a whole number of samples per "
            f"token; got data of shape {data.shape} and codes of shape {codes.shape}."
        )
    length = n_times // n_tokens
    epochs, tokens = np.nonzero(codes == code)
    inside = (tokens >= n_around) & (tokens < n_tokens - n_around)
    total = np.zeros((n_channels, (2 * n_around + 1) * length))
    for epoch, token in zip(epochs[inside], tokens[inside], strict=True):
        start = (token - n_around) * length
        total += data[epoch, :, start : start + total.shape[1]]
    count = int(inside.sum())
    return (total / count if count else total * np.nan), count
