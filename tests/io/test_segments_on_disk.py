"""Segments in a folder: what goes in comes out, and nothing foreign is touched."""

import json
import multiprocessing

import mne
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from mne_duin import open_segments, read_segments, write_segments
from mne_duin.io import _segments as writing
from mne_duin.io._segments import SegmentWriter

FILES = [".segments.lock", "segments-info.fif", "segments.json", "segments.npy"]


def make_epochs(n=6, seed=0, names=("A1", "A2", "A3"), **columns):
    """Noise of a few microvolts with positions, metadata and a bad channel."""
    rng = np.random.default_rng(seed)
    data = 1e-5 * rng.standard_normal((n, len(names) + 1, 200)) * [[[1], [9], [1], [2]]]
    info = mne.create_info([*names, "bad"], 400.0, "seeg")
    info["bads"] = ["bad"]
    epochs = mne.EpochsArray(data, info, tmin=-0.25, verbose="error")
    places = {name: 0.01 * rng.standard_normal(3) for name in names}
    epochs.set_montage(
        mne.channels.make_dig_montage(places, coord_frame="mni_tal"),
        on_missing="ignore",
        verbose="error",
    )
    onset = 0.5 * np.arange(n)
    epochs.metadata = pd.DataFrame({"onset": onset, "run": "01"} | columns)
    return epochs


def write(folder, epochs, **options):
    with pytest.warns(RuntimeWarning, match="marked bad"):
        return write_segments(folder, epochs, **options)


def edit(folder, **fields):
    """Change fields of segments.json; ``...`` removes one."""
    path = folder / "segments.json"
    notes = json.loads(path.read_text()) | fields
    path.write_text(json.dumps({k: v for k, v in notes.items() if v is not ...}))


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "segments", make_epochs())
    return tmp_path / "segments"


@pytest.mark.parametrize("dtype", ["float32", "float16", "int16"])
def test_what_is_written_comes_back(dtype, tmp_path):
    epochs = make_epochs(n=40)
    segments = write(tmp_path / "a", epochs, dtype=dtype)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == FILES
    again = open_segments(tmp_path / "a").to_epochs()
    data, stored = epochs.get_data(picks=["A1", "A2", "A3"]), again.get_data()
    largest = np.abs(data).max(axis=(0, 2))[:, None]
    bound = {
        "float32": 2.0**-24 * np.abs(data),
        # Half a unit in the last of eleven digits, for all but the smallest numbers.
        "float16": 2.0**-11 * np.abs(data) + 2.0**-39 * largest,
        # Half a step, and the rounding of single precision.
        "int16": 0.5 * largest / 32767 + 2.0**-22 * np.abs(data),
    }[dtype]
    assert (np.abs(stored - data) <= bound).all()
    assert np.abs(stored - data).max() > 0
    pd.testing.assert_frame_equal(again.metadata, epochs.metadata)
    assert again.ch_names == segments.ch_names == ["A1", "A2", "A3"]
    assert again.info["sfreq"] == 400.0
    assert again.tmin == -0.25
    here, there = (e.get_montage().get_positions()["ch_pos"] for e in (epochs, again))
    for name in again.ch_names:
        np.testing.assert_allclose(here[name], there[name], atol=1e-7)


def test_some_segments_are_a_view(folder):
    segments = open_segments(folder)
    part = segments[[4, 1]]
    assert len(part) == 2
    np.testing.assert_array_equal(
        part.to_epochs().get_data(), segments.to_epochs().get_data()[[4, 1]]
    )
    assert part.metadata["onset"].tolist() == [2.0, 0.5]


def test_recordings_one_after_the_other(tmp_path):
    parts = [make_epochs(n, seed=n) for n in (3, 5)]
    segments = write(tmp_path / "a", (part for part in parts), dtype="int16")
    together = mne.concatenate_epochs(parts, verbose="error")
    data = together.get_data(picks=["A1", "A2", "A3"])
    np.testing.assert_allclose(
        segments.to_epochs().get_data(), data, atol=1e-4 * np.abs(data).max()
    )
    assert segments.metadata["onset"].tolist() == [0, 0.5, 1, 0, 0.5, 1, 1.5, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.copy().crop(0.0, None), "their length: number 2 has 100"),
        (lambda e: e.copy().drop_channels(["A2"]), r"their channels: number 2 has \["),
        (lambda e: e.copy().shift_time(0.1), "their start: number 2 has -0.15"),
    ],
)
def test_recordings_that_do_not_fit_are_refused(change, message, tmp_path):
    parts = [make_epochs(), change(make_epochs())]
    with (
        pytest.raises(ValueError, match=message),
        pytest.warns(RuntimeWarning, match="marked bad"),
    ):
        write_segments(tmp_path / "a", parts)
    # What was begun is not taken for segments, and can be written again.
    with pytest.raises(ValueError, match="'complete' is false"):
        open_segments(tmp_path / "a")
    assert len(write(tmp_path / "a", make_epochs())) == 6


@pytest.mark.parametrize("wrong", [np.zeros((2, 2, 9)), 3, "path", None])
def test_only_epochs_are_written(wrong, tmp_path):
    with pytest.raises(TypeError, match="`epochs` must be Epochs, or several of them"):
        write_segments(tmp_path / "a", wrong)
    assert not (tmp_path / "a").exists()


def test_nothing_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="`epochs` has no segments"):
        write_segments(tmp_path / "a", [])


def test_an_unknown_type_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`dtype` must be one of 'float32', 'float16'"):
        write_segments(tmp_path / "a", make_epochs(), dtype="int8")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, r"1 channels \(A2\) hold values that are not"),
        (0.0, r"\(A2\) are zero"),
    ],
)
def test_unusable_channels_are_named(value, message, tmp_path):
    epochs = make_epochs()
    epochs.get_data(copy=False)[:, 1] = value
    with (
        pytest.raises(ValueError, match=message),
        pytest.warns(RuntimeWarning, match="marked bad"),
    ):
        write_segments(tmp_path / "a", epochs)


def test_few_steps_of_integers_are_told(tmp_path):
    epochs = make_epochs(n=20)
    epochs.get_data(copy=False)[3, 0, 7] = 1.0
    with (
        pytest.warns(RuntimeWarning, match="marked bad"),
        pytest.warns(RuntimeWarning, match=r"1 channels \(A1\).*dtype='float16'"),
    ):
        write_segments(tmp_path / "a", epochs, dtype="int16")
    write(tmp_path / "b", epochs, dtype="float16")


def test_foreign_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("ten years")
    with pytest.raises(
        FileExistsError, match=r"files that are no segments .*thesis.txt"
    ):
        write_segments(tmp_path, make_epochs())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(FileExistsError, match=r"thesis.txt' is a file"):
        write_segments(tmp_path / "thesis.txt", make_epochs())
    (tmp_path / "segments.json").write_text(json.dumps({"kind": "other"}))
    with pytest.raises(ValueError, match=r"segments.json'.*'kind' is not.*another"):
        write_segments(tmp_path, make_epochs())
    assert (tmp_path / "thesis.txt").read_text() == "ten years"


def test_only_own_files_of_an_interrupted_writing_are_removed(folder):
    notes = json.loads((folder / "segments.json").read_text())
    (folder / "segments.json").write_text(json.dumps(notes | {"complete": False}))
    kept = [folder / "power_of_words.txt", folder / "power_4-8Hz_mine.npy"]
    for path in kept:
        path.write_text("mine")
    own = folder / f"power_4-8Hz_{'0a' * 8}.npy"
    own.write_bytes(b"old")
    with pytest.warns(RuntimeWarning, match="1 channels .* are not used: bad"):
        write_segments(folder, make_epochs())
    assert [path.read_text() for path in kept] == ["mine", "mine"]
    assert not own.exists()


def test_complete_segments_are_not_replaced(folder):
    before = {p: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(FileExistsError, match=r"complete segments.*open_segments"):
        write_segments(folder, make_epochs(seed=1))
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def test_a_missing_folder_and_a_folder_of_something_else(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        open_segments(tmp_path / "none")
    with pytest.raises(
        FileNotFoundError, match=r"has no segments.json.*write_segments"
    ):
        open_segments(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"complete": False}, "'complete' is false.*interrupted.*again to the same"),
        ({"kind": "other"}, "the field 'kind' is not"),
        ({"format": 99}, "the field 'format' is 99.*Update the package"),
        ({"shape": [6, 3]}, "the field 'shape'"),
        ({"shape": [6, 3, -1]}, "the field 'shape'"),
        ({"shape": [7, 3, 200], "metadata": {}}, r"segments.npy'.*\(6, 3, 200\)"),
        ({"dtype": "float64"}, "the field 'dtype'"),
        ({"dtype": "int16"}, "segments.npy' is damaged.*float32.*int16"),
        ({"scale": [1.0, 2.0]}, "the field 'scale'"),
        ({"scale": [1.0, 0.0, 1.0]}, "the field 'scale'"),
        ({"channels": ["A1"]}, "the field 'channels'"),
        ({"channels": ["A1", "A2", "B1"]}, "segments-info.fif' has other channels"),
        ({"digest": ...}, "the field 'digest' is missing or damaged.*another folder"),
        ({"tmin": "0"}, "the field 'tmin'"),
        ({"metadata": {"run": [1]}}, "the field 'metadata'"),
        ({"probes": [[99, "a"]]}, "the field 'probes'"),
        ({"probes": [[1, "a"]]}, r"segments.npy' is damaged.*\(segment 1\)"),
    ],
)
def test_damaged_notes_are_named_with_file_field_and_remedy(fields, message, folder):
    edit(folder, **fields)
    with pytest.raises(ValueError, match=message) as caught:
        open_segments(folder)
    assert "rite the segments" in str(caught.value) or "hoose" in str(caught.value)


@pytest.mark.parametrize("n_bytes", [0, 10, 100, 300])
@pytest.mark.parametrize("name", ["segments.json", "segments.npy", "segments-info.fif"])
def test_truncated_files_are_refused(name, n_bytes, folder):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:n_bytes])
    with pytest.raises(ValueError, match=rf"{name}' is damaged.*another folder"):
        open_segments(folder)


@pytest.mark.parametrize("name", ["segments.npy", "segments-info.fif"])
def test_missing_files_are_named(name, folder):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name}' is missing"):
        open_segments(folder)


def test_a_changed_number_is_found_by_verify(tmp_path):
    folder = tmp_path / "a"
    segments = write(folder, make_epochs(n=50))
    segments.verify()
    values = np.load(folder / "segments.npy", mmap_mode="r+")
    # Not one of the 16 segments that opening compares.
    values[1, 0, 0] += 1
    values.flush()
    with pytest.raises(ValueError, match=r"segments.npy' is damaged, or was changed"):
        open_segments(folder).verify()
    values[0, 0, 0] += 1
    values.flush()
    with pytest.raises(ValueError, match=r"segments.npy'.*\(segment 0\)"):
        open_segments(folder)


def test_killed_writers_leave_nothing_that_is_read(tmp_path):
    """A process that ends in the middle of writing, at any of its steps."""
    context = multiprocessing.get_context("fork")
    for step in ("_amplitudes", "_encode", "write_text", "digest_row"):
        folder = tmp_path / step
        process = context.Process(target=_write_and_die, args=(folder, step))
        process.start()
        process.join()
        assert process.exitcode == 9
        with pytest.raises(ValueError, match="writing was interrupted"):
            open_segments(folder)
        segments = write(folder, make_epochs(), dtype="float16")
        segments.verify()
        assert sorted(path.name for path in folder.iterdir()) == FILES


def _write_and_die(folder, step):
    import os
    import warnings

    original, seen = getattr(writing, step), []

    def die(*arguments):
        seen.append(step)
        # The notes are written before, too.
        if step == "write_text" and len(seen) == 1:
            return original(*arguments)
        os._exit(9)

    setattr(writing, step, die)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_segments(folder, make_epochs(), dtype="float16")


def test_the_second_writer_waits_and_finds_the_segments(tmp_path):
    source = {"recordings": ["a"]}
    with SegmentWriter(tmp_path / "a", "float32", source) as writer:
        assert not writer.found
        lock = FileLock(tmp_path / "a" / ".segments.lock", timeout=0)
        with pytest.raises(TimeoutError):
            lock.acquire()
        writer.append(np.ones((2, 1, 10), np.float32))
        info = mne.create_info(["A1"], 100.0, "seeg")
        writer.finish(info, pd.DataFrame(index=range(2)))
    with SegmentWriter(tmp_path / "a", "float32", source) as writer:
        assert writer.found
    with pytest.raises(FileExistsError, match="segments that differ in recordings"):
        SegmentWriter(tmp_path / "a", "float32", {"recordings": ["b"]}).__enter__()
    with pytest.raises(FileExistsError, match="segments that differ in dtype"):
        SegmentWriter(tmp_path / "a", "int16", source).__enter__()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.by_default("True")
def test_recordings_are_read_to_disk_as_to_memory(causal, dataset, tmp_path):
    options = {"sfreq": 500.0, "causal": causal}
    epochs, contacts = read_segments(dataset, 4.0, 2.0, **options)
    segments, same = read_segments(dataset, 4.0, 2.0, **options, on_disk=tmp_path / "a")
    stored = segments.to_epochs()
    data = epochs.get_data()
    np.testing.assert_array_equal(
        stored.get_data().astype(np.float32), data.astype(np.float32)
    )
    pd.testing.assert_frame_equal(stored.metadata, epochs.metadata)
    assert stored.info["description"] == epochs.info["description"]
    assert stored.get_montage() == epochs.get_montage()
    pd.testing.assert_frame_equal(same, contacts)
    ours, theirs = (one.attrs["processing"] for one in (same, contacts))
    assert json.loads(ours["preparation"])["amplitude"] == pytest.approx(
        json.loads(theirs["preparation"])["amplitude"], rel=1e-6
    )


def test_the_same_recordings_are_not_read_again(dataset, tmp_path, monkeypatch):
    first, _ = read_segments(dataset, 4.0, 0.0, on_disk=tmp_path / "a")
    monkeypatch.setattr("mne_duin.io._on_disk.fill_windows", None)
    again, contacts = read_segments(dataset, 4.0, 0.0, on_disk=tmp_path / "a")
    assert again.data.digest() == first.data.digest()
    assert contacts.attrs["processing"]["preparation"]
    with pytest.raises(FileExistsError, match="differ in windows.*Choose another"):
        read_segments(dataset, 4.0, 1.0, on_disk=tmp_path / "a")
    with pytest.raises(FileExistsError, match="differ in filters.*Choose another"):
        read_segments(dataset, 4.0, 0.0, h_freq=100.0, on_disk=tmp_path / "a")
    with pytest.raises(FileExistsError, match="differ in dtype"):
        read_segments(dataset, 4.0, 0.0, on_disk=tmp_path / "a", disk_dtype="float16")


def test_dropped_segments_are_not_stored(dataset, tmp_path):
    everything = read_segments(dataset, 2.0, 0.0, reject=None)[0]
    peaks = np.ptp(everything.get_data(), axis=-1).max(axis=1)
    limits = {"seeg": np.median(peaks)}
    with pytest.warns(RuntimeWarning, match="dropped"):
        epochs, _ = read_segments(dataset, 2.0, 0.0, reject=limits)
    with pytest.warns(RuntimeWarning, match="dropped"):
        segments, _ = read_segments(
            dataset, 2.0, 0.0, reject=limits, on_disk=tmp_path / "a"
        )
    assert 0 < len(segments) < len(everything)
    np.testing.assert_array_equal(
        np.asarray(segments.data), epochs.get_data().astype(np.float32)
    )
    pd.testing.assert_frame_equal(
        segments.metadata, epochs.metadata.reset_index(drop=True)
    )
