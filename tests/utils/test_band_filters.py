"""Filters, envelope and smoothed power are those of SciPy's own functions."""

import numpy as np
import pytest
from scipy.signal import hilbert, oaconvolve, sosfiltfilt

from mne_duin.utils import _bands

SFREQ = 1000.0


@pytest.fixture(params=[60, 301, 1000, 2501])
def noise(request):
    """Noise as small as a recording in volts, shape (2, 3, n_times)."""
    return 1e-5 * np.random.default_rng(0).standard_normal((2, 3, request.param))


def with_scipy(data, band):
    sos, _ = _bands._design(SFREQ, *band)
    period = round(SFREQ / band[0]) if band[0] else 0
    padding = min(max(3 * (2 * len(sos) + 1), period), data.shape[-1] - 1)
    return sosfiltfilt(sos, data, padlen=padding)


@pytest.mark.parametrize("band", [(0.0, 20.0), *_bands.BANDS.values()], ids=str)
def test_filter_and_envelope(noise, band):
    expected = with_scipy(noise, band)
    filtered = _bands.bandpass(noise, SFREQ, band)
    np.testing.assert_allclose(filtered, expected, rtol=0, atol=1e-18)
    envelope = np.abs(hilbert(expected)) ** 2
    found = _bands.envelope_power(filtered)
    np.testing.assert_allclose(found, envelope, rtol=0, atol=1e-12 * envelope.max())


@pytest.mark.parametrize("band", _bands.BANDS.values(), ids=str)
def test_smoothed_power(noise, band):
    length = min(_bands.SMOOTHING_PERIODS / band[0], _bands.LONGEST_SMOOTHING)
    window = np.hanning(round(length * SFREQ) + 2)[1:-1]
    n_times = noise.shape[-1]
    weight = oaconvolve(np.ones(n_times), window, mode="full")
    first = (len(window) - 1) // 2
    power = oaconvolve(with_scipy(noise, band) ** 2, window[None, None], axes=-1)
    power = (power / weight)[..., first : first + n_times]
    floor = 1e-6 * power.mean(-1, keepdims=True)
    expected = np.log(np.maximum(power, floor))
    found = next(_bands.log_powers(noise, SFREQ, band, [None]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_one_channel_of_one_epoch_is_filtered_alone(noise):
    band = _bands.BANDS["beta"]
    alone = _bands.bandpass(noise[1, 2], SFREQ, band)
    np.testing.assert_array_equal(alone, _bands.bandpass(noise, SFREQ, band)[1, 2])


def test_zeros_have_no_power():
    (power,) = _bands.log_powers(np.zeros((1, 2, 400)), SFREQ, (8.0, 13.0), [None])
    assert not power.any()
