"""How many threads numeric code runs in, where it is our own and not torch's."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread():
    """Let BLAS and LAPACK compute in one thread; a context, and called a decorator.

    Their threads wait for each other by turning in circles. With matrices of a few
    hundred rows and two other busy processes, two of them take more than four times as
    long as one, and alone they are slower, too (``tests/benchmarks/busy_blas.py``).
    Torch has threads of its own.
    """
    with _blas().limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _blas():
    """Find the libraries once, which takes longer than a small matrix product."""
    # NumPy and SciPy bring one each.
    import scipy.linalg  # noqa: F401

    return ThreadpoolController().select(user_api="blas")


@one_blas_thread()
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
