"""High-gamma power beside the signal."""

import numpy as np
import pytest

from mne_duin.estimators._bands import add_high_gamma


def bursts(amplitude, *, frequency=100.0, n_times=2000, sfreq=1000.0):
    """A sine of high gamma in the second half, over weak noise."""
    rng = np.random.default_rng(0)
    time = np.arange(n_times) / sfreq
    signal = 0.01 * rng.standard_normal((2, 2, n_times))
    signal[:, 0, n_times // 2 :] += (
        amplitude * np.sin(2 * np.pi * frequency * time)[n_times // 2 :]
    )
    return signal


def test_power_of_a_sine_is_half_its_squared_amplitude():
    inputs = add_high_gamma(bursts(3.0), 1000.0)
    assert inputs.shape == (2, 4, 2000)
    np.testing.assert_allclose(inputs[0, 2, 1300:1700].mean(), np.log(4.5), atol=0.05)
    assert inputs[0, 2, :700].max() < np.log(4.5) - 4


@pytest.mark.parametrize("frequency", [10.0, 250.0])
def test_other_frequencies_are_left_out(frequency):
    inputs = add_high_gamma(bursts(3.0, frequency=frequency), 1000.0)
    assert inputs[0, 2, 1300:1700].max() < np.log(4.5) - 4


def test_signal_is_handed_on_and_epochs_do_not_depend_on_each_other():
    data = bursts(1.0).astype(np.float32)
    data[1] *= 100
    together = add_high_gamma(data, 1000.0)
    np.testing.assert_array_equal(together[:, :2], data)
    np.testing.assert_array_equal(together[:1], add_high_gamma(data[:1], 1000.0))


def test_scaling_a_channel_adds_a_constant():
    data = bursts(1.0)
    first, second = add_high_gamma(data, 1000.0), add_high_gamma(10 * data, 1000.0)
    np.testing.assert_allclose(second[:, 2:] - first[:, 2:], np.log(100), atol=1e-4)


def test_padded_channels_stay_zero():
    data = bursts(1.0)
    data[:, 1] = 0
    assert not add_high_gamma(data, 1000.0)[:, [1, 3]].any()


def test_low_sampling_rate_is_refused():
    with pytest.raises(ValueError, match="high_gamma=False"):
        add_high_gamma(np.ones((1, 1, 500)), 250.0)
