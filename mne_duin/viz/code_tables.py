"""Numbers behind the pictures of codes: what they tell about word and signal."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import xlogy

from mne_duin.utils.checks import check_number


@dataclass(frozen=True)
class CodeWordInformation:
    """How much the presence of each code in an epoch tells about the word.

    Parameters
    ----------
    table : DataFrame, shape (n_codes_used, n_words)
        Share of each word's epochs in which the code occurs; index = code.
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
    """Measure how much the presence of each code tells about the word.

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
