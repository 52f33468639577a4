"""The whole path through the command line, and every way it can be refused."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from mne_duin import read_estimator, read_result, write_simulated_bids
from mne_duin.cli import main
from mne_duin.datasets import SimulationSettings
from mne_duin.estimators.presets import PRESETS
from mne_duin.workflows.decoding import (
    CODEX_ONLY,
    LDA,
    MAIN,
    SCRATCH,
    WITH_LDA,
    decode_words,
)

TASK = ["--task", "wordreading"]


@pytest.fixture(scope="module")
def bids_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("bids") / "dataset"
    settings = SimulationSettings(n_words=3, n_trials_per_word=4, n_runs=2, rest=2.0)
    return write_simulated_bids(root, subjects={"01": settings}, random_state=1)


@pytest.fixture
def copy_of(bids_root, tmp_path):
    return shutil.copytree(bids_root, tmp_path / "copy")


@pytest.fixture(scope="module")
def decoded(bids_root, tmp_path_factory):
    """One short run of the command, with networks trained for a moment."""
    out = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        for recipe in PRESETS["quick"].values():
            patch.setitem(recipe, "max_iter", 2)
        status = main(
            ["decode", str(bids_root), "--subject", "01", *TASK, "--quiet"]
            + ["--align", "response_time", "--out", str(out)]
        )
    assert status == 0
    return out


def refused(capsys, root, *arguments):
    """Run the command; return its sentence and what it left behind."""
    out = root.parent / "out"
    command = ["decode", str(root), "--quiet", "--out", str(out), *arguments]
    status = main(command)
    message = capsys.readouterr().err
    assert status == 2
    assert not out.exists() or not list(out.iterdir())
    errors = [line for line in message.splitlines() if "error:" in line]
    assert len(errors) == 1
    return errors[0]


def test_decode_writes_what_it_promises(decoded):
    folder = decoded / "sub-01"
    assert [path.name for path in decoded.iterdir()] == ["sub-01"]
    assert (folder / "report.html").stat().st_size > 100_000
    table = pd.read_csv(folder / "predictions.tsv", sep="\t")
    assert len(table) == 12
    probabilities = table.drop(columns=["y_true", "y_pred", "fold"])
    assert list(probabilities) == sorted(table["y_true"].unique())
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    contacts = pd.read_csv(folder / "contacts.tsv", sep="\t", index_col="name")
    classifier = read_estimator(folder / "model" / "classifier.safetensors")
    assert classifier.ch_names_ == list(contacts.index)
    assert set(contacts["region"]) <= {"vSMC", "STG"}
    names = {path.stem for path in (folder / "results").glob("*.json")}
    assert len(names) == 5


def test_held_out_run_is_never_trained_on(decoded):
    result = read_result(decoded / "sub-01" / "predictions.json")
    assert result.epoch.tolist() == list(range(12, 24))
    assert not result.leaks
    for name in ("vqvae", "mae"):
        stage = read_estimator(decoded / "sub-01" / "model" / f"{name}.safetensors")
        assert set(stage.fit_groups_) == {"1"}
    summary = json.loads((decoded / "sub-01" / "predictions.json").read_text("utf-8"))
    assert "last-run (1 fold), clean protocol, 12 test trials" in summary["summary"]


def test_report_names_all_results_and_the_effect_of_pretraining(decoded):
    text = (decoded / "sub-01" / "report.html").read_text(encoding="utf-8")
    for name in (MAIN, SCRATCH, CODEX_ONLY, LDA, WITH_LDA):
        assert name in text
    assert "held-out trials" in text


def test_refuses_to_overwrite_when_told(decoded, bids_root):
    with pytest.raises(FileExistsError, match="overwrite=True"):
        decode_words(bids_root, "01", out=decoded, overwrite=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--subject", "09", *TASK], ["09", "01"]),
        (["--subject", "01", "--task", "nap"], ["nap", "wordreading"]),
        (["--subject", "01", *TASK, "--labels", "xyz"], ["xyz", "trial_type"]),
        (["--subject", "01", *TASK, "--label-column", "word2"], ["word2"]),
        (["--subject", "01", *TASK, "--regions", "SMG"], ["SMG", "vSMC", "STG"]),
        (["--subject", "01", *TASK, "--regions", "moon"], ["moon", "vSMC"]),
        (["--subject", "01", *TASK, "--run", "1"], ["one run"]),
        (["--subject", "01", *TASK, "--align", "when"], ["when"]),
        (["--subject", "01", *TASK, "--tmin", "2", "--tmax", "1"], ["tm"]),
    ],
)
def test_arguments_that_do_not_fit(bids_root, capsys, arguments, words):
    message = refused(capsys, bids_root, *arguments)
    for word in words:
        assert word in message


def edit_tables(root, pattern, function):
    paths = sorted(root.rglob(pattern))
    assert paths
    for path in paths:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
        table = function(table)
        table.to_csv(path, sep="\t", index=False)


def test_one_class_only(copy_of, capsys):
    edit_tables(copy_of, "*_events.tsv", lambda t: t.assign(trial_type="ba"))
    message = refused(capsys, copy_of, "--subject", "01", *TASK)
    assert "one label" in message
    assert "ba" in message


def drop_most_of_first_class(table):
    first = sorted(table["trial_type"].unique())[0]
    rows = table.index[table["trial_type"] == first]
    return table.drop(rows[1:])


def test_too_few_trials_of_a_class(copy_of, capsys):
    edit_tables(copy_of, "*_events.tsv", drop_most_of_first_class)
    message = refused(capsys, copy_of, "--subject", "01", *TASK)
    assert "1 trials" in message


def forget_anatomy(table):
    table = table.drop(columns=["desikan_label"])
    return table.assign(x="n/a", y="n/a", z="n/a")


def test_neither_coordinates_nor_labels(copy_of, capsys):
    edit_tables(copy_of, "*_electrodes.tsv", forget_anatomy)
    message = refused(capsys, copy_of, "--subject", "01", *TASK)
    assert "electrodes.tsv" in message or "coordinates" in message


def test_flat_channel_is_named(copy_of, capsys):
    for path in copy_of.rglob("*_ieeg.eeg"):
        header = path.with_suffix(".vhdr").read_text(encoding="utf-8")
        n_channels = int(header.split("NumberOfChannels=")[1].split()[0])
        data = np.fromfile(path, "<i2").reshape(-1, n_channels)
        data[:, :3] = 0
        data.tofile(path)
    message = refused(capsys, copy_of, "--subject", "01", *TASK)
    assert "flat" in message
    assert "bad" in message


def test_sampling_rate_below_what_the_filters_need(tmp_path, capsys):
    settings = SimulationSettings(
        n_words=2, n_trials_per_word=2, n_runs=2, rest=1.0, sfreq=380.0
    )
    root = write_simulated_bids(
        tmp_path / "slow", subjects={"01": settings}, random_state=1
    )
    message = refused(capsys, root, "--subject", "01", *TASK)
    assert "380" in message
    assert "200" in message


def test_contacts_command(bids_root, tmp_path, capsys):
    picture, table = tmp_path / "contacts.png", tmp_path / "contacts.tsv"
    command = ["contacts", str(bids_root), "--subject", "01", "--quiet"]
    assert main([*command, "--plot", str(picture), "--out", str(table)]) == 0
    assert "vSMC" in capsys.readouterr().out
    assert picture.stat().st_size > 10_000
    assert "TI'4" in pd.read_csv(table, sep="\t", index_col="name").index


def test_sys_info_and_version(capsys):
    assert main(["sys-info"]) == 0
    assert "torch" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
