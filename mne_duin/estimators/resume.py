"""Checkpoints of a training, and what must be the same for it to be continued."""

import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from mne.utils import logger, warn

from mne_duin.checkpoints import read_latest, write_next
from mne_duin.estimators.fingerprint import changes
from mne_duin.estimators.persistence import STAGES, plain
from mne_duin.training import CheckpointHooks, is_main, join_processes
from mne_duin.training._processes import from_main
from mne_duin.utils.checks import check_number

# Where a network is trained and what is printed does not make it another one.
NO_MATTER = (*STAGES, "device", "compile", "verbose")


def open_checkpoints(estimator, stage, recipe, checkpoint_dir, checkpoint_every):
    """Look for an earlier training of an estimator that can be continued.

    Parameters
    ----------
    estimator : TrainedNetwork
        The estimator that is about to be fitted.
    stage : str
        Name of its folder, so that several stages can share ``checkpoint_dir``.
    recipe : dict
        Its parameters after the preset filled them in.
    checkpoint_dir : path-like | None
        The folder; None keeps nothing.
    checkpoint_every : int
        Passes from one checkpoint to the next.

    Returns
    -------
    keeper : CheckpointHooks
        What the engine needs.

    Raises
    ------
    ValueError
        If the folder has a training with other parameters.
    """
    check_number("checkpoint_every", checkpoint_every, low=1, integer=True)
    join_processes(estimator.device)
    if checkpoint_dir is None:
        return CheckpointHooks()
    parameters = estimator.get_params(deep=False) | recipe
    matter = {k: v for k, v in parameters.items() if k not in NO_MATTER}
    return Checkpoints(Path(checkpoint_dir) / stage, checkpoint_every, plain(matter))


class Checkpoints(CheckpointHooks):
    """Write the state of a training every few passes and continue from the last.

    Parameters
    ----------
    folder : Path
        Where the checkpoints are.
    every : int
        Passes from one to the next; the last pass always writes one.
    parameters : dict
        The parameters of the training, as JSON.
    """

    def __init__(self, folder, every, parameters):
        self.folder, self.every, self.parameters = folder, every, parameters
        self.data, self.circumstances, self.seed = None, None, None
        self._unwritten = None
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
        """Refuse other data; tell of another machine.

        Parameters
        ----------
        data : dict
            What :func:`fingerprint` returned.
        circumstances : dict
            What :func:`circumstances_of` returned.

        Raises
        ------
        ValueError
            If the data are not those of the earlier training; the message says what
            differs.
        """
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
            raise ValueError(
                f"The training in {str(self.folder)!r} had other {what}: {changed}. "
                "Continue it with what it had, or pass another `checkpoint_dir`."
            )

    def resume(self, state):
        """Continue from the newest good checkpoint; see :class:`CheckpointHooks`."""
        if not self.found:
            return 0
        state.load_(self._tensors, self._meta["training"]["state"])
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
        with _termination_as_interrupt():
            try:
                yield
            except OSError:
                raise
            except BaseException:
                self._write()
                raise


@contextmanager
def _termination_as_interrupt():
    """Treat the polite end that a queue asks for (SIGTERM) like Ctrl-C."""
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
