"""Braindecode's ``DuIN`` in few words: the same names, shapes and sums.

Written after ``braindecode/models/duin.py`` at 15aff27; it stands in where that version
is not installed.
"""

import math

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, n_inputs, n_filters, kernel, stride):
        super().__init__()
        padding = "same" if stride == 1 else (kernel - 1) // 2
        self.conv = nn.Conv1d(n_inputs, n_filters, kernel, stride, padding)
        self.bn = nn.BatchNorm1d(n_filters)

    def forward(self, x):
        return self.bn(self.conv(x))


class Attention(nn.Module):
    def __init__(self, dim, n_heads, head_dim):
        super().__init__()
        self.n_heads = n_heads
        for name in "qkv":
            setattr(self, name, nn.Linear(dim, n_heads * head_dim))
        self.q_norm, self.k_norm = nn.LayerNorm(head_dim), nn.LayerNorm(head_dim)
        self.proj = nn.Linear(n_heads * head_dim, dim)

    def forward(self, x):
        q, k, v = (
            layer(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        q, k = self.q_norm(q), self.k_norm(k)
        out = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(out.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    def __init__(self, dim, n_heads, head_dim, ff_dim):
        super().__init__()
        self.attn = Attention(dim, n_heads, head_dim)
        self.norm_attn = nn.LayerNorm(dim)
        parts = nn.Linear(dim, ff_dim), nn.ReLU(), nn.Dropout(), nn.Linear(ff_dim, dim)
        self.ffn = nn.Sequential(*parts)
        self.norm_ffn = nn.LayerNorm(dim)

    def forward(self, x):
        x = self.norm_attn(x + self.attn(x))
        return self.norm_ffn(x + self.ffn(x))


class DuIN(nn.Module):
    def __init__(
        self,
        n_outputs,
        n_chans,
        n_times,
        sfreq,
        *,
        patch_size=100,
        n_neural=16,
        n_filters=(128, 128, 16),
        kernel_sizes=(19, 3, 3),
        strides=(10, 1, 1),
        n_layers=8,
        n_heads=8,
        head_dim=64,
        ffn_dim=320,
        head_hidden_dim=128,
        attn_drop_prob=0.2,
        drop_prob=0.2,
    ):
        super().__init__()
        self.patch_size, self.sfreq = patch_size, sfreq
        self.spatial_projection = nn.Linear(n_chans, n_neural)
        inputs = (n_neural, *n_filters)
        sizes = zip(inputs, n_filters, kernel_sizes, strides, strict=False)
        self.spatial_encoder = nn.Sequential(*(Block(*size) for size in sizes))
        dim = n_filters[-1] * (patch_size // math.prod(strides))
        n_patches = n_times // patch_size
        time = torch.arange(n_patches)[:, None]
        rate = 10000 ** (-torch.arange(0, dim, 2) / dim)
        table = torch.stack([(time * rate).sin(), (time * rate).cos()], -1).flatten(1)
        self.register_buffer("time_embedding", table, persistent=False)
        layer = (dim, n_heads, head_dim, ffn_dim)
        self.encoder = nn.ModuleList(Layer(*layer) for _ in range(n_layers))
        hidden = nn.Linear(n_patches * dim, head_hidden_dim)
        self.head_hidden = nn.Sequential(hidden, nn.ReLU())
        self.final_layer = nn.Linear(head_hidden_dim, n_outputs)

    def encode(self, x):
        x = self.spatial_projection(x.transpose(1, 2)).transpose(1, 2)
        patches = x.unflatten(2, (-1, self.patch_size)).transpose(1, 2)
        steps = self.spatial_encoder(patches.flatten(0, 1)).transpose(1, 2)
        x = steps.reshape(len(x), patches.shape[1], -1) + self.time_embedding
        for layer in self.encoder:
            x = layer(x)
        return x

    def forward(self, x):
        return self.final_layer(self.head_hidden(self.encode(x).flatten(1)))
