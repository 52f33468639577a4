"""The optimizer's groups and the learning rate of every pass."""

import math

import torch


def decay_groups(module, weight_decay, lr_scale=None):
    """Group parameters: weight decay for matrices, none for biases and norms.

    Parameters
    ----------
    module : Module
        The network.
    weight_decay : float
        Decay of the tensors with two or more dimensions.
    lr_scale : dict of str to float | None
        Factor of the learning rate for parameters whose name starts with the key;
        the longest matching key counts.

    Returns
    -------
    groups : list of dict
        For ``torch.optim``; ``lr_scale`` holds the factor of the group.
    """
    groups = {}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        matches = [key for key in (lr_scale or {}) if name.startswith(key)]
        scale = lr_scale[max(matches, key=len)] if matches else 1.0
        # A bias that is stored per subject has two dimensions and is still a bias.
        flat = parameter.ndim < 2 or name.endswith("bias")
        key = (0.0 if flat else weight_decay, scale)
        groups.setdefault(key, []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "lr_scale": scale}
        for (decay, scale), parameters in groups.items()
    ]


def make_optimizer(module, *, lr, weight_decay, betas=(0.9, 0.999), lr_scale=None):
    """Return AdamW over :func:`decay_groups`, fused where the device can."""
    groups = decay_groups(module, weight_decay, lr_scale)
    return torch.optim.AdamW(groups, lr=lr, betas=tuple(betas), fused=True)


def learning_rate(index, n_passes, *, lr, lr_min, n_warmup):
    """Return the learning rate of a pass: linear warm-up, then a cosine.

    Parameters
    ----------
    index : int
        Number of the pass, from 0.
    n_passes : int
        Number of passes in all.
    lr, lr_min : float
        Highest and final learning rate.
    n_warmup : int
        Passes of warm-up.

    Returns
    -------
    lr : float
        The learning rate.

    References
    ----------
    The published schedule: per pass, ``lr * (pass + 1) / n_warmup`` in warm-up.
    """
    if index < n_warmup:
        return lr * (index + 1) / n_warmup
    progress = (index - n_warmup) / max(n_passes - n_warmup - 1, 1)
    return lr_min + (lr - lr_min) * 0.5 * (1 + math.cos(math.pi * progress))
