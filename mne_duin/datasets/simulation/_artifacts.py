"""Recorded in addition to the brain: heart, mains, amplifier and a broken contact."""

import numpy as np

from mne_duin.datasets.simulation._background import OneOverF, add_wave, shaped_noise

HEART_RATE = 1.15  # beats per second
# Delay in s, width in s and height in microvolts of P, Q, R, S and T.
ECG_WAVES = (
    (-0.17, 0.025, 110.0),
    (-0.03, 0.010, -120.0),
    (0.0, 0.012, 1000.0),
    (0.03, 0.012, -220.0),
    (0.26, 0.045, 260.0),
)
HARMONICS = 1.0, 0.12, 0.3, 0.06  # of the mains, relative to the fundamental


def ecg_signal(rng, n_times, sfreq):
    """Make an electrocardiogram whose rate varies with breathing.

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
    ecg : ndarray, shape (n_times,)
        Microvolts.
    """
    seconds = np.arange(-0.4, 0.5, 1.0 / sfreq)
    beat = np.zeros(len(seconds))
    for delay, width, height in ECG_WAVES:
        beat += height * np.exp(-0.5 * ((seconds - delay) / width) ** 2)
    ecg = 15.0 * shaped_noise(rng, n_times, sfreq, OneOverF(1.5))
    time = rng.uniform(0.0, 0.8)
    while time < n_times / sfreq:
        add_wave(ecg, round((time - 0.4) * sfreq), beat)
        breathing = 0.04 * np.sin(2 * np.pi * 0.25 * time)
        time += 1.0 / HEART_RATE + breathing + rng.normal(0.0, 0.02)
    return ecg


def line_signal(rng, n_channels, n_times, settings):
    """Make mains interference: one source, a different strength in each channel.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    n_channels, n_times : int
        Size of the result.
    settings : SimulationSettings
        Uses ``line_noise``, ``line_freq`` and ``sfreq``.

    Returns
    -------
    line : ndarray, shape (n_channels, n_times)
        Microvolts; harmonics above 0.45 of the sampling rate are left out.
    """
    seconds = np.arange(n_times) / settings.sfreq
    drift = 0.3 * np.sin(2 * np.pi * seconds / 40.0 + rng.uniform(0.0, 2 * np.pi))
    phase = 2 * np.pi * settings.line_freq * seconds + drift
    line = np.zeros((n_channels, n_times))
    strength = settings.line_noise * rng.uniform(0.4, 1.6, n_channels)
    for order, height in enumerate(HARMONICS, start=1):
        own = rng.uniform(0.7, 1.3, n_channels)
        if order * settings.line_freq < 0.45 * settings.sfreq:
            wave = height * np.cos(order * phase)
            for channel in range(n_channels):
                line[channel] += strength[channel] * own[channel] * wave
    return line


def broken_signal(rng, n_times, sfreq):
    """Make what a broken contact records: slow drifts, jumps and hiss.

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
    noise : ndarray, shape (n_times,)
        Microvolts; at most a few hundred rms.
    """
    noise = 150.0 * shaped_noise(rng, n_times, sfreq, OneOverF(1.0))
    noise += 40.0 * rng.standard_normal(n_times)
    for start in np.flatnonzero(rng.random(n_times) < 0.3 / sfreq):
        decay = np.exp(-np.arange(0.0, 2.0, 1.0 / sfreq) / 0.3)
        add_wave(noise, start, rng.uniform(-400.0, 400.0) * decay)
    return noise
