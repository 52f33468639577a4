"""What linear discriminants read from a frozen encoder, and from the signal alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedKFold

from mne_duin.estimators._base import unwrap
from mne_duin.estimators._head import (
    cell_projection,
    head_readings,
    log_likelihoods,
    weigh,
    weighted_discriminants,
)
from mne_duin.estimators.presets import resolve
from mne_duin.training._check import (
    BOTH,
    FROZEN,
    RAW,
    describe_probe,
    lead_in_errors,
)
from mne_duin.utils._parallel import one_blas_thread
from mne_duin.utils._pooling import pool_probabilities

N_FOLDS = 5
SIGNIFICANCE = 0.003
# Smaller differences of the log loss are of no account, however regular they are.
LEAST_DIFFERENCE = 0.02
# What a pre-trained network counts in an ensemble if its encoder alone is read better
# than the signal by more than one standard error; else both count the same.
WEIGHT_IF_BETTER = 2 / 3


@one_blas_thread()
def probe_encoder(classifier, X, y, *, scratch=None):
    """Compare a pre-trained encoder with a network from scratch in cross-validation.

    Both are read as the heads of unfitted classifiers would start: that of
    ``classifier`` with its pre-trained encoder, and that of ``scratch`` (None is the
    same classifier without its encoder). The signal's features are the tokens without
    context of the latter (a linear map of signal and band power), averaged over time.
    Those of the encoder are the tokens with context and the power predicted from them,
    and its tokens without context if its head sees them. Sets of features are weighted
    as the head weighs them, in the training epochs of every fold. With ``scratch``
    there is a row for the ensemble of both.

    Returns a table for :class:`~mne_duin.training.PretrainingCheck`, or None where a
    class has fewer than two epochs. In its ``attrs`` is the standard error of how the
    last row's log loss differs from that of the signal, and with ``scratch`` the weight
    of the pre-trained network in the ensemble.
    """
    labels = np.unique(np.asarray(y), return_inverse=True)[1]
    fewest = np.bincount(labels).min()
    if fewest < 2:
        return None
    stage = unwrap(classifier.pretrained, "pretrained")
    frozen = _read_encoder(stage, X, resolve(classifier, classifier._stage)["skip"])
    parameters = (scratch or classifier).get_params(deep=False)
    parameters |= {"pretrained": None, "use_codex": False, "head_init": "random"}
    # Bands are chosen and channels are unmixed on all epochs, as it would be trained.
    signal = _read_signal(type(classifier)(**parameters), X, y)
    n_folds = min(N_FOLDS, fewest)
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0).split(labels, labels)
    folds, likelihoods = list(folds), {}
    for name, features in ((FROZEN, frozen), (RAW, signal)):
        scores = _left_out_scores(features, labels, folds)
        likelihoods[name] = log_likelihoods(scores, labels)
    own = np.arange(len(labels)), labels
    difference, error = _compare(likelihoods, FROZEN, own)
    weight = weight_of(difference / error)
    if scratch is not None:
        members = np.exp([likelihoods[FROZEN], likelihoods[RAW]])
        pooled = pool_probabilities(members, (weight, 1 - weight))
        likelihoods[BOTH] = np.log(pooled)
        _, error = _compare(likelihoods, BOTH, own)
    table = pd.DataFrame(
        {
            "method": list(likelihoods),
            "accuracy": [(x.argmax(1) == labels).mean() for x in likelihoods.values()],
            "log_loss": [-x[own].mean() for x in likelihoods.values()],
        }
    )
    table.attrs["standard_error"] = error
    if scratch is not None:
        table.attrs["weight"] = weight
    return table


def _compare(likelihoods, method, own):
    """Return how much better a method is than the signal, and the standard error."""
    difference = likelihoods[method][own] - likelihoods[RAW][own]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return difference.mean(), float(np.hypot(error, LEAST_DIFFERENCE))


def weight_of(lead):
    """Return the weight of a network whose encoder leads by so many standard errors."""
    return WEIGHT_IF_BETTER if lead > 1 else 0.5


def _read_encoder(stage, X, skip):
    """Return sets of features of a pre-trained encoder, (n_epochs, n_features) each."""
    encoder = stage.module_.encoder

    def tokens(x, subject):
        alone = encoder.tokenize(x, subject)
        return torch.cat([encoder.transformer(alone), alone], -1).flatten(1)

    both = stage._batched(tokens, *stage._scaled(stage._check_fitted(X)))
    # With and without context.
    parts = both.reshape(len(both), -1, 2, encoder.dim)
    readings = head_readings(parts, encoder.patch.n_steps, cell_projection(stage))
    return [one.features for one in readings if skip or one.part == 0]


def _read_signal(scratch, X, y):
    """Return sets of features of a network from scratch before its training."""
    scratch._prepare(X, y)
    encoder = scratch.module_.encoder
    inputs = scratch._scaled(scratch._check_fitted(X))
    tokens = scratch._batched(encoder.tokenize, *inputs)
    return [
        one.features for one in head_readings(tokens[:, :, None], encoder.patch.n_steps)
    ]


def _left_out_scores(features, y, folds):
    """Return the scores of left-out epochs, (n_epochs, n_classes)."""
    scores = np.zeros((len(y), y.max() + 1))
    for train, test in folds:
        shares = weigh([own[train] for own in features], y[train], SIGNIFICANCE)
        for index, weights, offsets in weighted_discriminants(
            features, shares, y, train, SIGNIFICANCE
        ):
            scores[test] += features[index][test] @ weights.T + offsets
    return scores


def judge_pretraining(classifier, X, y):
    """Return whether to go on from an encoder, why, and its weight in an ensemble.

    What a stage has shown on held-out recording and what is read from its encoder are
    weighed by :class:`~mne_duin.training.PretrainingCheck`. A stage that was not
    checked has to be read better than the signal by more than one standard error:
    otherwise there is no reason to give up the start of a network from scratch.
    """
    probe = probe_encoder(classifier, X, y)
    check = getattr(unwrap(classifier.pretrained, "pretrained"), "check_", None)
    lead = 0.0 if probe is None else lead_in_errors(probe)
    weight = weight_of(lead)
    if check is not None:
        check = replace(check, probe=probe)
        return check.usable, check.verdict, weight
    if probe is None:
        return True, "", weight
    why = describe_probe(probe)
    if 0 < lead <= 1:
        why += " The difference is within one standard error."
    return lead > 1, why, weight
