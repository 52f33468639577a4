"""Translate state dicts of braindecode's ``DuIN`` to ours and back.

Names and shapes are those of ``braindecode/models/duin.py`` (version 1.8.2): encoder
and classification head for one subject; the head returns logits, and the table of
positions is not stored.
"""

import torch

from mne_duin.checkpoints._published_names import Entry

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
LAYERS = {
    "norm_attn": "norm_attention",
    "ffn.0": "expand",
    "ffn.3": "contract",
    "norm_ffn": "norm_ff",
    "attn.q_norm": "attention.norm_q",
    "attn.k_norm": "attention.norm_k",
    "attn.proj": "attention.out",
}
HEAD = {"head_hidden.0": "hidden", "final_layer": "scores"}


def braindecode_table(n_convs, n_layers, *, head):
    """Return which tensor of braindecode's network lives where in ours."""
    rows = _pair("spatial_projection", "encoder.spatial", kind="subject")
    for index in range(n_convs):
        theirs, ours = f"spatial_encoder.{index}", "encoder.patch.layers"
        rows += _pair(f"{theirs}.conv", f"{ours}.{2 * index}")
        rows += _pair(f"{theirs}.bn", f"{ours}.{2 * index + 1}", NORM)
    for layer in range(n_layers):
        theirs, ours = f"encoder.{layer}", f"encoder.transformer.blocks.{layer}"
        for part, letter in enumerate("qkv"):
            rows += _pair(f"{theirs}.attn.{letter}", f"{ours}.attention.qkv", part=part)
        for old, new in LAYERS.items():
            rows += _pair(f"{theirs}.{old}", f"{ours}.{new}")
    for old, new in HEAD.items() if head else ():
        rows += _pair(old, new)
    return rows


def _pair(theirs, ours, names=("weight", "bias"), **options):
    return [Entry(f"{theirs}.{name}", f"{ours}.{name}", **options) for name in names]


def braindecode_sizes(state_dict: dict[str, torch.Tensor]) -> dict:
    """Read the sizes of braindecode's network off its tensors.

    Parameters
    ----------
    state_dict : dict of str to Tensor
        A state dict of braindecode's ``DuIN``.

    Returns
    -------
    sizes : dict
        ``n_channels, n_filters, conv_filters, conv_kernels, n_layers, n_heads,
        head_dim, ff_dim, dim`` and, with a head, ``n_tokens, hidden_dim, n_classes``.

    Raises
    ------
    ValueError
        If a tensor that tells a size is missing or has another number of dimensions;
        the message names it.
    """
    n_filters, n_channels = _shape(state_dict, "spatial_projection.weight", 2)
    n_convs = _count(state_dict, "spatial_encoder.")
    convs = [
        _shape(state_dict, f"spatial_encoder.{index}.conv.weight", 3)
        for index in range(max(n_convs, 1))
    ]
    ff_dim, dim = _shape(state_dict, "encoder.0.ffn.0.weight", 2)
    (head_dim,) = _shape(state_dict, "encoder.0.attn.q_norm.weight", 1)
    sizes = {
        "n_channels": n_channels,
        "n_filters": n_filters,
        "conv_filters": tuple(shape[0] for shape in convs),
        "conv_kernels": tuple(shape[2] for shape in convs),
        "n_layers": _count(state_dict, "encoder."),
        "n_heads": _shape(state_dict, "encoder.0.attn.q.weight", 2)[0] // head_dim,
        "head_dim": head_dim,
        "ff_dim": ff_dim,
        "dim": dim,
    }
    if any(name.startswith(("head_hidden.", "final_layer.")) for name in state_dict):
        hidden_dim, flat = _shape(state_dict, "head_hidden.0.weight", 2)
        n_classes, _ = _shape(state_dict, "final_layer.weight", 2)
        sizes |= {"n_tokens": flat // dim, "hidden_dim": hidden_dim}
        sizes["n_classes"] = n_classes
    return sizes


def _shape(state_dict, key, n_dims):
    """Return the shape of a tensor of ``n_dims`` dimensions, none of size zero."""
    if key not in state_dict:
        raise ValueError(
            f"The state dict has no {key!r}, which braindecode's DuIN has; it holds "
            f"{len(state_dict)} tensors, the first are {sorted(state_dict)[:3]}."
        )
    shape = tuple(getattr(state_dict[key], "shape", ()))
    if len(shape) != n_dims or 0 in shape:
        raise ValueError(f"{key!r} has shape {shape}; {n_dims} dimensions are wanted.")
    return shape


def _count(state_dict, prefix):
    """Return the number of consecutive layers whose names start with ``prefix``."""
    names = [key.removeprefix(prefix) for key in state_dict if key.startswith(prefix)]
    found = {name.split(".")[0] for name in names}
    return next(count for count in range(len(found) + 1) if str(count) not in found)


def rename_from_braindecode(
    state_dict: dict[str, torch.Tensor], sizes: dict
) -> dict[str, torch.Tensor]:
    """Translate a state dict of braindecode's network to our names and layout.

    Parameters
    ----------
    state_dict : dict of str to Tensor
        A state dict of braindecode's ``DuIN``.
    sizes : dict
        What :func:`braindecode_sizes` found.

    Returns
    -------
    ours : dict of str to Tensor
        The same weights under our names.

    Raises
    ------
    ValueError
        If a tensor is missing or unknown; the message names it.
    """
    rows = braindecode_table(
        len(sizes["conv_filters"]), sizes["n_layers"], head="n_classes" in sizes
    )
    unknown = sorted(set(state_dict) - {row.official for row in rows})
    if unknown:
        raise ValueError(f"Tensors that braindecode's DuIN has not: {unknown[:5]}.")
    ours: dict = {}
    parts: dict = {}
    for row in rows:
        if row.official not in state_dict:
            raise ValueError(
                f"The state dict has no {row.official!r}, which braindecode's DuIN has."
            )
        value = torch.as_tensor(state_dict[row.official])
        if row.part is None:
            ours[row.ours] = value[None] if row.kind == "subject" else value
        else:
            parts.setdefault(row.ours, []).append(value)
    return ours | {name: torch.cat(values) for name, values in parts.items()}


def rename_to_braindecode(
    ours: dict[str, torch.Tensor], n_convs: int, n_layers: int, *, subject: int = 0
) -> dict[str, torch.Tensor]:
    """Translate tensors under our names to braindecode's.

    Parameters
    ----------
    ours : dict of str to Tensor
        A state dict of ours; what braindecode's network has not is left out.
    n_convs, n_layers : int
        Number of convolutions and transformer blocks.
    subject : int
        Whose spatial map to take.

    Returns
    -------
    theirs : dict of str to Tensor
        The encoder and, where it is there, the classification head.
    """
    theirs = {}
    for row in braindecode_table(n_convs, n_layers, head="scores.weight" in ours):
        value = ours[row.ours].detach().cpu()
        if row.kind == "subject":
            value = value[subject]
        elif row.part is not None:
            value = value.chunk(3)[row.part]
        theirs[row.official] = value.clone()
    return theirs
