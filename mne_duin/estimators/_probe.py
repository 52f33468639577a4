"""What a linear discriminant reads from a frozen encoder, and from the signal alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedKFold

from mne_duin.estimators._head import (
    cell_projection,
    choose_blocks,
    head_blocks,
    linear_discriminant,
)
from mne_duin.training._check import FROZEN, RAW, describe_probe

N_FOLDS = 5
SIGNIFICANCE = 0.003


def probe_encoder(stage, X, y, *, skip):
    """Compare a pre-trained encoder with its input in cross-validation.

    The signal's features are the tokens without context (a linear map of signal and
    band power), averaged over time as the head does it. Those of the encoder are the
    tokens with context, or the power predicted from them; with ``skip`` one of these or
    both, as the head chooses.
    Returns a table for :class:`~mne_duin.training.PretrainingCheck`, with the standard
    error of the difference in ``attrs``, or None where a class has fewer than two
    epochs.
    """
    y = np.unique(np.asarray(y), return_inverse=True)[1]
    fewest = np.bincount(y).min()
    if fewest < 2:
        return None
    encoder = stage.module_.encoder

    def tokens(x, subject):
        alone = encoder.tokenize(x, subject)
        return torch.cat([encoder.transformer(alone), alone], -1).flatten(1)

    both = stage._batched(tokens, *stage._scaled(stage._check_fitted(X)))
    # With and without context.
    parts = both.reshape(len(both), -1, 2, encoder.dim)
    steps, projection = encoder.patch.n_steps, cell_projection(stage)
    blocks, _ = head_blocks(parts, y, steps, SIGNIFICANCE, projection)
    used = choose_blocks(blocks, y, SIGNIFICANCE) if skip else [len(blocks) - 1]
    features = {FROZEN: np.concatenate([blocks[i] for i in used], axis=1)}
    features[RAW] = blocks[0]
    folds = StratifiedKFold(min(N_FOLDS, fewest), shuffle=True, random_state=0)
    hits = {name: np.zeros(len(y), bool) for name in features}
    for train, test in folds.split(both, y):
        for name, own in features.items():
            weights, offsets = linear_discriminant(own[train], y[train], SIGNIFICANCE)
            guess = (own[test] @ weights.T + offsets).argmax(1)
            hits[name][test] = guess == y[test]
    table = pd.DataFrame(
        {"method": list(hits), "accuracy": [own.mean() for own in hits.values()]}
    )
    difference = hits[FROZEN].astype(float) - hits[RAW]
    table.attrs["standard_error"] = float(difference.std() / np.sqrt(len(y)))
    return table


def judge_pretraining(stage, X, y):
    """Return whether to go on from a pre-trained encoder, and why, in words.

    What a stage has shown on held-out recording and what is read from its encoder are
    weighed by :class:`~mne_duin.training.PretrainingCheck`. A stage that was not
    checked has to be better than the signal: as many words that are read from its
    encoder are no reason to give up the start of a network from scratch.
    """
    probe, check = (
        probe_encoder(stage, X, y, skip=False),
        getattr(stage, "check_", None),
    )
    if check is not None:
        check = replace(check, probe=probe)
        return check.usable, check.verdict
    if probe is None:
        return True, ""
    accuracy = probe.set_index("method")["accuracy"]
    return bool(accuracy[FROZEN] > accuracy[RAW]), describe_probe(probe)
