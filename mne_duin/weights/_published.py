"""Weights in the layout of the published implementation: read and made."""

from pathlib import Path

import mne
import numpy as np
import torch
from numpy.typing import ArrayLike

from mne_duin.checkpoints import (
    check_official,
    from_official,
    official_constants,
    official_sizes,
    read_state_dict,
    to_official,
    unwrap_names,
)
from mne_duin.estimators._base import unwrap
from mne_duin.estimators._classifier import DuINClassifier
from mne_duin.estimators._mae import DuINMAE
from mne_duin.estimators._vqvae import DuINVQVAE
from mne_duin.nn import build_network, load_network, network_sizes
from mne_duin.training import ChannelScaler, History
from mne_duin.utils._checks import check_option, check_type

SFREQ = 1000.0
ENCODER_SIZES = (
    "n_channels", "n_subjects", "subject_layers", "n_filters", "n_layers", "n_heads",
    "head_dim", "ff_dim", "conv_filters",
)  # fmt: skip


def read_official(
    path_or_state_dict: Path | str | dict,
    *,
    stage: str,
    ch_names: list[str] | None = None,
    classes: ArrayLike | None = None,
    n_subjects: int | None = None,
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
    """Return names, numbers where None was given."""
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
        network["decoder_filters"] = sizes["decoder_filters"]
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
    names = set(ENCODER_SIZES) - {"n_channels", "n_subjects"}
    encoder = {k: v for k, v in network["encoder"].items() if k in names}
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
    """Make an estimator that counts as fitted on z-scored signals."""
    shape = (n_subjects, len(ch_names))
    estimator.module_ = module.eval()
    estimator.bands_, estimator.unmixing_ = {}, {}
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
    if isinstance(estimator, DuINMAE):
        estimator.vqvae_ = None


def check_plain(estimator, sizes, whose, *, poms):
    """Refuse networks with parts that others do not have."""
    reasons = {
        "an input of band power (anything but bands='raw')": bool(estimator.bands_),
        "a patch encoder for each subject (subject_layers='patch')": (
            not poms and sizes["encoder"].get("subject_layers") == "patch"
        ),
        "temporal kernels that are kept apart (patch_encoder)": (
            sizes["encoder"].get("patch_encoder", "published") != "published"
        ),
        "a codex in front of the head (use_codex=True)": (
            "head" in sizes and "quantizer" in sizes
        ),
        "a head that sees tokens without context (skip=True)": (
            sizes.get("head", {}).get("skip", False)
        ),
        "hidden cells to predict (DuINCells)": sizes["stage"] == "CellPredictor",
    }
    found = [reason for reason, is_there in reasons.items() if is_there]
    if found:
        raise ValueError(f"The network has {', '.join(found)}, which {whose} has not.")


def to_published(estimator) -> dict[str, torch.Tensor]:
    """Return the weights in the layout of the published implementation.

    What its ``load_weight`` takes: all tensors that carry information and the constants
    of the encoder and the codex. Tables of positions, whose length is fixed there, and
    idle branches of the published classifier are left out; neither is loaded there. The
    published code scales the signals itself, over all trials, so ``scaler_`` is not in
    it.

    Parameters
    ----------
    estimator : DuINVQVAE | DuINMAE | DuINClassifier
        The fitted estimator.

    Returns
    -------
    state : dict of str to Tensor
        The state dict; :func:`read_official` reads it back where the patch encoder has
        the published kernels and strides.

    Raises
    ------
    ValueError
        If the network has parts that the published one has not.

    Examples
    --------
    >>> import torch
    >>> from mne_duin import to_published
    >>> torch.save(to_published(mae), "checkpoint-399.pth")  # doctest: +SKIP
    """
    estimator = unwrap(estimator, "estimator")
    sizes = network_sizes(estimator.module_)
    check_plain(estimator, sizes, "the published network", poms=True)
    encoder = sizes["encoder"]
    stage = {"VQVAE": "vqvae", "MAE": "mae", "Classifier": "cls"}[sizes["stage"]]
    layout = {
        "n_subjects": encoder["n_subjects"],
        "subject_layers": encoder.get("subject_layers", "spatial"),
        "n_convs": len(encoder["conv_filters"]),
        "n_layers": encoder["n_layers"],
        "n_decoder_layers": sizes.get("n_decoder_layers", 0),
        "head_dim": encoder["head_dim"],
    }
    state = to_official(estimator.module_.state_dict(), stage, layout)
    state |= official_constants(stage, layout)
    return {
        name: value.detach().cpu().clone().contiguous() for name, value in state.items()
    }
