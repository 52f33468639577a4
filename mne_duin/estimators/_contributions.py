"""How much each channel contributes, by three measures that answer three questions."""

from contextlib import contextmanager

import numpy as np
import pandas as pd

from mne_duin.utils._checks import check_option
from mne_duin.utils._epochs import FEWEST_EPOCHS
from mne_duin.utils._moved import former_option
from mne_duin.utils._parallel import one_blas_thread

METHODS = ("weights", "patterns", "permutation")
# Ablations vary a parameter; see :func:`mne_duin.ablate`.
FORMER = {"ablation": "permutation"}
N_SHUFFLES = 5


@one_blas_thread()
def compute(estimator, method, X=None, y=None, subject=None):
    """Compute the contributions of the channels of a fitted estimator."""
    method = former_option("method", method, FORMER)
    check_option("method", method, METHODS)
    if method == "weights":
        values = over_bands(estimator, first_weights(estimator.module_.encoder))
    else:
        if X is None:
            raise ValueError(f"method={method!r} needs `X`.")
        if method == "permutation" and y is None and estimator._takes_labels:
            raise ValueError("method='permutation' of a classifier needs `y`.")
        epochs = estimator._check_fitted(X, subject)
        estimator._check_target(y, len(epochs))
        if method == "permutation":
            values = permutation(estimator, epochs, y)
        elif estimator._takes_labels:
            values = score_patterns(estimator, epochs)
        else:
            values = token_patterns(estimator, epochs)
    real = estimator.scaler_.channel_mask[:, : estimator.n_features_in_]
    values = np.where(real, values, np.nan)
    names = pd.Index(estimator.ch_names_, name="name")
    if len(values) == 1:
        return pd.Series(values[0], names, name=method)
    return pd.DataFrame(values.T, names, [str(s) for s in estimator.subjects_])


def first_weights(encoder):
    """Return the mean absolute weight of every input in the first linear projection.

    Shape: (n_subjects, n_inputs).
    """
    return encoder.first_weights().cpu().numpy()


def over_bands(estimator, values):
    """Average the values of the inputs that belong to one channel.

    Shapes: ``values`` (n_subjects, n_inputs) -> (n_subjects, n_channels).
    """
    return _by_band(estimator, values).mean(1)


def _by_band(estimator, values):
    """Return the values of the inputs of every band as values of channels.

    A channel has those of the components of an unmixed band in proportion to the power
    that it has from each.

    Shapes: ``values`` (n_subjects, ..., n_inputs) -> (n_subjects, ..., n_bands,
    n_channels).
    """
    by_band = values.reshape(*values.shape[:-1], -1, estimator.n_features_in_).copy()
    for number, band in enumerate(estimator.bands_, start=1):
        if band in estimator.unmixing_:
            parts = _parts_of_power(estimator, band, number)
            own = np.einsum("s...k,sck->s...c", by_band[..., number, :], parts)
            by_band[..., number, :] = own
    return by_band


def _parts_of_power(estimator, band, number):
    """Return which part of every channel's power comes from each component.

    Shape: (n_subjects, n_channels, n_components), with sum 1 over components.
    """
    n_channels = estimator.n_features_in_
    inputs = slice(number * n_channels, (number + 1) * n_channels)
    power = np.exp(estimator.scaler_.mean[:, inputs])
    parts = np.linalg.pinv(estimator.unmixing_[band]) ** 2 * power[:, None]
    return parts / parts.sum(-1, keepdims=True)


def folded_filters(estimator):
    """Return the spatio-temporal filter of each dimension of a token.

    Shape: (n_subjects, dim, n_inputs, patch_size).
    """
    encoder = estimator.module_.encoder
    return encoder.folded_filters()[0].cpu().numpy()


def step_kernels(estimator):
    """Return the temporal kernels from each spatial filter to the features of a step.

    Every step of a token repeats the same convolutions; those of its middle step see
    no edge of the patch. Shape (n_filters, n_features, n_times), without the samples
    that no kernel reaches.
    """
    patch = estimator.module_.encoder.patch
    kernel = patch.folded()[0].detach().cpu().numpy()
    n_filters, size, dim = kernel.shape
    steps = kernel.reshape(n_filters, size, patch.n_steps, dim // patch.n_steps)
    middle = steps[:, :, patch.n_steps // 2].swapaxes(1, 2)
    reached = np.flatnonzero(np.abs(middle).max(axis=(0, 1)) > 0)
    if not len(reached):
        return middle
    return middle[..., reached[0] : reached[-1] + 1]


def spatial_patterns(estimator, epochs):
    """Return the forward-model patterns of the spatial filters, by band.

    Shape: (n_subjects, n_filters, n_bands, n_channels).
    """
    weights = estimator.module_.encoder.spatial.weight.detach().cpu().double().numpy()
    x, subject = estimator._scaled(epochs)
    patterns = np.full(weights.shape, np.nan)
    for index in np.unique(subject):
        signal = x[subject == index].swapaxes(0, 1).reshape(x.shape[1], -1)
        covariance = np.atleast_2d(np.cov(signal, bias=True))
        across = weights[index] @ covariance
        sources = across @ weights[index].T
        spread = np.sqrt(np.maximum(np.diag(sources), 0))
        solution = np.linalg.pinv(sources, rcond=1e-10, hermitian=True)
        patterns[index] = spread[:, None] * (solution @ across)
    return _by_band(estimator, patterns)


def token_patterns(estimator, epochs):
    """Return the root mean square forward pattern of every channel.

    The tokens of a patch are ``s = F x`` with the folded filters F; the pattern of a
    dimension is the covariance of the patch with it over its variance (Haufe et al.
    2014), summed here over the patch and the dimensions.

    Shape: (n_subjects, n_channels).
    """
    filters = folded_filters(estimator)
    x, subject = estimator._scaled(epochs)
    n_subjects, dim, n_inputs, size = filters.shape
    values = np.zeros((n_subjects, n_inputs))
    for index in range(n_subjects):
        patches = x[subject == index]
        if not len(patches):
            values[index] = np.nan
            continue
        patches = patches.reshape(len(patches), n_inputs, -1, size)
        patches = patches.transpose(0, 2, 1, 3).reshape(-1, n_inputs * size)
        sources = patches @ filters[index].reshape(dim, -1).T
        sources -= sources.mean(0)
        sources /= np.maximum(sources.std(0), 1e-12)
        pattern = (sources.T @ patches / len(patches)).reshape(dim, n_inputs, size)
        values[index] = np.sqrt(np.square(pattern).mean((0, 2)))
    return over_bands(estimator, values)


def score_patterns(estimator, epochs):
    """Return how strongly every channel carries what the classifier reads out.

    The forward pattern of a score is the covariance of the data with it over its
    variance (Haufe et al. 2014, theorem 1, which asks nothing of how the score was
    computed). Here it is taken between the mean of every half patch and every class's
    score over epochs; what chance alone gives is subtracted from its square.

    Shape: (n_subjects, n_channels).
    """
    x, subject = estimator._scaled(epochs)
    scores = estimator._network_scores(x, subject)
    bin_size = estimator.patch_size_ // 2
    values = np.full((len(estimator.subjects_), x.shape[1]), np.nan)
    for index in np.unique(subject):
        own = subject == index
        n_epochs = own.sum()
        if n_epochs < FEWEST_EPOCHS:
            raise ValueError(
                f"method='patterns' needs at least {FEWEST_EPOCHS} epochs per subject; "
                f"got {n_epochs}."
            )
        n_bins = x.shape[-1] // bin_size
        means = x[own, :, : n_bins * bin_size]
        means = means.reshape(n_epochs, -1, n_bins, bin_size).mean(-1)
        correlation = np.einsum(
            "nk,nit->kit", _standardized(scores[own]), _standardized(means)
        )
        excess = np.square(correlation / n_epochs).mean((0, 2)) - 1 / (n_epochs - 1)
        values[index] = np.sqrt(np.maximum(excess, 0))
    return over_bands(estimator, values)


def _standardized(values):
    """Return values with mean 0 and deviation 1 over epochs."""
    centered = values - values.mean(0)
    return centered / np.maximum(centered.std(0), 1e-12)


def permutation(estimator, epochs, y=None, *, n_shuffles=N_SHUFFLES):
    """Return the increase in mean loss when a channel is permuted.

    A channel is permuted by taking its signal and its power, of unmixed bands that of
    the component in its place, from another epoch of the subject. What the network sees
    of that channel stays as likely as ever but says nothing about this epoch; zeros
    would be a signal that it has never seen.

    Shape: (n_subjects, n_channels).
    """
    x, subject = estimator._scaled(epochs)
    target = y if estimator._takes_labels else x
    before = estimator._loss_of(x, subject, target)
    rng = np.random.default_rng(0)
    donors = [other_epochs(x, subject, rng) for _ in range(n_shuffles)]
    exchanged = _exchange_tokens if estimator._reads_tokens else _exchange_inputs
    values = np.full((len(estimator.subjects_), estimator.n_features_in_), np.nan)
    for channel, losses in enumerate(exchanged(estimator, x, subject, target, donors)):
        rise = np.mean([loss - before for loss in losses], axis=0)
        for index in np.unique(subject):
            values[index, channel] = rise[subject == index].mean()
    return values


def _exchange_inputs(estimator, x, subject, target, donors):
    """Yield for every channel the losses after it was exchanged with each donor."""
    n_channels = estimator.n_features_in_
    for channel in range(n_channels):
        own, losses = x.copy(), []
        for donor in donors:
            own[:, channel::n_channels] = x[donor, channel::n_channels]
            losses.append(estimator._loss_of(own, subject, target))
        yield losses


def _exchange_tokens(estimator, x, subject, target, donors):
    """Do the same with what each channel adds to the tokens.

    Before its blocks a network is affine, so a token is a sum over channels. What one
    channel adds is computed once for all donors, and the sum over all channels once.
    """
    encoder, n_channels = estimator.module_.encoder, estimator.n_features_in_
    tokens = estimator._batched(encoder.tokenize, x, subject)
    filters = folded_filters(estimator)
    size = filters.shape[-1]
    for channel in range(n_channels):
        patches = x[:, channel::n_channels].reshape(len(x), -1, tokens.shape[1], size)
        patches = patches.swapaxes(1, 2).reshape(len(x), tokens.shape[1], -1)
        added = np.empty_like(tokens)
        for index in np.unique(subject):
            own = filters[index, :, channel::n_channels].reshape(tokens.shape[2], -1)
            added[subject == index] = patches[subject == index] @ own.T
        losses = []
        with _given_tokens(encoder):
            for donor in donors:
                changed = tokens - added + added[donor]
                losses.append(estimator._loss_of(changed, subject, target))
        yield losses


@contextmanager
def _given_tokens(encoder):
    """Let an encoder take tokens without context in place of the signal."""
    encoder.tokenize = lambda tokens, subject=None: tokens
    try:
        yield
    finally:
        del encoder.tokenize


def other_epochs(x, subject, rng):
    """Draw another epoch of the same subject for every epoch, each one once.

    The draw does not depend on the order in which the epochs come.

    Shapes: ``x`` (n_epochs, n_channels, n_times), ``subject`` (n_epochs,) ->
    (n_epochs,).
    """
    donor = np.empty(len(subject), dtype=int)
    for index in np.unique(subject):
        rows = np.flatnonzero(subject == index)
        order = rng.permutation(rows[np.argsort(x[rows, 0, 0], kind="stable")])
        if len(order) < 2:
            raise ValueError(
                "method='permutation' exchanges epochs, so it needs at least 2 epochs "
                "per subject; got 1."
            )
        donor[order] = np.roll(order, 1)
    return donor
