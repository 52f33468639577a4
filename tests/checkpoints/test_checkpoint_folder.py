"""The checkpoints of a run: the newest good one is found, whatever happened before."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch

from mne_duin.checkpoints import (
    LaterVersionError,
    read_latest,
    write_checkpoint,
    write_next,
)
from mne_duin.checkpoints._folder import list_checkpoints
from mne_duin.utils import _atomic as atomic_module

fcntl = pytest.importorskip("fcntl")
resource = pytest.importorskip("resource")


def tensors(number):
    return {"weight": torch.full((50, 50), float(number))}


def write(folder, *numbers, keep=2):
    for number in numbers:
        write_next(folder, tensors(number), {"pass": number}, keep=keep)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def numbered(*numbers):
    return [f"checkpoint-{number:05d}.safetensors" for number in numbers]


def damage(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def latest(folder):
    found, meta, path = read_latest(folder)
    assert torch.equal(found["weight"], tensors(meta["pass"])["weight"])
    return meta["pass"], path.name


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_the_newest_are_kept(keep, tmp_path):
    folder = tmp_path / "a" / "b"
    assert read_latest(folder) is None
    for number in range(1, 7):
        write(folder, number, keep=keep)
        assert names(folder) == numbered(*range(max(number - keep, 0) + 1, number + 1))
        assert latest(folder) == (number, *numbered(number))


def test_an_empty_folder_has_none(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "checkpoint-1.safetensors").write_text("mine")
    assert read_latest(tmp_path) is None
    write(tmp_path, 1, 2, 3)
    expected = ["checkpoint-1.safetensors", "notes.txt", *numbered(2, 3)]
    assert names(tmp_path) == sorted(expected)


def test_numbers_are_compared_as_numbers(tmp_path):
    write_checkpoint(tmp_path / "checkpoint-99999.safetensors", tensors(1), {"pass": 1})
    write(tmp_path, 2)
    assert latest(tmp_path) == (2, "checkpoint-100000.safetensors")
    write(tmp_path, 3)
    assert [p.name for p in list_checkpoints(tmp_path)] == numbered(100001, 100000)


@pytest.mark.parametrize("keep", [0, -1, 1.5, True])
def test_at_least_one_is_kept(keep, tmp_path):
    with pytest.raises((ValueError, TypeError), match="`keep` must be"):
        write_next(tmp_path / "run", {}, {}, keep=keep)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [None, b"", b"text", bytes(9)], ids=str)
def test_a_damaged_newest_is_named_and_the_one_before_is_used(content, tmp_path):
    write(tmp_path, 1, 2, 3)
    newest = tmp_path / numbered(3)[0]
    if content is None:
        damage(newest)
    else:
        newest.write_bytes(content)
    message = "checkpoint-00003.* is damaged.* one before, checkpoint-00002.safetensors"
    with pytest.warns(RuntimeWarning, match=message):
        assert latest(tmp_path) == (2, *numbered(2))


def test_a_good_one_is_left_when_the_newest_was_damaged(tmp_path):
    write(tmp_path, 1, 2, 3)
    damage(tmp_path / numbered(3)[0])
    write(tmp_path, 4)
    assert names(tmp_path) == numbered(2, 3, 4)
    damage(tmp_path / numbered(4)[0])
    with pytest.warns(RuntimeWarning, match="00004.*00003.*one before.*00002"):
        assert latest(tmp_path) == (2, *numbered(2))
    write(tmp_path, 5, 6)
    assert names(tmp_path) == numbered(5, 6)


def test_all_damaged(tmp_path):
    write(tmp_path, 1, 2)
    for path in tmp_path.iterdir():
        damage(path)
    message = f"All 2 checkpoints in '{re.escape(str(tmp_path))}' are damaged: .*00002"
    with pytest.raises(ValueError, match=message):
        read_latest(tmp_path)


def test_a_later_version_is_no_damage(tmp_path):
    write(tmp_path, 1, 2)
    write_checkpoint(tmp_path / numbered(2)[0], tensors(2), {"pass": 2}, version=3)
    with pytest.raises(LaterVersionError, match="00002.* has format version 3; .*to 2"):
        read_latest(tmp_path)
    damage(tmp_path / numbered(2)[0])
    with pytest.warns(RuntimeWarning, match="00002.* does not match its checksum"):
        assert latest(tmp_path) == (1, *numbered(1))


def leave_partial(folder, name):
    path = folder / f".{name}.0123abcd.partial"
    path.write_bytes(b"half")
    return path


def test_what_killed_writers_left_is_removed(tmp_path):
    write(tmp_path, 1)
    others = [".notes.partial", ".bashrc", "x.0123abcd.partial", ".x.0123.partial"]
    for name in others:
        (tmp_path / name).write_text("mine")
    for clean in (lambda: read_latest(tmp_path), lambda: write(tmp_path, 2)):
        left = leave_partial(tmp_path, *numbered(1))
        leave_partial(tmp_path, "model")
        clean()
        assert not left.exists()
    assert names(tmp_path) == sorted([*others, *numbered(1, 2)])


def test_a_single_file_cleans_up_after_itself_only(tmp_path):
    mine = leave_partial(tmp_path, "model[1]")
    other = leave_partial(tmp_path, "other")
    write_checkpoint(tmp_path / "model[1]", {}, {})
    assert not mine.exists()
    assert other.exists()


def test_the_file_of_a_writer_at_work_stays(tmp_path):
    write(tmp_path, 1)
    path = leave_partial(tmp_path, *numbered(2))
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert latest(tmp_path)[0] == 1
        assert path.exists()
    assert latest(tmp_path)[0] == 1
    assert not path.exists()


def test_a_writer_holds_its_file_until_it_has_its_name(tmp_path, monkeypatch):
    seen = []
    replace = os.replace

    def look(temporary, path):
        seen.append(atomic_module.remove_partial(tmp_path))
        replace(temporary, path)

    monkeypatch.setattr(os, "replace", look)
    write(tmp_path, 1)
    assert seen == [[]]
    assert names(tmp_path) == numbered(1)


def test_file_and_folder_are_flushed_around_the_rename(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace

    def flush(descriptor):
        is_folder = os.path.isdir(f"/proc/self/fd/{descriptor}")
        events.append("folder" if is_folder else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(
        os, "replace", lambda *paths: (events.append("rename"), replace(*paths))
    )
    write(tmp_path, 1)
    assert events == ["file", "rename", "folder"]


WRITER = """
import sys, torch
from mne_duin.checkpoints import write_next
folder, limit = sys.argv[1], int(sys.argv[2])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
number = 1
while True:
    number += 1
    tensors = {"weight": torch.full((50, 50), float(number))}
    print(number, flush=True)
    write_next(folder, tensors, {"pass": number})
    if limit:
        break
"""


def run_writer(folder, limit=0, **options):
    command = [sys.executable, "-c", WRITER, str(folder), str(limit)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.slow
def test_a_file_size_limit_leaves_the_earlier_file(tmp_path):
    write(tmp_path, 1)
    writer = run_writer(tmp_path, limit=5000)
    error = writer.communicate(timeout=60)[1].splitlines()[-1]
    assert writer.returncode == 1
    assert re.fullmatch(
        r"OSError: \[Errno 27\] Writing failed, an earlier file is as it was "
        r"\(File too large\): '.*checkpoint-00002.safetensors'",
        error,
    )
    assert names(tmp_path) == numbered(1)
    assert latest(tmp_path)[0] == 1


def test_kill_at_any_moment_leaves_whole_files(tmp_path):
    write(tmp_path, 1)
    writer = run_writer(tmp_path)
    said = [writer.stdout.readline() for _ in range(3)]
    time.sleep(0.02)
    writer.send_signal(signal.SIGKILL)
    started = int([*said, *writer.communicate()[0].splitlines()][-1])
    number, _ = latest(tmp_path)
    assert number in (started - 1, started)
    assert set(names(tmp_path)) <= set(numbered(*range(started + 1)))
    write(tmp_path, number + 1)
    assert latest(tmp_path)[0] == number + 1


@pytest.fixture
def mount(tmp_path):
    """A file system of 20 kB, which one checkpoint fits into and two do not."""
    folder = tmp_path / "mount"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=20k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(["mount", *options], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_earlier_file(mount):
    write(mount, 1)
    for _ in range(2):
        with pytest.raises(OSError, match="Writing failed.*No space left.*00002"):
            write(mount, 2)
        assert names(mount) == numbered(1)
        assert latest(mount)[0] == 1


def test_a_read_only_file_system_leaves_the_earlier_file(mount):
    write(mount, 1)
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    with pytest.raises(OSError, match="Writing failed.*Read-only file system.*00002"):
        write(mount, 2)
    assert names(mount) == numbered(1)
    assert latest(mount)[0] == 1


def test_a_folder_without_permission_leaves_the_earlier_file(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("everything is permitted to root")
    write(tmp_path, 1)
    leave_partial(tmp_path, *numbered(2))
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="Writing failed.*Permission denied"):
            write(tmp_path, 2)
        assert latest(tmp_path)[0] == 1
    finally:
        tmp_path.chmod(0o700)
