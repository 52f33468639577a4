"""Translate the state dicts of the published implementation to ours and back.

One table of :class:`Entry` rows per stage serves both directions, so that the importer,
the exporter and the parity tests cannot disagree.
"""

import math
from dataclasses import dataclass

import torch

from mne_duin.utils._checks import check_option

STAGES = ("vqvae", "mae", "cls")
# Parts of published files that carry no information or are never used by a forward
# pass: constant tables, the k-means flag, and the classifier's idle branches.
IDLE = ("time_encodings", "attention.scale", "codex.initted", "contra_block.")
IDLE_CLASSIFIER = ("vq_block.",)


@dataclass(frozen=True)
class Entry:
    """One tensor of a published file and where it lives here.

    ``part`` is which third of our fused query, key and value layer it is; ``kind`` is
    "copy", "subject" (a spatial map, stored as columns of flattened matrices),
    "subject_bias" or "pointwise" (a linear layer that is a convolution of size one
    here).
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


def _is_poms(official):
    """Return whether names are of the layout for several subjects ("poms")."""
    return any(name.startswith("tokenizers.") for name in official)


def _patch_encoder(official, ours, n_convs):
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    rows = []
    for index in range(n_convs):
        old, new = f"{official}.conv_blocks.{index}", f"{ours}.layers"
        rows += _both(f"{old}.0.1", f"{new}.{2 * index}")
        rows += _both(f"{old}.1.1", f"{new}.{2 * index + 1}", norm)
    return rows


def _encoder(sizes):
    rows, n_convs = [], sizes["n_convs"]
    if sizes["subject_layers"] == "patch":
        for subject in range(sizes["n_subjects"]):
            ours = f"encoder.patch.subjects.{subject}"
            rows += _patch_encoder(f"tokenizers.{subject}", ours, n_convs)
    else:
        rows += _subject("subj_block", "encoder.spatial")
        rows += _patch_encoder("tokenizer", "encoder.patch", n_convs)
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
    if sizes["subject_layers"] == "patch":
        for subject in range(sizes["n_subjects"]):
            old, new = f"rgs_blocks.{subject}.rgs_head", f"patch.subjects.{subject}"
            for index in range(3):
                # The published head counts the unfolding of a token as its first layer.
                rows += _both(f"{old}.{index + 1}.0.1", f"{new}.layers.{index}")
            rows += _pointwise(f"{old}.4.0", f"{new}.layers.3")
        return rows
    for index in range(5):
        rows += _both(f"rgs_block.rgs_head.{index}.0.1", f"patch.layers.{index}")
    rows += _pointwise("rgs_block.rgs_head.5.0", "patch.layers.5")
    return rows + _subject("desubj_block", "spatial")


def _pointwise(official, ours):
    return [
        Entry(f"{official}.weight", f"{ours}.weight", kind="pointwise"),
        Entry(f"{official}.bias", f"{ours}.bias"),
    ]


def table(stage, sizes):
    """Return the rows of a stage."""
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


def official_sizes(state_dict: dict[str, torch.Tensor], stage: str) -> dict:
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
        ``n_channels, n_subjects, subject_layers, n_filters, n_convs, conv_filters,
        n_heads, head_dim, ff_dim, n_layers, n_decoder_layers``, and
        ``decoder_filters``, ``n_codes``, ``code_dim``, ``n_tokens``, ``n_classes``,
        ``hidden_dim`` where they apply.

    Raises
    ------
    ValueError
        If a tensor that tells a size is missing; the message names it.
    """
    check_option("stage", stage, STAGES)
    # The first layer behind an attention tells the size of a token.
    first = "encoder.1.xfmr_blocks.0"
    ff_dim, token = _matrix(state_dict, f"{first}.ffn.fc1.0.weight", stage)
    queries, _ = _matrix(state_dict, f"{first}.mha.W_q.W.weight", stage)
    shape = _shape(state_dict, f"{first}.mha.norm_q.weight", stage)
    head_dim = max(math.prod(shape), 1)
    sizes = {
        **_subject_sizes(state_dict, stage),
        "n_heads": max(queries // head_dim, 1),
        "head_dim": head_dim,
        "ff_dim": ff_dim,
        "n_layers": _count(state_dict, "encoder.1.xfmr_blocks."),
        "n_decoder_layers": _count(state_dict, "decoder.1.xfmr_blocks."),
    }
    if stage == "vqvae":
        shape = _matrix(state_dict, "vq_block.codex.embeddings", stage)
        sizes["n_codes"], sizes["code_dim"] = shape
        poms = sizes["subject_layers"] == "patch"
        # The published head of "poms" counts the unfolding of a token as its first.
        decoder = "rgs_blocks.0.rgs_head.1" if poms else "rgs_block.rgs_head.0"
        kernel = _kernel(state_dict, f"{decoder}.0.1.weight", stage)
        sizes["decoder_filters"] = kernel[1]
    elif stage == "mae":
        head = _matrix(state_dict, "cls_block.cls_head.0.0.weight", stage)
        sizes["n_codes"] = head[0]
    else:
        hidden = _matrix(state_dict, "cls_block.cls_head.1.0.weight", stage)
        scores = _matrix(state_dict, "cls_block.cls_head.2.0.weight", stage)
        sizes["n_tokens"] = hidden[1] // token
        sizes["n_classes"], sizes["hidden_dim"] = scores
    return sizes


def _subject_sizes(state_dict, stage):
    """Return the sizes of the layers that every subject has of its own."""
    poms = _is_poms(state_dict)
    first = f"tokenizer{'s.0' * poms}.conv_blocks."
    n_convs = _count(state_dict, first)
    # Without any layer the first is named as missing.
    blocks = [f"{first}{index}" for index in range(max(n_convs, 1))]
    convolutions = {
        "n_convs": n_convs,
        "conv_filters": tuple(_n_filters(state_dict, one, stage) for one in blocks),
    }
    if poms:
        return {
            "n_channels": _kernel(state_dict, f"{blocks[0]}.0.1.weight", stage)[1],
            "n_subjects": _count(state_dict, "tokenizers."),
            "subject_layers": "patch",
            **convolutions,
        }
    flat, n_subjects = _matrix(state_dict, "subj_block.subj_layer.W.weight", stage)
    n_filters, _ = _matrix(state_dict, "subj_block.subj_layer.B.weight", stage)
    return {
        "n_channels": flat // n_filters,
        "n_subjects": n_subjects,
        "subject_layers": "spatial",
        "n_filters": n_filters,
        **convolutions,
    }


def _n_filters(state_dict, block, stage):
    """Return the number of filters on which two of three tensors agree.

    So the third is the one that is named if it has another.
    """
    sizes = [
        _kernel(state_dict, f"{block}.0.1.weight", stage)[0],
        *_shape(state_dict, f"{block}.0.1.bias", stage),
        *_shape(state_dict, f"{block}.1.1.weight", stage),
    ]
    return sorted(sizes)[len(sizes) // 2]


def _kernel(state_dict, key, stage):
    """Return the three sizes of a convolution's weights."""
    shape = _shape(state_dict, key, stage)
    if len(shape) != 3 or 0 in shape:
        raise ValueError(f"{key!r} has shape {shape}; that of a convolution is wanted.")
    return shape


def _matrix(state_dict, key, stage):
    """Return the two sizes of a matrix."""
    shape = _shape(state_dict, key, stage)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"{key!r} has shape {shape}; a matrix is wanted.")
    return shape


def _shape(state_dict, key, stage):
    if key not in state_dict:
        raise ValueError(
            f"The state dict has no {key!r}, which a published {stage!r} checkpoint "
            f"has; it holds {len(state_dict)} tensors, the first are "
            f"{sorted(state_dict)[:3]}."
        )
    if not hasattr(state_dict[key], "shape"):
        raise ValueError(f"{key!r} is a {type(state_dict[key]).__name__}, no tensor.")
    return tuple(state_dict[key].shape)


def _count(state_dict, prefix):
    """Return the number of consecutive layers whose names start with ``prefix``."""
    names = [key.removeprefix(prefix) for key in state_dict if key.startswith(prefix)]
    found = {name.split(".")[0] for name in names}
    return next(count for count in range(len(found) + 1) if str(count) not in found)


def check_official(
    state_dict: dict[str, torch.Tensor], stage: str, expected: dict[str, torch.Tensor]
):
    """Check that a published state dict has the tensors and shapes that are wanted.

    Parameters
    ----------
    state_dict : dict of str to Tensor
        A state dict in the published layout.
    stage : str
        ``"vqvae"``, ``"mae"`` or ``"cls"``.
    expected : dict of str to Tensor
        Tensors of the right shapes, what :func:`to_official` makes of a network.

    Raises
    ------
    ValueError
        If a tensor is missing, unknown, or of another shape; the message names it.
    """
    idle = IDLE + (IDLE_CLASSIFIER if stage == "cls" else ())
    unknown = [
        key
        for key in state_dict
        if key not in expected and not any(part in key for part in idle)
    ]
    if unknown:
        raise ValueError(f"Unknown tensors in the {stage!r} state dict: {unknown[:5]}.")
    for key, value in expected.items():
        shape, wanted = _shape(state_dict, key, stage), tuple(value.shape)
        if shape != wanted:
            raise ValueError(
                f"{key!r} has shape {shape}; with the other tensors of this "
                f"{stage!r} state dict {wanted} is wanted."
            )


def from_official(
    state_dict: dict[str, torch.Tensor], stage: str
) -> dict[str, torch.Tensor]:
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
        If a tensor is missing; ``check_official`` checks the others.
    """
    sizes = official_sizes(state_dict, stage)
    ours: dict = {}
    parts: dict = {}
    for row in table(stage, sizes):
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


def to_official(
    ours: dict[str, torch.Tensor], stage: str, sizes: dict
) -> dict[str, torch.Tensor]:
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


def official_constants(stage: str, sizes: dict) -> dict[str, torch.Tensor]:
    """Return the constants that a published file has among its weights.

    Parameters
    ----------
    stage : str
        ``"vqvae"``, ``"mae"`` or ``"cls"``.
    sizes : dict
        ``n_layers``, ``n_decoder_layers`` and ``head_dim``.

    Returns
    -------
    constants : dict of str to Tensor
        The scales of the attentions and, with a codex, the mark that it has started,
        without which the published code would start it again.
    """
    layers = {"encoder": sizes["n_layers"], "decoder": sizes["n_decoder_layers"]}
    constants = {
        f"{part}.1.xfmr_blocks.{layer}.mha.attention.scale": torch.tensor(
            sizes["head_dim"] ** -0.5
        )
        for part, n_layers in layers.items()
        for layer in range(n_layers)
    }
    if stage == "vqvae":
        constants["vq_block.codex.initted"] = torch.ones(1)
    return constants


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
