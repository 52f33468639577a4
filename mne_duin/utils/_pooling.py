"""One probability out of several."""

import numpy as np
from scipy.special import log_softmax, softmax


def pool_probabilities(probabilities, weights=None):
    """Return the normalized geometric mean of probabilities.

    Parameters
    ----------
    probabilities : sequence of ndarray, shape (n_epochs, n_classes)
        What each decoder says, with the classes in the same order.
    weights : sequence of float | None
        What each decoder counts; None counts all the same.

    Returns
    -------
    pooled : ndarray, shape (n_epochs, n_classes)
        Their average in logarithms, rows of sum 1.
    """
    # A probability that is rounded to zero has no logarithm.
    tiny = np.finfo(np.float32).tiny
    logs = [log_softmax(np.log(np.maximum(p, tiny)), axis=1) for p in probabilities]
    return softmax(np.average(logs, axis=0, weights=weights), axis=1)
