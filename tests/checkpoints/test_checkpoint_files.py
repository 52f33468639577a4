"""Our own files: whole or not at all, and never believed when they are damaged."""

import builtins
import os
import pickle
import re
import stat
from pathlib import Path

import pytest
import safetensors.torch
import torch
from harmful import Touch

from mne_duin.checkpoints import read_checkpoint, write_checkpoint

TENSORS = {
    "weight": torch.arange(12.0).reshape(3, 4),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "mask": torch.tensor([True, False]),
    "empty": torch.zeros(0, 2),
}
META = {"class": "Something", "names": ["A'1", "嘴巴"], "history": [{"loss": 0.5}]}
DAMAGED = "is damaged|not a checkpoint|has format version"


@pytest.fixture
def path(tmp_path):
    return write_checkpoint(tmp_path / "model", TENSORS, META)


def is_whole(path):
    tensors, meta = read_checkpoint(path)
    same = all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    return same and tensors.keys() == TENSORS.keys() and meta == META


def test_there_and_back(path):
    assert is_whole(path)
    tensors, _ = read_checkpoint(path)
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype
        assert tensors[name].shape == value.shape


def test_tensors_that_share_memory_or_order(tmp_path):
    base = torch.arange(6.0).reshape(2, 3)
    shared = {"a": base, "b": base, "turned": base.T, "part": base[:, 1]}
    tensors, _ = read_checkpoint(write_checkpoint(tmp_path / "model", shared, {}))
    assert all(torch.equal(tensors[name], shared[name]) for name in shared)


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    again = write_checkpoint(tmp_path / "again", TENSORS, META)
    assert again.read_bytes() == path.read_bytes()


def test_a_file_is_readable_like_any_other(path):
    other = path.with_name("other")
    other.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


def fail(*arguments, **options):
    raise OSError(28, "No space left on device")


class FullDisk:
    """A file that takes some bytes and then no more."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.file.close()

    def fileno(self):
        return self.file.fileno()

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        fail()


@pytest.mark.parametrize("moment", ["write", "flush", "rename", "interrupt"])
@pytest.mark.parametrize("earlier", [True, False])
def test_a_failure_in_the_middle_leaves_what_was(
    moment, earlier, tmp_path, monkeypatch
):
    path = tmp_path / "model"
    if earlier:
        write_checkpoint(path, TENSORS, META)
    error = OSError
    if moment == "write":
        opened = Path.open
        monkeypatch.setattr(Path, "open", lambda *a: FullDisk(opened(*a)))
    elif moment == "flush":
        monkeypatch.setattr(os, "fsync", fail)
    elif moment == "rename":
        monkeypatch.setattr(os, "replace", fail)
    else:
        error = KeyboardInterrupt
        monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(error, match="No space left|stop"):
        write_checkpoint(path, {"weight": torch.zeros(2)}, {})
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == (["model"] if earlier else [])
    assert not earlier or is_whole(path)


def interrupt(*arguments):
    raise KeyboardInterrupt("stop")


def test_what_cannot_be_written_leaves_what_was(path):
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_checkpoint(path, TENSORS, {"object": builtins})
    with pytest.raises(OSError, match="directory|Directory"):
        write_checkpoint(path.parent, TENSORS, META)
    assert [p.name for p in path.parent.iterdir()] == ["model"]
    assert is_whole(path)


def test_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "model"
    assert is_whole(write_checkpoint(str(path), TENSORS, META))


def test_every_truncation_is_noticed(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=f"model ({DAMAGED})"):
            read_checkpoint(path)
    path.write_bytes(whole + b"more")
    with pytest.raises(ValueError, match="model is damaged"):
        read_checkpoint(path)


def test_flipped_bits_are_noticed(path):
    whole = path.read_bytes()
    for position in range(0, len(whole), 2):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (position // 2 * 5 % 8)
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"model ({DAMAGED})|model is a safetens"):
            read_checkpoint(path)


@pytest.mark.parametrize("version", [3, 99, "1", None, 1.5])
def test_another_version(path, version):
    write_checkpoint(path, TENSORS, META, version=version)
    message = f"model has format version {version!r}; this mne_duin reads up to 2"
    with pytest.raises(ValueError, match=re.escape(message)):
        read_checkpoint(path)


def test_foreign_files(path):
    path.write_bytes(safetensors.torch.save(TENSORS))
    with pytest.raises(
        ValueError, match="safetensors file, but not a checkpoint of mn"
    ):
        read_checkpoint(path)
    path.write_bytes(safetensors.torch.save(TENSORS, metadata={"format": "pt"}))
    with pytest.raises(
        ValueError, match="safetensors file, but not a checkpoint of mn"
    ):
        read_checkpoint(path)
    for content in (b"", b"\x00" * 100, b"text", os.urandom(500)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="model is damaged or not a checkpoint"):
            read_checkpoint(path)


def test_what_is_no_file(tmp_path):
    for missing in (tmp_path / "missing", tmp_path):
        with pytest.raises(FileNotFoundError, match="There is no checkpoint '.+'"):
            read_checkpoint(missing)


@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_pickle_is_not_run(writer, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "model"
    if writer == "pickle":
        path.write_bytes(pickle.dumps(Touch(mark)))
        pickle.loads(path.read_bytes())
    else:
        torch.save({"trap": Touch(mark)}, path)
        torch.load(path, weights_only=False)
    assert mark.exists(), "the trap itself must work"
    mark.unlink()
    with pytest.raises(ValueError, match="model is damaged or not a checkpoint"):
        read_checkpoint(path)
    assert not mark.exists()
