"""One time axis: which sampling rate holds, and whether onsets and samples agree.

Rates are judged by where they put the last sample. A header can round its sampling
interval (488 µs for 2048 Hz), a sidecar can round the rate (3052 for 3051.76 Hz), and
half an hour later they are half a second apart.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LATENESS = 0.005
LOST = 1.0
# A rate that differs by more is another rate, not the same one rounded.
ROUNDED = 0.02
SAMPLE_COLUMNS = (
    "sample",
    "sample_start",
    "event_sample",
    "onset_sample",
    "sample_onset",
    "begSample",
)


@dataclass(frozen=True)
class Rate:
    """The sampling rate of a recording, and why it is this one.

    Parameters
    ----------
    sfreq : float
        The rate in Hz.
    own : float
        The rate in Hz that the file of the recording says.
    said : dict of str -> float
        What the sidecars say in Hz.
    late : dict of str -> float
        How far apart each of them and ``sfreq`` are at the end of the recording, in s;
        ``"the recording"`` for ``own``. Only those above 5 ms.
    """

    sfreq: float
    own: float
    said: dict
    late: dict


def said_rates(ieeg, channels, contact_kinds):
    """Return the sampling rates in ieeg.json and channels.tsv, by file."""
    said = {}
    value = ieeg.get("SamplingFrequency")
    if isinstance(value, (int, float)) and value > 0:
        said["ieeg.json"] = float(value)
    if channels is not None and "sampling_frequency" in channels:
        own = channels[channels["kind"].isin(contact_kinds)]["sampling_frequency"]
        numbers = pd.to_numeric(own, errors="coerce")
        numbers = numbers[numbers > 0]
        if len(numbers):
            said["channels.tsv"] = float(numbers.mode().iloc[0])
    return said


def choose_rate(own, n_times, said, events, duration):
    """Choose the sampling rate that most of what describes a recording agrees with.

    Parameters
    ----------
    own : float
        The rate in Hz that the file says.
    n_times : int
        Number of samples.
    said : dict of str -> float
        What the sidecars say in Hz.
    events : pandas.DataFrame | None
        The events; onsets and a column of samples can tell rates apart.
    duration : float | None
        Length of the recording in seconds as ieeg.json says.

    Returns
    -------
    rate : Rate
        The rate. That of the file holds unless more speaks for another one that
        differs by less than 2 %.
    """

    def apart(first, second):
        return abs(n_times / first - n_times / second)

    rates = [own]
    for value in said.values():
        near = abs(value / own - 1) < ROUNDED
        if near and all(apart(value, rate) > LATENESS for rate in rates):
            rates.append(value)
    scores = [
        _support(rate, own, n_times, said, events, duration, apart) for rate in rates
    ]
    # Ties leave the rate of the file, which stands first.
    chosen = rates[int(np.argmax(scores))]
    late = {"the recording": apart(own, chosen)}
    late |= {source: apart(value, chosen) for source, value in said.items()}
    late = {source: value for source, value in late.items() if value > LATENESS}
    return Rate(chosen, own, said, late)


def _support(rate, own, n_times, said, events, duration, apart):
    """Return how much speaks for a rate."""
    score = 0.0 if any(_rounded(own, other) for other in said.values()) else 1.0
    score = score if rate == own else 0.0
    for value in said.values():
        if apart(value, rate) <= LATENESS and not _rounded(value, own):
            score += 1.0
    if isinstance(duration, (int, float)):
        score += abs(n_times / rate - duration) <= LATENESS + 1.5 / rate
    lag = None if events is None else sample_lag(events, rate)
    if lag is not None and len(lag.values) > 1:
        score += 2.0 * (np.ptp(lag.values) <= LATENESS + 1.0 / rate)
    return score


def _rounded(rate, other):
    """Return whether a rate is another one rounded to a whole Hz or microsecond."""
    if abs(rate / other - 1) < 1e-9:
        return False
    hertz = rate == round(rate) == round(other) and other != round(other)
    interval = 1e6 / rate
    whole = abs(interval - round(interval)) < 1e-6
    return hertz or (whole and round(1e6 / other) == round(interval))


@dataclass(frozen=True)
class Lag:
    """How far a column of samples and the onsets are apart.

    Parameters
    ----------
    column : str
        The column.
    rows : ndarray of int, shape (n_known,)
        Rows of the events that have both.
    values : ndarray of float, shape (n_known,)
        Time of the sample minus onset, in seconds.
    counted_at : float
        The rate in Hz at which the samples seem to be counted.
    """

    column: str
    rows: np.ndarray
    values: np.ndarray
    counted_at: float


def sample_lag(events, sfreq):
    """Compare the first column of samples with the onsets; None without one."""
    for column in SAMPLE_COLUMNS:
        if column not in events:
            continue
        samples = pd.to_numeric(events[column], errors="coerce").to_numpy(float)
        onsets = events["onset"].to_numpy(float)
        known = np.isfinite(samples) & np.isfinite(onsets) & (samples >= 0)
        samples, onsets = samples[known], onsets[known]
        if not len(samples) or (len(samples) > 1 and not np.ptp(samples)):
            continue
        counted = sfreq
        if np.ptp(onsets) > 0:
            slope, start = np.polyfit(onsets, samples, 1)
            fits = np.abs(samples - slope * onsets - start).max()
            if slope > 0 and fits / slope <= LATENESS + 1.0 / slope:
                counted = float(slope)
        lag = samples / sfreq - onsets
        return Lag(column, np.flatnonzero(known), lag, counted)
    return None


def onsets_from_samples(events, sfreq, where):
    """Return the onsets that a column of samples says, in s, NaN where it is missing.

    Raises
    ------
    ValueError
        If there is no such column, or its samples are counted at another rate.
    """
    lag = sample_lag(events, sfreq)
    if lag is None:
        raise ValueError(
            f"`onset='sample'`: {where} has no column of samples "
            f"({', '.join(SAMPLE_COLUMNS)}); it has {', '.join(events.columns)}."
        )
    if abs(lag.counted_at / sfreq - 1) > ROUNDED:
        raise ValueError(
            f"`onset='sample'`: the column {lag.column!r} of {where} counts at "
            f"{lag.counted_at:g} Hz, and the recording has {sfreq:g} Hz."
        )
    samples = pd.to_numeric(events[lag.column], errors="coerce").to_numpy(float)
    return np.where(samples >= 0, samples, np.nan) / sfreq
