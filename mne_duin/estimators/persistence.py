"""Estimators to checkpoints and back."""

import platform
from importlib.metadata import version

import mne
import numpy as np
import torch

from mne_duin._version import __version__
from mne_duin.checkpoints import read_checkpoint, write_checkpoint
from mne_duin.nn import load_network, network_sizes
from mne_duin.training import ChannelScaler, History

STAGES = ("vqvae", "pretrained")
LIBRARIES = ("torch", "mne", "numpy", "scipy", "scikit-learn", "safetensors")


def save(estimator, path):
    """Write a fitted estimator to one file.

    Parameters
    ----------
    estimator : BaseDuIN
        The fitted estimator.
    path : path-like
        The file.

    Returns
    -------
    path : Path
        The file.
    """
    return write_checkpoint(path, *to_state(estimator))


def read(path, classes):
    """Read an estimator.

    Parameters
    ----------
    path : path-like
        The file.
    classes : dict of str to type
        The estimator classes by name.

    Returns
    -------
    estimator : BaseDuIN
        The fitted estimator.
    """
    return from_state(*read_checkpoint(path), classes)


def to_state(estimator):
    """Return the tensors and the JSON part of a fitted estimator.

    Parameters
    ----------
    estimator : BaseDuIN
        The fitted estimator.

    Returns
    -------
    tensors : dict of str to Tensor
        Weights and scales.
    meta : dict
        Class, parameters, channels, sampling rate, history, versions of the libraries
        and, where the fit took one, the fingerprint of the data.
    """
    tensors = {f"module.{k}": v for k, v in estimator.module_.state_dict().items()}
    for name in ("mean", "scale", "channel_mask"):
        value = getattr(estimator.scaler_, name)
        tensors[f"scaler.{name}"] = torch.from_numpy(value.copy())
    parameters = estimator.get_params(deep=False)
    nested = {}
    if hasattr(estimator, "vqvae_"):
        inner, nested["vqvae"] = to_state(estimator.vqvae_)
        tensors |= {f"vqvae/{name}": value for name, value in inner.items()}
    for name in STAGES:
        if name in parameters:
            # The first stage is nested; an encoder is part of this network now.
            parameters[name] = None
    if hasattr(estimator, "code_counts_"):
        tensors["code_counts"] = torch.from_numpy(estimator.code_counts_.copy())
    meta = {
        "class": type(estimator).__name__,
        "parameters": plain(parameters),
        "learned": _learned(estimator),
        "network": network_sizes(estimator.module_),
        "nested": nested,
        "versions": {
            "mne_duin": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }
    return tensors, meta


def _learned(estimator):
    """Return what was learned besides tensors, as JSON."""
    learned = {
        "ch_names": estimator.ch_names_,
        "sfreq": float(estimator.info_["sfreq"]),
        "high_gamma": bool(estimator.high_gamma_),
        "subjects": plain(list(estimator.subjects_)),
        "contacts": plain(estimator.contacts_),
        "history": plain(estimator.history_.records),
        "n_iter": estimator.n_iter_,
        "best_iter": estimator.best_iter_,
    }
    if hasattr(estimator, "classes_"):
        learned["classes"] = plain(estimator.classes_)
    if hasattr(estimator, "fit_groups_"):
        learned["fit_groups"] = sorted(estimator.fit_groups_)
    if hasattr(estimator, "fingerprint_"):
        learned["fingerprint"] = plain(estimator.fingerprint_)
    return learned


def plain(value):
    """Return a value made of JSON's own types.

    Parameters
    ----------
    value : object
        Numbers, strings, arrays, and lists and dicts of them.

    Returns
    -------
    value : object
        The same, as reading a JSON file gives it.

    Raises
    ------
    TypeError
        If JSON cannot hold it.
    """
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


def from_state(tensors, meta, classes):
    """Rebuild a fitted estimator from its tensors and JSON part.

    Parameters
    ----------
    tensors : dict of str to Tensor
        Weights and scales.
    meta : dict
        Class, parameters, channels, history.
    classes : dict of str to type
        The estimator classes by name.

    Returns
    -------
    estimator : BaseDuIN
        The fitted estimator, on the CPU.

    Raises
    ------
    ValueError
        If the checkpoint is of a class that is not known.
    """
    if meta.get("class") not in classes:
        raise ValueError(
            f"The checkpoint holds a {meta.get('class')!r}; known are "
            f"{', '.join(sorted(classes))}."
        )
    parameters = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in meta["parameters"].items()
    }
    estimator = classes[meta["class"]](**parameters)
    if "vqvae" in meta["nested"]:
        inner = _below(tensors, "vqvae/")
        estimator.vqvae_ = from_state(inner, meta["nested"]["vqvae"], classes)
        estimator.vqvae = estimator.vqvae_
    module = load_network(meta["network"], _below(tensors, "module."))
    scales = {k: v.numpy() for k, v in _below(tensors, "scaler.").items()}
    _set_learned(estimator, module, ChannelScaler(**scales), meta["learned"])
    if "code_counts" in tensors:
        estimator.code_counts_ = tensors["code_counts"].numpy()
    return estimator


def _below(tensors, prefix):
    """Return the tensors whose names start with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _set_learned(estimator, module, scaler, learned):
    """Give an estimator what it had learned."""
    estimator.module_, estimator.scaler_ = module, scaler
    estimator.device_ = torch.device("cpu")
    estimator.high_gamma_ = learned["high_gamma"]
    estimator.ch_names_ = learned["ch_names"]
    estimator.info_ = mne.create_info(learned["ch_names"], learned["sfreq"], "seeg")
    estimator.n_features_in_ = len(learned["ch_names"])
    estimator.patch_size_ = module.encoder.patch_size
    estimator.subjects_ = np.array(learned["subjects"])
    estimator.contacts_ = learned.get("contacts")
    estimator.history_ = History(learned["history"])
    estimator.n_iter_ = learned["n_iter"]
    estimator.best_iter_ = learned["best_iter"]
    if "classes" in learned:
        estimator.classes_ = _label_sets(learned["classes"])
    if "fit_groups" in learned:
        estimator.fit_groups_ = set(learned["fit_groups"])
    if "fingerprint" in learned:
        estimator.fingerprint_ = learned["fingerprint"]


def _label_sets(classes):
    """Return the labels, or those of every tier, as arrays."""
    if isinstance(classes, dict):
        return {tier: np.array(labels) for tier, labels in classes.items()}
    return np.array(classes)
