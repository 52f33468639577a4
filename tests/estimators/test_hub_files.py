"""Estimators on a hub and in folders: safetensors only, private if nothing is said."""

import pickle
import re
import shutil
import sys

import numpy as np
import pytest
import safetensors.torch
import torch
from harmful import Touch
from toy_trials import output

from mne_duin import DuINClassifier, DuINVQVAE, from_pretrained

hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    """A hub whose repositories are folders; what it was told is noted."""
    notes = {}

    def create_repo(self, repo_id, *, private, exist_ok):
        assert exist_ok
        notes.update(private=private, token=self.token, endpoint=self.endpoint)
        (tmp_path / "hub" / repo_id).mkdir(parents=True, exist_ok=True)
        return f"https://hub.example/{repo_id}"

    def upload_folder(self, *, repo_id, folder_path, commit_message):
        notes["message"] = commit_message
        target = tmp_path / "hub" / repo_id
        shutil.copytree(folder_path, target, dirs_exist_ok=True)

    monkeypatch.setattr(hub.HfApi, "create_repo", create_repo)
    monkeypatch.setattr(hub.HfApi, "upload_folder", upload_folder)
    return tmp_path / "hub", notes


@pytest.mark.parametrize("kind", ["vqvae", "mae", "classifier"])
@pytest.mark.by_default("classifier")
def test_up_and_down_again(kind, fitted, trials, uploads, serve, tmp_path):
    folder, notes = uploads
    url = fitted[kind].push_to_hub("lab/words", token="hf_x")
    assert url == "https://hub.example/lab/words"
    assert notes["private"] is True
    assert notes["token"] == "hf_x"
    assert notes["message"] == f"Upload {type(fitted[kind]).__name__}"
    repository = folder / "lab" / "words"
    assert sorted(p.name for p in repository.iterdir()) == [
        "README.md",
        "model.safetensors",
    ]
    expected = output(fitted[kind], trials[0])
    assert np.array_equal(output(from_pretrained(repository), trials[0]), expected)
    with serve(repository) as server:
        where = {"endpoint": server.endpoint, "cache_dir": tmp_path / "cache"}
        again = from_pretrained("lab/words", **where)
        assert np.array_equal(output(again, trials[0]), expected)
        again = type(fitted[kind]).from_pretrained("lab/words", **where)
        assert np.array_equal(output(again, trials[0]), expected)
    assert {r.rpartition("/")[2] for r in server.requests} == {"model.safetensors"}


def test_the_card_says_what_is_in_it(fitted, uploads):
    folder, notes = uploads
    message = "lab/words can be read by everyone.*channel names.*ethics board"
    with pytest.warns(RuntimeWarning, match=message):
        fitted["classifier"].push_to_hub("lab/words", licence="cc0-1.0", private=False)
    assert notes["private"] is False
    text = (folder / "lab/words/README.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlicense: cc0-1.0\nlibrary_name: mne-duin\n")
    for name in fitted["classifier"].ch_names_:
        assert re.search(rf"\| channels \|.*\b{name}\b", text), name
    assert "| classes | ba, da, ga |" in text
    assert "| sampling rate | 1000 Hz |" in text
    assert f"| n_layers | {fitted['classifier'].n_layers} |" in text
    assert "consent and your ethics board" in text
    assert 'from_pretrained("lab/words")' in text
    fitted["vqvae"].push_to_hub("lab/codes")
    text = (folder / "lab/codes/README.md").read_text(encoding="utf-8")
    assert "license: other" in text
    assert "all rights are reserved" in text


def test_a_class_takes_its_own_kind_only(fitted, tmp_path):
    fitted["classifier"].save(tmp_path / "model.safetensors")
    assert isinstance(DuINClassifier.from_pretrained(tmp_path), DuINClassifier)
    with pytest.raises(ValueError, match="holds a DuINClassifier, no DuINVQVAE"):
        DuINVQVAE.from_pretrained(tmp_path)


def test_what_is_not_there(fitted, serve, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no model.safetensors in"):
        from_pretrained(tmp_path)
    for missing in (tmp_path / "missing", "nowhere", "a/b/c"):
        with pytest.raises(FileNotFoundError, match="is neither a folder nor of the f"):
            from_pretrained(missing)
    with pytest.raises(TypeError, match="`repo_id_or_folder` must be str or Path"):
        from_pretrained(None)
    (tmp_path / "README.md").write_text("nothing")
    with serve(tmp_path) as server:
        options = {"endpoint": server.endpoint, "cache_dir": tmp_path / "cache"}
        with pytest.raises(FileNotFoundError, match="no model.safetensors in 'lab/wor"):
            from_pretrained("lab/words", **options)
    with pytest.raises(ValueError, match="not fitted"):
        DuINClassifier().push_to_hub("lab/words")
    with pytest.raises(TypeError, match="`repo_id` must be str"):
        fitted["vqvae"].push_to_hub(None)


@pytest.mark.parametrize("kind", ["pickle", "torch", "foreign", "empty"])
@pytest.mark.by_default("pickle", "foreign")
def test_other_files_are_refused_and_not_run(kind, serve, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "hub" / "model.safetensors"
    path.parent.mkdir()
    if kind == "torch":
        torch.save({"trap": Touch(mark)}, tmp_path / "trap.pth")
        torch.load(tmp_path / "trap.pth", weights_only=False)
        shutil.copy(tmp_path / "trap.pth", path)
    elif kind == "foreign":
        safetensors.torch.save_file({"a": torch.ones(2)}, path)
    else:
        path.write_bytes(pickle.dumps(Touch(mark)) if kind == "pickle" else b"")
        if kind == "pickle":
            pickle.loads(path.read_bytes())
    assert mark.exists() == (kind in ("pickle", "torch")), "the trap itself must work"
    mark.unlink(missing_ok=True)
    with serve(path.parent) as server:
        options = {"endpoint": server.endpoint, "cache_dir": tmp_path / "cache"}
        for source, more in ((path.parent, {}), ("lab/words", options)):
            with pytest.raises(ValueError, match="not a checkpoint of mne_duin"):
                from_pretrained(source, **more)
    assert not mark.exists()


def test_without_the_package(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"mne-duin\[hub\]"):
        fitted["vqvae"].push_to_hub("lab/words")
    with pytest.raises(ImportError, match=r"mne-duin\[hub\]"):
        from_pretrained("lab/words")
