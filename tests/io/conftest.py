"""The base datasets, written once for a session and copied for each test."""

import shutil

import bids_examples
import mne
import pytest


@pytest.fixture(autouse=True)
def quiet():
    """Keep MNE's log out of the way of what the tests capture."""
    level = mne.set_log_level("WARNING", return_old_level=True)
    yield
    mne.set_log_level(level)


@pytest.fixture(scope="session")
def base_dataset(tmp_path_factory):
    """A valid dataset with two runs; never changed."""
    root = tmp_path_factory.mktemp("base") / "bids"
    path = bids_examples.write_dataset(root, runs=("1", "2"))
    return path


@pytest.fixture
def dataset(base_dataset, tmp_path):
    """A copy of the base dataset that a test may break."""
    root = tmp_path / "bids"
    shutil.copytree(base_dataset.root, root)
    return base_dataset.copy().update(root=root)
