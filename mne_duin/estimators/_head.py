"""Initialize the classifier's head from a shrinkage LDA on the encoder's tokens.

With a few hundred trials a head with random weights overfits the training trials before
the encoder has learned anything. Fitting a well-regularized linear probe
first and fine-tuning everything from there keeps what the encoder knows (Kumar et al.,
Fine-tuning can distort pretrained features, ICLR 2022).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy import linalg
from scipy.special import log_softmax, softmax
from sklearn.feature_selection import f_classif
from sklearn.model_selection import StratifiedKFold

from mne_duin.nn import CellPredictor
from mne_duin.utils._parallel import one_blas_thread

MIN_FEATURES = 20
# Left-out epochs are decoded by discriminants that must be quick to fit.
MAX_FOLDS, MOST_FEATURES = 4, 600
# Directions with less than this part of the largest variance are rounding: features in
# float32 that depend on each other. A discriminant that uses them has weights of 1e8,
# with which no network in float32 can compute.
SMALLEST = 1e-13
SHARPNESS = (0.5, 1.0, 2.0, 4.0)
# How much less a discriminant counts per unit of log loss; one that would count less
# than the least share is left out.
STEEPNESS, LEAST_SHARE = 12.0, 0.01
# Moving averages, in tokens: what a word is made of comes earlier in one trial than in
# another.
WINDOWS = (3, 5)
# With so few epochs per class discriminants are poor and a head still has to learn;
# with more it learns at the slow rate (chosen on seeds 31 of plain_speech.py, 11 and 12
# of simulate_unit_speech, 12 of honest_opponent.py, 211 and 212 of quick_preset.py).
FEW_EPOCHS, SLOW = 5, 0.1


def head_rate(scale, n_per_class):
    """Return the factor of the learning rate of a head that starts from discriminants.

    ``scale`` is what the user or the preset says; None leaves it to the number of
    epochs per class.
    """
    if scale is not None:
        return scale
    return 1.0 if n_per_class <= FEW_EPOCHS else SLOW


def head_width(hidden_dim, head_init, n_classes):
    """Return the size of the hidden layer: two units per class for a linear start."""
    return max(hidden_dim, 2 * n_classes) if head_init == "lda" else hidden_dim


@torch.no_grad()
@one_blas_thread()
def start_head_(module, data, *, significance, projection=None):
    """Give the head linear discriminants of the tokens of the training epochs.

    Discriminants are fitted to several :func:`head_readings` of the tokens, and their
    scores are averaged: the better one decodes left-out training epochs, the more it
    counts. Choosing the best alone would follow chance in few epochs. A weighted sum of
    readings is a weighted sum of the tokens, so the network computes exactly that
    average: the hidden layer gets a pair of units per class, one for the positive and
    one for the negative part of its score. The other units keep small random weights.

    Where the head sees tokens without context, too, these are averaged in time; those
    with context are taken as they are and as the values that pre-training predicted
    from them (``projection``, (n_values, dim)), which are averaged, too.
    """
    module.eval()
    batches = list(data.batches(64))
    parts = [module.features(batch.x, batch.subject) for batch in batches]
    tokens = torch.cat(parts).float().cpu().numpy()
    y = torch.cat([batch.y for batch in batches]).cpu().numpy()
    n_steps, dim = module.encoder.patch.n_steps, module.encoder.dim
    tokens = tokens.reshape(len(y), module.n_tokens, -1, dim)
    readings = head_readings(tokens, n_steps, projection)
    features = [reading.features for reading in readings]
    shares = weigh(features, y, significance)
    weights = np.zeros((y.max() + 1, *tokens.shape[1:]))
    offsets, scores = np.zeros(len(weights)), np.zeros((len(y), len(weights)))
    everything = np.ones(len(y), bool)
    parts = weighted_discriminants(features, shares, y, everything, significance)
    for index, own, level in parts:
        reading = readings[index]
        scores += reading.features @ own.T + level
        weights[:, :, reading.part] += reading.to_tokens(own)
        offsets += level
    # A linear discriminant is far too sure of its training epochs; with scores of unit
    # spread the loss starts where there is still something to learn.
    scale = 1 / _spread(scores)
    offsets = (offsets - scores.mean()) * scale
    set_pairs_(module, weights.reshape(len(weights), -1) * scale, offsets)


def cell_projection(stage):
    """Return what hidden cells were predicted with, (n_values, dim), or None.

    Masked codes of cells change the encoder little, so that the map is still that of
    the stage before.
    """
    network = getattr(getattr(stage, "vqvae_", stage), "module_", None)
    if not isinstance(network, CellPredictor):
        return None
    projection = network.projection()
    return None if projection is None else projection.cpu().numpy()


@dataclass(frozen=True)
class Reading:
    """Features of the tokens that a discriminant is fitted to.

    ``to_tokens`` turns its coefficients (n_classes, n_features) into weights of the
    tokens (n_classes, n_tokens, dim), of their ``part``.
    """

    features: np.ndarray
    part: int
    to_tokens: Callable


def head_readings(tokens, n_steps, projection=None):
    """Return what the head may start from.

    ``tokens`` (n_epochs, n_tokens, n_parts, dim) has one part, or two: with and without
    context. The last part is read in averages over single steps of time, half a token,
    a token and two tokens (``n_steps`` make a token) and in moving averages over three
    and five tokens: responses that jitter in time are seen better in long bins,
    phase-locked ones in short bins. Of two parts, the one with context is read as it
    is and, with ``projection`` (n_values, dim), as values and their moving averages.
    """
    n_epochs, n_tokens, n_parts, dim = tokens.shape
    steps = tokens[:, :, -1].reshape(n_epochs, n_tokens * n_steps, -1)

    def from_bins(coefficients, bins):
        own = coefficients.reshape(len(coefficients), len(bins), -1)
        own = np.einsum("cbf,bt->ctf", own, bins)
        return own.reshape(len(own), n_tokens, dim)

    def from_tokens(coefficients):
        return coefficients.reshape(len(coefficients), n_tokens, dim)

    def from_values(coefficients, windows):
        own = coefficients.reshape(len(coefficients), len(windows), -1)
        return np.einsum("cwv,wt->ctv", own, windows) @ projection

    sizes = dict.fromkeys((1, max(n_steps // 2, 1), n_steps, 2 * n_steps))
    averages = [
        _averaging(steps.shape[1], size) for size in sizes if size <= steps.shape[1]
    ]
    windows = [_moving(n_tokens, width) for width in WINDOWS if width <= n_tokens]
    averages += [own.repeat(n_steps, axis=1) / n_steps for own in windows]
    readings = []
    for bins in averages:
        back = partial(from_bins, bins=bins)
        readings.append(Reading(average(steps, bins), n_parts - 1, back))
    if n_parts > 1:
        context = tokens[:, :, 0]
        readings.append(Reading(context.reshape(n_epochs, -1), 0, from_tokens))
    if n_parts > 1 and projection is not None:
        values = context @ projection.T
        for own in (np.eye(n_tokens, dtype=np.float32), *windows):
            back = partial(from_values, windows=own)
            readings.append(Reading(average(values, own), 0, back))
    return readings


def weigh(features, y, significance):
    """Return how much the discriminants of several sets of features count, sum 1.

    A set with a log loss of left-out epochs that is higher by 0.1 counts a third as
    much. With too few epochs to compare, all count the same.
    """
    n_folds = min(MAX_FOLDS, int(np.bincount(y).min()))
    # Two of each class must be left to learn from.
    if len(features) == 1 or n_folds < 3:
        return np.full(len(features), 1 / len(features))
    folds = list(StratifiedKFold(n_folds).split(features[0], y))
    losses = [_left_out_loss(own, y, folds, significance) for own in features]
    shares = softmax(-STEEPNESS * np.array(losses))
    shares[shares < LEAST_SHARE] = 0
    return shares / shares.sum()


def unit_discriminant(features, y, significance, *, most=None):
    """Return a discriminant whose scores of these epochs have unit spread."""
    weights, offsets = linear_discriminant(features, y, significance, most=most)
    spread = _spread(features @ weights.T + offsets)
    return weights / spread, offsets / spread


def weighted_discriminants(features, shares, y, rows, significance):
    """Yield index, coefficients and offsets of every discriminant that counts.

    They are fitted to some ``rows`` of the epochs and multiplied by how much each
    counts, so that their scores are added.
    """
    for index in np.flatnonzero(shares):
        own = features[index][rows]
        weights, offsets = unit_discriminant(own, y[rows], significance)
        yield index, shares[index] * weights, shares[index] * offsets


def _spread(scores):
    """Return the standard deviation of scores (n_epochs, n_classes) between classes."""
    return (scores - scores.mean(1, keepdims=True)).std()


def average(steps, bins):
    """Average steps of time (n_epochs, n_steps, n_features) in bins (n_bins, n_steps).

    Returns one row per epoch.
    """
    return np.einsum("etf,bt->ebf", steps, bins).reshape(len(steps), -1)


def _averaging(n_times, size):
    """Return the matrix that averages in bins; the last one takes what is left over."""
    index = np.arange(n_times) // size
    bins = (index == np.arange(index[-1] + 1)[:, None]).astype(np.float32)
    return bins / bins.sum(1, keepdims=True)


def _moving(n_times, width):
    """Return the matrix of the moving average over ``width`` times."""
    starts = np.arange(n_times - width + 1)[:, None]
    later = np.arange(n_times) - starts
    return ((later >= 0) & (later < width)).astype(np.float32) / width


def _left_out_loss(features, y, folds, significance):
    """Return the log loss of left-out epochs."""
    scores = np.empty((len(y), y.max() + 1))
    for train, test in folds:
        weights, offsets = unit_discriminant(
            features[train], y[train], significance, most=MOST_FEATURES
        )
        scores[test] = features[test] @ weights.T + offsets
    own = np.arange(len(y)), y
    return -log_likelihoods(scores, y)[own].mean()


def log_likelihoods(scores, y):
    """Return the log probabilities at the sharpness that suits the epochs best.

    Shapes: ``scores`` (n_epochs, n_classes), ``y`` (n_epochs,) -> (n_epochs,
    n_classes).
    """
    own = np.arange(len(y)), y
    candidates = [log_softmax(s * scores, axis=1) for s in SHARPNESS]
    return max(candidates, key=lambda one: one[own].mean())


def linear_discriminant(features, y, significance, *, most=None):
    """Fit a shrinkage LDA on the informative features, ``most`` of them at most.

    Shapes: ``features`` (n_epochs, n_features), ``y`` (n_epochs,) -> (n_classes,
    n_features), (n_classes,).
    """
    center = features.mean(0)
    spread = features.std(0) + 1e-6
    scaled = (features - center) / spread
    statistic, p_values = f_classif(scaled, y)
    statistic = np.nan_to_num(statistic)
    chosen = np.nan_to_num(p_values, nan=1.0) < significance
    best = np.argsort(-statistic, kind="stable")
    chosen[best[:MIN_FEATURES]] = True
    chosen[best[most or len(best) :]] = False
    coefficients, offsets = shrinkage_lda(scaled[:, chosen].astype(float), y)
    weights = np.zeros((len(offsets), features.shape[1]))
    weights[:, chosen] = coefficients / spread[chosen]
    return weights, offsets - weights @ center


def shrinkage_lda(features, y):
    """Return coefficients and offsets of a linear discriminant with shrunk covariance.

    They are those of scikit-learn's ``LinearDiscriminantAnalysis`` with solver "lsqr"
    and automatic shrinkage (Ledoit and Wolf, 2004, J. Multivariate Analysis), of two
    classes half the difference each. A network is initialized from dozens of
    discriminants with many more features than epochs, for which the covariance is a
    diagonal plus a product of low rank: solving by Woodbury's identity takes a
    fraction of the time that the covariance itself would take.

    Shapes: ``features`` (n_epochs, n_features), ``y`` (n_epochs,) -> (n_classes,
    n_features), (n_classes,).
    """
    priors = np.bincount(y) / len(y)
    means = np.stack([features[y == label].mean(0) for label in range(len(priors))])
    rows, diagonal = np.empty_like(features), np.zeros(features.shape[1])
    for label, prior in enumerate(priors):
        own = y == label
        centered = features[own] - means[label]
        scale = centered.std(0)
        constant = scale <= 10 * np.finfo(float).eps * np.abs(features[own]).max(0)
        scale[constant] = 1.0
        shrinkage, level = _ledoit_wolf(centered / scale)
        rows[own] = centered * np.sqrt(prior * (1 - shrinkage) / own.sum())
        diagonal += prior * shrinkage * level * scale**2
    coefficients = _solve(diagonal, rows, means.T).T
    offsets = np.log(priors) - 0.5 * (means * coefficients).sum(1)
    if len(priors) == 2:
        coefficients = coefficients - coefficients.mean(0)
        offsets = offsets - offsets.mean()
    return coefficients, offsets


def _ledoit_wolf(centered):
    """Return the shrinkage of the covariance of centered data, and the mean variance.

    The sums over pairs of features are those over pairs of epochs, which are fewer.
    """
    n_epochs, n_features = centered.shape
    power = (centered**2).sum(1)
    level = power.sum() / n_epochs / n_features
    if n_features == 1:
        return 0.0, level
    squares = ((centered @ centered.T) ** 2).sum() / n_epochs**2
    beta = ((power**2).sum() / n_epochs - squares) / (n_features * n_epochs)
    delta = squares / n_features - level**2
    return (0.0 if beta <= 0 else min(beta, delta) / delta), level


def _solve(diagonal, rows, targets):
    """Solve ``(diag(diagonal) + rows.T @ rows) x = targets`` for ``x``.

    Shapes: ``diagonal`` (n_features,), ``rows`` (n_epochs, n_features), ``targets``
    (n_features, n_targets) -> (n_features, n_targets).
    """
    if len(rows) >= len(diagonal) or diagonal.min() <= 0:
        covariance = rows.T @ rows
        covariance[np.diag_indices(len(diagonal))] += diagonal
        return linalg.lstsq(covariance, targets, cond=SMALLEST)[0]
    root = np.sqrt(diagonal)
    rows, targets = rows / root, targets / root[:, None]
    inner = rows @ rows.T
    inner[np.diag_indices(len(inner))] += 1.0
    inner = linalg.solve(inner, rows @ targets, assume_a="pos")
    return (targets - rows.T @ inner) / root[:, None]


def set_pairs_(module, weights, offsets):
    """Let pairs of hidden units carry the positive and negative part of each score.

    Shapes: ``weights`` (n_classes, n_features), ``offsets`` (n_classes,).
    """
    hidden, scores, n_classes = module.hidden, module.scores, len(offsets)
    weights = torch.as_tensor(weights, dtype=hidden.weight.dtype)
    offsets = torch.as_tensor(offsets, dtype=hidden.weight.dtype)
    weights, offsets = weights.to(hidden.weight.device), offsets.to(hidden.bias.device)
    hidden.weight.mul_(0.1)
    hidden.weight[: 2 * n_classes] = torch.cat([weights, -weights])
    hidden.bias[: 2 * n_classes] = torch.cat([offsets, -offsets])
    identity = torch.eye(n_classes, device=scores.weight.device)
    scores.weight.mul_(0.1)
    scores.weight[:, : 2 * n_classes] = torch.cat([identity, -identity], 1)
    scores.bias.zero_()
