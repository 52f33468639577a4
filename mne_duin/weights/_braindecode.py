"""Weights for braindecode's ``DuIN`` and back."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from mne_duin.checkpoints import (
    braindecode_sizes,
    read_state_dict,
    rename_from_braindecode,
    rename_to_braindecode,
    unwrap_names,
)
from mne_duin.estimators._base import unwrap
from mne_duin.estimators._classifier import DuINClassifier
from mne_duin.estimators._mae import DuINMAE
from mne_duin.nn import build_network, load_network, network_sizes
from mne_duin.utils._checks import check_type, import_optional
from mne_duin.weights._published import check_plain, name_or_number, set_up

NO_HEAD = 2048  # codes of the published codex, for a head that nothing uses


def to_braindecode(
    estimator,
    *,
    subject: object = None,
    module: bool = False,
    n_times: int | None = None,
):
    """Return the encoder, and a classifier's head, for braindecode's ``DuIN``.

    Braindecode's network is for one subject, returns logits (a published sigmoid is
    left out, which keeps the order of the scores) and does not scale its input: give it
    signals that are z-scored as ``estimator.scaler_`` does.

    Parameters
    ----------
    estimator : DuINVQVAE | DuINMAE | DuINClassifier
        The fitted estimator.
    subject : object | None
        Whose spatial map to take, one of ``estimator.subjects_``; None takes the only
        one.
    module : bool
        Whether to return a ``braindecode.models.DuIN`` (needs the extra
        ``braindecode``, 1.8.2 or later) instead of its state dict.
    n_times : int | None
        Samples of an epoch, for a module without a trained head.

    Returns
    -------
    result : dict of str to Tensor | DuIN
        The state dict, or the network with these weights, in evaluation mode. Without a
        head in the estimator that of the network has initial values, for one output.

    Raises
    ------
    ValueError
        If the network has parts that braindecode's has not, or the subject is unknown.
    ImportError
        If braindecode is missing or too old.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DuINVQVAE, to_braindecode
    >>> X = np.random.default_rng(0).standard_normal((8, 3, 400))
    >>> options = {"bands": "raw", "n_codes": 8, "max_iter": 1, "verbose": False}
    >>> vqvae = DuINVQVAE(n_layers=1, n_decoder_layers=1, **options)
    >>> state = to_braindecode(vqvae.fit(X, sfreq=1000))
    >>> tuple(state["spatial_projection.weight"].shape)
    (16, 3)
    """
    estimator = unwrap(estimator, "estimator")
    sizes = network_sizes(estimator.module_)
    check_plain(estimator, sizes, "braindecode's DuIN", poms=False)
    encoder = sizes["encoder"]
    if any(kernel % 2 == 0 for kernel in encoder["conv_kernels"]):
        raise ValueError(
            "braindecode's DuIN pads convolutions of even size otherwise; "
            f"`conv_kernels` is {encoder['conv_kernels']}."
        )
    state = rename_to_braindecode(
        estimator.module_.state_dict(),
        len(encoder["conv_filters"]),
        encoder["n_layers"],
        subject=_subject_index(estimator, subject),
    )
    return _build_braindecode(estimator, sizes, state, n_times) if module else state


def _subject_index(estimator, subject):
    known = estimator.subjects_.tolist()
    if subject is None:
        if len(known) > 1:
            raise ValueError(f"`subject` must say which of {known} to take.")
        return 0
    if subject not in known:
        raise ValueError(f"`subject` must be one of {known}; got {subject!r}.")
    return known.index(subject)


def _build_braindecode(estimator, sizes, state, n_times):
    """Return braindecode's network with the given weights."""
    models = import_optional(
        "braindecode.models", extra="braindecode", purpose="build its DuIN"
    )
    if "DuIN" not in dir(models):
        raise ImportError("braindecode has no DuIN here; version 1.8.2 or later has.")
    encoder, head = sizes["encoder"], sizes.get("head", {})
    if head:
        n_times = head["n_tokens"] * encoder["patch_size"]
    elif n_times is None:
        raise ValueError("`n_times` must be given: the estimator has no trained head.")
    network = models.DuIN(
        n_outputs=head.get("n_classes", 1),
        n_chans=encoder["n_channels"],
        n_times=n_times,
        sfreq=float(estimator.info_["sfreq"]),
        patch_size=encoder["patch_size"],
        n_neural=encoder["n_filters"],
        n_filters=encoder["conv_filters"],
        kernel_sizes=encoder["conv_kernels"],
        strides=encoder["conv_strides"],
        n_layers=encoder["n_layers"],
        n_heads=encoder["n_heads"],
        head_dim=encoder["head_dim"],
        ffn_dim=encoder["ff_dim"],
        head_hidden_dim=head.get("hidden_dim", 128),
        attn_drop_prob=encoder["attention_dropout"],
        drop_prob=encoder["ff_dropout"],
    )
    network.load_state_dict(state, strict=bool(head))
    return network.eval()


def from_braindecode(
    path_or_state_dict: Path | str | dict,
    *,
    ch_names: list[str] | None = None,
    classes: ArrayLike | None = None,
    sfreq: float = 1000.0,
    conv_strides: tuple[int, ...] = (10, 1, 1),
):
    """Read weights of braindecode's ``DuIN``.

    Such weights hold neither names nor scales: the estimator expects signals that are
    z-scored per channel.

    Parameters
    ----------
    path_or_state_dict : path-like | dict of str to Tensor
        A ``.safetensors`` or ``.pth`` file, which is read without running anything in
        it, or its content.
    ch_names : list of str | None
        Names of the channels, in the order of the weights; None numbers them.
    classes : array, shape (n_classes,) | None
        Labels in the order of the scores; None numbers them.
    sfreq : float
        Sampling rate of the signals in Hz.
    conv_strides : tuple of int
        Strides of the patch encoder, which weights do not tell.

    Returns
    -------
    estimator : DuINClassifier | DuINMAE
        The fitted estimator, on the CPU: a classifier, or, where the weights have no
        head, a pre-trained encoder. The latter's mask vector and code head are zero;
        ``transform`` and the pre-training of a classifier do without.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a tensor is missing, unknown or of another shape (the message names it), or
        if names or strides do not fit the sizes.

    Examples
    --------
    >>> clf = from_braindecode("model.safetensors")  # doctest: +SKIP
    """
    state = path_or_state_dict
    if not isinstance(state, dict):
        state = read_state_dict(check_type("path_or_state_dict", state, (str, Path)))
    state = unwrap_names(state)
    sizes = braindecode_sizes(state)
    network = _network(sizes, tuple(conv_strides))
    names = name_or_number("ch_names", ch_names, sizes["n_channels"])
    ours = rename_from_braindecode(state, sizes)
    if "n_classes" not in sizes:
        dim = sizes["dim"]
        ours["mask_token"] = torch.zeros(dim)
        ours["head.weight"] = torch.zeros(NO_HEAD, dim)
        ours["head.bias"] = torch.zeros(NO_HEAD)
    _check_shapes(ours, network)
    module = load_network(network, ours)
    parameters = {k: v for k, v in network["encoder"].items() if k not in NOT_ENCODER}
    parameters["patch_duration"] = network["encoder"]["patch_size"] / sfreq
    if "n_classes" in sizes:
        estimator = DuINClassifier(None, "paper", head_activation=None, **parameters)
        estimator.set_params(hidden_dim=sizes["hidden_dim"])
        labels = name_or_number("classes", classes, sizes["n_classes"])
        estimator.classes_ = np.asarray(labels)
    else:
        estimator = DuINMAE(None, "paper")
    set_up(estimator, module, [str(name) for name in names], 1, sfreq)
    return estimator


NOT_ENCODER = ("n_channels", "n_subjects", "patch_size")


def _network(sizes, conv_strides):
    """Return the sizes in the form that our builder takes."""
    filters = sizes["conv_filters"]
    steps, rest = divmod(sizes["dim"], filters[-1])
    if len(conv_strides) != len(filters) or rest:
        raise ValueError(
            f"`conv_strides` {conv_strides} does not fit {len(filters)} convolutions "
            f"whose last has {filters[-1]} filters, for tokens of {sizes['dim']}."
        )
    names = ("n_channels", "n_filters", "conv_filters", "conv_kernels", "n_layers")
    names += ("n_heads", "head_dim", "ff_dim")
    encoder = {name: sizes[name] for name in names}
    patch_size = steps * int(np.prod(conv_strides))
    encoder |= {"conv_strides": conv_strides, "patch_size": patch_size}
    if "n_classes" not in sizes:
        return {"stage": "MAE", "encoder": encoder, "n_codes": NO_HEAD}
    head = {name: sizes[name] for name in ("n_tokens", "hidden_dim", "n_classes")}
    return {"stage": "Classifier", "encoder": encoder, "head": head}


def _check_shapes(ours, network):
    with torch.device("meta"):
        expected = build_network(network).state_dict()
    for name, value in expected.items():
        shape, wanted = tuple(ours[name].shape), tuple(value.shape)
        if shape != wanted:
            raise ValueError(
                f"What becomes {name!r} has shape {shape}; with the other tensors "
                f"{wanted} is wanted."
            )
