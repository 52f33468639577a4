"""The published branch: a folder for each version, and the list of the switcher."""

import importlib.util
import json
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "doc" / "publish_pages.py"
SPEC = importlib.util.spec_from_file_location("publish_pages", PATH)
pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pages)


@pytest.fixture
def html(tmp_path):
    folder = tmp_path / "html"
    (folder / "binder").mkdir(parents=True)
    (folder / "binder" / "requirements.txt").write_text("mne-duin\n")
    (folder / "index.html").write_text("first")
    return folder


def test_versions_are_listed_with_the_newest_release_preferred(html, tmp_path):
    branch = tmp_path / "branch"
    for version in ("dev", "0.9.0", "0.10.0", "0.2.1"):
        pages.publish(html, branch, version, "https://pages")
    listed = json.loads((branch / "versions.json").read_text())
    assert [each["version"] for each in listed] == ["dev", "0.10.0", "0.9.0", "0.2.1"]
    assert [each["version"] for each in listed if each.get("preferred")] == ["0.10.0"]
    assert listed[1]["url"] == "https://pages/0.10.0/"
    assert "url=0.10.0/index.html" in (branch / "index.html").read_text()
    assert (branch / "binder" / "requirements.txt").read_text() == "mne-duin\n"


def test_a_version_is_replaced_and_the_others_are_kept(html, tmp_path):
    branch = tmp_path / "branch"
    (html / "old.html").write_text("old")
    pages.publish(html, branch, "0.1.0")
    pages.publish(html, branch, "dev")
    assert "url=0.1.0/" in (branch / "index.html").read_text()
    (html / "old.html").unlink()
    (html / "index.html").write_text("second")
    pages.publish(html, branch, "dev")
    assert not (branch / "dev" / "old.html").exists()
    assert (branch / "dev" / "index.html").read_text() == "second"
    assert (branch / "0.1.0" / "index.html").read_text() == "first"
    assert (branch / "0.1.0" / "old.html").exists()


@pytest.mark.parametrize("version", ["", "..", "v0.1.0", "0.1.0/..", "main"])
def test_other_names_are_refused(html, tmp_path, version):
    with pytest.raises(ValueError, match="must be 'dev' or a release"):
        pages.publish(html, tmp_path / "branch", version)
    assert not (tmp_path / "branch").exists()


def test_pages_must_be_built(tmp_path):
    with pytest.raises(FileNotFoundError, match="no built pages"):
        pages.publish(tmp_path, tmp_path / "branch", "dev")
