"""Initialize the networks from the second moments of their data.

The published initialization draws small random weights; reconstructing 100 ms of signal
then takes thousands of steps to learn what a linear map of the channels does at once.
Here the spatial maps start as a whitening of the channels, the convolutions as low-pass
filters that hand it on in steps of 10 samples, the quantizer's projections as the
principal components of the tokens, and the decoder as the way back. All weights are
then trained as usual; the random part that is left breaks the symmetries.

Of all whitenings, ZCA changes the channels least: what one channel carries stays in one
filter, where the feature selection of the head finds it. Principal components spread it
over all filters. Where some inputs are nearly the same signal, a full whitening makes
their difference, mostly noise, as strong as what they have in common; then correlations
are shrunk before.

Filters come with an order and signs of their own in every subject, so the first filter
of one subject need not mean what the first filter of another does, and what a shared
network learns from one says nothing about the others. Where labels tell which epochs
belong together, a rotation of each subject's filters brings the mean responses to the
same class together (generalized orthogonal Procrustes analysis; Haxby et al.,
Neuron 2011, "hyperalignment").
"""

import torch
from torch import nn

RANDOM_PART = 0.1
# The alignment compares means over bins of so many samples, in so many rounds.
BIN_SAMPLES = 50
N_ROUNDS = 5
# Epochs in one step. Signals on disk are read so many at a time: of them only
# `x[rows]`, length, shape, device and dtype are used where there are no classes.
AT_ONCE = 64


def start_convolutions_(patch, forward, *, exact=False):
    """Map inputs by ``forward`` (n_filters, n_inputs), low-passed in 10 ms steps.

    An ``exact`` map has no random part: only filters that no other reads keep one, with
    which training can begin to use them.
    """
    convolutions = [m for m in patch.layers if isinstance(m, nn.Conv1d)]
    for layer in convolutions:
        _shrink_(layer)
    first, *others = convolutions
    window = torch.hann_window(first.kernel_size[0] + 2, periodic=False)[1:-1]
    window = (window / window.sum()).to(forward)
    n_rows = min(len(forward), first.out_channels)
    if exact:
        first.weight[:n_rows] = 0
        for layer in others:
            layer.weight.zero_()
    first.weight[:n_rows] += forward[:n_rows, :, None] * window
    for layer in others:
        _add_delta_(layer.weight)


def calibrate_(encoder, part, x, subject):
    """Set the running statistics of a part of an encoder to those of the data."""
    norms = [m for m in part.modules() if isinstance(m, nn.BatchNorm1d)]
    was_training, momentum = encoder.training, norms[0].momentum
    for norm in norms:
        norm.reset_running_stats()
        # None averages over all batches alike.
        norm.momentum = None
    encoder.train()
    n_times = x.shape[-1] // encoder.patch_size * encoder.patch_size
    for rows in torch.arange(len(x), device=x.device).split(AT_ONCE):
        own = None if subject is None else subject[rows]
        encoder.tokenize(x[rows][..., :n_times], own)
    encoder.train(was_training)
    for norm in norms:
        norm.momentum = momentum


def whitening_maps(
    x, n_filters, whitening="principal", *, shrinkage=0.0, y=None, rows=None
):
    """Return whitening maps (n_filters, n_channels) and the maps back.

    Of all epochs, or of some ``rows`` (n_rows,); ``y`` then has their classes.

    ``"zca"`` is the whitening that stays closest to the channels (Bell and Sejnowski,
    Vision Research 1997; Kessy et al., The American Statistician 2018), of correlations
    that are shrunk towards none by ``shrinkage`` (0 to 1); with more channels than
    filters, closest to those that differ most between the classes ``y`` (n_epochs,), or
    without classes to those that are least redundant.
    """
    n_channels = x.shape[1]
    moment = _second_moment(x, rows)
    if whitening == "zca":
        moment = torch.lerp(moment, moment.diag().diag(), shrinkage)
    variance, vectors = _principal_axes(moment)
    # Padded channels and exact linear dependencies have no variance to whiten.
    rank = int((variance > 1e-6 * variance[0]).sum())
    if whitening == "principal":
        n_kept = min(n_filters, rank)
        scale, vectors = variance[:n_kept].sqrt(), vectors[:, :n_kept]
        own, back = (vectors / scale).T, vectors * scale
    elif y is None and n_channels > n_filters:
        own, back = _closest_to_some(variance, vectors, min(n_filters, rank))
    else:
        scale, vectors = variance[:rank].sqrt(), vectors[:, :rank]
        own, back = vectors / scale @ vectors.T, vectors * scale @ vectors.T
        if n_channels > n_filters:
            part = x if rows is None else x[rows]
            best = _most_informative(own.to(part), part, y, n_filters)
            own, back = own[best], torch.linalg.pinv(own[best])
    n_kept = len(own)
    forward = torch.zeros(n_filters, n_channels, device=x.device)
    forward[:n_kept] = own.to(forward)
    backward = torch.zeros(n_channels, n_filters, device=x.device)
    backward[:, :n_kept] = back.to(backward)
    if n_kept < n_filters:
        mixture = torch.randn(n_filters - n_kept, n_kept, device=x.device)
        forward[n_kept:] = 0.5 * n_kept**-0.5 * mixture @ forward[:n_kept]
    return forward, backward


def _closest_to_some(variance, vectors, n_kept):
    """Rotate the strongest components towards as many channels, and back.

    The channels are those that span the components best (pivoted elimination); the
    rotation brings each filter as close to one of them as possible.
    """
    scale, vectors = variance[:n_kept].sqrt(), vectors[:, :n_kept]
    rest, rows = vectors.clone(), []
    for _ in range(n_kept):
        rows.append(int(rest.square().sum(1).argmax()))
        axis = rest[rows[-1]] / rest[rows[-1]].norm()
        rest = rest - (rest @ axis)[:, None] * axis
    left, _, right = torch.linalg.svd((vectors * scale)[sorted(rows)])
    rotation = left @ right
    return rotation @ (vectors / scale).T, vectors * scale @ rotation.T


def _most_informative(maps, x, y, n_kept):
    """Return the filters whose time course differs most between the classes."""
    size = min(BIN_SAMPLES, x.shape[-1])
    n_bins = x.shape[-1] // size
    bins = x[..., : n_bins * size].unflatten(-1, (n_bins, size)).mean(-1)
    responses = torch.einsum("fc,ecb->efb", maps, bins)
    deviation = responses - responses.mean(0)
    between = torch.zeros_like(deviation[0])
    for label in y.unique().tolist():
        own = deviation[y == label]
        between += len(own) * own.mean(0).square()
    explained = between / deviation.square().sum(0).clamp(min=1e-12)
    # The strongest bin counts: most words differ for a moment only.
    return explained.amax(-1).argsort(descending=True)[:n_kept].sort().values.cpu()


def _second_moment(x, rows):
    """Return the mean product of every two channels; double precision on the host."""
    moment = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64)
    rows = torch.arange(len(x), device=x.device) if rows is None else rows
    # In parts, so that no second copy of the training data is ever made.
    for own in rows.split(AT_ONCE):
        signal = x[own].transpose(0, 1).flatten(1).cpu().double()
        moment += signal @ signal.T
    return moment / (len(rows) * x.shape[2])


def _principal_axes(moment):
    """Return the eigenvalues of a symmetric matrix, largest first, and vectors."""
    variance, vectors = torch.linalg.eigh(moment)
    return variance.flip(0), vectors.flip(1)


def _shrink_(layer):
    layer.weight.mul_(RANDOM_PART)
    if layer.bias is not None:
        layer.bias.zero_()


def _add_diagonal_(weight, n_rows, kernel):
    """Let each of the first filters hand on its input through a kernel."""
    rows = torch.arange(min(n_rows, *weight.shape[:2]), device=weight.device)
    weight[rows, rows] += kernel


def _add_delta_(weight):
    """Let each filter hand on its input as it is."""
    kernel = torch.zeros(weight.shape[2], device=weight.device)
    kernel[weight.shape[2] // 2] = 1
    _add_diagonal_(weight, min(weight.shape[:2]), kernel)


def start_patch_decoder_(patch, n_features):
    """Unfold a token into its steps of ``n_features`` and interpolate between them."""
    layers = list(patch.layers)
    for layer in layers:
        _shrink_(layer)
    dim, n_hidden, _ = layers[0].weight.shape
    n_outputs = layers[4].weight.shape[1]
    n_steps = dim // n_features
    n_kept = min(n_features, n_hidden)
    # The hidden layer is narrower than a token; a random projection keeps most of it.
    rotation = torch.randn(dim, max(dim, n_hidden), device=layers[0].weight.device)
    rotation = torch.linalg.qr(rotation)[0][:, :n_hidden]
    layers[0].weight[:, : rotation.shape[1], 1] += rotation
    _add_delta_(layers[1].weight)
    for step in range(min(n_steps, layers[2].weight.shape[2])):
        rows = rotation[step * n_features : step * n_features + n_kept]
        layers[2].weight[: rows.shape[1], :n_kept, step] += rows.T
    _add_delta_(layers[3].weight)
    _add_diagonal_(layers[4].weight, n_outputs, _triangle(rotation))
    _add_delta_(layers[5].weight)


def start_interpolation_(layers, backward):
    """Interpolate between tokens' steps; map back by (n_channels, n_filters)."""
    for layer in layers:
        _shrink_(layer)
    _add_delta_(layers[0].weight)
    _add_delta_(layers[1].weight)
    _add_diagonal_(layers[2].weight, layers[2].weight.shape[1], _triangle(backward))
    layers[3].weight[:, : backward.shape[1], 0] += backward


def _triangle(like):
    """Return a kernel that interpolates between steps of 10 samples.

    Output sample 10 i - 5 + k of step i: a triangle around k = 5.
    """
    distance = (torch.arange(19, device=like.device) - 5).abs() / 10
    return (1 - distance).clamp(min=0)


def start_projections_(vqvae, x, subject):
    """Start the quantizer's projections from the principal components of tokens."""
    encoder, quantizer = vqvae.encoder, vqvae.quantizer
    length = min(x.shape[-1] // encoder.patch_size, 40) * encoder.patch_size
    # Spread over the recording, so that every subject and run has its say.
    rows = torch.linspace(0, len(x) - 1, min(len(x), 64), device=x.device).long()
    own = None if subject is None else subject[rows]
    encoder.eval()
    tokens = encoder(x[rows][..., :length], own).flatten(0, 1).cpu().double()
    center = tokens.mean(0)
    vectors = _principal_axes(torch.cov(tokens.T))[1]
    n_kept = min(len(vectors), quantizer.codebook.shape[1])
    vectors = vectors[:, :n_kept].to(x.device, x.dtype)
    center = center.to(x.device, x.dtype)
    first, _, second = quantizer.project
    # Half the scale keeps most tokens in the linear range of the tanh.
    first.weight.mul_(RANDOM_PART).add_(0.5 * torch.eye(len(center), device=x.device))
    first.bias.copy_(-0.5 * center)
    second.weight[:n_kept] = vectors.T
    quantizer.expand.weight[:, :n_kept] = vectors
    quantizer.expand.bias.copy_(center)


@torch.no_grad()
def align_maps(maps, x, subject, y):
    """Return rotations of maps (n_subjects, n_filters, n_channels), by the labels.

    Shape (n_subjects, n_filters, n_filters), orthogonal; subjects who share no class
    with the others get the identity.
    """
    answers, known = _mean_answers(maps, x, subject, y)
    return _align(answers, known).to(maps)


def _mean_answers(maps, x, subject, y):
    """Return the mean of every class of every subject, by filter and bin of time.

    Shapes (n_subjects, n_filters, n_classes, n_bins) and (n_subjects, n_classes).
    """
    n_subjects, n_filters, _ = maps.shape
    n_classes, n_bins = int(y.max()) + 1, max(x.shape[-1] // BIN_SAMPLES, 1)
    size = min(BIN_SAMPLES, x.shape[-1])
    answers = torch.zeros(n_subjects, n_filters, n_classes, n_bins, dtype=torch.float64)
    known = torch.zeros(n_subjects, n_classes, dtype=torch.bool)
    for index in range(n_subjects):
        for label in y[subject == index].unique().tolist():
            mean = x[(subject == index) & (y == label)].mean(0)
            bins = mean[:, : n_bins * size].reshape(len(mean), n_bins, size).mean(-1)
            answers[index, :, label] = (maps[index] @ bins).cpu().double()
            known[index, label] = True
    return answers, known


def _align(answers, known):
    """Rotate every subject towards the mean of the others, several times over."""
    n_subjects, n_filters = answers.shape[:2]
    rotations = torch.eye(n_filters, dtype=torch.float64).repeat(n_subjects, 1, 1)
    turned, order = answers.clone(), known.sum(1).argsort(descending=True)
    first, *others = order.tolist()
    joined = [first]
    for index in others:
        # One after the other joins those who were turned already.
        rotations[index] = _rotation(answers, turned, known, index, joined)
        turned[index] = _turn(rotations[index], answers[index])
        joined.append(index)
    for _ in range(N_ROUNDS):
        for index in joined:
            rest = [other for other in joined if other != index]
            rotations[index] = _rotation(answers, turned, known, index, rest)
            turned[index] = _turn(rotations[index], answers[index])
    return rotations


def _rotation(answers, turned, known, index, rest):
    """Return the best rotation of one subject towards the mean of some others."""
    n_filters = answers.shape[1]
    counts = known[rest].sum(0)
    shared = known[index] & (counts > 0)
    if not shared.any():
        return torch.eye(n_filters, dtype=torch.float64)
    target = turned[rest].sum(0)[:, shared] / counts[shared][:, None]
    own = answers[index][:, shared]
    left, _, right = torch.linalg.svd(target.flatten(1) @ own.flatten(1).T)
    return left @ right


def _turn(rotation, answers):
    return torch.einsum("gf,fkb->gkb", rotation, answers)
