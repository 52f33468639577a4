"""Turn the spatial filters of several subjects towards each other by what they answer.

Principal components come in an order and with signs of their own in every subject, so
the first filter of one subject need not mean what the first filter of another does.
What a shared network or a shared head learns from one subject then says nothing about
the others. Where labels tell which epochs belong together, a rotation of each subject's
filters brings the mean answers to the same class together (generalised orthogonal
Procrustes analysis; Haxby et al., Neuron 2011, "hyperalignment").
"""

import torch

BIN_SAMPLES = 50
N_ROUNDS = 5


@torch.no_grad()
def align_maps(maps, x, subject, y):
    """Find the rotations that bring the answers of all subjects together.

    Parameters
    ----------
    maps : Tensor, shape (n_subjects, n_filters, n_channels)
        The spatial maps.
    x : Tensor, shape (n_epochs, n_channels, n_times)
        Scaled training epochs.
    subject, y : LongTensor, shape (n_epochs,)
        Subject and class of each epoch.

    Returns
    -------
    rotations : Tensor, shape (n_subjects, n_filters, n_filters)
        Orthogonal matrices; ``rotations @ maps`` are the aligned maps. Subjects who
        share no class with the others get the identity.
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
