"""Start the heads on tokens from linear models, as the classifier's head does.

Where the label of every token is known the linear model is a shrinkage LDA. Where only
sequences are known it is a linear map, from the whitened principal components of the
tokens to the scores of blank and labels, that minimizes the CTC loss: with a few
hundred epochs a network that starts at random does not get beyond giving every token
the blank. How much its weights are shrunk is chosen by the loss of left-out epochs.
"""

import numpy as np
import torch
from scipy import linalg

from mne_duin.estimators._head import linear_discriminant, set_pairs_
from mne_duin.nn import sequence_loss
from mne_duin.utils._parallel import one_blas_thread

SIGNIFICANCE = 0.003
N_COMPONENTS = 200
# The ridge of the mean loss of N epochs is an N-th of one of these, whatever N is; so
# not all epochs are needed to choose it.
RIDGES = (6.4, 3.2, 1.6, 0.8, 0.4, 0.2)
N_FOLDS, MOST_EPOCHS = 4, 80
N_STEPS = 250
STEP_SIZE = 0.02


@torch.no_grad()
@one_blas_thread()
def start_token_heads_(module, data, *, significance=SIGNIFICANCE):
    """Give each head the linear discriminant of the tokens that it sees."""
    tokens, targets = _encode(module, data)
    targets = targets.numpy()
    for tier, head in enumerate(module.heads):
        n_classes = head.scores.out_features
        labelled = targets[..., tier] >= 0
        features = head.gather(tokens)[torch.from_numpy(labelled)].numpy()
        y = targets[..., tier][labelled]
        set_pairs_(head, *_discriminant(features, y, n_classes, significance))


def _encode(module, data):
    """Return the tokens and targets of all epochs, on the host."""
    for head in module.heads:
        needed, hidden_dim = 2 * head.scores.out_features, head.hidden.out_features
        if hidden_dim < needed:
            raise ValueError(
                "A head that starts from a linear model needs two hidden units per "
                f"label: `hidden_dim` must be at least {needed}; got {hidden_dim}. "
                "Raise it or set head_init='random'."
            )
    module.eval()
    batches = list(data.batches(64))
    tokens = [module.encoder(b.x, b.subject).float().cpu() for b in batches]
    return torch.cat(tokens), torch.cat([batch.y for batch in batches]).cpu()


def _discriminant(features, y, n_classes, significance):
    """Return weights and offsets of all labels, in scores of unit spread."""
    seen, index = np.unique(y, return_inverse=True)
    known, bias = linear_discriminant(features, index, significance)
    scores = features @ known.T + bias
    # A linear discriminant is far too sure of its training data, see ``_head``.
    scale = 1 / (scores - scores.mean(1, keepdims=True)).std()
    weights = np.zeros((n_classes, features.shape[1]))
    # A label that never came is as unlikely as the most unlikely one on average.
    offsets = np.full(n_classes, (scores.mean(0) - scores.mean()).min())
    weights[seen], offsets[seen] = known, bias - scores.mean()
    return weights * scale, offsets * scale


def start_sequence_head_(module, data, *, n_steps=N_STEPS):
    """Give the one head the linear map that minimizes the CTC loss."""
    with torch.no_grad():
        tokens, targets = _encode(module, data)
        head = module.heads[0]
        features = head.gather(tokens)
        center, whiten = _whitening(features.flatten(0, 1).double())
        components = (features - center.float()) @ whiten.float()
    n_classes = head.scores.out_features
    ridge = _choose_ridge(components, targets, n_classes, n_steps)
    linear = _fit_sequences(components, targets, n_classes, ridge, n_steps)
    with torch.no_grad():
        weights = (linear.weight.double() @ whiten.T).numpy()
        offsets = linear.bias.double().numpy() - weights @ center.numpy()
        set_pairs_(head, weights, offsets)


@one_blas_thread()
def _whitening(features):
    """Return the mean and the map to whitened principal components."""
    center = features.mean(0)
    spread = features.std(0) + 1e-6
    covariance = torch.cov(((features - center) / spread).T).numpy()
    n_features = len(covariance)
    strongest = max(n_features - N_COMPONENTS, 0), n_features - 1
    variance, vectors = linalg.eigh(covariance, subset_by_index=strongest)
    # A twentieth of the mean variance keeps the weakest components from blowing up.
    scale = np.sqrt(variance + 0.05 * np.trace(covariance) / n_features)
    return center, torch.from_numpy(vectors / scale) / spread[:, None]


def _choose_ridge(components, targets, n_classes, n_steps):
    """Return the ridge with the least CTC loss of left-out epochs.

    From the strongest on they are tried until two in a row are worse than the best.
    """
    n_epochs = len(components)
    if n_epochs < N_FOLDS:
        return RIDGES[0]
    kept = torch.linspace(0, n_epochs - 1, min(n_epochs, MOST_EPOCHS)).long()
    components, targets = components[kept], targets[kept]
    fold = torch.arange(len(kept)) % N_FOLDS
    losses = []
    for ridge in RIDGES:
        losses.append(0.0)
        for index in range(N_FOLDS):
            rest, left_out = fold != index, fold == index
            linear = _fit_sequences(
                components[rest], targets[rest], n_classes, ridge, n_steps
            )
            with torch.no_grad():
                scores = linear(components[left_out])
                losses[-1] += sequence_loss(scores, targets[left_out])[0].sum().item()
        if len(losses) - np.argmin(losses) > 2:
            break
    return RIDGES[np.argmin(losses)]


@torch.enable_grad()
def _fit_sequences(components, targets, n_classes, ridge, n_steps):
    """Minimize the CTC loss of a linear map with a ridge on its weights."""
    linear = torch.nn.Linear(components.shape[-1], n_classes)
    torch.nn.init.zeros_(linear.weight)
    torch.nn.init.zeros_(linear.bias)
    optimizer = torch.optim.Adam(linear.parameters(), lr=STEP_SIZE)
    for _ in range(n_steps):
        loss, lengths = sequence_loss(linear(components), targets)
        penalty = ridge / len(components) * linear.weight.square().sum()
        optimizer.zero_grad()
        ((loss / lengths.clamp(min=1)).mean() + penalty).backward()
        optimizer.step()
    return linear
