"""Neighbors on grids and strips: from positions, from a size, or said to be unknown."""

import numpy as np
import pandas as pd
import pytest

from mne_duin.channels import bipolar_pairs


def grid(n_rows, n_columns, spacing=10.0, noise=0.0, first=1, seed=0):
    """A grid in the sagittal plane, numbered along its rows."""
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(n_rows * n_columns), n_columns)
    xyz = np.column_stack([0 * row - 50.0, spacing * column, spacing * row])
    xyz = xyz + noise * rng.standard_normal(xyz.shape)
    names = [f"G{i + first}" for i in range(len(xyz))]
    table = pd.DataFrame(xyz, pd.Index(names, name="name"), ["x", "y", "z"])
    return table.assign(space="MNI305")


def by_row(n_rows, n_columns, first=1):
    """The pairs within the rows of a grid."""
    return [
        (f"G{first + r * n_columns + c}", f"G{first + r * n_columns + c + 1}")
        for r in range(n_rows)
        for c in range(n_columns - 1)
    ]


@pytest.mark.parametrize("shape", [(8, 8), (4, 8), (8, 4), (4, 3), (8, 2), (2, 8)])
@pytest.mark.parametrize("noise", [0.0, 0.8])
def test_no_pair_crosses_the_end_of_a_row(shape, noise):
    assert bipolar_pairs(grid(*shape, noise=noise)) == by_row(*shape)


def test_a_grid_and_strips_on_one_amplifier_bank():
    strip = grid(1, 6, first=33) + [30.0, -20.0, -45.0, ""]
    table = pd.concat([grid(4, 8), strip.assign(space="MNI305")])
    assert bipolar_pairs(table) == by_row(4, 8) + by_row(1, 6, first=33)


def test_sockets_that_do_not_follow_the_grid_give_neighbors_in_space():
    table = grid(5, 5).assign(channel_type="ecog")
    order = np.random.default_rng(1).permutation(25)
    table.index = [f"G{i + 1}" for i in order]
    pairs = bipolar_pairs(table)
    xyz = table[["x", "y", "z"]].astype(float)
    lengths = [np.linalg.norm(xyz.loc[a] - xyz.loc[c]) for a, c in pairs]
    assert np.allclose(lengths, 10.0)
    assert len({name for pair in pairs for name in pair}) >= 20


@pytest.mark.parametrize("seed", range(5))
def test_no_pair_is_longer_than_twice_the_nearest_neighbor(seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        rng.uniform(-40, 40, (60, 3)), [f"A{i}" for i in range(60)], ["x", "y", "z"]
    )
    table["channel_type"] = "ecog"
    xyz = table[["x", "y", "z"]].to_numpy()
    distances = np.linalg.norm(xyz[:, None] - xyz, axis=2) + np.diag([np.inf] * 60)
    nearest = dict(zip(table.index, distances.min(axis=1), strict=True))
    for pair in bipolar_pairs(table):
        ends = [table.index.get_loc(name) for name in pair]
        assert distances[tuple(ends)] <= 2 * min(nearest[name] for name in pair) + 1e-9


def blind(n, **columns):
    """Contacts of one group without positions."""
    names = [f"G{i}" for i in range(1, n + 1)]
    return pd.DataFrame(index=pd.Index(names, name="name")).assign(**columns)


@pytest.mark.parametrize("n", [8, 12, 16, 20, 64])
def test_without_a_size_no_pair_crosses_any_possible_row(n):
    with pytest.warns(RuntimeWarning, match="could cross the end of a row.*dimension"):
        pairs = bipolar_pairs(blind(n, channel_type="ecog"))
    assert pairs
    for width in range(2, n // 2 + 1):
        if n % width == 0:
            assert not [a for a, _ in pairs if int(a[1:]) % width == 0]


@pytest.mark.parametrize(
    ("columns", "n", "count"),
    [
        ({"dimension": "[4x8]"}, 32, 32 - 8),
        ({"dimension": "[1x8]", "channel_type": "ecog"}, 8, 7),
        ({"group": "grid 8x8"}, 64, 64 - 8),
        ({"type": "strip", "channel_type": "ecog"}, 8, 7),
        ({"type": "depth"}, 16, 15),
        ({"channel_type": "seeg"}, 18, 17),
        ({"channel_type": "ecog"}, 6, 5),
        ({}, 16, 15),
    ],
)
def test_a_declared_layout_decides(columns, n, count):
    assert len(bipolar_pairs(blind(n, **columns))) == count


def test_the_group_separates_what_a_name_joins():
    table = blind(8).assign(group=["a"] * 4 + ["b"] * 4)
    assert ("G4", "G5") not in bipolar_pairs(table)
    assert len(bipolar_pairs(table)) == 6
