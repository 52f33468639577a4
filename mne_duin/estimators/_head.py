"""Start the classifier's head from a shrinkage LDA on the encoder's tokens.

With a few hundred trials a head that starts at random learns the training trials by
heart before the encoder has learned anything. Fitting a well-regularised linear probe
first and fine-tuning everything from there keeps what the encoder knows (Kumar et al.,
Fine-tuning can distort pretrained features, ICLR 2022).
"""

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import f_classif

MIN_FEATURES = 20


@torch.no_grad()
def start_head_(module, data, *, significance):
    """Give the head the linear discriminant of the tokens of the training epochs.

    The hidden layer gets a pair of units per class, one for the positive and one for
    the negative part of its score, so the network computes exactly the discriminant;
    the other units keep small random weights.
    """
    module.eval()
    batches = list(data.batches(64))
    parts = [module.features(batch.x, batch.subject) for batch in batches]
    tokens = torch.cat(parts).float().cpu()
    y = torch.cat([batch.y for batch in batches]).cpu().numpy()
    weights, offsets = linear_discriminant(tokens.numpy(), y, significance)
    scores = tokens.numpy() @ weights.T + offsets
    # A linear discriminant is far too sure of its training epochs; with scores of unit
    # spread the loss starts where there is still something to learn.
    scale = 1 / (scores - scores.mean(1, keepdims=True)).std()
    offsets = offsets - scores.mean()
    set_pairs_(module, weights * scale, offsets * scale)


def linear_discriminant(features, y, significance):
    """Fit a shrinkage LDA on the informative features.

    Shapes: ``features`` (n_epochs, n_features), ``y`` (n_epochs,) -> (n_classes,
    n_features), (n_classes,).
    """
    center = features.mean(0)
    spread = features.std(0) + 1e-6
    scaled = (features - center) / spread
    statistic, p_values = f_classif(scaled, y)
    statistic = np.nan_to_num(statistic)
    chosen = np.nan_to_num(p_values, nan=1.0) < significance
    chosen[np.argsort(-statistic, kind="stable")[:MIN_FEATURES]] = True
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    lda.fit(scaled[:, chosen], y)
    coefficients, offsets = lda.coef_, lda.intercept_
    if len(coefficients) == 1:
        # Of two classes scikit-learn gives one difference; a softmax wants two scores.
        coefficients = np.vstack([-coefficients, coefficients]) / 2
        offsets = np.hstack([-offsets, offsets]) / 2
    weights = np.zeros((len(offsets), features.shape[1]))
    weights[:, chosen] = coefficients / spread[chosen]
    return weights, offsets - weights @ center


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
