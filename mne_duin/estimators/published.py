"""Weights for the published implementation."""

from mne_duin.checkpoints.official import official_constants, to_official
from mne_duin.estimators.base import unwrap
from mne_duin.nn import network_sizes


def check_plain(estimator, sizes, whose, *, poms):
    """Refuse networks with parts that others do not have.

    Parameters
    ----------
    estimator : BaseDuIN
        The fitted estimator.
    sizes : dict
        The sizes of its network.
    whose : str
        The other network, for the message.
    poms : bool
        Whether the other network can have a patch encoder for each subject.

    Raises
    ------
    ValueError
        If there is such a part; the message names it.
    """
    reasons = {
        "an input of high-gamma power (high_gamma=True)": estimator.high_gamma_,
        "a patch encoder for each subject (subject_layers='patch')": (
            not poms and sizes["encoder"].get("subject_layers") == "patch"
        ),
        "a codex in front of the head (use_codex=True)": (
            "head" in sizes and "quantizer" in sizes
        ),
    }
    found = [reason for reason, is_there in reasons.items() if is_there]
    if found:
        raise ValueError(f"The network has {', '.join(found)}, which {whose} has not.")


def to_published(estimator):
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
        The state dict; :func:`read_official` reads it back where the patch encoder and
        the attention have the published sizes.

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
