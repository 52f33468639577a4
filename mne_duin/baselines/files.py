"""Fitted networks to checkpoints and back."""

import mne
import numpy as np
import torch

from mne_duin._version import __version__
from mne_duin.checkpoints import read_checkpoint, write_checkpoint
from mne_duin.estimators.persistence import plain
from mne_duin.training import ChannelScaler, History

SCALES = ("mean", "scale", "channel_mask")


def save(estimator, path):
    """Write a fitted network to one file.

    Parameters
    ----------
    estimator : NetworkClassifier
        The fitted estimator.
    path : path-like
        The file.

    Returns
    -------
    path : Path
        The file.
    """
    tensors = {f"module.{k}": v for k, v in estimator.module_.state_dict().items()}
    for name in SCALES:
        value = getattr(estimator.scaler_, name)
        tensors[f"scaler.{name}"] = torch.from_numpy(value.copy())
    learned = {
        "ch_names": estimator.ch_names_,
        "sfreq": float(estimator.info_["sfreq"]),
        "subjects": plain(list(estimator.subjects_)),
        "contacts": plain(estimator.contacts_),
        "classes": plain(list(estimator.classes_)),
        "n_times": estimator.n_times_,
        "history": plain(estimator.history_.records),
        "best_iter": estimator.best_iter_,
    }
    if hasattr(estimator, "fit_groups_"):
        learned["fit_groups"] = sorted(estimator.fit_groups_)
    if hasattr(estimator, "pretrain_history_"):
        learned["pretrain_history"] = plain(estimator.pretrain_history_.records)
    parameters = estimator.get_params(deep=False)
    if "memory" in parameters:
        # A folder of this machine; what it held is in the weights.
        parameters["memory"] = None
    meta = {
        "class": type(estimator).__name__,
        "parameters": plain(parameters),
        "learned": learned,
        "versions": {"mne_duin": __version__, "torch": torch.__version__},
    }
    return write_checkpoint(path, tensors, meta)


def read(path, classes):
    """Read a network.

    Parameters
    ----------
    path : path-like
        The file.
    classes : dict of str to type
        The estimator classes by name.

    Returns
    -------
    estimator : NetworkClassifier
        The fitted estimator, on the CPU.

    Raises
    ------
    ValueError
        If the file holds something else.
    """
    tensors, meta = read_checkpoint(path)
    if meta.get("class") not in classes:
        raise ValueError(
            f"{path} holds a {meta.get('class')!r}; known are "
            f"{', '.join(sorted(classes))}."
        )
    parameters = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in meta["parameters"].items()
    }
    estimator = classes[meta["class"]](**parameters)
    scales = {name: tensors[f"scaler.{name}"].numpy() for name in SCALES}
    _set_learned(estimator, ChannelScaler(**scales), meta["learned"])
    with torch.random.fork_rng(devices=[]):
        module = estimator._build(len(estimator.ch_names_), estimator.n_times_)
    prefix = "module."
    weights = {
        k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)
    }
    module.load_state_dict(weights)
    estimator.module_ = module.eval()
    return estimator


def _set_learned(estimator, scaler, learned):
    """Give an estimator what it had learned, except its network."""
    estimator.scaler_, estimator.high_gamma_ = scaler, False
    estimator.device_, estimator.patch_size_ = torch.device("cpu"), 1
    estimator.ch_names_ = learned["ch_names"]
    estimator.info_ = mne.create_info(learned["ch_names"], learned["sfreq"], "seeg")
    estimator.n_features_in_ = len(learned["ch_names"])
    estimator.subjects_ = np.array(learned["subjects"])
    estimator.contacts_ = learned["contacts"]
    estimator.classes_ = np.array(learned["classes"])
    estimator.n_times_ = learned["n_times"]
    estimator.history_ = History(learned["history"])
    estimator.n_iter_ = len(estimator.history_)
    estimator.best_iter_ = learned["best_iter"]
    if "fit_groups" in learned:
        estimator.fit_groups_ = set(learned["fit_groups"])
    if "pretrain_history" in learned:
        estimator.pretrain_history_ = History(learned["pretrain_history"])
