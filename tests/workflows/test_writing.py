"""An analysis is one unit: written whole or not at all, and over nothing else."""

import json
import os
import shutil
import warnings
from contextlib import suppress

import pytest

from mne_duin.workflows import _writing
from mne_duin.workflows._analysis import Analysis, check_desc, default_desc
from mne_duin.workflows._writing import AnalysisWriter, clear_leftovers, read_manifest

SETTINGS = {"command": "decode", "preset": "quick", "root": "bids"}
CALLS = ("replace", "fsync", "unlink", "rename", "link")


class Crash(BaseException):
    """Stands for the end of the process: nothing after it runs."""


@pytest.fixture
def analysis(tmp_path):
    return Analysis(tmp_path / "out", "decodeSTG", "01", task="reading")


def write(
    analysis, text, settings=SETTINGS, names=("a.tsv", "b.html"), root=None, **options
):
    """Write an analysis whose files hold a text."""

    def fill(folder):
        for name in names:
            (folder / analysis.file_name(name)).write_text(text)

    with AnalysisWriter(analysis, root, settings, **options) as writer:
        writer.write(fill)
    return writer


def contents(folder):
    """All files below a folder, without those of the dataset."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def texts(analysis):
    """The texts of the files of an analysis, by their last part."""
    found = sorted(analysis.folder.glob(f"{analysis.prefix}_*"))
    return {
        path.name.rsplit("_", 1)[1]: path.read_text()
        for path in found
        if path != analysis.manifest
    }


def test_names_are_those_of_bids():
    analysis = Analysis("out", "decodeSTG", "01", "1", "reading", "clinical")
    assert str(analysis.path("metrics.tsv", "Du-IN, codex only")) == (
        "out/sub-01/ses-1/ieeg/sub-01_ses-1_task-reading_acq-clinical_desc-decodeSTG"
        "_model-duincodexonly_metrics.tsv"
    )
    group = Analysis("out", "decodeSTG", n_subjects=3)
    assert str(group.folder) == "out/group"
    assert group.prefix == "group_n-3_desc-decodeSTG"


@pytest.mark.parametrize(
    ("regions", "name"),
    [
        (("vSMC", "STG"), "decodeVSMCSTG"),
        (None, "decodeAll"),
        ("superior temporal", "decodeSuperiorTemporal"),
        ({"mine": ["insula"]}, "decodeMine"),
    ],
)
def test_analyses_are_named_after_their_regions(regions, name):
    assert default_desc("decode", regions) == name


def test_many_regions_make_a_short_name_that_tells_them_apart():
    many = [f"region-{number}" for number in range(40)]
    first, second = default_desc("decode", many), default_desc("decode", many[:-1])
    assert first != second
    assert check_desc(first) == first


@pytest.mark.parametrize("desc", ["a b", "a_b", "../x", "", "ä", "x" * 65])
def test_a_name_that_bids_does_not_allow_is_refused(desc):
    with pytest.raises(ValueError, match="`desc` must be 1 to 64 letters and digits"):
        check_desc(desc)


def test_an_analysis_is_written_with_its_manifest_and_nothing_hidden(analysis):
    write(analysis, "new")
    assert texts(analysis) == {"a.tsv": "new", "b.html": "new"}
    manifest = read_manifest(analysis)
    assert set(manifest["Files"]) == {
        analysis.file_name("a.tsv"),
        analysis.file_name("b.html"),
    }
    assert manifest["Settings"] == SETTINGS
    names = sorted(path.name for path in analysis.out.iterdir())
    assert names == [".bidsignore", "dataset_description.json", "sub-01"]


def test_other_analyses_lie_side_by_side(analysis, tmp_path):
    write(analysis, "first")
    before = contents(tmp_path)
    write(Analysis(analysis.out, "other", "01", task="reading"), "second")
    write(Analysis(analysis.out, "decodeSTG", "02", task="reading"), "third")
    assert before.items() <= contents(tmp_path).items()


def test_an_earlier_analysis_is_replaced_only_when_asked(analysis):
    write(analysis, "old", names=("a.tsv", "c.png"))
    other = SETTINGS | {"preset": "paper"}
    message = "other settings .preset 'quick' -> 'paper'.*--overwrite.*--desc"
    with pytest.raises(FileExistsError, match=message):
        write(analysis, "new", other)
    with pytest.raises(FileExistsError, match="made already"):
        write(analysis, "new")
    assert texts(analysis) == {"a.tsv": "old", "c.png": "old"}
    write(analysis, "new", other, overwrite=True)
    assert texts(analysis) == {"a.tsv": "new", "b.html": "new"}


def test_where_it_was_computed_is_no_other_setting(analysis):
    write(analysis, "same")
    write(analysis, "same", SETTINGS | {"root": "./bids"}, repeat=True)
    assert texts(analysis) == {"a.tsv": "same", "b.html": "same"}


def test_another_dataset_is_another_setting(analysis, tmp_path):
    roots = [tmp_path / "first", tmp_path / "second"]
    for root in roots:
        root.mkdir()
    before, after = (SETTINGS | {"root": str(root)} for root in roots)
    write(analysis, "old", before, root=roots[0])
    with pytest.raises(FileExistsError, match="root .*first' -> .*second'.*desc"):
        write(analysis, "new", after, root=roots[1], repeat=True)
    # A dataset that was moved is the same one.
    roots[0].rename(tmp_path / "moved")
    write(analysis, "old", after, root=tmp_path / "moved", repeat=True)
    assert texts(analysis) == {"a.tsv": "old", "b.html": "old"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_files_that_others_put_there_are_never_replaced(analysis, overwrite):
    mine = analysis.path("report.html")
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(FileExistsError, match="did not write.*report.html"):
        write(analysis, "new", overwrite=overwrite)
    assert mine.read_text() == "mine"
    assert texts(analysis) == {"report.html": "mine"}


def test_files_that_were_changed_since_are_never_replaced(analysis):
    write(analysis, "old")
    analysis.path("a.tsv").write_text("old, with my comment")
    with pytest.raises(FileExistsError, match="changed since: .*_a.tsv"):
        write(analysis, "new", overwrite=True)
    assert texts(analysis) == {"a.tsv": "old, with my comment", "b.html": "old"}


def test_a_manifest_cannot_name_files_of_others(analysis):
    write(analysis, "old")
    victim = analysis.out / "notes.txt"
    victim.write_text("mine")
    digest = _writing.digest_file(victim)
    manifest = json.loads(analysis.manifest.read_text())
    manifest["Files"] |= {"../../notes.txt": digest, "notes.txt": digest}
    analysis.manifest.write_text(json.dumps(manifest))
    write(analysis, "new", overwrite=True)
    assert victim.read_text() == "mine"


def test_what_appears_meanwhile_sends_the_results_elsewhere(
    analysis, tmp_path, monkeypatch
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    def fill(folder):
        (folder / analysis.file_name("a.tsv")).write_text("new")
        analysis.path("a.tsv").write_text("mine")

    with (
        AnalysisWriter(analysis, None, SETTINGS) as writer,
        pytest.warns(RuntimeWarning, match="did not write.*All results are in"),
    ):
        folder = writer.write(fill)
    assert analysis.path("a.tsv").read_text() == "mine"
    assert folder.parent == elsewhere
    assert (folder / analysis.file_name("a.tsv")).read_text() == "new"


def test_one_writer_at_a_time(analysis):
    with AnalysisWriter(analysis, None, SETTINGS):
        with pytest.raises(BlockingIOError, match="Another process is writing"):
            write(analysis, "second")
        other = Analysis(analysis.out, "other", "01")
        write(other, "side by side")
    write(analysis, "now")
    assert texts(analysis) == {"a.tsv": "now", "b.html": "now"}


@pytest.mark.parametrize(
    "place", ["a file", "x" * 300, "/proc/nowhere", "a file/below"]
)
def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path, place):
    (tmp_path / "a file").write_text("here")
    analysis = Analysis(tmp_path / place, "decode", "01")
    with (
        pytest.raises(OSError, match="Results cannot be written to .*--out"),
        AnalysisWriter(analysis, None, SETTINGS),
    ):
        pytest.fail("something was learned")
    assert contents(tmp_path) == {"a file": b"here"}


def test_the_derivative_of_another_program_is_refused(analysis):
    analysis.out.mkdir()
    path = analysis.out / "dataset_description.json"
    path.write_text(json.dumps({"GeneratedBy": [{"Name": "fMRIPrep"}]}))
    with pytest.raises(ValueError, match="derivative dataset of fMRIPrep"):
        write(analysis, "new")
    assert list(contents(analysis.out)) == ["dataset_description.json"]


def test_nothing_is_left_where_nothing_was_written(analysis, tmp_path):
    with (
        pytest.raises(RuntimeError, match="no trials"),
        AnalysisWriter(analysis, None, SETTINGS),
    ):
        raise RuntimeError("no trials")
    assert list(tmp_path.iterdir()) == []


class Interrupter:
    """Lets the n-th call of some functions of the operating system end it all."""

    def __init__(self, monkeypatch, error, moment=None):
        self.count, self.error, self.moment = 0, error, moment
        for name in CALLS:
            monkeypatch.setattr(os, name, self.wrap(getattr(os, name)))

    def wrap(self, function):
        def call(*args, **kwargs):
            self.count += 1
            if self.count == self.moment or (
                isinstance(self.error, Crash)
                and self.moment
                and self.count > self.moment
            ):
                raise self.error
            return function(*args, **kwargs)

        return call


def count_calls(analysis):
    """Number of calls that replacing an analysis makes."""
    write(analysis, "old", names=("a.tsv", "c.png"))
    with pytest.MonkeyPatch.context() as patch:
        counter = Interrupter(patch, None)
        write(analysis, "new", overwrite=True)
    shutil.rmtree(analysis.out)
    return counter.count


OLD = {"a.tsv": "old", "c.png": "old"}
NEW = {"a.tsv": "new", "b.html": "new"}


def test_a_crash_at_any_moment_leaves_the_old_or_the_new(analysis, tmp_path):
    n_calls = count_calls(analysis)
    assert n_calls > 10
    seen = []
    for moment in range(1, n_calls + 1):
        write(analysis, "old", names=("a.tsv", "c.png"))
        with pytest.MonkeyPatch.context() as patch:
            Interrupter(patch, Crash(), moment)
            # All later calls fail as well, as in a process that is gone.
            with pytest.raises(Crash):
                write(analysis, "new", overwrite=True)
        clear_leftovers(analysis.out)
        seen.append(texts(analysis))
        assert seen[-1] in (OLD, NEW)
        write(analysis, "again", overwrite=True)
        assert set(texts(analysis).values()) == {"again"}
        hidden = {path.name for path in analysis.out.rglob(".*")}
        assert hidden == {".bidsignore"}
        shutil.rmtree(analysis.out)
    assert OLD in seen
    assert NEW in seen


def test_an_error_at_any_moment_leaves_the_old_or_the_new(
    analysis, tmp_path, monkeypatch
):
    n_calls = count_calls(analysis)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    n_fallen = 0
    for moment in range(1, n_calls + 1):
        write(analysis, "old", names=("a.tsv", "c.png"))
        with pytest.MonkeyPatch.context() as patch:
            Interrupter(patch, OSError(28, "No space left on device"), moment)
            with warnings.catch_warnings(), suppress(OSError):
                warnings.simplefilter("ignore")
                write(analysis, "new", overwrite=True)
        fallen = list(elsewhere.iterdir())
        assert texts(analysis) in (OLD, NEW)
        if fallen:
            assert texts(analysis) == OLD
            assert (fallen[0] / analysis.file_name("a.tsv")).read_text() == "new"
            n_fallen += 1
            shutil.rmtree(fallen[0])
        shutil.rmtree(analysis.out)
    assert n_fallen > 3
