"""Whether a group of features carries information about the classes at all."""

import numpy as np
from scipy.special import fdtrc

N_PERMUTATIONS = 99


def group_p_value(features, y, *, n_permutations=N_PERMUTATIONS, seed=0):
    """Test whether the features of a group differ between classes more than by chance.

    The statistic is the mean of (log p)² over the analyses of variance of all features:
    like Fisher's combination of p-values, but a few clear differences among many
    features count for more. Neighboring bins are correlated, so its distribution comes
    from permutations of the labels.

    Parameters
    ----------
    features : ndarray, shape (n_epochs, n_features)
        The features of the group.
    y : array, shape (n_epochs,)
        The classes.
    n_permutations : int
        Number of permutations.
    seed : int
        Seed of the permutations.

    Returns
    -------
    p_value : float
        Fraction of the labelings, the true one included, whose statistic is at least
        that of the true one; 1 where nothing can be tested.

    References
    ----------
    Phipson and Smyth, Permutation p-values should never be zero, Statistical
    Applications in Genetics and Molecular Biology 2010.
    """
    classes, y = np.unique(y, return_inverse=True)
    n_epochs, n_classes = len(y), len(classes)
    deviations = features - features.mean(0)
    total = np.einsum("ef,ef->f", deviations, deviations)
    varies = np.ptp(features, axis=0) > 0
    if n_epochs <= n_classes or n_classes < 2 or not varies.any():
        return 1.0
    deviations, total = deviations[:, varies], total[varies]
    degrees = n_classes - 1, n_epochs - n_classes
    rng = np.random.default_rng(seed)
    labelings = [y, *(rng.permutation(y) for _ in range(n_permutations))]
    statistics = [_statistic(deviations, total, one, degrees) for one in labelings]
    return float(np.mean(np.array(statistics) >= statistics[0]))


def _statistic(deviations, total, y, degrees):
    """Return the mean of (log p)² over the analyses of variance."""
    members = np.eye(degrees[0] + 1)[y]
    sums = members.T @ deviations
    between = (sums**2 / members.sum(0)[:, None]).sum(0)
    within = np.maximum(total - between, np.finfo(float).tiny)
    f_values = (between / degrees[0]) / (within / degrees[1])
    p_values = fdtrc(*degrees, f_values)
    return np.square(np.log(np.maximum(p_values, 1e-300))).mean()
