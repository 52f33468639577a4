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

    Parameters
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


def is_poms(official):
    """Tell whether names are of the multi-subject layout ("poms").

    Parameters
    ----------
    official : iterable of str
        Names of the tensors of a published file.

    Returns
    -------
    poms : bool
        Whether every subject has a patch encoder of its own.
    """
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
