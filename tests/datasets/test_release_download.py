"""Parts of the published release come from a hub, here one on this machine."""

import numpy as np
import pytest
import torch
from published_release import write_run

from mne_duin.datasets import fetch_official, read_official_epochs
from mne_duin.datasets.released._download import REVISION

pytest.importorskip("huggingface_hub")
WEIGHTS = "pretrains/duin/001/mae/model/checkpoint-399.pth"


@pytest.fixture
def release(tmp_path):
    root = tmp_path / "hub"
    for subject in ("001", "002"):
        write_run(root, subject, 1)
    path = root / WEIGHTS
    path.parent.mkdir(parents=True)
    torch.save({"a": torch.ones(2)}, path)
    return root


def test_only_what_was_asked_for_is_downloaded(release, serve, tmp_path):
    folder = tmp_path / "local"
    with serve(release) as hub:
        assert fetch_official(folder, "001", endpoint=hub.endpoint) == folder
        found = read_official_epochs(folder, "001")[0].get_data()
        expected = read_official_epochs(release, "001")[0].get_data()
        assert np.array_equal(found, expected)
        assert not (folder / "data/seeg.he2023xuanwu/002").exists()
        assert not (folder / "pretrains").exists()
        path = fetch_official(folder, "001", what="mae", endpoint=hub.endpoint)
    assert path == folder / WEIGHTS
    assert path.read_bytes() == (release / WEIGHTS).read_bytes()
    assert any("/datasets/liulab-repository/Du-IN/resolve/" in r for r in hub.requests)
    assert any(REVISION in request for request in hub.requests)


def test_what_is_not_there_is_named(release, serve, tmp_path):
    with serve(release) as hub:
        options = {"endpoint": hub.endpoint}
        with pytest.raises(FileNotFoundError, match="no file pretrains/duin/001/vqvae"):
            fetch_official(tmp_path / "local", "001", what="vqvae", **options)
        with pytest.raises(FileNotFoundError, match="no subject '003'"):
            fetch_official(tmp_path / "local", "003", **options)
    with pytest.raises(ValueError, match="`subject` must be one of '001', .*got '013'"):
        fetch_official(tmp_path, "013")
    with pytest.raises(ValueError, match="`what` must be one of 'epochs', 'vqvae', 'm"):
        fetch_official(tmp_path, "001", what="cls")
