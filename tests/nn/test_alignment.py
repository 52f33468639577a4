"""Filters of several subjects that answer to the same words alike."""

import pytest
import torch

from mne_duin.nn import build_encoder
from mne_duin.nn._principal import align_maps

N_SOURCES, N_CLASSES = 3, 4
SIZES = {"n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 16}
SIZES |= {"n_filters": 4, "conv_filters": (8, 8, 4)}


def cohort(n_channels=(6, 4, 5), n_per_class=6, noise=0.3, seed=0):
    """Sources that respond to words alike, mixed into the channels of each subject."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    answers = draw(N_CLASSES, N_SOURCES, 8).repeat_interleave(50, -1)
    x, subject, y = [], [], []
    for index, count in enumerate(n_channels):
        mixing = torch.zeros(max(n_channels), N_SOURCES)
        mixing[:count] = draw(count, N_SOURCES)
        for label in range(N_CLASSES):
            for _ in range(n_per_class):
                own = noise * draw(max(n_channels), 400)
                own[count:] = 0
                x.append(mixing @ answers[label] + own)
                subject.append(index)
                y.append(label)
    x = torch.stack(x)
    return x, torch.tensor(subject), torch.tensor(y)


def answers_of(maps, x, subject, y):
    """Mean answer of every subject to every word, shape (n_subjects, n_values)."""
    means = [
        torch.stack(
            [maps[s] @ x[(subject == s) & (y == k)].mean(0) for k in y.unique()]
        )
        for s in range(len(maps))
    ]
    return torch.stack(means).flatten(1)


def likeness(values):
    """Mean correlation between subjects."""
    matrix = torch.corrcoef(values)
    return float(matrix[~torch.eye(len(matrix), dtype=bool)].mean())


def principal_start(x, subject, y=None, layers="spatial"):
    torch.manual_seed(0)
    encoder = build_encoder(
        x.shape[1], n_subjects=3, subject_layers=layers, **SIZES
    ).eval()
    return encoder, encoder.start_from_components(x, subject, y)


def test_labels_bring_the_answers_together():
    x, subject, y = cohort()
    apart, _ = principal_start(x, subject)
    together, _ = principal_start(x, subject, y)
    before = likeness(answers_of(apart.spatial.weight.detach(), x, subject, y))
    after = likeness(answers_of(together.spatial.weight.detach(), x, subject, y))
    assert after > 0.8
    assert before < 0.6


def test_own_patch_encoders_are_aligned_as_well():
    x, subject, y = cohort()
    tokens = {}
    for name, given in (("apart", None), ("together", y)):
        encoder, _ = principal_start(x, subject, given, layers="patch")
        with torch.no_grad():
            token = encoder.tokenize(x, subject)
        means = [
            torch.stack([token[(subject == s) & (y == k)].mean(0) for k in y.unique()])
            for s in range(3)
        ]
        tokens[name] = likeness(torch.stack(means).flatten(1))
    assert tokens["together"] > tokens["apart"] + 0.2


def test_rotations_are_orthogonal_and_keep_the_way_back():
    x, subject, y = cohort()
    encoder, inverse = principal_start(x, subject, y)
    plain, other = principal_start(x, subject)
    rotations = align_maps(plain.spatial.weight.detach(), x, subject, y)
    eye = torch.eye(4).expand(3, 4, 4)
    torch.testing.assert_close(rotations @ rotations.mT, eye, atol=1e-5, rtol=0)
    forth = inverse @ encoder.spatial.weight
    torch.testing.assert_close(
        forth, other @ plain.spatial.weight, atol=1e-4, rtol=1e-4
    )
    padded = encoder.spatial.weight[1][:, 4:]
    assert not padded.any()


def test_another_order_of_the_subjects_gives_answers_as_alike():
    x, subject, y = cohort()
    order = torch.tensor([2, 0, 1])
    encoder, _ = principal_start(x, order[subject], y)
    values = answers_of(encoder.spatial.weight.detach(), x, order[subject], y)
    assert likeness(values) > 0.8


def test_a_word_that_one_subject_lacks():
    x, subject, y = cohort()
    keep = ~((subject == 1) & (y == 2))
    maps = principal_start(x, subject)[0].spatial.weight.detach()
    rotations = align_maps(maps, x[keep], subject[keep], y[keep])
    values = answers_of(rotations @ maps, x, subject, y)
    assert likeness(values) > 0.7


def test_subjects_without_a_common_word_stay_as_they_are():
    x, subject, y = cohort()
    keep = torch.where(subject == 1, y >= 2, y < 2)
    maps = principal_start(x, subject)[0].spatial.weight.detach()
    rotations = align_maps(maps, x[keep], subject[keep], y[keep])
    assert torch.equal(rotations[1], torch.eye(4))
    assert not torch.allclose(rotations[2], torch.eye(4)) or not torch.allclose(
        rotations[0], torch.eye(4)
    )


@pytest.mark.parametrize("layers", ["spatial", "patch"])
def test_one_subject_needs_no_alignment(layers):
    x, subject, y = cohort()
    own = subject == 0
    weights = []
    for given in (None, y[own]):
        torch.manual_seed(0)
        encoder = build_encoder(6, subject_layers=layers, **SIZES).eval()
        encoder.start_from_components(x[own], None, given)
        weights.append(torch.cat([p.flatten() for p in encoder.parameters()]))
    assert torch.equal(*weights)
