"""Local randomness: one integer seed out of whatever scikit-learn users pass."""

import numpy as np

from mne_duin.utils._checks import check_number


def draw_seed(random_state):
    """Return an integer seed without touching any global random state.

    Parameters
    ----------
    random_state : None | int | RandomState | Generator
        None asks the operating system; an int is the seed itself.

    Returns
    -------
    seed : int
        Between 0 and 2**31 - 1 for anything but an int.

    Raises
    ------
    TypeError, ValueError
        If it is none of these.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_number("random_state", random_state, low=0, integer=True))
