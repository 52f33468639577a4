"""Which tensor of a published file lives where in our networks.

One table of :class:`Entry` rows per stage serves both directions, so that the importer,
the exporter and the parity tests cannot disagree.
"""

from dataclasses import dataclass

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
