"""What a linear discriminant reads from a frozen encoder, and from the signal alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedKFold

from mne_duin.estimators._head import (
    cell_projection,
    head_readings,
    weigh,
    weighted_discriminants,
)
from mne_duin.training._check import FROZEN, RAW, describe_probe

N_FOLDS = 5
SIGNIFICANCE = 0.003


def probe_encoder(stage, X, y, *, skip):
    """Compare a pre-trained encoder with its input in cross-validation.

    The signal's features are the tokens without context (a linear map of signal and
    band power), averaged over time as the head does it. Those of the encoder are the
    tokens with context and the power predicted from them; with ``skip`` all together.
    Sets of features are weighted as the head weighs them.
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
    readings = head_readings(parts, steps, projection)
    alone = [one.features for one in readings if one.part == 1]
    frozen = [one.features for one in readings if skip or one.part == 0]
    folds = StratifiedKFold(min(N_FOLDS, fewest), shuffle=True, random_state=0)
    hits = {}
    for name, features in ((FROZEN, frozen), (RAW, alone)):
        shares = weigh(features, y, SIGNIFICANCE)
        scores = np.zeros((len(y), y.max() + 1))
        for train, test in folds.split(both, y):
            for index, weights, offsets in weighted_discriminants(
                features, shares, y, train, SIGNIFICANCE
            ):
                scores[test] += features[index][test] @ weights.T + offsets
        hits[name] = scores.argmax(1) == y
    table = pd.DataFrame(
        {"method": list(hits), "accuracy": [own.mean() for own in hits.values()]}
    )
    table.attrs["standard_error"] = error_of_difference(*hits.values())
    return table


def error_of_difference(one, other):
    """Return the standard error of the difference of two accuracies, paired by epoch.

    As if one more epoch were read differently: a single one is no evidence.
    Shapes: ``one`` and ``other`` (n_epochs,), whether each epoch was read right.
    """
    n_different = np.count_nonzero(one != other) + 1
    return float(np.sqrt(n_different) / len(one))


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
