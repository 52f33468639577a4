"""As many threads as there are cores that nobody else uses."""

import os
from types import SimpleNamespace

import mne
import pytest
import torch

from mne_duin.training import _threads
from mne_duin.training._threads import (
    FreeThreads,
    allowed_cores,
    free_cores,
    jobs_at_once,
)
from mne_duin.utils import _once

CPU = torch.device("cpu")


class Machine:
    """A machine whose other processes compute as they are told."""

    def __init__(self, monkeypatch, n_cores):
        self.others = self.now = 0.0
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        monkeypatch.setattr(_threads, "_others_seconds", lambda: self.others)
        monkeypatch.setattr(_threads.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(_threads, "_last", [0.0, 0.0])
        monkeypatch.setattr(_once, "_told", set())
        monkeypatch.setattr(os, "cpu_count", lambda: n_cores)
        monkeypatch.setattr(_threads, "allowed_cores", lambda: n_cores)

    def wait(self, seconds, busy):
        self.now += seconds
        self.others += busy * seconds


@pytest.fixture
def machine(monkeypatch):
    n_threads = torch.get_num_threads()
    torch.set_num_threads(4)
    yield Machine(monkeypatch, 4)
    torch.set_num_threads(n_threads)


@pytest.mark.parametrize(
    ("busy", "expected"), [(0.0, 4), (0.3, 4), (1.0, 3), (2.9, 1), (4.0, 1), (9.0, 1)]
)
def test_threads_are_the_free_cores(machine, busy, expected):
    with FreeThreads(CPU) as threads:
        machine.wait(10.0, busy)
        threads.adapt()
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == 4


def test_threads_come_back(machine):
    with FreeThreads(CPU) as threads:
        for busy, expected in ((3.0, 1), (0.0, 4), (2.0, 2)):
            machine.wait(5.0, busy)
            threads.adapt()
            assert torch.get_num_threads() == expected


def test_a_number_of_threads_is_explained_once(machine):
    with mne.utils.catch_logging(verbose=True) as log:
        for _ in range(3):
            with FreeThreads(CPU) as threads:
                machine.wait(5.0, 3.0)
                threads.adapt()
    assert log.getvalue().count("1.0 cores are free") == 1


def test_a_moment_says_nothing(machine):
    with FreeThreads(CPU) as threads:
        machine.wait(0.1, 4.0)
        threads.adapt()
        assert torch.get_num_threads() == 4


def test_a_given_number_stays(machine, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    with FreeThreads(CPU) as threads:
        machine.wait(10.0, 4.0)
        threads.adapt()
        assert torch.get_num_threads() == 4


def test_a_system_that_says_nothing_is_left_alone(machine, monkeypatch):
    monkeypatch.setattr(_threads, "_others_seconds", lambda: None)
    with FreeThreads(CPU) as threads:
        machine.wait(10.0, 4.0)
        threads.adapt()
        assert torch.get_num_threads() == 4
    assert free_cores() is None


def test_own_work_is_no_others(monkeypatch):
    if _threads._others_seconds() is None:
        pytest.skip("the system does not say what other processes use")
    begin, own = _threads._others_seconds(), os.times()
    x = torch.ones(200, 200)
    while os.times().user - own.user < 0.5:
        x = torch.mm(x, x) / 200
    # Others may compute meanwhile, on the other cores only.
    others = _threads._others_seconds() - begin
    elapsed = os.times().elapsed - own.elapsed
    assert others < (os.cpu_count() or 1) * elapsed - 0.4


def test_a_quota_limits_the_cores(monkeypatch, tmp_path):
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(_threads, "QUOTA", quota)
    everything = allowed_cores()
    quota.write_text("max 100000\n")
    assert allowed_cores() == everything
    quota.write_text("50000 100000\n")
    assert allowed_cores() == 0.5


@pytest.mark.parametrize(
    ("busy", "n_threads", "expected"),
    [(0.0, 4, 4), (0.0, 8, 4), (1.0, 4, 3), (9.0, 4, 1), (0.0, 2, 2), (0.0, 1, 1)],
)
def test_trainings_at_once_are_limited(machine, busy, n_threads, expected):
    # Threads are those that the user allows; every process needs a gigabyte.
    torch.set_num_threads(n_threads)
    machine.wait(10.0, busy)
    assert jobs_at_once(CPU) == expected


def test_one_training_at_once_on_a_gpu_and_inside_of_others(machine, monkeypatch):
    assert jobs_at_once(torch.device("cuda")) == 1
    inside = SimpleNamespace(nesting_level=1), None
    monkeypatch.setattr(_threads, "get_active_backend", lambda: inside)
    assert jobs_at_once(CPU) == 1
