"""Keep large buffers from one training step to the next, instead of giving them back.

The C library of most Linux systems asks the kernel for every buffer beyond 32 MB and
gives it back when it is free, so that each step has all its pages zeroed and mapped
anew. Attention over many tokens is made of such buffers.
"""

import ctypes
import os
import platform
from contextlib import contextmanager
from threading import Lock

# From malloc.h, and where the library's own adaptation of the two ends.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
USUAL = {MMAP_THRESHOLD: 32 * 2**20, TRIM_THRESHOLD: 64 * 2**20}
NO_LIMIT = 2**31 - 1

_lock, _n_inside = Lock(), 0


@contextmanager
def kept_buffers():
    """Keep free memory inside; give it back to the system when the last one leaves.

    Changes nothing where the C library is not glibc, and where the environment sets
    the allocator (``MALLOC_..._``, ``GLIBC_TUNABLES``).
    """
    library = _adjustable_library()
    if library is None:
        yield
        return
    _enter(library)
    try:
        yield
    finally:
        _leave(library)


def _adjustable_library():
    """Return glibc, or None if there is none or the user has adjusted it."""
    is_set = "malloc" in os.environ.get("GLIBC_TUNABLES", "") or any(
        name.startswith("MALLOC_") and name.endswith("_") for name in os.environ
    )
    if is_set or platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL(None)


def _enter(library):
    global _n_inside
    with _lock:
        _n_inside += 1
        for threshold in USUAL:
            library.mallopt(threshold, NO_LIMIT)


def _leave(library):
    global _n_inside
    with _lock:
        _n_inside -= 1
        if _n_inside == 0:
            for threshold, usual in USUAL.items():
                library.mallopt(threshold, usual)
            library.malloc_trim(0)
