"""Joint diagonalization of covariances: separate sources by when they are active.

The covariance of uncorrelated sources is diagonal in every window of time, while their
power changes from window to window. The matrix that makes the covariances of all
windows as diagonal as possible therefore separates them, if no two always change alike
(Pham and Cardoso, IEEE Transactions on Signal Processing 2001).

The contrast is Pham's; its minimum is found by quasi-Newton steps (Ablin, Cardoso and
Gramfort, ESANN 2019), which change all pairs of channels at once by matrix products.
Rotations of one pair after the other, as in pyRiemann and MNE-Python, take minutes with
a hundred channels.
"""

import numpy as np

# Pairs of sources that change alike have hardly any curvature; a step is to be finite.
LEAST_CURVATURE = 1e-2
SHORTEST_STEP = 1e-3


def diagonalize(covariances, *, max_iter=100, tol=1e-5):
    """Return the matrix that makes covariances as diagonal as possible.

    Parameters
    ----------
    covariances : ndarray, shape (n_matrices, n_channels, n_channels)
        Positive definite matrices.
    max_iter : int
        Number of steps at most; each decreases the contrast.
    tol : float
        The search ends when no entry of the relative gradient is larger.

    Returns
    -------
    matrix : ndarray, shape (n_channels, n_channels)
        What the channels are to be multiplied by. Over all covariances, the mean
        variance of each output is one.
    """
    identity = np.eye(covariances.shape[1])
    matrix, current = _to_unit_power(identity, covariances)
    loss = contrast(current).mean() - np.linalg.slogdet(matrix)[1]
    for _ in range(max_iter):
        direction, steepest = _direction(current)
        length = 1.0 if steepest > tol else 0.0
        while length > SHORTEST_STEP:
            update = identity + length * direction
            longer, moved = _to_unit_power(update @ matrix, update @ current @ update.T)
            changed = contrast(moved).mean() - np.linalg.slogdet(longer)[1]
            if changed < loss:
                break
            length /= 2
        else:
            break
        matrix, current, loss = longer, moved, changed
    return matrix


def contrast(covariances, matrix=None):
    """Return Pham's contrast of channels that are multiplied by a matrix.

    It is lower by the Kullback-Leibler divergence that the matrix removes between
    Gaussian channels with these covariances and independent ones.

    Shapes: ``covariances`` (..., n_channels, n_channels), ``matrix`` (n_channels,
    n_channels) -> (...).
    """
    if matrix is None:
        variances, volume = np.einsum("...ii->...i", covariances), 0.0
    else:
        variances = (matrix @ covariances * matrix).sum(-1)
        volume = np.linalg.slogdet(matrix)[1]
    return 0.5 * np.log(variances).sum(-1) - volume


def _to_unit_power(matrix, covariances):
    """Scale the outputs of a matrix, and their covariances, to a mean variance of 1."""
    scale = 1 / np.sqrt(np.einsum("kii->ki", covariances).mean(0))
    return scale[:, None] * matrix, covariances * np.outer(scale, scale)


def _direction(covariances):
    """Return the step for all pairs, and the largest entry of the gradient.

    The Hessian is that of separated sources, where it falls apart into two rows and
    columns for each pair.
    """
    variances = np.einsum("kii->ki", covariances)
    gradient = (covariances / variances[:, :, None]).mean(0)
    np.fill_diagonal(gradient, 0.0)
    curvature = (1 / variances).T @ variances / len(variances)
    determinant = np.maximum(curvature * curvature.T - 1, LEAST_CURVATURE)
    direction = (gradient.T - curvature.T * gradient) / determinant
    np.fill_diagonal(direction, 0.0)
    return direction, np.abs(gradient).max()
