"""What all tests share: no windows, and one thread per worker."""

import gc

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch
from hub_server import HubServer

mpl.use("Agg")


def pytest_collection_finish(session):
    """Leave modules and tests out of garbage collection: a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Let two workers share two cores instead of waiting for each other's threads."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(autouse=True)
def _no_figures_left():
    """Close what a test drew, so that no test sees another one's figures."""
    yield
    plt.close("all")


@pytest.fixture
def serve():
    """Serve a folder as the only repository of a hub on this machine."""
    return HubServer


# Before pytest itself leaves slow tests out.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Make those parameters slow that do not run by default."""
    cases = {}
    for item in items:
        marker = item.get_closest_marker("by_default")
        if marker is not None:
            cases.setdefault((item.path, item.originalname), []).append((item, marker))
    for (_, name), some in cases.items():
        wanted = set(some[0][1].args)
        for item, _ in some:
            if item.callspec.id not in wanted:
                item.add_marker(pytest.mark.slow)
        # A single one may have been asked for by its name.
        unknown = wanted - {item.callspec.id for item, _ in some}
        if unknown and len(some) > 1:
            raise pytest.UsageError(f"{name} has no parameters {sorted(unknown)}.")
