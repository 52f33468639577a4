"""Open saved estimators and published weights."""

from pathlib import Path

import mne
import numpy as np
import torch

from mne_duin.checkpoints import (
    check_official,
    from_official,
    official_sizes,
    read_state_dict,
    to_official,
    unwrap_names,
)
from mne_duin.estimators import persistence
from mne_duin.estimators.base import BaseDuIN
from mne_duin.estimators.classifier import DuINClassifier
from mne_duin.estimators.mae import DuINMAE
from mne_duin.estimators.tokens import DuINTokenDecoder
from mne_duin.estimators.vqvae import DuINVQVAE
from mne_duin.nn import build_network, load_network
from mne_duin.training import ChannelScaler, History
from mne_duin.utils.checks import check_option, check_type
from mne_duin.utils.docs import fill_doc

KINDS = (DuINVQVAE, DuINMAE, DuINClassifier, DuINTokenDecoder)
CLASSES = {kind.__name__: kind for kind in KINDS}
SFREQ = 1000.0
ENCODER_SIZES = ("n_channels", "n_subjects", "subject_layers", "n_filters", "n_layers")


def read_estimator(path):
    """Read an estimator that ``save`` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    estimator : DuINVQVAE | DuINMAE | DuINClassifier
        The fitted estimator, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of another kind, or of a later version.
    """
    return persistence.read(path, CLASSES)


@fill_doc
def from_pretrained(
    repo_id_or_folder, *, revision=None, token=None, cache_dir=None, endpoint=None
):
    """Read an estimator from a folder or the Hugging Face Hub.

    Only the safetensors file ``model.safetensors`` is read; nothing is run. Downloading
    needs the extra ``hub``.

    Parameters
    ----------
    %(hub_source)s

    Returns
    -------
    estimator : DuINVQVAE | DuINMAE | DuINClassifier
        The fitted estimator, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, repository or file.
    ValueError
        If the file is damaged, of another kind, or of a later version.
    ImportError
        If the package huggingface_hub is needed and missing.

    See Also
    --------
    DuINClassifier.push_to_hub : Upload an estimator.

    Examples
    --------
    >>> clf = from_pretrained("lab/word-reading")  # doctest: +SKIP
    """
    options = {"token": token, "cache_dir": cache_dir, "endpoint": endpoint}
    return BaseDuIN.from_pretrained(repo_id_or_folder, revision=revision, **options)


def read_official(
    path_or_state_dict, *, stage, ch_names=None, classes=None, n_subjects=None
):
    """Read weights in the layout of the published implementation.

    The published files hold neither channel names nor the scales of the training data:
    the estimator expects signals that are z-scored per channel, at 1000 Hz, until its
    ``learn_scales`` is given epochs in their own unit. The classifier gets the
    published head (``head_activation="sigmoid"``).

    Parameters
    ----------
    path_or_state_dict : path-like | dict of str to Tensor
        A published ``.pth`` file, which is read without running anything in it, or its
        content.
    stage : str
        ``"vqvae"``, ``"mae"`` or ``"cls"``.
    ch_names : list of str | None
        Names of the channels, in the order of the weights; None numbers them.
    classes : array, shape (n_classes,) | None
        Labels in the order of the scores; None numbers them.
    n_subjects : int | None
        Number of subjects you expect; None takes what is there.

    Returns
    -------
    estimator : DuINVQVAE | DuINMAE | DuINClassifier
        The fitted estimator, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a tensor is missing, unknown or of another shape (the message names it), or
        if the names do not fit the sizes.
    """
    check_option("stage", stage, ("vqvae", "mae", "cls"))
    state = path_or_state_dict
    if not isinstance(state, dict):
        state = read_state_dict(check_type("path_or_state_dict", state, (str, Path)))
    state = unwrap_names(state)
    sizes = official_sizes(state, stage)
    if n_subjects is not None and n_subjects != sizes["n_subjects"]:
        raise ValueError(
            f"`n_subjects` is {n_subjects}, but the weights are of "
            f"{sizes['n_subjects']} subjects."
        )
    names = name_or_number("ch_names", ch_names, sizes["n_channels"])
    network = _network(sizes, stage)
    with torch.device("meta"):
        expected = build_network(network).state_dict()
    check_official(state, stage, to_official(expected, stage, sizes))
    module = load_network(network, from_official(state, stage))
    estimator = _estimator(stage, network)
    set_up(estimator, module, [str(name) for name in names], sizes["n_subjects"])
    if stage == "vqvae":
        estimator.code_counts_ = module.quantizer.counts.round().long().numpy()
    elif stage == "cls":
        labels = name_or_number("classes", classes, sizes["n_classes"])
        estimator.classes_ = np.asarray(labels)
    return estimator


def name_or_number(argument, names, n_wanted):
    """Return names, numbers where None was given.

    Parameters
    ----------
    argument : str
        Name of the argument, for the message.
    names : sequence | None
        The names.
    n_wanted : int
        How many there must be.

    Returns
    -------
    names : list
        The names.

    Raises
    ------
    ValueError
        If there are more or fewer.
    """
    names = list(range(n_wanted)) if names is None else list(names)
    if len(names) != n_wanted:
        raise ValueError(
            f"`{argument}` has {len(names)} names; the weights have {n_wanted}."
        )
    return names


def _network(sizes, stage):
    """Return the sizes in the form that our builder takes."""
    network = {
        "stage": {"vqvae": "VQVAE", "mae": "MAE", "cls": "Classifier"}[stage],
        "encoder": {k: sizes[k] for k in ENCODER_SIZES if k in sizes},
    }
    if stage == "vqvae":
        network["quantizer"] = {k: sizes[k] for k in ("n_codes", "code_dim")}
        network["n_decoder_layers"] = sizes["n_decoder_layers"]
    elif stage == "mae":
        network["n_codes"] = sizes["n_codes"]
    else:
        network["head"] = {
            "n_tokens": sizes["n_tokens"],
            "n_classes": sizes["n_classes"],
            "hidden_dim": sizes["hidden_dim"],
            "head_activation": "sigmoid",
        }
    return network


def _estimator(stage, network):
    """Return an estimator whose parameters tell the sizes of a network."""
    if stage == "mae":
        return DuINMAE(None, "paper")
    names = ("subject_layers", "n_filters", "n_layers")
    encoder = {k: network["encoder"][k] for k in names if k in network["encoder"]}
    if stage == "cls":
        encoder["hidden_dim"] = network["head"]["hidden_dim"]
        return DuINClassifier(None, "paper", head_activation="sigmoid", **encoder)
    return DuINVQVAE(
        "paper",
        n_decoder_layers=network["n_decoder_layers"],
        **network["quantizer"],
        **encoder,
    )


def set_up(estimator, module, ch_names, n_subjects, sfreq=SFREQ):
    """Make an estimator that counts as fitted on z-scored signals.

    Parameters
    ----------
    estimator : BaseDuIN
        The estimator, changed in place.
    module : Module
        Its network.
    ch_names : list of str
        Names of the channels.
    n_subjects : int
        Number of subjects.
    sfreq : float
        Sampling rate in Hz.
    """
    shape = (n_subjects, len(ch_names))
    estimator.module_, estimator.high_gamma_ = module.eval(), False
    estimator.device_ = torch.device("cpu")
    estimator.scaler_ = ChannelScaler(
        np.zeros(shape, np.float32), np.ones(shape, np.float32), np.ones(shape, bool)
    )
    estimator.ch_names_, estimator.n_features_in_ = ch_names, len(ch_names)
    estimator.info_ = mne.create_info(ch_names, sfreq, "seeg")
    estimator.patch_size_ = module.encoder.patch_size
    estimator.subjects_ = np.arange(n_subjects) if n_subjects > 1 else np.array([""])
    estimator.contacts_, estimator.history_ = None, History([])
    estimator.n_iter_, estimator.best_iter_ = 0, None
