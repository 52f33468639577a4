"""Labels of tokens and sequences: checked against the epochs, as integers."""

import numpy as np

from mne_duin.sequences import sequence_targets, token_targets
from mne_duin.sequences._targets import tier_names


def encode_tokens(y, shape, classes=None, *, known=False):
    """Turn the labels of tokens into integers.

    Shapes: ``y`` (n_epochs, n_tokens) -> (n_epochs, n_tokens, n_tiers).
    """
    y = np.asarray(y)
    if y.shape != shape:
        raise ValueError(
            f"`y` must have one label per token, shape {shape}; got shape {y.shape}. "
            "mne_duin.token_labels makes it of annotations or a table."
        )
    tiers = tier_names(y)
    sets = _by_tier(classes, tiers)
    targets, learned = [], []
    for name, own in zip(tiers or (None,), sets, strict=True):
        layer = y if name is None else y[name]
        codes, _, labels = token_targets(layer, own)
        if not known:
            _check_labels(labels, name)
        targets.append(codes)
        learned.append(labels)
    targets = np.stack(targets, -1)
    if tiers is None:
        return targets, learned[0]
    return targets, dict(zip(tiers, learned, strict=True))


def encode_sequences(y, shape, classes=None, *, known=False):
    """Turn sequences of labels into integers, and see that they fit the tokens.

    Shape: (n_epochs, longest).
    """
    if isinstance(classes, dict):
        raise ValueError("loss='ctc' has one tier; `classes` must be a list, no dict.")
    n_epochs, n_tokens = shape
    if len(y) != n_epochs:
        raise ValueError(
            f"`y` must have one sequence per epoch, {n_epochs}; got {len(y)}."
        )
    targets, lengths, classes = sequence_targets(y, classes)
    if not known:
        _check_labels(classes, None)
    repeats = (targets[:, 1:] == targets[:, :-1]) & (targets[:, 1:] >= 0)
    needed = lengths + repeats.sum(1)
    if (needed > n_tokens).any():
        worst = int(needed.argmax())
        raise ValueError(
            f"{(needed > n_tokens).sum()} sequences of `y` are too long for "
            f"{n_tokens} tokens: that of epoch {worst} has {lengths[worst]} labels and "
            f"needs {needed[worst]} tokens (one per label, and a blank between equal "
            "neighbors). Take longer epochs or a shorter patch_duration."
        )
    return targets, classes


def check_alignment(max_shift, patch_duration):
    """Refuse shifts that would carry a token away from its label."""
    if max_shift > patch_duration / 2:
        raise ValueError(
            f"`max_shift` must be at most half a token, {patch_duration / 2:g} s, "
            f"because labels do not shift; got {max_shift:g}."
        )


def _by_tier(classes, tiers):
    """Return the given labels of every tier, or None for each."""
    if classes is None:
        return [None] * len(tiers or (None,))
    if isinstance(classes, dict) != (tiers is not None):
        raise ValueError(
            "`classes` must be a dict of tiers exactly where `y` has tiers with names; "
            f"`y` has {'none' if tiers is None else ', '.join(tiers)}."
        )
    if tiers is None:
        return [np.asarray(classes)]
    if set(classes) != set(tiers):
        raise ValueError(
            f"The tiers of `y` are {', '.join(tiers)}; those of `classes` are "
            f"{', '.join(classes)}."
        )
    return [np.asarray(classes[name]) for name in tiers]


def _check_labels(labels, tier):
    if len(set(labels.tolist())) < len(labels):
        raise ValueError(f"`classes` names a label twice: {labels.tolist()}.")
    if len(labels) < 2:
        where = "" if tier is None else f" of tier {tier!r}"
        raise ValueError(
            f"`y` has one label only{where}, {labels.tolist()[0]!r}; decoding needs "
            "two or more."
        )
