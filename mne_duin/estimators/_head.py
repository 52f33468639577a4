"""Initialize the classifier's head from a shrinkage LDA on the encoder's tokens.

With a few hundred trials a head with random weights overfits the training trials before
the encoder has learned anything. Fitting a well-regularized linear probe
first and fine-tuning everything from there keeps what the encoder knows (Kumar et al.,
Fine-tuning can distort pretrained features, ICLR 2022).
"""

import numpy as np
import torch
from scipy import linalg
from scipy.special import log_softmax
from sklearn.feature_selection import f_classif
from sklearn.model_selection import StratifiedKFold

from mne_duin.nn import CellPredictor

MIN_FEATURES = 20
# The choice of bins compares discriminants that must be quick to fit.
MAX_FOLDS, MOST_FEATURES = 4, 600
# Directions with less than this part of the largest variance are rounding: features in
# float32 that depend on each other. A discriminant that uses them has weights of 1e8,
# with which no network in float32 can compute.
SMALLEST = 1e-13
SHARPNESS = (0.5, 1.0, 2.0, 4.0)


def head_width(hidden_dim, head_init, n_classes):
    """Return the size of the hidden layer: two units per class for a linear start."""
    return max(hidden_dim, 2 * n_classes) if head_init == "lda" else hidden_dim


@torch.no_grad()
def start_head_(module, data, *, significance, projection=None):
    """Give the head a linear discriminant of the tokens of the training epochs.

    The discriminant is fitted to averages of the steps of time of the tokens, over bins
    whose length cross-validation inside the training epochs chooses: responses that
    jitter in time are seen better in long bins, phase-locked ones in short bins. A
    weighted sum of averages is a weighted sum of the tokens, so the network computes
    exactly the discriminant: the hidden layer gets a pair of units per class, one for
    the positive and one for the negative part of its score. The other units keep small
    random weights.

    Where the head sees tokens without context, too, these are averaged, those with
    context are taken as they are or as the values that pre-training predicted from them
    (``projection``, (n_values, dim)), and cross-validation chooses one of them or both.
    """
    module.eval()
    batches = list(data.batches(64))
    parts = [module.features(batch.x, batch.subject) for batch in batches]
    tokens = torch.cat(parts).float().cpu().numpy()
    y = torch.cat([batch.y for batch in batches]).cpu().numpy()
    n_steps, dim = module.encoder.patch.n_steps, module.encoder.dim
    tokens = tokens.reshape(len(y), module.n_tokens, -1, dim)
    blocks, bins = head_blocks(tokens, y, n_steps, significance, projection)
    used = choose_blocks(blocks, y, significance)
    features = np.concatenate([blocks[block] for block in used], axis=1)
    weights, offsets = linear_discriminant(features, y, significance)
    scores = features @ weights.T + offsets
    # A linear discriminant is far too sure of its training epochs; with scores of unit
    # spread the loss starts where there is still something to learn.
    scale = 1 / (scores - scores.mean(1, keepdims=True)).std()
    offsets = offsets - scores.mean()
    whole = np.zeros((len(weights), *tokens.shape[1:]))
    first = 0
    for block in used:
        own = weights[:, first : first + blocks[block].shape[1]]
        first += own.shape[1]
        if block == 0:
            own = own.reshape(len(own), len(bins), -1)
            own = np.einsum("cbf,bt->ctf", own, bins)
        elif block == 2:
            own = own.reshape(len(own), module.n_tokens, -1) @ projection
        whole[:, :, -1 if block == 0 else 0] += own.reshape(len(own), -1, dim)
    set_pairs_(module, whole.reshape(len(whole), -1) * scale, offsets * scale)


def cell_projection(stage):
    """Return what hidden cells were predicted with, (n_values, dim), or None."""
    network = getattr(stage, "module_", None)
    if not isinstance(network, CellPredictor):
        return None
    projection = network.projection()
    return None if projection is None else projection.cpu().numpy()


def head_blocks(tokens, y, n_steps, significance, projection=None):
    """Return the blocks of features that a head can start from, and the bins.

    ``tokens`` (n_epochs, n_tokens, n_parts, dim) has one part, or two: with and without
    context. The first block is the last part, averaged in bins (n_bins, n_times), the
    second one the tokens with context where there are both, the third one what
    ``projection`` (n_values, dim) makes of these.
    """
    steps = tokens[:, :, -1].reshape(len(y), tokens.shape[1] * n_steps, -1)
    bins = choose_bins(steps, y, n_steps, significance)
    blocks = [average(steps, bins)]
    if tokens.shape[2] > 1:
        blocks.append(tokens[:, :, 0].reshape(len(y), -1))
        if projection is not None:
            blocks.append((tokens[:, :, 0] @ projection.T).reshape(len(y), -1))
    return blocks, bins


def choose_blocks(blocks, y, significance):
    """Return which blocks of features decode left-out epochs best, as indices.

    The candidates are each block alone, and the first one (without context) with one
    of the others; with too few epochs to compare, the first and the last.
    """
    n_folds = min(MAX_FOLDS, int(np.bincount(y).min()))
    last = len(blocks) - 1
    if len(blocks) == 1 or n_folds < 3:
        return sorted({0, last})
    folds = list(StratifiedKFold(n_folds).split(blocks[0], y))
    others = range(1, len(blocks))
    candidates = [*([0, block] for block in others), [0], *([b] for b in others)]
    losses = [
        _left_out_loss(
            np.concatenate([blocks[block] for block in used], axis=1),
            y,
            folds,
            significance,
        )
        for used in candidates
    ]
    return candidates[int(np.argmin(losses))]


def average(steps, bins):
    """Average steps of time (n_epochs, n_steps, n_features) in bins (n_bins, n_steps).

    Returns one row per epoch.
    """
    return np.einsum("etf,bt->ebf", steps, bins).reshape(len(steps), -1)


def choose_bins(steps, y, n_steps, significance):
    """Return the averaging (n_bins, n_steps) that decodes left-out epochs best.

    The candidates are single steps, half a token, a token, two tokens (``n_steps`` make
    a token), and the first three together.
    """
    n_times = steps.shape[1]
    sizes = dict.fromkeys((1, max(n_steps // 2, 1), n_steps, 2 * n_steps))
    candidates = [_averaging(n_times, size) for size in sizes if size <= n_times]
    candidates.append(np.concatenate(candidates[:3]))
    n_folds = min(MAX_FOLDS, int(np.bincount(y).min()))
    # Two of each class must be left to learn from.
    if n_folds < 3:
        return candidates[-1]
    folds = list(StratifiedKFold(n_folds).split(steps, y))
    losses = [
        _left_out_loss(average(steps, bins), y, folds, significance)
        for bins in candidates
    ]
    return candidates[int(np.argmin(losses))]


def _averaging(n_times, size):
    """Return the matrix that averages in bins; the last one takes what is left over."""
    index = np.arange(n_times) // size
    bins = (index == np.arange(index[-1] + 1)[:, None]).astype(np.float32)
    return bins / bins.sum(1, keepdims=True)


def _left_out_loss(features, y, folds, significance):
    """Return the log loss of left-out epochs at the sharpness that suits them best."""
    scores = np.empty((len(y), y.max() + 1))
    for train, test in folds:
        weights, offsets = linear_discriminant(
            features[train], y[train], significance, most=MOST_FEATURES
        )
        scores[test] = features[test] @ weights.T + offsets
        own = features[train] @ weights.T + offsets
        scores[test] /= (own - own.mean(1, keepdims=True)).std()
    likelihoods = [log_softmax(s * scores, axis=1) for s in SHARPNESS]
    return min(-one[np.arange(len(y)), y].mean() for one in likelihoods)


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
