"""A threshold by the false alarms in rest, and how certain their rate is."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2


@dataclass(frozen=True)
class LiveCalibration:
    """What the rest recording showed.

    Parameters
    ----------
    threshold : float
        The probability from which a window is an event; above 1 if rest cannot be
        told from words, so that there are no events.
    false_alarms : float
        Events per minute in rest at this threshold.
    interval : tuple of float
        Exact 95 % interval of that rate (Poisson).
    minutes : float
        Length of the rest that could be used.
    """

    threshold: float
    false_alarms: float
    interval: tuple
    minutes: float

    def __str__(self):
        low, high = self.interval
        return (
            f"threshold {self.threshold:.3f}: {self.false_alarms:.2f} false alarms per "
            f"minute (95 % interval {low:.2f} to {high:.2f}) in {self.minutes:.1f} min "
            "of rest"
        )


def rate_interval(count, minutes, level=0.95):
    """Return the exact interval of a rate per minute, from a Poisson count.

    Garwood, Biometrika 1936.
    """
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else chi2.ppf(tail, 2 * count) / 2
    high = chi2.ppf(1 - tail, 2 * (count + 1)) / 2
    return float(low / minutes), float(high / minutes)


def count_events(scores, ends, threshold, refractory):
    """Return how many events a threshold gives; scores are in the order of time."""
    count, quiet_until = 0, -np.inf
    for end in ends[scores >= threshold]:
        if end >= quiet_until - 1e-9:
            count, quiet_until = count + 1, end + refractory
    return count


def calibrate_threshold(scores, ends, step, refractory, false_alarms):
    """Return the smallest threshold with at most so many false alarms per minute.

    Parameters
    ----------
    scores, ends : ndarray, shape (n_windows,)
        Score and end in seconds of every window of the rest.
    step, refractory : float
        Time between two windows, and after an event, in seconds.
    false_alarms : float
        Accepted events per minute.

    Returns
    -------
    calibration : LiveCalibration
        The threshold and the rate that it has in the rest.
    """
    minutes = len(scores) * step / 60
    allowed = int(false_alarms * minutes + 1e-9)
    # Above the largest score there is none; from there down until there are too many.
    threshold, count = float(np.nextafter(scores.max(), 2.0)), 0
    for candidate in np.unique(scores)[::-1]:
        found = count_events(scores, ends, candidate, refractory)
        if found > allowed:
            break
        threshold, count = float(candidate), found
    interval = rate_interval(count, minutes)
    return LiveCalibration(threshold, count / minutes, interval, minutes)
