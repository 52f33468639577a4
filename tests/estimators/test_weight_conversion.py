"""One kind of file becomes another, on the command line too."""

import os
import pickle
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from harmful import Touch

from mne_duin import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    convert_weights,
    from_braindecode,
    read_estimator,
    read_official,
)
from mne_duin.cli import main

OPTIONS = {"bands": "raw", "max_iter": 1, "verbose": False}
NAMES = ["A1", "A2", "B'1", "B'2"]
ENDING = {"mne_duin": "", "published": ".pth", "braindecode": ".safetensors"}


@pytest.fixture(scope="module")
def stages():
    """Small networks of the published kernels, one of each stage."""
    random = np.random.default_rng(0)
    X, y = random.standard_normal((12, 4, 300)), np.array(["ba", "da", "ga"] * 4)
    vqvae = DuINVQVAE(n_layers=1, n_decoder_layers=1, n_codes=4, **OPTIONS)
    mae = DuINMAE(vqvae.fit(X, sfreq=1000), max_iter=1, verbose=False)
    clf = DuINClassifier(
        mae.fit(X, sfreq=1000), skip=False, max_iter=1, max_shift=0, verbose=False
    )
    return {"vqvae": vqvae, "mae": mae, "cls": clf.fit(X, y, sfreq=1000)}


def weights(estimator):
    return estimator.module_.state_dict()


def same(one, other):
    one, other = weights(one), weights(other)
    return one.keys() == other.keys() and all(
        torch.equal(one[n], other[n]) for n in one
    )


@pytest.mark.parametrize(
    "stage", [pytest.param("vqvae", marks=pytest.mark.slow), "mae", "cls"]
)
def test_published_and_ours(stage, stages, tmp_path):
    ours, pth, back = tmp_path / "ours", tmp_path / "a.pth", tmp_path / "back"
    stages[stage].save(ours)
    assert same(convert_weights(ours, pth, to="published"), stages[stage])
    assert same(read_official(pth, stage=stage), stages[stage])
    convert_weights(pth, back, ch_names=NAMES)
    again = read_estimator(back)
    assert same(again, stages[stage])
    assert again.ch_names_ == NAMES


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_ours_and_braindecode(ending, stages, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / f"theirs{ending}"
    stages["cls"].save(ours)
    convert_weights(ours, theirs, to="braindecode")
    assert same(from_braindecode(theirs), stages["cls"])
    options = {"ch_names": NAMES, "classes": ["ba", "da", "ga"]}
    convert_weights(theirs, tmp_path / "back", **options)
    again = read_estimator(tmp_path / "back")
    assert same(again, stages["cls"])
    assert again.classes_.tolist() == options["classes"]
    convert_weights(theirs, tmp_path / "b.pth", to="published")
    assert same(read_official(tmp_path / "b.pth", stage="cls"), stages["cls"])


def test_on_the_command_line(stages, tmp_path, capsys):
    ours, target = tmp_path / "ours", tmp_path / "model.safetensors"
    stages["cls"].save(ours)
    assert main(["convert", str(ours), str(target), "--to", "braindecode"]) == 0
    assert f"DuINClassifier of 4 channels -> {target}" in capsys.readouterr().out
    back = [str(target), str(tmp_path / "back"), "--ch-names", *NAMES]
    assert main(["convert", *back, "--classes", "ba", "da", "ga", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert same(read_estimator(tmp_path / "back"), stages["cls"])
    assert main(["convert", str(tmp_path / "no"), str(tmp_path / "x")]) == 2
    assert "convert: error: There is no file" in capsys.readouterr().err
    assert main(["convert", str(ours), str(tmp_path / "x"), "--to", "published"]) == 2
    assert "must end in .pth; got 'x'" in capsys.readouterr().err


def test_subjects_are_chosen_by_name(tmp_path):
    random = np.random.default_rng(0)
    X, subject = random.standard_normal((12, 4, 300)), np.array([1, 2] * 6)
    vqvae = DuINVQVAE(n_layers=1, n_decoder_layers=1, n_codes=4, **OPTIONS)
    vqvae.fit(X, subject=subject, sfreq=1000).save(tmp_path / "ours")
    target = tmp_path / "b.pth"
    with pytest.raises(ValueError, match=r"`subject` must say which of \[1, 2\]"):
        convert_weights(tmp_path / "ours", target, to="braindecode")
    with pytest.raises(ValueError, match=r"`subject` must be one of \[1, 2\]; got '3'"):
        convert_weights(tmp_path / "ours", target, to="braindecode", subject="3")
    assert not target.exists()
    convert_weights(tmp_path / "ours", target, to="braindecode", subject="2")
    state = torch.load(target, weights_only=True)
    wanted = weights(vqvae)["encoder.spatial.weight"][1]
    assert torch.equal(state["spatial_projection.weight"], wanted)


def test_what_cannot_be_converted(stages, tmp_path):
    path, target = tmp_path / "source", tmp_path / "target"
    stages["cls"].save(path)
    with pytest.raises(ValueError, match="Source and target are the same file"):
        convert_weights(path, path)
    with pytest.raises(ValueError, match="has names of its own; leave out .'ch_names'"):
        convert_weights(path, target, ch_names=NAMES)
    with pytest.raises(ValueError, match="`to` must be one of 'mne_duin', 'published'"):
        convert_weights(path, target, to="onnx")
    with pytest.raises(FileNotFoundError, match="There is no file .*"):
        convert_weights(tmp_path, target)
    torch.save({"a": torch.ones(2), "b": torch.ones(2)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"2 tensors of neither layout.*\['a', 'b'\]"):
        convert_weights(tmp_path / "other.pth", target)
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="1 tensors of neither layout"):
        convert_weights(tmp_path / "other.safetensors", target)
    whole = path.read_bytes()
    for content in (b"", b"text", bytes(50), whole[:-3], whole[:40], os.urandom(99)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="source is damaged"):
            convert_weights(path, target)
    assert not target.exists()


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "a"])
@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_pickle_is_not_run(writer, name, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / name
    if writer == "pickle":
        path.write_bytes(pickle.dumps(Touch(mark)))
        pickle.loads(path.read_bytes())
    else:
        torch.save({"trap": Touch(mark)}, tmp_path / "trap.pth")
        torch.load(tmp_path / "trap.pth", weights_only=False)
        shutil.copy(tmp_path / "trap.pth", path)
    assert mark.exists(), "the trap itself must work"
    mark.unlink()
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        convert_weights(path, tmp_path / "target")
    assert not mark.exists()
