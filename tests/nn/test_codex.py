"""The codex: nearest codes, moving averages, and clustering by direction."""

import pytest
import torch
from torch.nn import functional

from mne_duin.nn import Quantizer, spherical_kmeans


@pytest.fixture
def quantizer():
    torch.manual_seed(0)
    return Quantizer(dim=12, n_codes=20, code_dim=6)


def tokens(n_epochs=5, n_tokens=4):
    return torch.randn(n_epochs, n_tokens, 12)


def test_codes_are_the_nearest(quantizer):
    output = quantizer(tokens())
    distance = torch.cdist(output.projected, quantizer.codebook[None])
    assert torch.equal(output.codes, distance.argmin(-1))
    norms = output.projected.norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones_like(norms))
    chosen = quantizer.codebook[output.codes]
    expected = (output.projected - chosen).square().mean()
    torch.testing.assert_close(output.loss_commit, expected)
    torch.testing.assert_close(
        output.quantized, quantizer.expand(quantizer.norm(chosen)), atol=1e-6, rtol=1e-5
    )


def test_encoding_is_the_forward_pass(quantizer):
    x = tokens()
    assert torch.equal(quantizer.encode(x), quantizer(x).codes)


def test_gradients_pass_straight_through(quantizer):
    x = tokens().requires_grad_()
    quantizer(x).quantized.square().sum().backward()
    assert x.grad.abs().sum() > 0
    assert not quantizer.codebook.requires_grad
    names = {name for name, _ in quantizer.named_buffers()}
    assert names == {"codebook", "counts", "active"}


def test_without_a_codex_tokens_pass_on_as_they_are(quantizer):
    quantizer.active.fill_(False)
    x = tokens().requires_grad_()
    output = quantizer(x)
    expected = quantizer.expand(quantizer.norm(output.projected))
    torch.testing.assert_close(output.quantized, expected)
    assert output.loss_commit.item() == 0
    (output.quantized.sum() + 0 * output.loss_commit).backward()
    expected = x.grad.clone()
    x.grad = None
    output = quantizer(x)
    (output.quantized.sum() + 1e6 * output.loss_commit).backward()
    assert torch.equal(x.grad, expected)


def test_an_update_moves_used_codes_only(quantizer):
    output = quantizer(tokens(1, 3))
    before, counts_before = quantizer.codebook.clone(), quantizer.counts.clone()
    counts = quantizer.update_(output)
    used = torch.bincount(output.codes.flatten(), minlength=20)
    assert torch.equal(counts, used.float())
    assert 0 < (used > 0).sum() < 20
    assert torch.equal(quantizer.codebook[used == 0], before[used == 0])
    assert (quantizer.codebook[used > 0] != before[used > 0]).any(1).all()
    norms = quantizer.codebook.norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(20))
    torch.testing.assert_close(quantizer.counts, 0.99 * counts_before + 0.01 * used)


def test_an_update_is_the_published_moving_average(quantizer):
    output = quantizer(tokens())
    before = quantizer.codebook.double()
    quantizer.update_(output)
    for code in output.codes.unique():
        own = output.projected.detach()[output.codes == code].double()
        mean = functional.normalize(own.sum(0) / len(own), dim=0)
        moved = functional.normalize(0.99 * before[code] + 0.01 * mean, dim=0)
        torch.testing.assert_close(
            quantizer.codebook[code].double(), moved, atol=1e-6, rtol=0
        )


def test_repeated_updates_reach_the_data(quantizer):
    x = tokens(1, 1)
    code = quantizer(x).codes.item()
    for _ in range(1500):
        quantizer.update_(quantizer(x))
    target = quantizer(x).projected[0, 0]
    assert quantizer(x).codes.item() == code
    torch.testing.assert_close(quantizer.codebook[code], target, atol=1e-3, rtol=0)
    assert quantizer.counts[code].item() == pytest.approx(1, abs=1e-3)


def test_codes_are_found_in_full_precision(quantizer):
    vectors = functional.normalize(torch.randn(500, 6), dim=1)
    expected = (vectors @ quantizer.codebook.T).argmax(-1)
    coarse = (vectors.bfloat16() @ quantizer.codebook.bfloat16().T).argmax(-1)
    assert not torch.equal(coarse, expected), "half precision would lose codes"
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(quantizer.nearest(vectors), expected)
        output = quantizer(tokens(20, 30))
        assert output.projected.dtype == torch.float32
        assert torch.equal(quantizer.nearest(output.projected), output.codes)


def planted(n_directions=8, n_each=60, noise=0.1):
    generator = torch.Generator().manual_seed(3)
    directions = functional.normalize(
        torch.randn(n_directions, 10, generator=generator), dim=1
    )
    vectors = directions.repeat_interleave(n_each, 0)
    vectors = vectors + noise * torch.randn(vectors.shape, generator=generator)
    order = torch.randperm(len(vectors), generator=generator)
    return directions, functional.normalize(vectors[order], dim=1)


def test_clustering_recovers_planted_directions():
    directions, vectors = planted()
    # Random first means can share a cluster; more means than clusters cannot miss one.
    means, counts = spherical_kmeans(
        vectors, 40, generator=torch.Generator().manual_seed(0)
    )
    similarity = directions @ means[counts > 0].T
    assert similarity.max(1).values.min() > 0.98
    nearest = similarity.max(0)
    for index, direction in enumerate(directions):
        own = means[counts > 0][nearest.indices == index]
        weight = counts[counts > 0][nearest.indices == index]
        assert weight.sum() == 60
        mean = functional.normalize((own * weight[:, None]).sum(0), dim=0)
        assert mean @ direction > 0.99


def test_clusters_are_the_means_of_their_members():
    _, vectors = planted(noise=0.5)
    generator = torch.Generator().manual_seed(1)
    means, counts = spherical_kmeans(vectors, 6, n_rounds=100, generator=generator)
    nearest = (vectors @ means.T).argmax(1)
    assert torch.equal(torch.bincount(nearest, minlength=6).float(), counts)
    for index in range(6):
        own = functional.normalize(vectors[nearest == index].sum(0), dim=0)
        torch.testing.assert_close(means[index], own, atol=1e-5, rtol=0)


@pytest.mark.parametrize("chunk", [1, 7, 100, 10**6])
def test_chunks_change_nothing(chunk):
    _, vectors = planted(4, 20)
    results = [
        spherical_kmeans(
            vectors, 5, generator=torch.Generator().manual_seed(2), chunk=size
        )
        for size in (chunk, 10**6)
    ]
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-5, rtol=0)
    assert torch.equal(results[0][1], results[1][1])


def test_fewer_vectors_than_codes():
    vectors = functional.normalize(torch.randn(3, 10), dim=1)
    generator = torch.Generator().manual_seed(0)
    means, counts = spherical_kmeans(vectors, 9, generator=generator)
    torch.testing.assert_close(means.norm(dim=1), torch.ones(9))
    assert counts.sum() == 3
    assert (counts > 0).sum() <= 3
