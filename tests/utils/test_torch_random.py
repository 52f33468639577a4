"""Private draws are torch's own numbers, and nobody else notices them."""

import threading

import pytest
import torch
from torch import nn
from torch.nn import functional

from mne_duin.utils._torch_random import PrivateRandomness

ONES = torch.ones(5, 3, 4)
DRAWS = {
    "rand": lambda: torch.rand(3, 2),
    "rand of doubles": lambda: torch.rand(3, dtype=torch.float64),
    "randn": lambda: torch.randn(2, 2),
    "randperm": lambda: torch.randperm(7),
    "randint": lambda: torch.randint(5, (4,)),
    "one integer": lambda: torch.randint(1, 5, ()),
    "randn_like": lambda: torch.randn_like(ONES),
    "rand_like": lambda: torch.rand_like(ONES),
    "bernoulli": lambda: torch.bernoulli(0.4 * ONES),
    "bernoulli of a tensor": lambda: ONES.bernoulli(p=0.3),
    "multinomial": lambda: torch.multinomial(torch.ones(6), 3),
    "normal of a tensor": lambda: torch.normal(torch.zeros(3), 1.0),
    "normal": lambda: torch.normal(0.0, 1.0, (3,)),
    "random_": lambda: torch.empty(9).random_(-(2**10), None),
    "uniform_": lambda: torch.empty(5).uniform_(),
    "normal_": lambda: torch.empty(5).normal_(),
    "exponential_": lambda: torch.empty(5).exponential_(),
    "dropout": lambda: functional.dropout(ONES, 0.3),
    "layer of dropout": lambda: nn.Dropout(0.5)(ONES),
    "dropout in place": lambda: functional.dropout(ONES.clone(), 0.3, inplace=True),
    "dropout of everything": lambda: functional.dropout(ONES, 1.0),
    "dropout of a transposed tensor": lambda: functional.dropout(ONES.mT, 0.3),
    "dropout1d": lambda: functional.dropout1d(ONES, 0.5),
    "dropout2d": lambda: functional.dropout2d(torch.ones(3, 4, 2, 2), 0.5),
    "linear layer": lambda: nn.Linear(3, 4).weight,
    "convolution": lambda: nn.Conv1d(3, 4, 3).weight,
    "recurrent layer": lambda: nn.GRU(3, 4).weight_hh_l0,
    "embedding": lambda: nn.Embedding(3, 4).weight,
    "attention": lambda: nn.MultiheadAttention(4, 2).in_proj_weight,
    "trunc_normal_": lambda: nn.init.trunc_normal_(torch.empty(4, 4)),
    "xavier_uniform_": lambda: nn.init.xavier_uniform_(torch.empty(4, 4)),
    "kaiming_normal_": lambda: nn.init.kaiming_normal_(torch.empty(4, 4)),
    "orthogonal_": lambda: nn.init.orthogonal_(torch.empty(4, 4)),
}


def twice(draw, seed):
    """Two draws in a row, in private."""
    with PrivateRandomness(seed):
        return draw().detach(), draw().detach()


@pytest.mark.parametrize("name", DRAWS)
def test_the_numbers_are_those_after_manual_seed(name):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        expected = DRAWS[name]().detach(), DRAWS[name]().detach()
    before = torch.get_rng_state()
    found = twice(DRAWS[name], 3)
    assert torch.equal(torch.get_rng_state(), before)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
    if name != "dropout of everything":
        assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("n_layers", [1, 3])
def test_recurrent_layers_drop_out_between_them(batch_first, n_layers):
    gru = nn.GRU(
        3,
        4,
        n_layers,
        dropout=0.4 if n_layers > 1 else 0,
        bidirectional=True,
        batch_first=batch_first,
    )
    x = torch.randn(5, 6, 3)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        expected = gru(x)
    before = torch.get_rng_state()
    with PrivateRandomness(3):
        found = gru(x)
    assert torch.equal(torch.get_rng_state(), before)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    with PrivateRandomness(4):
        assert torch.allclose(gru(x)[0], expected[0]) == (n_layers == 1)
        torch.testing.assert_close(gru.eval()(x)[0], gru(x)[0])


def test_a_generator_that_is_given_is_used():
    generator = torch.Generator().manual_seed(7)
    with PrivateRandomness(3):
        first = torch.rand(3, generator=generator)
    assert torch.equal(first, torch.rand(3, generator=generator.manual_seed(7)))


def test_seeding_begins_anew():
    with PrivateRandomness(3) as randomness:
        first = torch.rand(3)
        randomness.seed(4)
        other = torch.rand(3)
        randomness.seed(3)
        assert torch.equal(torch.rand(3), first)
    assert not torch.equal(first, other)


def test_threads_draw_each_their_own():
    names = ("rand", "linear layer", "layer of dropout", "randperm")
    alone = {
        (name, seed): twice(DRAWS[name], seed) for name in names for seed in range(4)
    }
    found, barrier = {}, threading.Barrier(4)

    def draw(seed):
        for name in names * 20:
            barrier.wait()
            found[name, seed] = twice(DRAWS[name], seed)

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.keys() == alone.keys()
    for key, values in found.items():
        assert all(torch.equal(*pair) for pair in zip(values, alone[key], strict=True))


def test_errors_end_it():
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="size"), PrivateRandomness(3):
        torch.rand(4) + torch.rand(3)
    torch.rand(3)
    assert not torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: functional.alpha_dropout(ONES, 0.5, True),
        lambda: functional.gumbel_softmax(ONES),
        lambda: torch.randint_like(ONES, 9),
    ],
)
def test_what_can_only_draw_globally_is_refused(draw):
    with (
        PrivateRandomness(3),
        pytest.raises(NotImplementedError, match="draws from torch's global random"),
    ):
        draw()


def test_networks_without_numbers_are_built():
    with PrivateRandomness(3), torch.device("meta"):
        assert nn.Linear(3, 4).weight.is_meta
