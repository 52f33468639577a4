"""Every reader, on files that are cut, flipped, foreign, or meant to do harm.

A reader either says in one error what is wrong with which file, or returns what was
written (where a flip touched nothing that is read); it never runs anything.
"""

import ast
import gzip
import os
import pickle
import shutil
from pathlib import Path

import mne
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from harmful import Touch
from hypothesis import given, settings
from hypothesis import strategies as st

import mne_duin
from mne_duin import (
    DuINClassifier,
    evaluate,
    from_braindecode,
    from_pretrained,
    read_contacts,
    read_estimator,
    read_official,
    read_result,
    to_braindecode,
    to_published,
)
from mne_duin.channels._atlas import load_subject, load_volume
from mne_duin.checkpoints import read_latest, write_next
from mne_duin.datasets import sample_data_path
from mne_duin.io import find_recordings, read_raw

PACKAGE = Path(mne_duin.__file__).parent
SMALL = {"n_layers": 1, "n_heads": 1, "bands": "raw", "max_iter": 1}


def read_atlas(path):
    load_volume.cache_clear()
    return load_volume("mine", str(path), str(path.with_name("labels.tsv")))


def read_labels(path):
    load_volume.cache_clear()
    return load_volume("mine", str(path.with_name("labels.nii.gz")), str(path))


def read_folder(path):
    return read_latest(path.parent)


def read_own_parcellation(path):
    return load_subject("desikan-killiany", "me", path.parents[2])


READERS = {
    "estimator/model": read_estimator,
    "hub/model.safetensors": lambda path: from_pretrained(path.parent),
    "run/checkpoint-00001.safetensors": read_folder,
    "published/checkpoint-399.pth": lambda path: read_official(path, stage="cls"),
    "braindecode/model.safetensors": from_braindecode,
    "braindecode/model.pth": from_braindecode,
    "result/decoding.json": read_result,
    "result/decoding.tsv": read_result,
    "atlas/labels.nii.gz": read_atlas,
    "atlas/labels.tsv": read_labels,
    "me/mri/aparc+aseg.mgz": read_own_parcellation,
}
# These have no checksum of their own: a flip may change a value without a trace.
WITHOUT_CHECKSUM = {"braindecode/model.safetensors", "atlas/labels.tsv"}
NAMES = sorted(READERS)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One file of each kind."""
    root = tmp_path_factory.mktemp("written")
    random = np.random.default_rng(0)
    X, y = random.standard_normal((12, 3, 200)), np.arange(12) % 2
    options = {"hidden_dim": 4, "max_shift": 0.0, "verbose": False}
    clf = DuINClassifier(**SMALL | {"n_heads": 8, "skip": False} | options)
    clf.fit(X, y, sfreq=1000)
    clf.save(root / "estimator/model")
    clf.save(root / "hub/model.safetensors")
    write_next(root / "run", clf.module_.state_dict(), {"pass": 1})
    (root / "published").mkdir()
    torch.save(to_published(clf), root / "published/checkpoint-399.pth")
    (root / "braindecode").mkdir()
    state = to_braindecode(clf)
    safetensors.torch.save_file(state, root / "braindecode/model.safetensors")
    torch.save(state, root / "braindecode/model.pth")
    (root / "result").mkdir()
    make_result(X, y).save(root / "result/decoding.json")
    write_atlas(root)
    return root


def make_result(X, y):
    info = mne.create_info(["A1", "A2", "A3"], 1000, "seeg")
    table = pd.DataFrame({"trial_type": y.astype(str), "run": np.arange(12) // 4})
    epochs = mne.EpochsArray(X, info, metadata=table, verbose=False)
    options = {"max_shift": 0.0, "verbose": False, "random_state": 0}
    clf = DuINClassifier(**SMALL | options)
    return evaluate(clf, epochs, y.astype(str), cv="last-run")


def write_atlas(root):
    (root / "atlas").mkdir()
    volume = np.arange(64, dtype=np.int16).reshape(4, 4, 4) % 3
    nib.save(nib.Nifti1Image(volume, np.eye(4)), root / "atlas/labels.nii.gz")
    table = pd.DataFrame({"index": [1, 2], "name": ["ctx-lh-insula", "other"]})
    table.to_csv(root / "atlas/labels.tsv", sep="\t", index=False)
    (root / "me/mri").mkdir(parents=True)
    path = root / "me/mri/aparc+aseg.mgz"
    nib.save(nib.MGHImage(volume.astype(np.int32) + 1001, np.eye(4)), path)


@pytest.fixture
def place(written, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(written, tmp_path / "files")


def refuses(name, path):
    """Whether a reader refuses a file in an error that names it."""
    message = None
    try:
        READERS[name](path)
    except (ValueError, FileNotFoundError) as error:
        message = str(error)
    known = (path.name, path.parent.name, path.with_suffix(".json").name)
    assert message is None or any(part in message for part in known), message
    return message is not None


@pytest.fixture(scope="module")
def expected(written):
    """What the whole files hold."""
    return {name: contents(READERS[name](written / name)) for name in NAMES}


def contents(value):
    """What was read, as something that can be compared."""
    if isinstance(value, tuple):
        return [contents(item) for item in value[:2]]
    if isinstance(value, dict):
        return {name: contents(item) for name, item in value.items()}
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if hasattr(value, "module_"):
        return contents(value.module_.state_dict())
    if hasattr(value, "volume"):
        return value.volume.tobytes(), value.names
    return str(value)


# Volumes and pickled weights take long to read.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow)
        if name.startswith(("atlas", "braindecode"))
        else name
        for name in NAMES
    ],
)
def test_a_cut_file_is_refused(name, place, expected):
    path = place / name
    whole = path.read_bytes()
    size = len(whole)
    cuts = {0, 1, 2, 7, 8, 9, size // 10, size // 2, size - size // 10, size - 1}
    for length in sorted(cuts):
        # A table without its last line is a table.
        if name == "atlas/labels.tsv" and length > 10:
            continue
        path.write_bytes(whole[:length])
        if not refuses(name, path):
            # Text without its last line end.
            assert length == size - 1
            assert contents(READERS[name](path)) == expected[name]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_harmless(written, expected, name, position, bit):
    path = written / name
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[int(position * len(whole))] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        if not refuses(name, path) and name not in WITHOUT_CHECKSUM:
            assert contents(READERS[name](path)) == expected[name]
    finally:
        path.write_bytes(whole)


def foreign_files(folder):
    """Files of other programs, by kind."""
    torch.save({"a": torch.ones(2)}, folder / "other.pth")
    torch.save([torch.ones(2)], folder / "list.pth")
    safetensors.torch.save_file({"a": torch.ones(2)}, folder / "other.safetensors")
    np.savez(folder / "other.npz", a=np.ones(2))
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    return contents | {
        "empty": b"",
        "zeros": bytes(300),
        "random": os.urandom(300),
        "text": "嘴巴 not what you think".encode(),
        "json": b'{"a": [1]}',
        "deep": b"[" * 100_000,
        "gzip": gzip.compress(b"not what you think"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_foreign_files_are_refused(name, place, tmp_path):
    (tmp_path / "foreign").mkdir()
    path = place / name
    for kind, content in foreign_files(tmp_path / "foreign").items():
        path.write_bytes(content)
        assert refuses(name, path), kind
    path.unlink()
    path.mkdir()
    if name != "run/checkpoint-00001.safetensors":
        with pytest.raises((FileNotFoundError, IsADirectoryError, ValueError)):  # noqa: PT011
            READERS[name](path)


def traps(mark, folder):
    """Files that leave a mark when they are unpickled."""
    trap = Touch(mark)
    torch.save({"trap": trap}, folder / "zip.pth")
    torch.save({"a": trap}, folder / "old.pth", _use_new_zipfile_serialization=False)
    np.save(folder / "array.npy", np.array([trap], dtype=object), allow_pickle=True)
    np.savez(folder / "array.npz", a=np.array([trap], dtype=object))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        content = pickle.dumps(trap, protocol)
        (folder / f"{protocol}.pkl").write_bytes(content)
    (folder / "gzipped.pkl.gz").write_bytes(gzip.compress(pickle.dumps(trap)))
    for path in sorted(folder.iterdir()):
        unpickle(path)
        assert mark.exists(), f"the trap {path.name} must work"
        mark.unlink()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def unpickle(path):
    if path.suffix == ".pth":
        torch.load(path, weights_only=False)
    elif path.suffix == ".npy":
        np.load(path, allow_pickle=True)
    elif path.suffix == ".npz":
        np.load(path, allow_pickle=True)["a"]
    else:
        pd.read_pickle(path)


@pytest.fixture
def harm(tmp_path):
    mark = tmp_path / "mark"
    (tmp_path / "traps").mkdir()
    return mark, traps(mark, tmp_path / "traps")


@pytest.mark.parametrize("name", NAMES)
def test_a_pickle_is_not_run(name, place, harm):
    mark, contents = harm
    path = place / name
    for kind, content in contents.items():
        path.write_bytes(content)
        assert refuses(name, path), kind
        assert not mark.exists(), kind


@pytest.mark.filterwarnings("ignore")
def test_no_file_of_a_recording_is_unpickled(harm, tmp_path):
    mark, contents = harm
    source = sample_data_path()
    path = find_recordings(source, subject="01")[0]
    folder = tmp_path / "bids" / path.fpath.parent.relative_to(source)
    shutil.copytree(path.fpath.parent, folder)
    path = path.copy().update(root=tmp_path / "bids")
    files = [file for file in folder.iterdir() if f"run-{path.run}" in file.name]
    files += [*folder.glob("*electrodes*"), *folder.glob("*coordsystem*")]
    for file in files:
        whole = file.read_bytes()
        for kind in ("zip.pth", "4.pkl"):
            file.write_bytes(contents[kind])
            for read in (read_contacts, read_raw):
                try_to_read(read, path)
            assert not mark.exists(), (file.name, kind)
        file.write_bytes(whole)


def try_to_read(read, path):
    """Read what may or may not be readable; what matters is that nothing runs."""
    try:
        read(path)
    except (ValueError, FileNotFoundError, KeyError):
        return


SAFE_ARGUMENTS = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", 0)}
UNSAFE = {
    "pickle.load",
    "pickle.loads",
    "pd.read_pickle",
    "joblib.load",
    "shelve.open",
    "marshal.loads",
    "yaml.load",
    "eval",
    "exec",
}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_the_source_has_no_reader_that_runs_files(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        assert name not in UNSAFE, f"line {node.lineno}: {name}"
        given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
        assert not given.get("allow_pickle"), f"line {node.lineno}: {name}"
        if name in SAFE_ARGUMENTS:
            argument, value = SAFE_ARGUMENTS[name]
            assert given.get(argument) == value, f"line {node.lineno}: {name}"
        if name.endswith("Unpickler"):
            assert path.name == "_pickle.py", f"line {node.lineno}: {name}"
