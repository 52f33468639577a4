"""The published training steps, written plainly: what the fast paths are compared with.

Weights are a dict with the names of the published checkpoints. Nothing is fused, folded
or shared that the published implementation does not share: signals are (n_epochs,
n_times, n_channels) and are transposed around every convolution; queries, keys and
values have a matrix each; attention dropout draws its own mask; the codex is compared
by squared distances and summed by one-hot products; targets are one-hot; the two masked
passes of the MAE run one after the other; the classifier also computes quantizer and
contrastive loss, both without effect. The count of floating-point operations of these
steps is what efficiency refers to.
"""

import torch
from torch.nn import functional

HEADS, HEAD_DIM, PATCH = 8, 64, 100
STRIDES = (10, 1, 1)
# (stride, padding, output padding) of the regression head's transposed convolutions.
REGRESSION = ((1, 1, 0), (1, 1, 0), (10, 0, 0), (1, 4, 0), (10, 5, 1))


def trainable(weights):
    """Return the parameters of a dict of weights, and ask for their gradients."""
    fixed = ("running_", "num_batches", "counts", "codex.", "time_enc", "scale", ".t")
    return [
        value.requires_grad_()
        for name, value in weights.items()
        if not any(part in name for part in fixed)
    ]


def linear(w, name, x):
    """Multiply by a matrix and add a bias."""
    return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def layer_norm(w, name, x):
    """Normalize the last axis."""
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    return functional.layer_norm(x, weight.shape, weight, bias)


def spatial_map(w, name, x, subject):
    """Map the channels with the matrix of each epoch's subject (one-hot)."""
    bias = subject @ w[f"{name}.B.weight"].T
    matrix = (subject @ w[f"{name}.W.weight"].T).view(len(x), -1, bias.shape[-1])
    return x @ matrix + bias[:, None]


def tokenize(w, x, training):
    """Turn every patch of the mapped signal into a token."""
    n_epochs, n_times, n_filters = x.shape
    x = x.reshape(-1, PATCH, n_filters)
    for index, stride in enumerate(STRIDES):
        name = f"tokenizer.conv_blocks.{index}"
        kernel, bias = w[f"{name}.0.1.weight"], w[f"{name}.0.1.bias"]
        padding = kernel.shape[-1] // 2
        x = functional.conv1d(x.transpose(1, 2), kernel, bias, stride, padding)
        x = functional.batch_norm(
            x,
            w[f"{name}.1.1.running_mean"],
            w[f"{name}.1.1.running_var"],
            w[f"{name}.1.1.weight"],
            w[f"{name}.1.1.bias"],
            training=training,
        ).transpose(1, 2)
    return x.reshape(n_epochs, n_times // PATCH, -1)


def attend(w, name, x, dropout, training):
    """Multi-head attention with layer-normalized queries and keys."""
    query, key, value = (
        linear(w, f"{name}.W_{letter}.W", x)
        .reshape(*x.shape[:2], HEADS, HEAD_DIM)
        .permute(0, 2, 1, 3)
        for letter in "qkv"
    )
    query = layer_norm(w, f"{name}.norm_q", query)
    key = layer_norm(w, f"{name}.norm_k", key)
    scores = query @ key.transpose(-1, -2) * HEAD_DIM**-0.5
    scores = functional.dropout(scores.softmax(-1), dropout, training)
    heads = (scores @ value).permute(0, 2, 1, 3)
    return linear(w, f"{name}.proj.0", heads.reshape(*x.shape[:2], -1))


def transform(w, name, x, dropout, training):
    """Add positions and apply the blocks."""
    x = x + w["emb_time.time_encodings"]
    index = 0
    while f"{name}.1.xfmr_blocks.{index}.norm_ffn.weight" in w:
        block = f"{name}.1.xfmr_blocks.{index}"
        x = x + attend(w, f"{block}.mha", x, dropout, training)
        x = layer_norm(w, f"{block}.norm_mha", x)
        hidden = functional.relu(linear(w, f"{block}.ffn.fc1.0", x))
        hidden = functional.dropout(hidden, dropout, training)
        x = x + linear(w, f"{block}.ffn.fc2.0", hidden)
        x = layer_norm(w, f"{block}.norm_ffn", x)
        index += 1
    return x


def encode(w, x, subject, dropout, training):
    """Spatial map, patch encoder, transformer."""
    tokens = tokenize(w, spatial_map(w, "subj_block.subj_layer", x, subject), training)
    return transform(w, "encoder", tokens, dropout, training)


def quantize(w, tokens, training):
    """Replace tokens by the nearest code; return them, the loss and one-hot codes."""
    hidden = torch.tanh(linear(w, "vq_block.pre_proj.0", tokens))
    unit = functional.normalize(linear(w, "vq_block.pre_proj.2", hidden), dim=-1)
    codex = w["vq_block.codex.embeddings"]
    flat = unit.reshape(-1, unit.shape[-1])
    distance = flat.square().sum(-1, keepdim=True) + codex.square().sum(-1)
    distance = distance - 2 * flat @ codex.T
    index = distance.argmin(-1)
    one_hot = functional.one_hot(index, len(codex)).to(flat.dtype)
    chosen = functional.embedding(index, codex).view(unit.shape)
    loss = functional.mse_loss(unit, chosen.detach())
    bridged = unit + (chosen - unit).detach()
    if training:
        _move_codex_(w, flat, one_hot)
    out = linear(
        w, "vq_block.post_proj.0", layer_norm(w, "vq_block.layernorm", bridged)
    )
    return out, loss, one_hot.view(*unit.shape[:-1], -1)


@torch.no_grad()
def _move_codex_(w, flat, one_hot, decay=0.99):
    codex, counts = w["vq_block.codex.embeddings"], one_hot.sum(0)
    w["vq_block.counts"].mul_(decay).add_(counts, alpha=1 - decay)
    mean = one_hot.T @ flat / counts.clamp(min=1)[:, None]
    new = torch.where((counts == 0)[:, None], codex, functional.normalize(mean, dim=-1))
    moved = codex * decay + new * (1 - decay)
    codex.copy_(functional.normalize(moved, dim=-1))


def regress(w, x):
    """Turn tokens back into the mapped signal."""
    for index, (stride, padding, extra) in enumerate(REGRESSION):
        name = f"rgs_block.rgs_head.{index}.0.1"
        x = functional.conv_transpose1d(
            x.transpose(1, 2),
            w[f"{name}.weight"],
            w[f"{name}.bias"],
            stride,
            padding,
            extra,
        ).transpose(1, 2)
    return linear(w, "rgs_block.rgs_head.5.0", x)


def vqvae_loss(w, x, subject, channel_mask, *, dropout=0.2, training=True):
    """Return the loss of the first stage; in training the codex moves."""
    encoded = encode(w, x, subject, dropout, training)
    quantized, loss_commit, _ = quantize(w, encoded, training)
    decoded = regress(w, transform(w, "decoder", quantized, dropout, training))
    rebuilt = spatial_map(w, "desubj_block.subj_layer", decoded, subject)
    error = (x - rebuilt).square().mean(1)
    return (error * channel_mask).sum() / channel_mask.sum() + loss_commit


def mae_loss(w, x, subject, mask, one_hot, *, dropout=0.2, training=True):
    """Return the loss of the masked stage for one-hot codes."""
    tokens = tokenize(w, spatial_map(w, "subj_block.subj_layer", x, subject), training)
    hidden = mask[..., None].to(x.dtype)
    token = w["mask_emb"].expand_as(tokens)
    first = tokens * (1 - hidden) + token * hidden
    second = tokens * hidden + token * (1 - hidden)
    first, second = (
        linear(
            w,
            "cls_block.cls_head.0.0",
            transform(w, "encoder", part, dropout, training),
        )
        for part in (first, second)
    )
    logits = first * hidden + second * (1 - hidden)
    return functional.cross_entropy(logits.flatten(0, 1), one_hot.flatten(0, 1))


@torch.no_grad()
def lookup(w, x, subject):
    """Return the one-hot codes of a frozen first stage."""
    return quantize(w, encode(w, x, subject, 0.0, False), False)[2]


def scores(w, encoded):
    """Return the output of the published classification head."""
    hidden = functional.relu(linear(w, "cls_block.cls_head.1.0", encoded.flatten(1)))
    return linear(w, "cls_block.cls_head.2.0", hidden).sigmoid()


def classifier_loss(w, x, subject, one_hot, *, dropout=0.2, training=True):
    """Return the loss of the third stage for one-hot labels."""
    encoded = encode(w, x, subject, dropout, training)
    quantize(w, encoded, training)
    contrast = _contrast(w, encoded, one_hot)
    loss = functional.cross_entropy(scores(w, encoded), one_hot)
    return loss + 0.0 * contrast


def _contrast(w, encoded, one_hot):
    """Return the contrastive loss, which the published recipe weights with zero."""
    first, second = (
        functional.normalize(
            linear(w, "contra_block.proj_z.0", encoded).flatten(1), dim=-1
        )
        for _ in range(2)
    )
    matrix = first @ second.T * torch.exp(w["contra_block.t"])
    target = one_hot @ one_hot.T
    rows, columns = matrix.log_softmax(-1), matrix.log_softmax(0)
    return -((target * rows).sum(-1).mean() + (target * columns).sum(0).mean()) / 2
