"""Joint diagonalization of covariances."""

import numpy as np
import pytest

from mne_duin.utils._joint_diagonalization import contrast, diagonalize


def mixed(n_channels=5, n_matrices=40, *, seed=0, n_samples=None):
    """Covariances of mixed sources, and the mixing."""
    rng = np.random.default_rng(seed)
    mixing = np.eye(n_channels) + 0.4 * rng.standard_normal((n_channels, n_channels))
    power = np.exp(rng.standard_normal((n_matrices, n_channels)))
    own = power[:, :, None] * np.eye(n_channels)
    if n_samples is not None:
        noise = rng.standard_normal((n_matrices, n_channels, n_samples))
        noise *= np.sqrt(power)[..., None]
        own = noise @ noise.swapaxes(1, 2) / n_samples
    return mixing @ own @ mixing.T, mixing


@pytest.mark.parametrize("n_channels", [2, 5, 30])
def test_mixing_is_undone_up_to_scale_and_order(n_channels):
    covariances, mixing = mixed(n_channels)
    matrix = diagonalize(covariances, tol=1e-10)
    product = np.abs(matrix @ mixing)
    product /= product.max(1, keepdims=True)
    np.testing.assert_allclose(np.sort(product, 1)[:, :-1], 0, atol=1e-6)
    assert sorted(product.argmax(1)) == list(range(n_channels))
    variances = (matrix @ covariances * matrix).sum(-1)
    np.testing.assert_allclose(variances.mean(0), 1)


def test_contrast_is_lowest_at_the_result():
    covariances, _ = mixed(n_samples=30)
    matrix = diagonalize(covariances, max_iter=200, tol=1e-9)
    best = contrast(covariances, matrix).mean()
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = matrix + 0.02 * rng.standard_normal(matrix.shape)
        assert contrast(covariances, other).mean() > best


def test_every_step_lowers_the_contrast():
    covariances, _ = mixed(n_samples=30)
    found = [diagonalize(covariances, max_iter=n) for n in range(8)]
    values = [contrast(covariances, matrix).mean() for matrix in found]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0] - 0.1


def test_contrast_without_a_matrix_is_that_of_channels():
    covariances, _ = mixed()
    np.testing.assert_allclose(
        contrast(covariances), contrast(covariances, np.eye(5)), rtol=1e-12
    )
    # Scales of the outputs do not count.
    scaled = contrast(covariances, np.diag([1.0, 2.0, 3.0, 4.0, 1e-3]))
    np.testing.assert_allclose(contrast(covariances), scaled, rtol=1e-9)


def test_sources_that_change_alike_leave_a_finite_matrix():
    covariances = np.tile(np.diag([1.0, 2.0, 3.0]), (10, 1, 1))
    covariances *= np.arange(1, 11)[:, None, None]
    matrix = diagonalize(covariances)
    np.testing.assert_allclose(matrix, np.diag(np.diag(matrix)), atol=1e-12)


def test_it_finds_what_pyriemann_finds():
    pyriemann = pytest.importorskip("pyriemann.geometry.ajd")
    covariances, _ = mixed(n_samples=30)
    theirs, _ = pyriemann.ajd_pham(covariances, n_iter_max=200, eps=1e-14)
    ours = diagonalize(covariances, max_iter=200, tol=1e-9)
    product = np.abs(ours @ np.linalg.inv(theirs))
    product /= product.max(1, keepdims=True)
    np.testing.assert_allclose(np.sort(product, 1)[:, :-1], 0, atol=1e-5)
