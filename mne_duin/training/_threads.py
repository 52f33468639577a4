"""How many threads a training uses on a machine where others compute as well.

Threads of OpenMP wait for each other many times in a step. While one of them has no
core the others turn in circles, so two threads next to one busy process are slower than
one. Before every pass the engine therefore looks how much the other processes have
computed since the pass before, and takes as many threads as there are free cores. A
number that the user gave (``OMP_NUM_THREADS``, ``--threads``) stays as it is.
"""

import os
import time
from pathlib import Path

import torch
from joblib.parallel import get_active_backend

from mne_duin.utils._once import inform_once

STAT = Path("/proc/stat")
QUOTA = Path("/sys/fs/cgroup/cpu.max")
SHORTEST = 0.3  # s; the system counts in hundredths
# A core that others use for less than this share counts as free.
NEARLY_FREE = 0.4
MOST_AT_ONCE = 4


class FreeThreads:
    """Adapt the number of torch's threads to the free cores; a context.

    Does nothing where the number was given by the user, is one, or where the system
    does not say what other processes use.

    Parameters
    ----------
    device : torch.device
        Where is trained; only the processor needs its threads.
    """

    def __init__(self, device):
        self.most = torch.get_num_threads()
        given = "OMP_NUM_THREADS" in os.environ
        self.is_on = self.most > 1 and not given and device.type == "cpu"
        self.is_on = self.is_on and _others_seconds() is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_on:
            torch.set_num_threads(self.most)

    def adapt(self):
        """Take as many threads as there were free cores since the last look."""
        free = free_cores() if self.is_on else None
        if free is None:
            return
        wanted = min(max(int(free + NEARLY_FREE), 1), self.most)
        if wanted != torch.get_num_threads():
            inform_once(
                "threads",
                f"{free:.1f} cores are free: training goes on with {wanted} thread(s). "
                "Set OMP_NUM_THREADS (--threads) to fix the number.",
            )
            torch.set_num_threads(wanted)


def jobs_at_once(device):
    """Return how many trainings are worth running at the same time.

    Two trainings of one thread each take less time than one after the other with two
    threads, which wait for each other many times in a step.

    Parameters
    ----------
    device : torch.device
        Where is trained; a GPU trains one after the other.

    Returns
    -------
    n_jobs : int
        At most as many as the user allows threads (``OMP_NUM_THREADS``,
        ``--threads``), as there are free cores, and four, as every process needs about
        one gigabyte. One inside of a process that is one of several already.
    """
    backend, _ = get_active_backend()
    if device.type != "cpu" or backend.nesting_level:
        return 1
    most = min(torch.get_num_threads(), MOST_AT_ONCE)
    free = free_cores()
    return most if free is None else max(min(most, int(free + NEARLY_FREE)), 1)


def allowed_cores():
    """Return how many cores this process may use: affinity and quota of its group."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    try:
        quota, period = QUOTA.read_text().split()
        return min(cores, int(quota) / int(period))
    except (OSError, ValueError):  # no such group, or "max"
        return cores


def free_cores():
    """Return how many cores were free of other processes since the last call.

    Returns
    -------
    free : float | None
        None where it is not known, or the last call was a moment ago.
    """
    others, now = _others_seconds(), time.monotonic()
    before, since = _last
    if others is None or now - since < SHORTEST:
        return None
    _last[:] = others, now
    machine = os.cpu_count() or 1
    used = max(others - before, 0.0) / (now - since)
    return min(allowed_cores(), max(machine - used, 0.0))


def _others_seconds():
    """Return the seconds that all other processes have computed since the start."""
    try:
        fields = STAT.read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq, steal = (int(x) for x in fields[:8])
    ticks = user + nice + system + irq + softirq + steal
    own = os.times()
    return ticks / os.sysconf("SC_CLK_TCK") - own.user - own.system


# What others had computed at the last look, and when that was: at first, the import.
_last = [_others_seconds() or 0.0, time.monotonic()]
