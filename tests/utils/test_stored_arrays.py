"""Arrays on disk give the numbers that the same array in memory gives."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mne_duin.utils import _stored as stored
from mne_duin.utils._bands import add_bands
from mne_duin.utils._epochs import peak_to_peak, silent_channels
from mne_duin.utils._stored import Source, StoredArray, blocks, join_arrays, open_source
from mne_duin.utils._stored_files import allocate

SHAPE = (7, 4, 50)


@pytest.fixture(scope="module")
def array():
    data = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    data[2, 1] = 0
    return data


@pytest.fixture
def on_disk(array, tmp_path):
    np.save(tmp_path / "values.npy", array)
    return StoredArray.of(open_source(tmp_path / "values.npy", digest="known"))


INDICES = st.one_of(
    st.lists(st.integers(0, 6), min_size=1, max_size=9).map(np.array),
    st.lists(st.booleans(), min_size=7, max_size=7).map(np.array),
    st.slices(7),
)


@given(
    rows=INDICES,
    channels=st.permutations(range(4)).flatmap(
        lambda order: st.integers(1, 4).map(lambda n: order[:n])
    ),
    ends=st.tuples(st.integers(0, 20), st.integers(25, 50)),
)
@settings(max_examples=60, deadline=None)
def test_choosing_is_that_of_numpy(array, rows, channels, ends):
    data = StoredArray.of(Source(array))
    chosen = data[rows][:, list(channels)][..., slice(*ends)]
    expected = array[rows][:, list(channels)][..., slice(*ends)]
    assert chosen.shape == expected.shape
    assert len(chosen) == len(expected)
    np.testing.assert_array_equal(np.asarray(chosen), expected)


def test_crops_of_single_rows(array, on_disk):
    rows, start = np.array([6, 0, 3]), np.array([0, 10, 25])
    crops = on_disk.read(rows, start, 25)
    for crop, row, first in zip(crops, rows, start, strict=True):
        np.testing.assert_array_equal(crop, array[row, :, first : first + 25])


@pytest.mark.parametrize("key", [(slice(1), [0]), (Ellipsis, 3), (0, 1, 2)])
def test_other_indices_are_refused(on_disk, key):
    with pytest.raises((IndexError, ValueError), match=r"cannot be indexed|unpack"):
        on_disk[key]


def test_padding_and_joining(array, on_disk):
    padded = np.pad(array, ((0, 0), (0, 2), (0, 0)))
    np.testing.assert_array_equal(np.asarray(on_disk.pad_channels(2)), padded)
    pieces = [array[:3], on_disk[4:], on_disk[:1]]
    joined = join_arrays(pieces)
    assert isinstance(joined, StoredArray)
    expected = np.concatenate([array[:3], array[4:], array[:1]])
    np.testing.assert_array_equal(np.asarray(joined), expected)
    np.testing.assert_array_equal(np.asarray(joined[[5, 0]]), expected[[5, 0]])
    assert isinstance(join_arrays([array, array]), np.ndarray)


def test_scales_are_those_of_the_stored_channels(array):
    scale = np.array([1, 2, 3, 4], np.float32)
    data = StoredArray.of(Source(array.astype(np.float16), scale))
    expected = array.astype(np.float16).astype(np.float32) * scale[:, None]
    np.testing.assert_array_equal(np.asarray(data), expected)
    mixed = data[:, [3, 1]].pad_channels(1)
    np.testing.assert_array_equal(np.asarray(mixed)[:, :2], expected[:, [3, 1]])
    assert not np.asarray(mixed)[:, 2].any()


@pytest.mark.parametrize("values", [1, 200, 450, 10**6])
def test_blocks_are_the_same_in_memory_and_on_disk(array, on_disk, values, monkeypatch):
    monkeypatch.setattr(stored, "BLOCK_VALUES", values)
    for rows in (None, np.array([5, 1, 2, 6])):
        ours, theirs = list(blocks(on_disk, rows)), list(blocks(array, rows))
        assert [len(block) for block in ours] == [len(block) for block in theirs]
        expected = array if rows is None else array[rows]
        np.testing.assert_array_equal(np.concatenate(ours), expected)
        np.testing.assert_array_equal(np.concatenate(theirs), expected)
    np.testing.assert_array_equal(peak_to_peak(on_disk), peak_to_peak(array))
    silent = silent_channels(on_disk)
    np.testing.assert_array_equal(silent, silent_channels(array))
    assert np.argwhere(silent).tolist() == [[2, 1]]


def test_power_is_written_once_and_equals_that_in_memory(array, on_disk, tmp_path):
    longer = np.tile(array, (3, 1, 6))
    np.save(tmp_path / "longer.npy", longer)
    data = StoredArray.of(open_source(tmp_path / "longer.npy", digest="known"))
    bands = {"alpha": (8.0, 13.0), "high-gamma": (70.0, 150.0)}
    view = data[[4, 20, 3]][:, [2, 0]][..., 10:290].pad_channels(1)
    inputs = add_bands(view, 1000.0, bands)
    in_memory = add_bands(np.asarray(view), 1000.0, bands)
    np.testing.assert_array_equal(np.asarray(inputs), in_memory)
    files = {p: p.stat().st_mtime_ns for p in tmp_path.glob("power_*.npy")}
    assert len(files) == 2
    add_bands(data[..., 10:290], 1000.0, bands)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("power_*.npy")} == files
    # Of the same epochs, another band and another window are others.
    add_bands(data[..., :280], 1000.0, {"alpha": (8.0, 12.0)})
    assert len(list(tmp_path.glob("power_*.npy"))) == 3
    assert not list(tmp_path.glob(".*.partial"))


def test_power_that_cannot_be_written_says_what_to_do(on_disk, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mne_duin.utils._stored_files.allocate", full)
    with pytest.raises(OSError, match=r"could not be written \(No space.*bands='raw'"):
        add_bands(on_disk, 1000.0, {"all": (100.0, 300.0)})
    assert not list(tmp_path.glob("*power*.npy"))


def test_digests_tell_what_is_chosen(array, on_disk):
    views = [
        on_disk,
        on_disk[:6],
        on_disk[[1, 0, 2, 3, 4, 5, 6]],
        on_disk[:, [1, 0, 2, 3]],
        on_disk[..., :49],
        on_disk[..., 1:],
        on_disk.pad_channels(1),
        StoredArray.of(Source(array)),
        StoredArray.of(Source(array + np.float32(1e-6))),
    ]
    assert len({view.digest() for view in views}) == len(views)
    assert on_disk[:].digest() == on_disk.digest()


def test_a_pickle_has_the_path_and_not_the_numbers(on_disk, array):
    text = pickle.dumps(on_disk)
    assert len(text) < 2000
    np.testing.assert_array_equal(np.asarray(pickle.loads(text)), array)


@pytest.mark.parametrize("dtype", ["<f4", "<f2", "<i2"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 5), (2000, 1, 7)])
def test_files_are_those_of_numpy(dtype, shape, tmp_path):
    values = allocate(tmp_path / "a.npy", shape, dtype)
    values[-1, -1, -1] = 3
    values.flush()
    again = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert again.shape == shape
    assert again.dtype == np.dtype(dtype)
    assert again.sum() == 3


def test_a_full_disk_is_noticed_before(tmp_path, monkeypatch):
    with pytest.raises(OSError, match=r"GB are needed and .* GB are free; choose"):
        allocate(tmp_path / "a.npy", (10**6, 10**4, 10**4), np.float32)
    assert not list(Path(tmp_path).iterdir())
