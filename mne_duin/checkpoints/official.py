"""Translate the state dicts of the published implementation to ours and back.

One table of :class:`Entry` rows per stage serves both directions, so that the importer,
the exporter and the parity tests cannot disagree.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch

from mne_duin.utils.checks import check_option

STAGES = ("vqvae", "mae", "cls")

# Parts of published files that carry no information or are never used by a forward
# pass: constant tables, the k-means flag, and the classifier's idle branches.
IDLE = ("time_encodings", "attention.scale", "codex.initted", "contra_block.")
IDLE_CLASSIFIER = ("vq_block.",)


@dataclass(frozen=True)
class Entry:
    """One tensor of a published file and where it lives here.

    Attributes
    ----------
    official, ours : str
        The two names.
    part : None | int
        Which third of our fused query, key and value layer it is.
    kind : str
        ``"copy"``, ``"subject"`` (a spatial map, stored as columns of flattened
        matrices), ``"subject_bias"`` or ``"pointwise"`` (a linear layer that is a
        convolution of size one here).
    """

    official: str
    ours: str
    part: int | None = None
    kind: str = "copy"


def _both(official, ours, names=("weight", "bias"), **options):
    """Rows for the tensors of one layer."""
    return [Entry(f"{official}.{n}", f"{ours}.{n}", **options) for n in names]


def _subject(official, ours):
    return [
        Entry(f"{official}.subj_layer.W.weight", f"{ours}.weight", kind="subject"),
        Entry(f"{official}.subj_layer.B.weight", f"{ours}.bias", kind="subject_bias"),
    ]


def _blocks(official, ours, n_layers):
    rows = []
    for layer in range(n_layers):
        old, new = f"{official}.1.xfmr_blocks.{layer}", f"{ours}.blocks.{layer}"
        for part, letter in enumerate("qkv"):
            rows += _both(f"{old}.mha.W_{letter}.W", f"{new}.attention.qkv", part=part)
        rows += _both(f"{old}.mha.norm_q", f"{new}.attention.norm_q")
        rows += _both(f"{old}.mha.norm_k", f"{new}.attention.norm_k")
        rows += _both(f"{old}.mha.proj.0", f"{new}.attention.out")
        rows += _both(f"{old}.norm_mha", f"{new}.norm_attention")
        rows += _both(f"{old}.ffn.fc1.0", f"{new}.expand")
        rows += _both(f"{old}.ffn.fc2.0", f"{new}.contract")
        rows += _both(f"{old}.norm_ffn", f"{new}.norm_ff")
    return rows


def _encoder(sizes):
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    rows = _subject("subj_block", "encoder.spatial")
    for index in range(sizes["n_convs"]):
        old, new = f"tokenizer.conv_blocks.{index}", "encoder.patch.layers"
        rows += _both(f"{old}.0.1", f"{new}.{2 * index}")
        rows += _both(f"{old}.1.1", f"{new}.{2 * index + 1}", norm)
    return rows + _blocks("encoder", "encoder.transformer", sizes["n_layers"])


def _quantizer():
    rows = _both("vq_block.pre_proj.0", "quantizer.project.0")
    rows += _both("vq_block.pre_proj.2", "quantizer.project.2")
    rows += _both("vq_block.layernorm", "quantizer.norm")
    rows += _both("vq_block.post_proj.0", "quantizer.expand")
    rows.append(Entry("vq_block.codex.embeddings", "quantizer.codebook"))
    rows.append(Entry("vq_block.counts", "quantizer.counts"))
    return rows


def _decoder(sizes):
    rows = _blocks("decoder", "transformer", sizes["n_decoder_layers"])
    for index in range(5):
        rows += _both(f"rgs_block.rgs_head.{index}.0.1", f"patch.layers.{index}")
    rows.append(
        Entry(
            "rgs_block.rgs_head.5.0.weight", "patch.layers.5.weight", kind="pointwise"
        )
    )
    rows.append(Entry("rgs_block.rgs_head.5.0.bias", "patch.layers.5.bias"))
    return rows + _subject("desubj_block", "spatial")


def table(stage, sizes):
    """Return the rows of a stage.

    Parameters
    ----------
    stage : str
        ``"vqvae"``, ``"mae"`` or ``"cls"``.
    sizes : dict
        What :func:`official_sizes` found.

    Returns
    -------
    rows : list of Entry
        One row per tensor that carries information.
    """
    rows = _encoder(sizes)
    if stage == "vqvae":
        return rows + _quantizer() + _decoder(sizes)
    if stage == "mae":
        return [
            *rows,
            Entry("mask_emb", "mask_token"),
            *_both("cls_block.cls_head.0.0", "head"),
        ]
    rows += _both("cls_block.cls_head.1.0", "hidden")
    return rows + _both("cls_block.cls_head.2.0", "scores")


def official_sizes(state_dict, stage):
    """Read the sizes of a published network off its tensors.

    Parameters
    ----------
    state_dict : dict of str to Tensor
        A state dict in the published layout.
    stage : str
        ``"vqvae"``, ``"mae"`` or ``"cls"``.

    Returns
    -------
    sizes : dict
        ``n_channels, n_subjects, n_filters, n_convs, n_layers, n_decoder_layers``,
        and ``n_codes``, ``code_dim``, ``n_tokens``, ``n_classes`` where they apply.

    Raises
    ------
    ValueError
        If a tensor that tells a size is missing; the message names it.
    """
    check_option("stage", stage, STAGES)
    flat, n_subjects = _shape(state_dict, "subj_block.subj_layer.W.weight", stage)
    n_filters = _shape(state_dict, "subj_block.subj_layer.B.weight", stage)[0]
    sizes = {
        "n_channels": flat // n_filters,
        "n_subjects": n_subjects,
        "n_filters": n_filters,
        "n_convs": _count(state_dict, "tokenizer.conv_blocks."),
        "n_layers": _count(state_dict, "encoder.1.xfmr_blocks."),
        "n_decoder_layers": _count(state_dict, "decoder.1.xfmr_blocks."),
    }
    if stage == "vqvae":
        shape = _shape(state_dict, "vq_block.codex.embeddings", stage)
        sizes["n_codes"], sizes["code_dim"] = shape
    elif stage == "mae":
        sizes["n_codes"], _ = _shape(state_dict, "cls_block.cls_head.0.0.weight", stage)
    else:
        _, width = _shape(state_dict, "cls_block.cls_head.1.0.weight", stage)
        dim = _shape(state_dict, "encoder.1.xfmr_blocks.0.norm_mha.weight", stage)[0]
        sizes["n_tokens"] = width // dim
        sizes["n_classes"] = _shape(state_dict, "cls_block.cls_head.2.0.weight", stage)[
            0
        ]
    return sizes


def _shape(state_dict, key, stage):
    if key not in state_dict:
        raise ValueError(
            f"The state dict has no {key!r}, which a published {stage!r} checkpoint "
            f"has; it holds {len(state_dict)} tensors, the first are "
            f"{sorted(state_dict)[:3]}."
        )
    return tuple(state_dict[key].shape)


def _count(state_dict, prefix):
    """Number of the consecutive layers whose names start with ``prefix``."""
    found = {
        int(key.removeprefix(prefix).split(".")[0])
        for key in state_dict
        if key.startswith(prefix)
    }
    return max(found) + 1 if found else 0


def from_official(state_dict, stage):
    """Translate a published state dict to our names and layout.

    Parameters
    ----------
    state_dict : dict of str to Tensor
        A state dict in the published layout.
    stage : str
        ``"vqvae"``, ``"mae"`` or ``"cls"``.

    Returns
    -------
    ours : dict of str to Tensor
        The same weights under our names.

    Raises
    ------
    ValueError
        If a tensor is missing, unknown, or has an impossible shape.
    """
    sizes = official_sizes(state_dict, stage)
    rows = table(stage, sizes)
    idle = IDLE + (IDLE_CLASSIFIER if stage == "cls" else ())
    known = {row.official for row in rows}
    unknown = [
        key
        for key in state_dict
        if key not in known and not any(part in key for part in idle)
    ]
    if unknown:
        raise ValueError(f"Unknown tensors in the {stage!r} state dict: {unknown[:5]}.")
    ours, parts = {}, {}
    for row in rows:
        _shape(state_dict, row.official, stage)
        value = _to_ours(state_dict[row.official], row, sizes)
        if row.part is None:
            ours[row.ours] = value
        else:
            parts.setdefault(row.ours, []).append(value)
    ours.update({name: torch.cat(values) for name, values in parts.items()})
    if stage == "vqvae":
        ours["quantizer.active"] = torch.tensor(True)
    return ours


def to_official(ours, stage, sizes):
    """Translate tensors under our names (weights or gradients) to the published ones.

    Parameters
    ----------
    ours : dict of str to Tensor
        Tensors under our names; those that are missing are left out.
    stage : str
        ``"vqvae"``, ``"mae"`` or ``"cls"``.
    sizes : dict
        What :func:`official_sizes` found.

    Returns
    -------
    official : dict of str to Tensor
        The same tensors under the published names.
    """
    official = {}
    for row in table(stage, sizes):
        if row.ours in ours:
            value = ours[row.ours]
            if row.part is not None:
                value = value.chunk(3)[row.part]
            official[row.official] = _to_theirs(value, row)
    return official


def _to_ours(value, row, sizes):
    value = torch.as_tensor(value)
    if row.kind == "subject":
        n_inputs, n_outputs = sizes["n_channels"], sizes["n_filters"]
        if row.official.startswith("desubj"):
            n_inputs, n_outputs = n_outputs, n_inputs
        return value.T.reshape(-1, n_inputs, n_outputs).transpose(1, 2).contiguous()
    if row.kind == "subject_bias":
        return value.T.contiguous()
    return value[..., None] if row.kind == "pointwise" else value


def _to_theirs(value, row):
    if row.kind == "subject":
        return value.transpose(1, 2).flatten(1).T
    if row.kind == "subject_bias":
        return value.T
    return value[..., 0] if row.kind == "pointwise" else value


def read_state_dict(path):
    """Read a ``.pth`` file as published, without running anything it may contain.

    Parameters
    ----------
    path : path-like
        A file written by ``torch.save``.

    Returns
    -------
    state_dict : dict of str to Tensor
        The tensors by name, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or holds anything but tensors by name.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise ValueError(
            f"{path.name} is damaged or holds more than tensors; nothing in it was run "
            f"({str(error).splitlines()[0][:120]})."
        ) from error
    named = isinstance(content, dict) and all(isinstance(key, str) for key in content)
    if not named or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise ValueError(f"{path.name} must hold a dict of names to tensors.")
    return content
