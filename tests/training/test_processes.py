"""Two processes train one network: the same in both, and the same as one alone."""

import numpy as np
import pytest
import two_processes

# Three processes start, and each of them imports everything.
pytestmark = pytest.mark.slow

# The planted errors are looked for in the first one.
STAGES = ("classifier", "unquantized", "first-batch", "mae")
# What the order of sums does to gradients of float32, relative to a step's largest.
# An error of one part in a thousand in one process is a hundred times as large.
ROUNDING = 1e-5


@pytest.fixture(scope="module")
def folder(request, tmp_path_factory):
    """What two processes and one alone have learned."""
    asked = {
        value
        for item in request.session.items
        if item.module is request.module
        for value in item.callspec.params.values()
    }
    names = [stage for stage in STAGES if stage in asked or stage == STAGES[0]]
    out = tmp_path_factory.mktemp("processes")
    assert two_processes.run_two(out, names, asked) == [0, 0]
    alone = out / "alone"
    alone.mkdir()
    two_processes.fit_exact(alone, names)
    return out


def load(path):
    with np.load(path) as file:
        return dict(file)


def assert_same(first, second):
    """Two processes hold the same, bit by bit."""
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def largest_gradients(arrays):
    """The largest gradient of every step, by the beginning of its names."""
    largest = {}
    for name, value in arrays.items():
        if name.startswith("gradient"):
            step = " ".join(name.split()[:2])
            largest[step] = max(largest.get(step, 0.0), np.abs(value).max())
    return largest


def assert_equal_but_for_rounding(one, two):
    """Gradients relative to the step's largest; weights and losses are of order one."""
    assert one.keys() == two.keys()
    largest = largest_gradients(one)
    for name, value in one.items():
        scale = largest.get(" ".join(name.split()[:2]), 1.0)
        np.testing.assert_allclose(
            two[name], value, rtol=0, atol=ROUNDING * scale, err_msg=name
        )


@pytest.mark.parametrize("mode", ["exact", "usual"])
@pytest.mark.parametrize("stage", STAGES)
def test_all_processes_hold_the_same_after_each_pass(folder, stage, mode):
    first, second = (load(folder / f"{stage} {mode} {i}.npz") for i in range(2))
    beginnings = {name.split()[0] for name in first} - {"gradient"}
    assert beginnings == set("0123") | {"end", "history"}
    assert_same(first, second)


@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_equal_one(folder, stage):
    """No dropout, the same whole batches; statistics are of the whole batch."""
    two = load(folder / f"{stage} exact 0.npz")
    one = load(folder / "alone" / f"{stage} exact 0.npz")
    assert len(largest_gradients(one)) == (12 if stage == "classifier" else 16)
    assert_equal_but_for_rounding(one, two)
    names = [name[2:] for name in one if name[0] == "3" and name.endswith("weight")]
    moved = [np.abs(one[f"3 {name}"] - one[f"0 {name}"]).max() for name in names]
    assert max(moved) > 100 * ROUNDING


@pytest.mark.parametrize("error", ["weight", "statistics"])
def test_an_error_in_one_process_is_no_rounding(folder, error):
    two = load(folder / f"classifier {error} 0.npz")
    one = load(folder / "alone" / "classifier exact 0.npz")
    with pytest.raises(AssertionError, match="gradient 0 "):
        assert_equal_but_for_rounding(one, two)


@pytest.mark.parametrize("error", ["step", "statistics"])
def test_processes_that_part_are_told_from_each_other(folder, error):
    first, second = (load(folder / f"classifier {error} {i}.npz") for i in range(2))
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        assert_same(first, second)
