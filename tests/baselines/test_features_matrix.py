"""The evoked features of short epochs, one matrix, are those of filter and means."""

import numpy as np
import pytest

from mne_duin.baselines import EvokedPower, _features


@pytest.mark.parametrize("n_times", [300, 1001])
@pytest.mark.parametrize("sfreq", [512.0, 1000.0])
def test_the_matrix_is_filter_and_means(n_times, sfreq, monkeypatch):
    X = 1e-5 * np.random.default_rng(0).standard_normal((5, 3, n_times))
    options = {"features": "evoked", "sfreq": sfreq}
    found = EvokedPower(**options).fit_transform(X)
    monkeypatch.setattr(_features, "LONGEST_MATRIX", 0)
    expected = EvokedPower(**options).fit_transform(X)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(X).max())
