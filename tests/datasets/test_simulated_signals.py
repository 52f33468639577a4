"""The building blocks of the simulated signals."""

import numpy as np
import pytest
from scipy.signal import find_peaks, welch

from mne_duin.datasets.simulation._artifacts import (
    broken_signal,
    ecg_signal,
    line_signal,
)
from mne_duin.datasets.simulation._background import (
    N_STATES,
    OneOverF,
    add_wave,
    draw_states,
    high_gamma_shape,
    shaped_noise,
    state_weights,
)
from mne_duin.datasets.simulation._settings import SimulationSettings
from mne_duin.datasets.simulation._speech import PLANTED_REACH, planted_gain

SFREQ = 512.0


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_one_over_f_noise_falls_as_asked_and_has_unit_variance(exponent):
    rng = np.random.default_rng(0)
    noise = shaped_noise(rng, 200_000, SFREQ, OneOverF(exponent))
    frequencies, power = welch(noise, SFREQ, nperseg=2048)
    used = (frequencies > 5) & (frequencies < 200)
    slope = np.polyfit(np.log(frequencies[used]), np.log(power[used]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.05)
    assert noise.std() == pytest.approx(1.0, abs=0.1)


def test_high_gamma_lies_in_its_band():
    noise = shaped_noise(np.random.default_rng(0), 50_000, SFREQ, high_gamma_shape)
    frequencies, power = welch(noise, SFREQ, nperseg=1024)
    inside = (frequencies > 65) & (frequencies < 165)
    assert power[inside].sum() > 0.99 * power.sum()


def test_states_last_and_all_of_them_come():
    states = draw_states(np.random.default_rng(0), 200_000, SFREQ)
    changes = np.flatnonzero(np.diff(states)) + 1
    visits = np.diff(changes) / SFREQ
    assert set(states) == set(range(N_STATES))
    assert visits.min() >= 0.39
    assert 1.4 < visits.mean() < 2.3


def test_state_weights_glide_and_sum_to_one():
    states = draw_states(np.random.default_rng(0), 20_000, SFREQ)
    weights = state_weights(states, SFREQ)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    assert np.abs(np.diff(weights, axis=1)).max() < 0.02
    middle = (states[:-200] == states[200:])[None]
    settled = np.arange(N_STATES)[:, None] == states[None, 100:-100]
    assert (weights[:, 100:-100] > 0.5)[settled & middle].mean() > 0.95


@pytest.mark.parametrize("start", [-7, -2, 0, 4, 8, 20])
def test_a_wave_is_cut_at_the_ends(start):
    signal, wave = np.zeros(10), np.arange(1.0, 6.0)
    add_wave(signal, start, wave)
    whole = np.zeros(60)
    whole[30 + start : 35 + start] = wave
    np.testing.assert_array_equal(signal, whole[30:40])


def test_planted_sources_end_at_their_reach():
    distance = np.linspace(0.0, 20.0, 400)
    gain = planted_gain(distance)
    assert gain[0] == 1.0
    assert (np.diff(gain) <= 0).all()
    np.testing.assert_array_equal(gain == 0.0, distance >= PLANTED_REACH)


def test_heart_beats_about_seventy_times_a_minute():
    ecg = ecg_signal(np.random.default_rng(0), int(60 * SFREQ), SFREQ)
    beats, _ = find_peaks(ecg, height=600.0, distance=0.3 * SFREQ)
    assert 62 <= len(beats) <= 76


def test_mains_and_harmonics_stand_out():
    settings = SimulationSettings(line_freq=60.0)
    line = line_signal(np.random.default_rng(0), 3, 20_000, settings)
    frequencies, power = welch(line, SFREQ, nperseg=1024)
    for channel in power:
        peaks = frequencies[find_peaks(channel, height=0.001)[0]]
        np.testing.assert_allclose(peaks, [60.0, 120.0, 180.0], atol=0.6)
    assert len({round(value, 3) for value in line.std(axis=1)}) == 3


def test_a_broken_contact_is_loud_but_fits_into_16_bits():
    noise = broken_signal(np.random.default_rng(0), 100_000, SFREQ)
    assert noise.std() > 100.0
    assert np.abs(noise).max() < 3276.0
