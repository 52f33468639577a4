"""A few independent computations at once, in as many threads as torch may use."""

import sys
from concurrent.futures import ThreadPoolExecutor


def in_threads(function, items, *, is_long=True):
    """Apply a function to items, at once where there are threads for it.

    Filters and Fourier transforms let other threads run while they compute. The number
    of threads is torch's, which the user limits with OMP_NUM_THREADS or --threads, and
    which is one in the processes of a parallel evaluation.

    Parameters
    ----------
    function : callable
        Takes an item; must not change what other calls read.
    items : iterable
        The items.
    is_long : bool
        Whether a call takes much longer than the start of a thread, which is as long as
        the filtering of one epoch.

    Returns
    -------
    results : list
        One per item, in their order.
    """
    items = list(items)
    torch = sys.modules.get("torch")
    n_threads = min(torch.get_num_threads() if torch else 1, len(items))
    if n_threads < 2 or not is_long:
        return [function(item) for item in items]
    # Threads that outlive the call would be missing in a forked process.
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, items))
