"""Free memory stays with the process inside, and goes back to the system afterwards."""

import platform
import subprocess
import sys

import pytest

from mne_duin.training.buffers import kept_buffers

SIZE = 256 * 2**20
# In a new process, whose heap has no holes that would take the buffer.
SCRIPT = f"""
import os
from contextlib import suppress
import torch
from mne_duin.training.buffers import kept_buffers

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def use_a_buffer(size={SIZE}):
    torch.ones(size // 4)
    return resident() - before

before = resident()
print(use_a_buffer())
with suppress(KeyboardInterrupt), kept_buffers():
    with kept_buffers():
        print(use_a_buffer())
    print(use_a_buffer())
    raise KeyboardInterrupt
print(resident() - before)
# Larger than any hole that the heap may have by now, which would be used and kept.
print(use_a_buffer(2 * {SIZE}))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="only glibc can be told to keep memory",
)
@pytest.mark.parametrize("is_set_by_user", [False, True])
def test_memory_is_kept_inside_and_given_back(is_set_by_user, monkeypatch):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if is_set_by_user:
        monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", str(2**20))
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    is_kept = [int(size) > SIZE / 2 for size in output.stdout.split()]
    kept = not is_set_by_user
    assert is_kept == [False, kept, kept, False, False]


def test_nothing_happens_without_glibc(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))
    monkeypatch.setattr("ctypes.CDLL", lambda name: pytest.fail("library was loaded"))
    with kept_buffers():
        pass
