"""Find trials that are copies of each other."""

import numpy as np

SCREENED = 512
SCREEN = 0.97


def same_trials(first, second, threshold=0.999):
    """Find pairs of trials with the same signal, whatever its gain and offset.

    Parameters
    ----------
    first : ndarray, shape (n_first, n_channels, n_times)
        Some trials.
    second : ndarray, shape (n_second, n_channels, n_times)
        Other trials of the same channels.
    threshold : float
        Two trials are the same if the correlation of a channel with itself, averaged
        over the channels that are not constant, is at least this.

    Returns
    -------
    pairs : list of tuple of int
        Indices in ``first`` and in ``second``.
    """
    step = max(first.shape[-1] // max(SCREENED // first.shape[1], 16), 1)
    few = [_standardized(trials[..., ::step]) for trials in (first, second)]
    likely = np.argwhere(_correlations(*few) >= SCREEN)
    pairs = []
    for i, j in likely:
        whole = _standardized(first[i : i + 1]), _standardized(second[j : j + 1])
        if _correlations(*whole)[0, 0] >= threshold:
            pairs.append((int(i), int(j)))
    return pairs


def _standardized(trials):
    """Give each channel of each trial mean 0 and length 1, or 0 if it is constant."""
    trials = np.asarray(trials, dtype=np.float64)
    trials = trials - trials.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(trials, axis=-1, keepdims=True)
    return np.divide(trials, length, out=np.zeros_like(trials), where=length > 0)


def _correlations(first, second):
    """Return the mean correlation over channels, shape (n_first, n_second)."""
    alive = [trials.any(axis=-1).sum(axis=1) for trials in (first, second)]
    n_alive = np.sqrt(np.outer(*alive))
    total = first.reshape(len(first), -1) @ second.reshape(len(second), -1).T
    return np.divide(total, n_alive, out=np.zeros_like(total), where=n_alive > 0)
