"""Independent computations in threads: the same results, in their order."""

import threading

import numpy as np
import pytest
import torch
from scipy import linalg
from threadpoolctl import threadpool_info, threadpool_limits

from mne_duin import make_lda
from mne_duin.utils import _bands
from mne_duin.utils._parallel import in_threads, one_blas_thread


@pytest.fixture
def three_threads():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture
def two_blas_threads():
    with threadpool_limits(2, user_api="blas"):
        yield


def blas_threads():
    return {
        library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }


def test_blas_computes_in_one_thread_until_the_context_ends(two_blas_threads):
    torch_threads = torch.get_num_threads()
    with one_blas_thread():
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
        torch.set_num_threads(torch_threads + 1)
    assert blas_threads() == {2}
    assert torch.get_num_threads() == torch_threads + 1
    torch.set_num_threads(torch_threads)


def test_an_lda_is_fitted_in_one_thread_of_blas(two_blas_threads, monkeypatch):
    epochs = np.random.default_rng(0).standard_normal((40, 4, 300))
    seen = []

    def watch(function):
        def call(*args, **options):
            seen.append(blas_threads())
            return function(*args, **options)

        return call

    for name in ("eigh", "lstsq"):
        for module in (np.linalg, linalg):
            monkeypatch.setattr(module, name, watch(getattr(module, name)))
    make_lda(sfreq=400.0).fit(epochs, np.arange(40) % 2)
    assert seen
    assert all(one == {1} for one in seen)
    assert blas_threads() == {2}


def test_results_keep_their_order(three_threads):
    meet = threading.Barrier(3, timeout=20)
    used = set()

    def square(number):
        meet.wait()  # three calls at once, or none goes on
        used.add(threading.get_ident())
        return number**2

    assert in_threads(square, range(9)) == [k**2 for k in range(9)]
    assert len(used) == 3


def test_short_calls_and_one_thread_stay_where_they_are(three_threads):
    def where(_):
        return threading.get_ident()

    assert in_threads(where, range(4), is_long=False) == [threading.get_ident()] * 4
    torch.set_num_threads(1)
    assert in_threads(where, range(4)) == [threading.get_ident()] * 4


def test_an_error_comes_out(three_threads):
    with pytest.raises(ZeroDivisionError, match="division"):
        in_threads(lambda number: 1 // number, [1, 0, 2])


def test_band_power_is_the_same_bit_by_bit(three_threads):
    data = np.random.default_rng(0).standard_normal((20, 3, 400))
    several = _bands.add_bands(data, 500.0, _bands.BANDS)
    torch.set_num_threads(1)
    np.testing.assert_array_equal(several, _bands.add_bands(data, 500.0, _bands.BANDS))
