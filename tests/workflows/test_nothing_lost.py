"""Whatever was there before a command is there afterwards, byte for byte."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from mne_duin import evaluate, write_simulated_bids
from mne_duin.cli import main
from mne_duin.datasets import SimulationSettings
from mne_duin.utils._places import check_place
from mne_duin.workflows import _ablating as ablating
from mne_duin.workflows import _comparing as comparing
from mne_duin.workflows import _pretraining as pretraining
from mne_duin.workflows import decoding

FOREIGN = ("notes.txt", "pretraining/vqvae.safetensors", "compare.tsv", "lda.json")


@pytest.fixture(scope="module")
def bids_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("bids") / "dataset"
    simulation = SimulationSettings(n_words=2, n_trials_per_word=3, n_runs=2, rest=2.0)
    return write_simulated_bids(root, subjects={"01": simulation}, random_state=1)


def contents(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("command", [["decode"], ["pretrain"], ["compare"]])
@pytest.mark.parametrize("place", ["", "sub-01", "sub-01/ieeg", "results", "link"])
def test_results_among_the_recordings_are_refused(
    bids_root, tmp_path, capsys, command, place
):
    root = shutil.copytree(bids_root, tmp_path / "dataset")
    (tmp_path / "link").symlink_to(root)
    out = tmp_path / "link" if place == "link" else root / place
    before = contents(root)
    arguments = [*command, str(root), "--subject", "01", "--quiet", "--out", str(out)]
    assert main(arguments) == 2
    assert "Write to its folder 'derivatives'" in capsys.readouterr().err
    assert contents(root) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["contacts", "{root}", "--subject", "01", "--out", "{raw}"],
        ["contacts", "{root}", "--subject", "01", "--plot", "{raw}"],
        ["check", "{root}", "--no-samples", "--out", "{raw}"],
        ["convert", "{root}/README", "{raw}"],
        ["decode", "{root}", "--subject", "01", "--checkpoints", "{root}/sub-01"],
        ["compare", "{root}", "--subject", "01", "--memory", "{root}"],
        ["ablate", "{root}", "mask-ratio", "--subject", "01", "--memory", "{root}"],
    ],
    ids=lambda arguments: " ".join(arguments[::4]),
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_single_files_and_caches_among_the_recordings_are_refused(
    bids_root, capsys, arguments, overwrite
):
    raw = next(bids_root.rglob("*_events.tsv"))
    before = contents(bids_root)
    words = [word.format(root=bids_root, raw=raw) for word in arguments]
    # A cache is never replaced, which no option has to allow.
    words += ["--overwrite"] * overwrite
    assert main(words) == 2
    assert "Write to its folder 'derivatives'" in capsys.readouterr().err
    assert contents(bids_root) == before


@pytest.mark.parametrize("text", ["{", "[]", '\ufeff{"BIDSVersion": "1.9.0"}'])
def test_a_dataset_whose_description_is_damaged_is_a_dataset(tmp_path, text):
    description = tmp_path / "dataset_description.json"
    description.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="lies in the dataset"):
        check_place(tmp_path / "results", None)


def test_a_table_that_is_there_is_not_replaced(bids_root, tmp_path, capsys):
    table = tmp_path / "table.tsv"
    table.write_text("mine")
    arguments = ["check", str(bids_root), "--no-samples", "--out", str(table)]
    assert main(arguments) == 2
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert table.read_text() == "mine"
    main([*arguments, "--overwrite"])
    assert table.read_text().startswith("subject\t")


def test_another_raw_dataset_is_refused_as_well(bids_root, tmp_path):
    check_place(tmp_path / "results", bids_root)
    check_place(bids_root / "derivatives" / "mne_duin", bids_root)
    description = {"Name": "other", "BIDSVersion": "1.9.0"}
    path = tmp_path / "dataset_description.json"
    path.write_text(json.dumps(description))
    with pytest.raises(ValueError, match="lies in the dataset"):
        check_place(tmp_path / "results", bids_root)
    path.write_text(json.dumps(description | {"DatasetType": "derivative"}))
    check_place(tmp_path / "results", bids_root)


def test_writing_twice_leaves_what_others_wrote(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "_report", lambda *_: Saved)
    folder = tmp_path / "sub-01"
    for name in FOREIGN:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    before = contents(tmp_path)
    found = decoding.WordDecoding(
        {decoding.MAIN: Saved}, pd.DataFrame({"x": [1]}), Saved, Saved, Saved, folder
    )
    for _ in range(2):
        written = decoding._write(found, None, {})
        assert before.items() <= contents(tmp_path).items()
    assert written.report.read_text() == "saved"


class Saved:
    """Stands for a report, a result and an estimator."""

    history_ = "history"

    @staticmethod
    def save(path, **_):
        path.write_text("saved")


COMMANDS = ("decode", "compare", "ablate", "pretrain")
OPTIONS = {
    "decode": [],
    "compare": ["--estimators", "lda"],
    "ablate": ["mask-ratio"],
    "pretrain": [],
}
PLACES = (
    "", "sub-01", "sub-01/ieeg", "derivatives", "derivatives/mne_duin", "../out",
    "../out/deeper", "../notes.txt", "code",
)  # fmt: skip
ALLOWED = ("derivatives", "derivatives/mne_duin", "../out", "../out/deeper")
PREFIX = "sub-01/ieeg/sub-01_task-wordreading_desc-"
NAMES = (
    "notes.txt",
    ".bidsignore",
    "dataset_description.json",
    "sub-01/report.html",
    "sub-01/ieeg/notes.md",
    "sub-01/pretraining/vqvae.safetensors",
    *(f"{PREFIX}{command}_{end}" for command in ("mine", "x") for end in ("a", "b")),
    f"{PREFIX}mine_report.html",
    f"{PREFIX}mine_metrics.tsv",
    f"{PREFIX}mine_manifest.json",
    f"{PREFIX}mine_mae.safetensors/inside.txt",
    ".mne_duin/notes.txt",
)


@pytest.fixture(scope="module")
def quick(bids_root):
    """All commands, with nothing read and nothing learned."""
    epochs = SimpleNamespace(ch_names=["A1"], metadata=None)
    contacts = pd.DataFrame({"x": [1.0]}, index=pd.Index(["A1"], name="name"))
    y = np.repeat(["ba", "ga"], 4)
    result = evaluate(DummyClassifier(), np.zeros((8, 2)), y, cv=2, verbose=False)
    table = pd.DataFrame({"value": [1], "accuracy": 0.5, "low": 0.1, "high": 0.9,
                          "difference": 0.0, "p_holm": 1.0})  # fmt: skip

    def learn(epochs, segments, contacts, common, folder, checkpoint_dir, **_):
        results = {decoding.MAIN: result}
        return decoding.WordDecoding(results, contacts, None, Saved, Saved, folder)

    with pytest.MonkeyPatch.context() as patch:
        for module in (decoding, comparing, ablating):
            patch.setattr(
                module, "read_words", lambda *_, **__: (epochs, contacts, None)
            )
        patch.setattr(decoding, "check_trials", lambda *_: None)
        patch.setattr(decoding, "_learn", learn)
        patch.setattr(decoding, "_recipe", lambda *_: {})
        patch.setattr(decoding, "_report", lambda *_: Saved)
        patch.setattr(comparing, "evaluate_each", lambda *_, **__: {"lda": result})
        patch.setattr(ablating, "ablate", lambda *_, **__: table)
        for module in (comparing, ablating):
            patch.setattr(module, "save_figure", lambda _, path: path.write_text("png"))
            for name in ("plot_accuracy", "plot_ablation"):
                patch.setattr(module, name, lambda *_, **__: None, raising=False)
        patch.setattr(pretraining, "read_segments", lambda *_, **__: ((), contacts))
        patch.setattr(pretraining, "log_costs", lambda *_: None)
        for name in ("DuINVQVAE", "DuINMAE"):
            stage = SimpleNamespace(fit=lambda *_, **__: Saved, crop_duration=1.0)
            patch.setattr(pretraining, name, lambda *_, _stage=stage, **__: _stage)
        yield bids_root


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_writes_where_it_may(quick, tmp_path, command):
    arguments = [command, str(quick), *OPTIONS[command], "--subject", "01", "--quiet"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    assert list(tmp_path.rglob(f"*_desc-{command}*_manifest.json"))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    commands=st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=3),
    place=st.sampled_from(PLACES),
    names=st.sets(st.sampled_from(NAMES), max_size=6),
    desc=st.sampled_from([None, "mine"]),
    overwrite=st.booleans(),
)
def test_whatever_was_there_is_there_byte_for_byte(
    quick, tmp_path_factory, commands, place, names, desc, overwrite
):
    home = tmp_path_factory.mktemp("lab")
    root = shutil.copytree(quick, home / "bids")
    (home / "notes.txt").write_text("mine")
    out = root / place
    for name in names:
        path = out / name
        # What lies in the BIDS folder as it is stays so as well.
        if not path.exists() and out.name != "notes.txt":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"mine: {name}")
    before = contents(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        for command in commands:
            arguments = [command, str(root), *OPTIONS[command], "--subject", "01"]
            arguments += ["--quiet", "--out", str(out)]
            arguments += [] if desc is None else ["--desc", desc]
            status = main(arguments + ["--overwrite"] * overwrite)
            if not names and place in ALLOWED and commands == [command]:
                assert status == 0
            now = contents(home)
            assert before.items() <= now.items()
            if not overwrite:
                before = now
    shutil.rmtree(home)
