"""What the simulated brain does all the time: states, bursts of rhythms, 1/f."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

N_STATES = 4
STATE_SECONDS = 0.4, 1.4  # the shortest visit and the mean of what is added to it
BANDS = (4.0, 7.0), (8.0, 12.0), (14.0, 26.0)
HIGH_GAMMA = 70.0, 150.0


@dataclass(frozen=True)
class Background:
    """Sources of ongoing activity, one row each.

    Parameters
    ----------
    positions : ndarray, shape (n_sources, 3)
        Where they are, in mm.
    reach : ndarray, shape (n_sources,)
        Distance in mm over which their field falls to 1/e.
    amplitude : ndarray, shape (n_sources,)
        Root mean square of the aperiodic part, in microvolts.
    exponent : ndarray, shape (n_sources,)
        Exponent of the aperiodic spectrum, 1/f ** exponent.
    state_gain : ndarray, shape (n_sources, n_states)
        How strongly a source is active in each state.
    rhythms : tuple of tuple
        Per source, its rhythms: (frequency in Hz, peak in microvolts, phases of the
        second and third harmonic, bursts per second in each state).
    """

    positions: np.ndarray
    reach: np.ndarray
    amplitude: np.ndarray
    exponent: np.ndarray
    state_gain: np.ndarray
    rhythms: tuple


def draw_background(rng, contacts):
    """Draw the ongoing sources around the contacts of a subject.

    Next to every contact lies a local source (reach 3 to 6 mm); three more are broad
    (reach 25 mm), as a rhythm that a whole lobe shares.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    contacts : DataFrame
        Contacts with ``x``, ``y``, ``z`` in mm.

    Returns
    -------
    background : Background
        The sources.
    """
    xyz = contacts[["x", "y", "z"]].to_numpy()
    local = xyz + rng.normal(0.0, 2.0, size=xyz.shape)
    broad = xyz[rng.choice(len(xyz), size=3, replace=False)]
    broad = broad + rng.normal(0.0, 10.0, size=broad.shape)
    n_sources = len(local) + len(broad)
    strength = np.concatenate([np.ones(len(local)), np.full(len(broad), 0.6)])
    return Background(
        positions=np.concatenate([local, broad]),
        reach=np.concatenate([rng.uniform(3.0, 6.0, len(local)), np.full(3, 25.0)]),
        amplitude=strength * rng.uniform(14.0, 26.0, n_sources),
        exponent=rng.uniform(1.6, 2.4, n_sources),
        state_gain=rng.uniform(0.6, 1.5, (n_sources, N_STATES)),
        rhythms=tuple(_draw_rhythms(rng) for _ in range(n_sources)),
    )


def _draw_rhythms(rng):
    """Give a source two rhythms, each with a waveform and a taste for some states."""
    rhythms = []
    for band in rng.choice(len(BANDS), size=2, replace=False):
        frequency = rng.uniform(*BANDS[band])
        peak = rng.uniform(40.0, 70.0) / np.sqrt(frequency)
        phases = tuple(rng.uniform(0.0, 2 * np.pi, 2))
        rates = tuple(rng.gamma(0.7, 0.35, N_STATES))
        rhythms.append((frequency, peak, phases, rates))
    return tuple(rhythms)


def draw_states(rng, n_times, sfreq):
    """Draw a sequence of brain states that last from 0.4 s to several seconds.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n_times : int
        Number of samples.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    states : ndarray of int, shape (n_times,)
        State at each sample.
    """
    states = np.empty(n_times, dtype=int)
    state, start = int(rng.integers(N_STATES)), 0
    shortest, mean = STATE_SECONDS
    while start < n_times:
        stop = start + round((shortest + rng.exponential(mean)) * sfreq)
        states[start:stop] = state
        state = (state + int(rng.integers(1, N_STATES))) % N_STATES
        start = stop
    return states


def state_weights(states, sfreq):
    """Turn states into weights that glide from one to the next within 0.2 s.

    Parameters
    ----------
    states : ndarray of int, shape (n_times,)
        State at each sample.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    weights : ndarray, shape (n_states, n_times)
        Weights between 0 and 1.
    """
    half = max(1, round(0.1 * sfreq))
    weights = np.empty((N_STATES, len(states)))
    for state in range(N_STATES):
        padded = np.pad((states == state).astype(float), (half + 1, half), mode="edge")
        sums = np.cumsum(padded)
        weights[state] = (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)
    return weights


def shaped_noise(rng, n_times, sfreq, shape):
    """Draw Gaussian noise with a given amplitude spectrum and unit variance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n_times : int
        Number of samples.
    sfreq : float
        Sampling rate in Hz.
    shape : callable
        Amplitude at each frequency, a function of an array in Hz.

    Returns
    -------
    noise : ndarray, shape (n_times,)
        The noise.
    """
    n_fft = fft.next_fast_len(n_times, real=True)
    spectrum = fft.rfft(rng.standard_normal(n_fft))
    amplitude = shape(fft.rfftfreq(n_fft, 1.0 / sfreq))
    amplitude[0] = 0.0
    noise = fft.irfft(spectrum * amplitude, n_fft)[:n_times]
    power = np.sum(amplitude**2) / len(amplitude)
    return noise / np.sqrt(power)


class OneOverF:
    """Amplitude spectrum that is flat up to 1 Hz and then falls.

    Parameters
    ----------
    exponent : float
        The power falls as 1/f ** exponent.
    """

    def __init__(self, exponent):
        self.exponent = exponent

    def __call__(self, frequencies):
        """Return the amplitude at frequencies in Hz."""
        return (1.0 + frequencies**2) ** (-self.exponent / 4.0)


def high_gamma_shape(frequencies):
    """Return the amplitude of a 70-150 Hz band with edges of a few Hz."""
    low, high = HIGH_GAMMA
    rise = 1.0 / (1.0 + np.exp(-(frequencies - low) / 2.0))
    return rise / (1.0 + np.exp((frequencies - high) / 4.0))


def add_wave(signal, start, wave):
    """Add a short wave to a signal in place; what lies outside is cut off.

    Parameters
    ----------
    signal : ndarray, shape (n_times,)
        The signal.
    start : int
        Sample of the first value of the wave; may be negative.
    wave : ndarray, shape (n_samples,)
        The wave.
    """
    first, last = max(start, 0), min(start + len(wave), len(signal))
    if first < last:
        signal[first:last] += wave[first - start : last - start]


def background_signal(rng, background, index, states, weights, sfreq):
    """Make the ongoing activity of one source.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    background : Background
        The sources.
    index : int
        Which of them.
    states : ndarray of int, shape (n_times,)
        State at each sample.
    weights : ndarray, shape (n_states, n_times)
        The same as gliding weights.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    signal : ndarray, shape (n_times,)
        Microvolts.
    """
    n_times = len(states)
    gain = np.zeros(n_times)
    for state, weight in enumerate(weights):
        gain += background.state_gain[index, state] * weight
    shape = OneOverF(background.exponent[index])
    signal = background.amplitude[index] * shaped_noise(rng, n_times, sfreq, shape)
    envelope = np.full(n_times, 0.6)
    for start in np.flatnonzero(rng.random(n_times) < 0.5 / sfreq):
        width = max(4, round(rng.uniform(0.06, 0.16) * sfreq))
        add_wave(envelope, start, rng.uniform(0.5, 2.0) * np.hanning(width))
    signal += envelope * shaped_noise(rng, n_times, sfreq, high_gamma_shape)
    signal *= gain
    for rhythm in background.rhythms[index]:
        _add_bursts(rng, signal, rhythm, states, sfreq)
    return signal


def _add_bursts(rng, signal, rhythm, states, sfreq):
    """Add bursts of three to ten cycles with the waveform of the rhythm."""
    frequency, peak, phases, rates = rhythm
    chance = np.asarray(rates)[states] / sfreq
    for start in np.flatnonzero(rng.random(len(states)) < chance):
        seconds = rng.uniform(3.0, 10.0) / frequency
        phase = 2 * np.pi * frequency * np.arange(0.0, seconds, 1.0 / sfreq)
        wave = np.cos(phase) + 0.4 * np.cos(2 * phase + phases[0])
        wave += 0.2 * np.cos(3 * phase + phases[1])
        height = peak * rng.lognormal(0.0, 0.3)
        add_wave(signal, start, height * wave * np.hanning(len(phase)))
