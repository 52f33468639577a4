"""The published word-reading set into Epochs, and files that are no such thing."""

import io
import pickle
import pickletools
import re

import numpy as np
import pytest
import torch
from harmful import Touch
from published_release import (
    NAMES,
    WORDS,
    DotDict,
    dumps,
    run_folder,
    write_run,
    write_segments,
)

from mne_duin import DuINClassifier
from mne_duin.datasets import (
    OFFICIAL_CHANNELS,
    read_official_epochs,
    read_official_segments,
)
from mne_duin.datasets.released._pickle import read_pickle

REFUSED = "nothing in it was run"


@pytest.fixture
def release(tmp_path):
    trials = {run: write_run(tmp_path, "001", run) for run in (10, 2)}
    return tmp_path, trials


def test_a_subject_becomes_epochs_and_contacts(release):
    root, trials = release
    epochs, contacts = read_official_epochs(root, "001")
    expected = [trial["data_s"] for run in (2, 10) for trial in trials[run]]
    assert np.array_equal(epochs.get_data(), expected)
    assert epochs.ch_names == NAMES == contacts.index.tolist()
    assert set(epochs.get_channel_types()) == {"seeg"}
    assert (epochs.info["sfreq"], epochs.tmin) == (1000, -0.5)
    assert epochs.metadata["run"].tolist() == ["2"] * 6 + ["10"] * 6
    assert epochs.metadata["trial"].tolist() == 2 * list(range(6))
    assert epochs.metadata["subject"].unique().tolist() == ["001"]
    words = [trial["name"] for run in (2, 10) for trial in trials[run]]
    assert epochs.metadata["trial_type"].tolist() == words
    assert epochs.event_id == {word: i for i, word in enumerate(sorted(WORDS), 1)}
    assert len(epochs[WORDS[0]]) == 4
    assert contacts.loc["TI'1", "shaft"] == "TI'"
    assert contacts[["x", "y", "z"]].isna().all(axis=None)


@pytest.mark.parametrize("home", [".", "data", "data/seeg.he2023xuanwu"])
@pytest.mark.parametrize("subject", ["001", "1", 1])
def test_the_folder_may_be_given_at_any_depth(home, subject, release):
    root, _ = release
    assert len(read_official_epochs(root / home, subject)[0]) == 12


def test_runs_and_channels_can_be_chosen(release):
    root, trials = release
    epochs, contacts = read_official_epochs(root, "001", run=10, picks=["P3", "SM8"])
    expected = [trial["data_s"][[7, 0]] for trial in trials[10]]
    assert np.array_equal(epochs.get_data(), expected)
    assert contacts.index.tolist() == ["P3", "SM8"]
    epochs, _ = read_official_epochs(root, "001", run=["2"], picks="published")
    assert epochs.ch_names == OFFICIAL_CHANNELS["001"] == NAMES[:10]
    for run in ("3", ["2", "4"]):
        with pytest.raises(
            FileNotFoundError, match="has no run [34]; there are: 2, 10"
        ):
            read_official_epochs(root, "001", run=run)
    with pytest.raises(ValueError, match="run 2 has no channel X1; it has SM8, SM9"):
        read_official_epochs(root, "001", picks=["SM8", "X1"])
    with pytest.raises(ValueError, match="`picks` names a channel twice: P3, P3"):
        read_official_epochs(root, "001", picks=["P3", "P3"])
    with pytest.raises(ValueError, match="no channel that was asked for"):
        read_official_epochs(root, "001", picks=[])


def test_each_published_subject_has_ten_channels():
    assert list(OFFICIAL_CHANNELS) == [f"{number:03d}" for number in range(1, 13)]
    assert all(len(set(names)) == 10 for names in OFFICIAL_CHANNELS.values())


def test_runs_with_other_channels(release):
    root, _ = release
    write_run(root, "001", 3, names=NAMES[::-1][1:])
    with pytest.warns(RuntimeWarning, match="Not every run has TI'1; .* left out"):
        epochs, _ = read_official_epochs(root, "001")
    assert epochs.ch_names == NAMES[:-1]
    first = read_pickle(run_folder(root, 3) / "data")[0]["data_s"]
    assert np.array_equal(epochs.get_data()[6], first[::-1])
    write_run(root, "077", 1)
    with pytest.raises(ValueError, match="chooses no channels for '077'"):
        read_official_epochs(root, "077", picks="published")


def test_what_is_missing_is_named(release):
    root, _ = release
    with pytest.raises(FileNotFoundError, match="no subject '002'.*there: 001"):
        read_official_epochs(root, "002")
    with pytest.raises(FileNotFoundError, match="subjects there: none"):
        read_official_epochs(root / "elsewhere", "001")
    run_folder(root, 3).mkdir(parents=True)
    with pytest.warns(RuntimeWarning, match="run3.* has neither data nor info"):
        assert len(read_official_epochs(root, "001")[0]) == 12
    with (
        pytest.warns(RuntimeWarning, match="run3.* has neither data nor info"),
        pytest.raises(FileNotFoundError, match="No run of .* has dataset.bipolar"),
    ):
        read_official_epochs(root, "001", run="3")
    (run_folder(root, 2) / "info").unlink()
    with pytest.raises(FileNotFoundError, match="There is no file .*run2.*info"):
        read_official_epochs(root, "001", run="2")
    (root / "data/seeg.he2023xuanwu/003").mkdir()
    with pytest.raises(FileNotFoundError, match="has no run at all"):
        read_official_epochs(root, "003")


SIGNAL = np.zeros((len(NAMES), 300))
WRONG_DATA = {
    "must hold a list of trials; got dict": {},
    "must hold a list of trials; got list": [],
    r"Trial 0 of .* must be a dict with `name` and .* it has \[\]": [1],
    r"Trial 0 of .* it has \['data_s'\]": [DotDict(data_s=SIGNAL)],
    r"Trial 0 of .* it has \['data_s', 'name'\]": [DotDict(name="a", data_s=[1])],
    "Trial 1 of .* has 2 channels; info has 11 names": [
        DotDict(name="a", data_s=SIGNAL),
        DotDict(name="a", data_s=SIGNAL[:2]),
    ],
    "Trial 0 of .* has values that are not finite": [
        DotDict(name="a", data_s=SIGNAL + np.nan)
    ],
    r"has trials of \[200, 300\] samples": [
        DotDict(name="a", data_s=SIGNAL),
        DotDict(name="a", data_s=SIGNAL[:, :200]),
    ],
}


@pytest.mark.parametrize("message", WRONG_DATA)
def test_data_that_are_not_as_published(message, release):
    root, _ = release
    (run_folder(root, 2) / "data").write_bytes(dumps(WRONG_DATA[message]))
    with pytest.raises(ValueError, match=message):
        read_official_epochs(root, "001")


@pytest.mark.parametrize(
    "info",
    [[], DotDict(), DotDict(ch_names=[]), DotDict(ch_names=["A1", "A1"]), {1: 2}],
)
def test_names_that_are_not_as_published(info, release):
    root, _ = release
    (run_folder(root, 2) / "info").write_bytes(dumps(info))
    with pytest.raises(ValueError, match="info must hold a dict with `ch_names`"):
        read_official_epochs(root, "001")


def test_runs_of_different_length(release):
    root, _ = release
    content = [DotDict(name="a", data_s=SIGNAL[:, :200])]
    (run_folder(root, 2) / "data").write_bytes(dumps(content))
    with pytest.raises(ValueError, match="different lengths: {'2': 200, '10': 300}"):
        read_official_epochs(root, "001")


VALUES = {
    "text": "嘴巴",
    "double": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype="f4").reshape(2, 3)),
    "big": np.arange(4, dtype=">i2"),
    "strided": np.arange(12)[::2],
    "empty": np.zeros((0, 3)),
    "flags": np.array([True, False]),
    "names": np.array(["A'1", "嘴"]),
    "scalar": np.float32(2.5),
    "zero": np.array(1.5),
    "plain": [1, 2.5, None, True, ("a", b"b")],
}


def same(one, other):
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other


@pytest.mark.parametrize("module", ["utils", "utils.DotDict"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_array_comes_back(module, protocol, tmp_path):
    path = tmp_path / "data"
    values = VALUES if protocol > 2 else VALUES | {"empty": None}
    path.write_bytes(dumps([DotDict(values)], module=module, protocol=protocol))
    (found,) = read_pickle(path)
    assert type(found) is dict
    assert found.keys() == values.keys()
    for name, value in values.items():
        assert same(found[name], value), name


def test_files_of_an_older_numpy(tmp_path):
    content = dumps([DotDict(VALUES)], protocol=3).replace(
        b"numpy._core", b"numpy.core"
    )
    (tmp_path / "data").write_bytes(content)
    (found,) = read_pickle(tmp_path / "data")
    assert all(same(found[name], value) for name, value in VALUES.items())


class State:
    """A stand-in pickled under a name of the release, with a state that runs."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return DotDict, (), Touch(self.path)


def harmful(mark):
    """Pickles that leave a mark when they are read with the ordinary reader."""
    stolen = pickle.dumps(Touch(mark), 2)
    return {
        "alone": dumps(Touch(mark)),
        "nested": dumps([DotDict(name=Touch(mark), data_s=SIGNAL)]),
        "as a state": dumps(State(mark)),
        "object array": dumps(np.array([Touch(mark), None], dtype=object)),
        "old": dumps([Touch(mark)], protocol=2),
        "very old": dumps([Touch(mark)], protocol=0),
        "twice": dumps(1) + stolen,
    }


@pytest.mark.parametrize("kind", [k for k in harmful("mark") if k != "twice"])
@pytest.mark.parametrize("name", ["data", "info"])
def test_a_pickle_is_not_run(kind, name, release):
    root, _ = release
    mark = root / "mark"
    content = harmful(mark)[kind]
    (run_folder(root, 2) / name).write_bytes(content)
    ordinary_read(content)
    assert mark.exists(), "the trap itself must work"
    mark.unlink()
    with pytest.raises(ValueError, match=f"run2.*{name} is damaged.*{REFUSED}"):
        read_official_epochs(root, "001")
    assert not mark.exists()


def ordinary_read(content):
    """Read as the published code does, with its class in place."""
    from published_release import Modules

    with Modules("utils.DotDict"):
        try:
            pickle.loads(content)
        except (TypeError, AttributeError, ValueError):
            # What follows the harm may fail.
            return


FORBIDDEN = [
    (b"cos\nsystem\n(S'true'\ntR.", "os.system is not admitted"),
    (b"cbuiltins\neval\n(S'1'\ntR.", "builtins.eval is not admitted"),
    (b"cbuiltins\ngetattr\n.", "builtins.getattr is not admitted"),
    (b"cutils.DotDict\nPaths\n.", "utils.DotDict.Paths is not admitted"),
    (b"cutils.DotDict\nDotDict.fromkeys\n.", "DotDict.fromkeys is not admitted"),
    (b"cnumpy\nload\n.", "numpy.load is not admitted"),
    (b"cnumpy\nmemmap\n.", "numpy.memmap is not admitted"),
    (b"cnumpy\nfromfile\n.", "numpy.fromfile is not admitted"),
    (b"ccopyreg\n_reconstructor\n.", "copyreg._reconstructor is not admitted"),
    (b"c_codecs\ndecode\n.", "_codecs.decode is not admitted"),
    (b"c_codecs\nencode\n(Va\nVzip\ntR.", "bytes in 'zip' are not admitted"),
    (b"cnumpy\ndtype\n(VO8\ntR.", "arrays of type 'O8' are not admitted"),
    (b"cnumpy\ndtype\n(VV8\ntR.", "arrays of type 'V8' are not admitted"),
    (b"cnumpy\ndtype\n.", "holds something unfinished"),
    (b"cnumpy\nndarray\n(tR.", "attribute 'value'"),
    (b"cnumpy\nndarray\n(I3\ntR.", "takes no arguments"),
    (b"Pid\n.", "persistent"),
    (b"cnumpy\ndtype\n(Vf8\ntR(I3\nV<\nV1\nNNI0\nI0\nI0\ntb.", "type that it cannot"),
    (b"cnumpy\ndtype\n(N}Vdtype\nI1\nstb.", "missing 1 required"),
    (b"c_codecs\nencode\n(N}V__call__\nI1\nstb.", "missing 1 required"),
    (b"cutils\nDotDict\n(N}Vkeys\nI1\nstb.", "cannot set"),
]


@pytest.mark.parametrize(("content", "reason"), FORBIDDEN)
def test_every_other_name_is_refused(content, reason, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{REFUSED} .*{re.escape(reason)}"):
        read_pickle(path)


def test_lists_within_themselves_and_wrong_sizes(tmp_path):
    path = tmp_path / "data"
    circle = []
    circle.append(circle)
    array = dumps(np.arange(6.0).reshape(2, 3), protocol=4)
    contents = {
        "recursion": dumps(circle),
        "reshape": array.replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86"),
        "pickle data|truncated|ran out|exhausted|empty": b"",
        "buffer": array.replace(b"f8", b"i8").replace(b"K\x02K\x03", b"K\x02K\x09"),
    }
    for content in contents.values():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"data is damaged.*{REFUSED}"):
            read_pickle(path)


def test_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "data"
    content = dumps([DotDict(name="a", data_s=np.arange(4.0))])
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=f"data is damaged.*{REFUSED}"):
            read_pickle(path)


def test_flipped_bits_run_nothing(release):
    """A pickle has no checksum: a flip is refused, or changes a value, nothing else."""
    root, _ = release
    path = run_folder(root, 2) / "data"
    content = dumps([DotDict(name="a", data_s=np.ones((len(NAMES), 3)))])
    opcodes = {position for _, _, position in pickletools.genops(io.BytesIO(content))}
    for position in sorted(opcodes):
        for bit in (position % 8, (position + 3) % 8):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                read_official_epochs(root, "001", run="2")
            except ValueError as error:
                assert "run2" in str(error)  # noqa: PT017


FOREIGN = {
    "zeros": bytes(50),
    "text": b"not a pickle",
    "torch": b"",
    "npy": b"",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_files(kind, release):
    root, _ = release
    path = run_folder(root, 2) / "data"
    path.write_bytes(FOREIGN[kind])
    if kind == "torch":
        torch.save({"a": torch.zeros(2)}, path)
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match=f"data is damaged.*{REFUSED}"):
        read_official_epochs(root, "001")
    path.unlink()
    path.mkdir()
    with pytest.raises(FileNotFoundError, match="There is no file .*data"):
        read_official_epochs(root, "001")


def test_segments_become_epochs(tmp_path):
    _, written = write_segments(tmp_path)
    epochs, contacts = read_official_segments(tmp_path, "001")
    assert epochs.metadata["file"].tolist() == sorted(written)
    expected = [written[name][0] for name in sorted(written)]
    assert np.array_equal(epochs.get_data(), expected)
    assert (epochs.tmin, epochs.info["sfreq"]) == (0, 1000)
    assert epochs.event_id == {"segment": 1}
    assert contacts.index.tolist() == NAMES
    epochs, _ = read_official_segments(tmp_path, "001", picks="published")
    assert np.array_equal(epochs.get_data()[0], expected[0][:10])
    (tmp_path / "data/seeg.he2023xuanwu/002").mkdir()
    with pytest.raises(FileNotFoundError, match="There is no .npy file in"):
        read_official_segments(tmp_path, "002")


def test_segments_that_are_not_as_published(tmp_path):
    folder, _ = write_segments(tmp_path)
    path = folder / "task0" / "0.npy"
    mark = tmp_path / "mark"
    np.save(path, np.array([Touch(mark)], dtype=object), allow_pickle=True)
    np.load(path, allow_pickle=True)
    assert mark.exists(), "the trap itself must work"
    mark.unlink()
    harm = [path.read_bytes(), pickle.dumps(Touch(mark)), b"", b"text", bytes(200)]
    np.save(path, np.zeros((2, len(NAMES), 400)))
    harm.append(path.read_bytes()[:-8])
    for content in harm:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"0.npy is damaged.*{REFUSED}"):
            read_official_segments(tmp_path, "001")
    assert not mark.exists()
    for shape in ((len(NAMES), 400), (2, 3, 400), (1, len(NAMES), 400)):
        np.save(path, np.zeros(shape))
        with pytest.raises(ValueError, match=r"0.npy has shape .* \(2, 11, samples\)"):
            read_official_segments(tmp_path, "001")
    np.save(path, np.full((2, len(NAMES), 400), np.nan))
    with pytest.raises(ValueError, match="0.npy has values that are not finite"):
        read_official_segments(tmp_path, "001")
    np.save(path, np.zeros((2, len(NAMES), 300)))
    with pytest.raises(ValueError, match="segments have different lengths"):
        read_official_segments(tmp_path, "001")


def test_a_classifier_learns_from_them(release):
    root, _ = release
    epochs, _ = read_official_epochs(root, "001")
    words = epochs.metadata["trial_type"].to_numpy()
    options = {"n_layers": 1, "n_heads": 1, "head_dim": 4, "max_iter": 1}
    clf = DuINClassifier(**options, max_shift=0.0, verbose=False).fit(epochs, words)
    assert set(clf.predict(epochs)) <= set(WORDS)
    assert clf.fit_groups_ == {"2", "10"}
