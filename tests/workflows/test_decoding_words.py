"""The whole path through the command line, and every way it can be refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mne_duin import (
    make_report,
    predict_words,
    read_decoding,
    read_estimator,
    read_result,
    write_simulated_bids,
)
from mne_duin.cli import main
from mne_duin.datasets import SimulationSettings
from mne_duin.estimators import _probe
from mne_duin.estimators._probe import WEIGHT_IF_BETTER, judge_pretraining
from mne_duin.estimators.presets import PRESETS
from mne_duin.training import PretrainingCheck
from mne_duin.training._check import FROZEN, NETWORK, RAW
from mne_duin.utils._pooling import pool_probabilities
from mne_duin.workflows import _held_out, _pretraining
from mne_duin.workflows import decoding as job
from mne_duin.workflows.decoding import (
    BOTH,
    CODEX_ONLY,
    LDA,
    MAIN,
    SCRATCH,
    UNUSED,
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


def report_without_pictures(classifier, epochs, contacts, **given):
    """The report of results, not of networks and contacts."""
    names = ("results", "curve", "parameters")
    return make_report(**{name: given[name] for name in names})


@pytest.fixture(scope="module")
def decoded(bids_root, tmp_path_factory):
    """One short run of the command, with networks trained for a moment."""
    out = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        # After two passes nothing is learned.
        patch.setattr(job, "judge_pretraining", lambda *_: (True, "", 0.7))
        assert decode_shortly(patch, bids_root, out) == 0
    return out


def decode_shortly(patch, bids_root, out):
    """Run the command with small networks, without pictures; return its status."""
    for recipe in PRESETS["quick"].values():
        patch.setitem(recipe, "max_iter", 2)
    # Costs and the report's pictures have tests of their own.
    patch.setattr(_pretraining, "log_costs", lambda *_: None)
    patch.setattr(job, "make_report", report_without_pictures)
    # Four trials per word are left; the calibration of an LDA needs three.
    patch.setattr(_held_out, "CURVE_AMOUNTS", (3,))
    return main(
        ["decode", str(bids_root), "--subject", "01", *TASK, "--quiet"]
        # Other processes would not know the patches.
        + ["--align", "response_time", "--out", str(out), "--n-jobs", "1"]
    )


def file_of(out, name):
    """The one file of the decoding whose name ends so."""
    (path,) = (out / "sub-01" / "ieeg").glob(f"sub-01_*_desc-decodeVSMCSTG_{name}")
    return path


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
    names = sorted(path.name for path in decoded.iterdir())
    assert names == [".bidsignore", "dataset_description.json", "sub-01"]
    assert file_of(decoded, "report.html").stat().st_size > 100_000
    table = pd.read_csv(file_of(decoded, "predictions.tsv"), sep="\t")
    assert len(table) == 12
    probabilities = table.drop(columns=["y_true", "y_pred", "fold"])
    assert list(probabilities) == sorted(table["y_true"].unique())
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    contacts = pd.read_csv(file_of(decoded, "contacts.tsv"), sep="\t", index_col="name")
    classifier = read_estimator(file_of(decoded, "classifier.safetensors"))
    assert classifier.ch_names_ == list(contacts.index)
    assert set(contacts["region"]) <= {"vSMC", "STG"}
    places = contacts[["x", "y", "z"]]
    np.testing.assert_array_equal(places, places.round(2))
    scores = pd.read_csv(file_of(decoded, "metrics.tsv"), sep="\t", index_col=0)
    assert list(scores.index) == [MAIN, CODEX_ONLY, SCRATCH, BOTH, LDA, WITH_LDA]
    others = list((decoded / "sub-01" / "ieeg").glob("*_model-*_predictions.tsv"))
    assert len(others) == 5
    curve = pd.read_csv(file_of(decoded, "learningcurve.tsv"), sep="\t")
    assert set(curve["n_per_class"]) == {3}
    assert list(curve["estimator"]) == [MAIN, SCRATCH, BOTH, LDA, WITH_LDA]
    again = read_decoding(decoded)
    pd.testing.assert_frame_equal(again.curve, curve)
    assert "Highest: " in str(again)


def test_both_networks_are_pooled_with_the_weight_of_the_check(decoded):
    results = read_decoding(decoded).results
    said = [results[name].probabilities for name in (MAIN, SCRATCH, BOTH)]
    assert np.allclose(said[2], pool_probabilities(said[:2], (0.7, 0.3)), atol=1e-5)
    assert not np.allclose(said[2], pool_probabilities(said[:2]), atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("default:.*encoder is not used")
def test_an_encoder_that_learned_nothing_is_not_used(
    bids_root, tmp_path, monkeypatch, capsys
):
    # The power of unmixed channels can be read without any learning.
    monkeypatch.setitem(PRESETS["quick"]["vqvae"], "bands", "raw")
    assert decode_shortly(monkeypatch, bids_root, tmp_path) == 0
    assert "encoder is not used: 'Du-IN' is trained" in capsys.readouterr().err
    decoding = read_decoding(tmp_path)
    names = [MAIN, UNUSED, SCRATCH, LDA, WITH_LDA]
    assert sorted(decoding.results) == sorted(names)
    main_result, scratch = (decoding.results[name] for name in (MAIN, SCRATCH))
    np.testing.assert_array_equal(main_result.probabilities, scratch.probabilities)
    assert decoding.classifier.pretrained is None
    curve = pd.read_csv(file_of(tmp_path, "learningcurve.tsv"), sep="\t")
    assert list(curve["estimator"]) == [MAIN, UNUSED, LDA, WITH_LDA]


@pytest.mark.parametrize("learned", [None, True, False])
@pytest.mark.parametrize("frozen", [0.3, 0.56, 0.6, 0.64, 0.7])
def test_pretraining_is_judged_by_recording_and_trials(learned, frozen, monkeypatch):
    table = pd.DataFrame({"method": [FROZEN, RAW], "accuracy": [frozen, 0.6]})
    table.attrs["standard_error"] = 0.05
    monkeypatch.setattr(_probe, "probe_encoder", lambda *_, **__: table)
    check = None
    if learned is not None:
        rows = [("hidden codes", NETWORK, 0.5), ("hidden codes", "mean", 0.7)]
        values = pd.DataFrame(rows, columns=["quantity", "method", "value"])
        measure = "error" if learned else "accuracy"
        check = PretrainingCheck(values, measure, n_segments=9)
    monkeypatch.setattr(_probe, "unwrap", lambda *_: SimpleNamespace(check_=check))
    classifier = SimpleNamespace(pretrained=None)
    is_used, why, weight = judge_pretraining(classifier, None, None)
    # A stage that has shown that it learned may be a little worse than the signal; one
    # that has shown nothing has to be clearly better.
    assert is_used == (frozen > {True: 0.551, False: 0.601, None: 0.651}[learned])
    assert ("within one standard error" in why) == (learned is None and frozen == 0.64)
    assert weight == (WEIGHT_IF_BETTER if frozen > 0.651 else 0.5)
    is_named = learned is False and frozen > 0.601
    assert ("read better with the encoder" in why) == is_named
    assert f"{100 * frozen:.0f} % of the words from the frozen encoder" in why


def test_the_curve_says_which_decoder_is_best_with_how_many_trials():
    columns = {"chance": 0.5, "log_loss": 0.6, "repeat": 0, "n_test": 10}
    columns |= {"seconds_fit": 1.0}
    rows = [
        {"estimator": name, "n_per_class": amount, "accuracy": accuracy} | columns
        for amount, pair in ((5, (0.4, 0.3)), (10, (0.5, 0.8)))
        for name, accuracy in zip((MAIN, LDA), pair, strict=True)
    ]
    text = job.describe_curve(pd.DataFrame(rows))
    assert text.splitlines()[-1] == f"Highest: {MAIN} with 5; {LDA} with 10."
    assert text.splitlines()[-2].split() == ["10", "50.0", "%", "80.0", "%"]


def test_no_two_files_hold_the_same(decoded):
    contents = [path.read_bytes() for path in decoded.rglob("*") if path.is_file()]
    assert len(contents) == len(set(contents))


def test_networks_take_two_thirds_of_the_place_they_took(decoded):
    sizes = [path.stat().st_size for path in decoded.rglob("*.safetensors")]
    assert len(sizes) == 2
    assert sum(sizes) < 70e6


@pytest.mark.parametrize(
    "name", ["predictions", "metrics", "learningcurve", "contacts"]
)
def test_every_column_is_described_and_the_settings_are_there(decoded, name):
    table = pd.read_csv(file_of(decoded, f"{name}.tsv"), sep="\t")
    sidecar = json.loads(file_of(decoded, f"{name}.json").read_text("utf-8"))
    for column in table.columns:
        assert sidecar[column]["Description"].endswith(".")
    settings = sidecar["Settings"]
    assert settings["align"] == "response_time"
    assert settings["regions"] == ["vSMC", "STG"]


def test_the_settings_of_the_networks_are_resolved(decoded):
    sidecar = json.loads(file_of(decoded, "predictions.json").read_text("utf-8"))
    networks = sidecar["Networks"]
    assert set(networks) == {"vqvae", "mae", "classifier"}
    assert networks["vqvae"]["max_iter"] == 2
    assert networks["classifier"]["batch_size"] == 32


def test_held_out_run_is_never_trained_on(decoded):
    result = read_result(file_of(decoded, "predictions.json"))
    assert result.epoch.tolist() == list(range(12, 24))
    assert not result.leaks
    mae = read_estimator(file_of(decoded, "mae.safetensors"))
    for stage in (mae, mae.vqvae_):
        assert set(stage.fit_groups_) == {"1"}
    summary = json.loads(file_of(decoded, "predictions.json").read_text("utf-8"))
    assert "last-run (1 fold), clean protocol, 12 test trials" in summary["summary"]


def test_report_names_all_results_and_the_effect_of_pretraining(decoded):
    text = file_of(decoded, "report.html").read_text(encoding="utf-8")
    for name in (MAIN, SCRATCH, BOTH, CODEX_ONLY, LDA, WITH_LDA):
        assert name in text
    assert "held-out trials" in text


def test_bids_accepts_the_derivative(decoded):
    command = shutil.which("bids-validator-deno", path=Path(sys.executable).parent)
    if command is None:
        pytest.skip("the validator of BIDS is not installed")
    done = subprocess.run(
        [command, str(decoded), "--json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_an_earlier_decoding_is_not_replaced(decoded, bids_root):
    given = {"out": decoded, "task": "wordreading", "align": "response_time"}
    with pytest.raises(FileExistsError, match="made already in"):
        decode_words(bids_root, "01", **given)
    message = "preset 'quick' -> 'paper'.*overwrite=True"
    with pytest.raises(FileExistsError, match=message):
        decode_words(bids_root, "01", preset="paper", **given)


@pytest.mark.slow
def test_a_saved_decoding_is_read_and_reported_again(decoded, bids_root, tmp_path):
    decoding = read_decoding(decoded)
    assert list(decoding.results) == [MAIN, CODEX_ONLY, SCRATCH, BOTH, LDA, WITH_LDA]
    assert decoding.classifier.ch_names_ == list(decoding.contacts.index)
    other = tmp_path / "again.html"
    command = ["report", str(decoded), "--out", str(other), "--quiet"]
    assert main(command) == 0
    # The files do not say this; it is read again.
    text = other.read_text("utf-8")
    assert "Excluded contacts" in text
    assert "re-referenced to the neighboring contact" in text
    assert main(command) == 2
    shutil.copytree(decoded, tmp_path / "copy")
    path = file_of(tmp_path / "copy", "report.html")
    before = path.read_bytes()
    assert main(["report", str(tmp_path / "copy"), "--quiet"]) == 2
    assert path.read_bytes() == before
    assert main(["report", str(path), "--quiet", "--overwrite"]) == 0
    assert path.read_bytes() != before
    manifest = json.loads(
        file_of(tmp_path / "copy", "manifest.json").read_text("utf-8")
    )
    assert len(manifest["Files"]) == len(list(path.parent.iterdir())) - 1


def test_a_saved_decoder_predicts_new_recordings(decoded, bids_root, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["predict", str(decoded), str(bids_root), "--subject", "01", "--run", "2"]
    assert main([*command, "--quiet", "--out", str(out)]) == 0
    assert "12 trials of 3 labels" in capsys.readouterr().out
    (path,) = out.rglob("*_predictions.tsv")
    table = pd.read_csv(path, sep="\t", dtype={"run": str})
    known = read_result(file_of(decoded, "predictions.json"))
    assert table["y_pred"].tolist() == known.y_pred.tolist()
    assert set(table["run"]) == {"2"}
    sidecar = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert set(table.columns) <= set(sidecar)
    (config,) = out.rglob("*_config.yaml")
    again = [
        "predict",
        "--config",
        str(config),
        "--quiet",
        "--out",
        str(tmp_path / "c"),
    ]
    assert main([*again, "--out", str(tmp_path / "c")]) == 0
    (other,) = (tmp_path / "c").rglob("*_predictions.tsv")
    assert other.read_bytes() == path.read_bytes()
    capsys.readouterr()
    assert main([*command, "--quiet", "--out", str(tmp_path / "b"), "--tmax", "2"]) == 2
    assert "fitted to epochs from -0.5 to 2.5 s" in capsys.readouterr().err


def test_the_lda_predicts_new_recordings(decoded, bids_root):
    options = {"run": "2", "verbose": False}
    found = predict_words(decoded, bids_root, "01", decoder="lda", **options)
    path = file_of(decoded, "model-shrinkagelda_classifier.skops")
    again = predict_words(path, bids_root, "01", **options)
    known = read_result(file_of(decoded, "model-shrinkagelda_predictions.json"))
    assert found.table["y_pred"].tolist() == known.y_pred.tolist()
    assert again.table.equals(found.table)
    with pytest.warns(RuntimeWarning, match="was trained on run 1"):
        predict_words(decoded, bids_root, "01", decoder="lda", verbose=False)
    with pytest.raises(ValueError, match="`decoder` must be one of 'network', 'lda'"):
        predict_words(decoded, bids_root, "01", decoder="vote")


@pytest.mark.slow
def test_predictions_of_runs_that_were_learned_from_are_told(decoded, bids_root):
    with pytest.warns(RuntimeWarning, match="was trained on run 1"):
        found = predict_words(decoded, bids_root, "01", verbose=False)
    assert len(found.table) == 24


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--subject", "09", *TASK], ["09", "01"]),
        (["--subject", "01", "--task", "nap"], ["nap", "wordreading"]),
        (["--subject", "01", *TASK, "--words", "xyz"], ["xyz", "trial_type"]),
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
    assert "All trials have the label" in message
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
