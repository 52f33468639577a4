"""Continue an interrupted training: its checkpoints, and what must be the same.

What tells a training from another one is its parameters, every value of its data and
the earlier stage; on what machine it runs may change, which is told in a warning.
"""

import hashlib
import platform
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from mne.utils import logger, warn

from mne_duin._version import __version__
from mne_duin.checkpoints import (
    DamagedError,
    list_checkpoints,
    read_latest,
    write_next,
)
from mne_duin.estimators._files import EARLIER_STAGES, library_versions, plain
from mne_duin.training import (
    CheckpointHooks,
    is_main,
    join_processes,
    n_processes,
)
from mne_duin.training._data import StoredSignal
from mne_duin.training._devices import from_main
from mne_duin.utils._checks import check_number
from mne_duin.utils._stored import StoredArray

# Where a network is trained and what is printed does not make it another one.
NO_MATTER = (*EARLIER_STAGES, "device", "compile", "verbose")


def open_checkpoints(estimator, stage, recipe, checkpoint_dir, checkpoint_every):
    """Look for an earlier training of an estimator that can be continued."""
    check_number("checkpoint_every", checkpoint_every, low=1, integer=True)
    join_processes(estimator.device)
    if checkpoint_dir is None:
        return CheckpointHooks()
    parameters = estimator.get_params(deep=False) | recipe
    matter = {k: v for k, v in parameters.items() if k not in NO_MATTER}
    return Checkpoints(Path(checkpoint_dir) / stage, checkpoint_every, plain(matter))


class OtherTrainingError(ValueError):
    """A folder of checkpoints belongs to a training of something else."""


class Checkpoints(CheckpointHooks):
    """Write the state of a training every few passes and continue from the last."""

    def __init__(self, folder, every, parameters):
        self.folder, self.every, self.parameters = folder, every, parameters
        self.data, self.circumstances, self.seed = None, None, None
        self._unwritten = None
        self._seen = list_checkpoints(folder)
        latest = from_main(read_latest(folder) if is_main() else None)
        self.found = latest is not None
        self._tensors, self._meta = latest[:2] if self.found else (None, None)
        if self.found:
            known = self._meta.get("training", {}).get("parameters", {})
            self._refuse("parameters", changes(known, parameters))

    def choose_seed(self, seed, random_state):
        """Return the seed, that of the earlier training where chance chose it."""
        if self.found and not isinstance(random_state, int | np.integer):
            seed = self._meta["training"]["seed"]
        self.seed = seed
        return seed

    def check_data(self, data, circumstances):
        """Refuse other data; tell of another machine."""
        self.data, self.circumstances = plain(data), circumstances
        if not self.found:
            return
        training = self._meta["training"]
        self._refuse("data", changes(training["data"], self.data))
        changed = changes(training["circumstances"], circumstances)
        if changed and is_main():
            warn(
                f"The training in {str(self.folder)!r} continues under other "
                f"circumstances ({changed}); the result can differ in the last digits."
            )

    def _refuse(self, what, changed):
        if changed:
            raise OtherTrainingError(
                f"The training in {str(self.folder)!r} had other {what}: {changed}. "
                "Continue it with what it had, or pass another `checkpoint_dir`."
            )

    def resume(self, state):
        """Continue from the newest good checkpoint; see :class:`CheckpointHooks`."""
        if not self.found:
            return 0
        try:
            state.load_(self._tensors, self._meta["training"]["state"])
        except (RuntimeError, LookupError, TypeError, ValueError) as error:
            raise DamagedError(
                f"The newest checkpoint in {str(self.folder)!r} is not one of this "
                f"network ({error!s:.100}). Pass another `checkpoint_dir`."
            ) from error
        self._tensors = None
        n_done = len(state.history)
        if is_main():
            logger.info(f"Continuing after pass {n_done} from {str(self.folder)!r}.")
        return n_done

    def after_pass(self, state, n_passes):
        """Write the state, or hold it in memory until it is due."""
        if not is_main():
            return
        n_done = len(state.history)
        copies = {
            k: v.detach().to("cpu", copy=True) for k, v in state.tensors().items()
        }
        self._unwritten = copies, self._describe(state)
        if n_done % self.every == 0 or n_done == n_passes:
            self._write()

    def _describe(self, state):
        training = {
            "parameters": self.parameters,
            "data": self.data,
            "circumstances": self.circumstances,
            "seed": self.seed,
            "state": plain(state.record()),
        }
        return {"training": training}

    def _write(self):
        if self._unwritten is not None:
            write_next(self.folder, *self._unwritten)
            self._unwritten = None

    @contextmanager
    def watch(self):
        """Write the last complete pass when the training ends before its time."""
        with self._alone(), _termination_as_interrupt():
            try:
                yield
            except OSError:
                raise
            except BaseException:
                self._write()
                raise

    @contextmanager
    def _alone(self):
        """Refuse to train in a folder where another training is at work."""
        if not is_main():
            yield
            return
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"Writing failed: {str(self.folder)!r} cannot be made "
                f"({error.strerror}). Pass another `checkpoint_dir`."
            ) from error
        lock = FileLock(self.folder.with_name(f"{self.folder.name}.lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise BlockingIOError(
                f"Another training is at work in {str(self.folder)!r}. Wait for it, or "
                "pass another `checkpoint_dir`."
            ) from None
        try:
            if list_checkpoints(self.folder) != self._seen:
                raise BlockingIOError(
                    f"Another training has written to {str(self.folder)!r} since this "
                    "one began. Start again to continue it."
                )
            yield
            # Where it ended well nobody else is to continue.
            Path(lock.lock_file).unlink(missing_ok=True)
        finally:
            lock.release()


@contextmanager
def _termination_as_interrupt():
    """Treat SIGTERM like Ctrl-C."""
    is_free = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not is_free or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(number, frame):
    raise KeyboardInterrupt("terminated")


def circumstances_of(device, dtype, compile=False):
    """Say on what a network is trained, in addition to its parameters and data."""
    return {
        "device": device.type,
        "precision": "32" if dtype is None else str(dtype).removeprefix("torch."),
        "compiled": bool(compile),
        "processes": n_processes(),
        "mne_duin": __version__,
        "python": platform.python_version(),
        **library_versions(),
    }


def fingerprint(estimator, data, held_out):
    """Return what tells data from other data."""
    known = {
        "channels": estimator.ch_names_,
        "sampling rate": float(estimator.info_["sfreq"]),
        "subjects": list(estimator.subjects_),
        "number of epochs": len(data),
    }
    for prefix, part in {"": data, **held_out}.items():
        name = f"{prefix} " if prefix else ""
        known[f"{name}values"] = digest_signal(part.x)
        known[f"{name}labels"] = digest([part.y])
        known[f"{name}subject of each epoch"] = digest([part.subject])
    stage = estimator._earlier_stage()
    if stage is not None:
        known["earlier stage"] = digest(stage.module_.state_dict().values())
    return known


def digest_signal(x):
    """Return what tells a signal from others.

    Of a signal on disk it is made of the digest that was computed while it was written,
    and of the chosen epochs, channels, scales and bands: nothing is read again.
    """
    return x.digest() if isinstance(x, StoredSignal | StoredArray) else digest([x])


def digest(tensors):
    """Return what tells tensors from others."""
    present = [value for value in tensors if value is not None]
    if not present:
        return None
    found = hashlib.sha256()
    for value in present:
        found.update(f"{value.dtype} {tuple(value.shape)};".encode())
        whole = value.detach().cpu().contiguous().reshape(-1)
        found.update(memoryview(whole.view(torch.uint8).numpy()))
    return found.hexdigest()


def changes(old, new):
    """Say in words what differs between two descriptions."""
    names = [*old, *(name for name in new if name not in old)]
    changed = [name for name in names if old.get(name) != new.get(name)]
    return "; ".join(
        name
        if _is_digest(old.get(name)) or _is_digest(new.get(name))
        else f"{name} {old.get(name)!r} -> {new.get(name)!r}"
        for name in changed
    )


def _is_digest(value):
    return isinstance(value, str) and len(value) == 64
