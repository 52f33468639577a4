"""Fitted networks to checkpoints and back.

What all networks have in common is here; each class adds its own by ``_add_state`` and
takes it back by ``_take_state``.
"""

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import mne
import numpy as np
import torch

from mne_duin._version import __version__
from mne_duin.checkpoints import DamagedError, read_checkpoint, write_checkpoint
from mne_duin.training import ChannelScaler, History
from mne_duin.utils._checks import check_number, check_type
from mne_duin.utils._labels import label_array

# Parameters that hold another estimator; what a later stage needs of it is nested.
EARLIER_STAGES = ("vqvae", "pretrained")
# What means nothing on another machine; what a memory held is in the weights.
NOT_SAVED = (*EARLIER_STAGES, "memory")
LIBRARIES = ("torch", "mne", "numpy", "scipy", "scikit-learn", "safetensors")
SCALES = ("mean", "scale", "channel_mask")
# Version of the format by which networks can be given the power of unmixed channels.
WITH_UNMIXING = 2
# What is met in a file whose parts do not go together.
ERRORS = (
    AttributeError,
    LookupError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    ZeroDivisionError,
)


@cache
def library_versions():
    """Return the versions of what training depends on; to look one up takes time."""
    return {name: version(name) for name in LIBRARIES}


def save(estimator, path, *, key=None) -> Path:
    """Write a fitted estimator to one file, with the key of its training if it has one.

    The key stands for parameters, seed and data; see ``memory``.
    """
    tensors, meta = to_state(estimator)
    meta = meta if key is None else meta | {"key": key}
    version = {"version": WITH_UNMIXING} if estimator.unmixing_ else {}
    return write_checkpoint(path, tensors, meta, **version)


def read(path, classes, *, key=None):
    """Read an estimator of one of ``classes``, a dict of class by name.

    With a key it has to be the one of that training.
    """
    tensors, meta = read_checkpoint(path)
    if key is not None and meta.get("key") != key:
        raise DamagedError(
            f"{path} was learned with other parameters or from other data than its "
            "folder says."
        )
    return from_state(tensors, meta, classes, path=path)


def to_state(estimator):
    """Return the tensors by name and the JSON part of a fitted estimator."""
    tensors = {f"module.{k}": v for k, v in estimator.module_.state_dict().items()}
    for name in SCALES:
        value = getattr(estimator.scaler_, name)
        tensors[f"scaler.{name}"] = torch.from_numpy(value.copy())
    parameters = estimator.get_params(deep=False)
    parameters |= {name: None for name in NOT_SAVED if name in parameters}
    meta = {
        "class": type(estimator).__name__,
        "parameters": plain(parameters),
        "learned": _learned(estimator),
        "nested": {},
        "versions": {
            "mne_duin": __version__,
            "python": platform.python_version(),
            **library_versions(),
        },
    }
    estimator._add_state(tensors, meta)
    return tensors, meta


def _learned(estimator):
    """Return what every network has learned in addition to tensors, as JSON."""
    learned = {
        "ch_names": estimator.ch_names_,
        "sfreq": float(estimator.info_["sfreq"]),
        "subjects": plain(list(estimator.subjects_)),
        "contacts": plain(estimator.contacts_),
        "history": plain(estimator.history_.records),
        "n_iter": estimator.n_iter_,
        "best_iter": estimator.best_iter_,
    }
    # Known only where the metadata told; weights of others were fitted to nothing.
    known = vars(estimator)
    if "fit_groups_" in known:
        learned["fit_groups"] = sorted(estimator.fit_groups_)
    if known.get("tmin_") is not None:
        learned["tmin"] = float(estimator.tmin_)
    if "fingerprint_" in known:
        learned["fingerprint"] = plain(estimator.fingerprint_)
    if estimator.info_["description"] is not None:
        learned["filters"] = estimator.info_["description"]
    return learned


def plain(value):
    """Return a value made of JSON's own types; raise TypeError where there is none."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, torch.device):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, np.random.RandomState | np.random.Generator):
        # A stream cannot be continued from a file; the weights it led to are saved.
        return None
    raise TypeError(f"A checkpoint cannot hold {type(value).__name__} {value!r}.")


def from_state(tensors, meta, classes, *, path=None):
    """Recreate a fitted estimator, on the CPU, from its tensors and JSON part."""
    if meta.get("class") not in classes:
        where = "The checkpoint" if path is None else Path(path).name
        raise ValueError(
            f"{where} holds a {meta.get('class')!r}; known are "
            f"{', '.join(sorted(classes))}."
        )
    try:
        return _build(classes[meta["class"]], tensors, meta)
    except ERRORS as error:
        where = "The checkpoint" if path is None else path
        raise DamagedError(
            f"{where} holds no whole estimator ({type(error).__name__}: "
            f"{error!s:.300})."
        ) from error


def _build(kind, tensors, meta):
    """Build an estimator from its tensors and JSON part, which have to agree."""
    parameters = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in meta["parameters"].items()
    }
    estimator = kind(**parameters)
    _set_learned(estimator, meta["learned"])
    estimator.scaler_ = ChannelScaler(
        *(tensors[f"scaler.{name}"].numpy() for name in SCALES)
    )
    estimator._take_state(tensors, meta)
    _check_sizes(estimator)
    return estimator


def _check_sizes(estimator):
    """Check that scales, network, subjects, channels and classes go together."""
    n_subjects, n_channels = len(estimator.subjects_), len(estimator.ch_names_)
    shapes = {getattr(estimator.scaler_, name).shape for name in SCALES}
    rows, n_inputs = shapes.pop()
    if (
        shapes
        or rows != n_subjects
        or n_inputs != n_channels * (1 + len(estimator.bands_))
    ):
        raise ValueError(
            f"the scales have {rows} subjects and {n_inputs} inputs, the lists "
            f"{n_subjects} subjects and {n_channels} channels"
        )
    encoder = getattr(estimator.module_, "encoder", None)
    sizes = {
        "n_subjects": getattr(encoder, "n_subjects", n_subjects) == n_subjects,
        "n_channels": getattr(encoder, "n_channels", n_inputs) == n_inputs,
    }
    wrong = [name for name, fits in sizes.items() if not fits]
    if wrong:
        raise ValueError(f"the network has another {wrong[0]} than the lists")


def below(tensors, prefix):
    """Return the tensors whose names start with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _set_learned(estimator, learned):
    """Give an estimator what every network has learned in addition to tensors."""
    for name in ("ch_names", "subjects", "history"):
        check_type(name, learned[name], list)
    check_number("sfreq", learned["sfreq"], low=0, closed=False)
    estimator.device_ = torch.device("cpu")
    estimator.ch_names_ = learned["ch_names"]
    estimator.info_ = mne.create_info(learned["ch_names"], learned["sfreq"], "seeg")
    if "filters" in learned:
        check_type("filters", learned["filters"], str)
        estimator.info_["description"] = learned["filters"]
    estimator.n_features_in_ = len(learned["ch_names"])
    estimator.subjects_ = label_array(learned["subjects"])
    estimator.contacts_ = learned.get("contacts")
    estimator.history_ = History(learned["history"])
    # Comparison networks of version 0.1 counted their history instead.
    estimator.n_iter_ = learned.get("n_iter", len(learned["history"]))
    estimator.best_iter_ = learned["best_iter"]
    if "fit_groups" in learned:
        estimator.fit_groups_ = set(learned["fit_groups"])
    if "tmin" in learned:
        estimator.tmin_ = float(learned["tmin"])
    if "fingerprint" in learned:
        estimator.fingerprint_ = learned["fingerprint"]
