"""Pre-trained stages kept on disk, so that none is trained twice on the same data.

Folds of several estimators, several amounts of labeled trials and several values of a
later parameter often need the very same first stage. What tells one from another is its
parameters, the earlier stage and every value of its data.
"""

import hashlib
import json
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from mne.utils import logger, warn

from mne_duin._version import __version__
from mne_duin.checkpoints import DamagedError, list_checkpoints
from mne_duin.estimators import _files
from mne_duin.estimators._files import plain
from mne_duin.estimators._resume import (
    NO_MATTER,
    OtherTrainingError,
    digest,
    digest_signal,
)
from mne_duin.estimators.presets import resolve
from mne_duin.training import (
    choose_device,
    choose_precision,
    is_main,
    join_processes,
    n_processes,
)
from mne_duin.training._devices import from_main
from mne_duin.utils._epochs import as_array, run_names
from mne_duin.utils._stored import StoredArray

# Passes from one checkpoint to the next; an interruption writes one at any pass.
EVERY = 10


def fit_or_recall(stage, X, name: str, memory: Path | str | None = None):
    """Fit a stage, or read it where it was fitted to the same data before.

    A training that was interrupted is continued. A file that is damaged, or is not of
    this training, is renamed and learned again, with a warning that names it.

    Parameters
    ----------
    stage : DuINVQVAE | DuINMAE
        The stage, not fitted.
    X : Epochs | EpochsData | array, shape (n_epochs, n_channels, n_times)
        What it learns from.
    name : "vqvae" | "mae"
        Which stage it is.
    memory : path-like | None
        Folder of the stages; None fits again and keeps nothing.

    Returns
    -------
    stage : DuINVQVAE | DuINMAE
        The fitted stage.

    Raises
    ------
    ValueError
        If the stage has no fixed seed, so that no two of its fits are the same.
    """
    if memory is None:
        return stage.fit(X)
    check_seed(stage.random_state, f"of the stage {name!r} ")
    join_processes(stage.device)
    with open_folder(memory, name, _describe(stage, X, name)) as (folder, key):
        path = folder / "estimator.safetensors"
        fitted = _recall(path, type(stage), key)
        if fitted is None:
            fitted = or_set_aside(
                lambda: stage.fit(X, checkpoint_dir=folder, checkpoint_every=EVERY),
                folder / name,
            )
            if is_main():
                _keep(fitted, path, folder / name, key)
        else:
            logger.info(f"Read the stage {name!r} from {str(path)!r}.")
    # A file has no earlier stage and knows nothing of this machine.
    return fitted.set_params(**stage.get_params(deep=False))


def _recall(path, kind, key):
    """Return the stage in a file, or None; set the file aside if it is not the one."""
    fitted, known = None, {kind.__name__: kind}
    if is_main() and path.exists():
        try:
            fitted = _files.read(path, known, key=key)
        except ValueError as error:
            _set_aside([path], error)
    if from_main(fitted is not None) and not is_main():
        fitted = _files.read(path, known, key=key)
    return fitted


def or_set_aside(train, folder):
    """Train from the checkpoints in a folder, or again where they are of no use."""
    try:
        return train()
    except (DamagedError, OtherTrainingError) as error:
        _set_aside(list_checkpoints(folder), error)
    return train()


def _set_aside(paths, reason):
    """Rename files, so that nothing is lost, and tell of it."""
    kept = []
    for path in paths:
        numbers = (path.with_name(f"{path.name}.damaged-{i}") for i in count(1))
        kept.append(path.rename(next(p for p in numbers if not p.exists())))
    warn(f"{reason} It is learned again; kept as {', '.join(map(str, kept))}.")


def check_seed(random_state, whose=""):
    """Check that a training can be the same twice."""
    if not isinstance(random_state, int | np.integer):
        raise ValueError(
            f"`memory` needs a fixed seed: random_state {whose}must be an integer; "
            f"got {random_state!r}."
        )


@contextmanager
def open_folder(memory, name, known):
    """Enter the folder of one training, alone; yields it and the training's key.

    Of two programs that need the same training the second waits for the first;
    processes that train it together do not wait for each other.
    """
    text = json.dumps(plain(known), sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()
    folder = Path(memory) / f"{name}-{key[:20]}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock") if n_processes() == 1 else nullcontext():
        yield folder, key


def _keep(stage, path, checkpoints, key):
    """Write a fitted stage and remove the checkpoints that led to it."""
    _files.save(stage, path, key=key)
    for checkpoint in list_checkpoints(checkpoints):
        checkpoint.unlink()


def _as_signal(data):
    return data if isinstance(data, StoredArray) else torch.from_numpy(data)


def _describe(stage, X, name):
    """Return all that decides what a stage becomes."""
    parameters = stage.get_params(deep=False) | resolve(stage, name)
    # "auto" is bfloat16 on one machine and float32 on the next.
    dtype = choose_precision(stage.precision, choose_device(stage.device))
    parameters["precision"] = str(dtype)
    epochs = as_array(X, sfreq=stage.sfreq, on_disk=True)
    runs = run_names(epochs.metadata)
    known = {
        "version": __version__,
        "stage": name,
        "parameters": {k: v for k, v in parameters.items() if k not in NO_MATTER},
        "channels": epochs.ch_names,
        "sampling rate": epochs.sfreq,
        "values": digest_signal(_as_signal(epochs.data)),
        "subjects": epochs.subject,
        "runs": runs,
    }
    earlier = stage.get_params(deep=False).get("vqvae")
    if earlier is not None:
        known["earlier stage"] = digest(earlier.module_.state_dict().values())
    return known
