"""Labels from files: arrays no larger than what is in the file."""

import numpy as np

# Far more than any labels need; NumPy gives every label the space of the longest.
MOST_BYTES = 2**28


def label_array(values, n_more=0):
    """Turn labels from a file into an array of a size that is checked before.

    Parameters
    ----------
    values : list
        The labels: texts, numbers or truth values.
    n_more : int
        How many labels will be picked out of them into arrays of their own.

    Returns
    -------
    labels : ndarray, shape (n_labels,)
        The array.

    Raises
    ------
    ValueError
        If the labels are no list of texts or numbers, or the longest is so long that
        the arrays would take more than 256 MiB.
    """
    if not isinstance(values, list):
        raise ValueError(f"Labels must be a list; got {type(values).__name__}.")
    longest = max((len(v) for v in values if isinstance(v, str)), default=1)
    n_bytes = 4 * longest * (len(values) + n_more)
    if n_bytes > MOST_BYTES:
        raise ValueError(
            f"Labels of up to {longest} characters would take {n_bytes >> 20} MiB."
        )
    labels = np.array(values)
    if labels.ndim != 1:
        raise ValueError("Labels must be a list of texts or numbers, not of lists.")
    return labels
