"""``mne-duin pretrain``: models out, and the same command again continues."""

import re
import subprocess
import sys
import warnings

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin import (
    DuINCells,
    open_segments,
    read_decoding,
    read_estimator,
    write_simulated_bids,
)
from mne_duin.cli import main
from mne_duin.datasets import SimulationSettings
from mne_duin.estimators.presets import PRESETS
from mne_duin.workflows import _held_out, _pretraining
from mne_duin.workflows import decoding as decoding_job
from mne_duin.workflows._pretraining import choose_pretraining, fit_stages
from mne_duin.workflows._reading import reading_rate
from mne_duin.workflows.decoding import read_pretrained

COMMAND = ["--subject", "01", "--max-iter", "1", "--device", "cpu"]
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture(scope="module")
def bids_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("bids") / "dataset"
    settings = SimulationSettings(n_words=2, n_trials_per_word=2, n_runs=1, rest=2.0)
    return write_simulated_bids(root, subjects={"01": settings}, random_state=1)


@pytest.fixture(scope="module")
def pretrained(bids_root, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        # All tests of this module train networks of one block.
        patch.setitem(PRESETS["quick"]["vqvae"], "n_layers", 1)
        with patch.context() as first:
            first.setattr(_pretraining, "log_costs", lambda *_: None)
            assert main(["pretrain", str(bids_root), *COMMAND, "--out", str(out)]) == 0
        yield out


def files(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def check_pretraining(out):
    """Networks and checkpoints are there; return the table of contacts."""
    folder = out / "sub-01" / "ieeg"
    begin = "sub-01_task-wordreading_desc-pretrainVSMCSTG"
    mae = read_estimator(folder / f"{begin}_mae.safetensors")
    (checkpoints,) = (folder / f"{begin}_checkpoints").iterdir()
    for name, stage in (("vqvae", mae.vqvae_), ("mae", mae)):
        assert stage.n_iter_ == 1
        kept = (checkpoints / name).glob("checkpoint-*.safetensors")
        assert len(list(kept)) == 1
    contacts = pd.read_csv(folder / f"{begin}_contacts.tsv", sep="\t", index_col="name")
    assert mae.ch_names_ == list(contacts.index)


def test_models_table_and_checkpoints_are_written(pretrained):
    check_pretraining(pretrained)


@pytest.mark.slow
def test_the_same_command_again_makes_no_pass(pretrained, bids_root, capsys):
    before = files(pretrained)
    command = ["pretrain", str(bids_root), *COMMAND, "--out", str(pretrained)]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert "Continuing after pass 1" in output
    assert "VQ-VAE: about" in output
    assert "MAE: about" in output
    assert files(pretrained) == before


def test_other_parameters_are_refused_in_one_sentence(pretrained, bids_root, capsys):
    command = ["pretrain", str(bids_root), *COMMAND, "--out", str(pretrained)]
    assert main([*command, "--seed", "7", "--quiet"]) == 2
    message = capsys.readouterr().err
    assert "made with other settings (random_state 0 -> 7)" in message
    assert "--overwrite" in message


@pytest.mark.slow
def test_two_processes_run_the_same_command(bids_root, tmp_path):
    command = [sys.executable, *TWO, "-m", "mne_duin.cli", "pretrain", str(bids_root)]
    command += ["--subject", "01", "--max-iter", "1", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    # One process speaks, and one writes.
    assert done.stdout.count("VQ-VAE: about") == 1
    assert done.stdout.count("Models of") == 1
    check_pretraining(tmp_path)


@pytest.mark.parametrize(
    ("pretraining", "minutes", "preset", "kind"),
    [
        ("auto", 12, "quick", "codex"),
        ("auto", 19.9, "quick", "codex"),
        ("auto", 20, "quick", "cells"),
        ("auto", 600, "paper", "codex"),
        ("cells", 1, "quick", "cells"),
        ("cells", 1, "paper", "cells"),
        ("codex", 600, "quick", "codex"),
    ],
)
def test_the_amount_of_recording_decides(pretraining, minutes, preset, kind):
    assert choose_pretraining(pretraining, 60 * minutes, preset) == kind


def test_an_unknown_pretraining_is_refused():
    with pytest.raises(ValueError, match="`pretraining` must be .*'cells'"):
        choose_pretraining("masks", 60, "quick")


@pytest.mark.parametrize(
    ("sfreq", "preset", "h_freq", "rate"),
    [
        ("auto", "quick", 200.0, 500),
        ("auto", "quick", None, 500),
        ("auto", "quick", 300, 1000),
        ("auto", "paper", 200.0, 1000),
        (250.0, "paper", 100.0, 250),
        (None, "quick", 200.0, None),
    ],
)
def test_the_rate_that_recordings_are_read_at(sfreq, preset, h_freq, rate):
    assert reading_rate({"sfreq": sfreq, "preset": preset, "h_freq": h_freq}) == rate


@pytest.mark.parametrize(
    ("kind", "options", "trials", "n_tokens"),
    [
        ("cells", {"max_steps": 1}, 0.0, 20),
        ("cells", {"max_steps": 1}, 2.5, 25),
        ("codex", {"max_iter": 1}, 3.5, 35),
        ("codex", {"max_iter": 1}, 9.0, 40),  # no more than a segment
    ],
)
@pytest.mark.filterwarnings("ignore:Pre-training did not learn")
def test_crops_cover_the_trials(monkeypatch, kind, options, trials, n_tokens):
    monkeypatch.setattr(_pretraining, "log_costs", lambda *_: None)
    noise = np.random.default_rng(0).standard_normal((20, 2, 1600))
    segments = mne.EpochsArray(noise, mne.create_info(2, 400.0, "seeg"))
    common = {"preset": "quick", "device": "cpu", "verbose": False, "random_state": 0}
    stages = fit_stages(segments, 80.0, kind, common, trial_duration=trials, **options)
    for stage in stages.values():
        assert stage.module_.encoder.transformer.max_tokens == n_tokens


def test_the_command_takes_the_length_of_the_crops(bids_root, tmp_path):
    command = ["pretrain", str(bids_root), *COMMAND, "--quiet", "--sfreq", "500"]
    command += ["--duration", "2", "--overlap", "0", "--crop-duration", "1.2"]
    assert main([*command, "--out", str(tmp_path)]) == 0
    for stage in read_pretrained(tmp_path).values():
        assert stage.crop_duration == 1.2
        assert stage.module_.encoder.transformer.max_tokens == 12


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("two") / "dataset"
    settings = SimulationSettings(n_words=3, n_trials_per_word=4, n_runs=2, rest=2.0)
    return write_simulated_bids(root, subjects={"01": settings}, random_state=1)


@pytest.fixture(scope="module")
def hidden_cells(two_runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("cells")
    command = ["pretrain", str(two_runs), "--subject", "01", "--run", "1"]
    command += ["--pretraining", "cells", "--max-steps", "2", "--sfreq", "800"]
    command += ["--duration", "2", "--overlap", "1.5"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS["quick"]["cells"], "n_layers", 1)
        patch.setitem(PRESETS["quick"]["cells"], "batch_size", 7)
        with warnings.catch_warnings():
            # Two steps teach nothing.
            warnings.filterwarnings("ignore", "Pre-training did not learn")
            assert main([*command, "--out", str(out), "--quiet"]) == 0
    return out


@pytest.mark.slow
def test_hidden_cells_are_learned_and_gone_on_from(
    hidden_cells, two_runs, tmp_path, monkeypatch
):
    stages = read_pretrained(hidden_cells)
    assert list(stages) == ["cells"]
    assert isinstance(stages["cells"], DuINCells)
    assert stages["cells"].n_steps_ == 2
    # The rate is that of the pre-training, whatever the preset says.
    given = {"sfreq": "auto", "preset": "quick", "h_freq": 200.0}
    assert reading_rate(given, stages["cells"]) == 800
    monkeypatch.setattr(decoding_job, "judge_pretraining", lambda *_: (True, "", 0.5))
    monkeypatch.setattr(_held_out, "CURVE_AMOUNTS", (3,))
    monkeypatch.setitem(PRESETS["quick"]["classifier"], "max_iter", 1)
    command = ["decode", str(two_runs), "--subject", "01", "--task", "wordreading"]
    command += ["--pretrained", str(hidden_cells), "--out", str(tmp_path), "--quiet"]
    # Other processes would not know the patches.
    command += ["--n-jobs", "1"]
    assert main(command) == 0
    decoding = read_decoding(tmp_path)
    assert decoding.mae is None
    assert isinstance(decoding.cells, DuINCells)
    assert decoding.classifier.info_["sfreq"] == 800
    (report,) = tmp_path.rglob("*_report.html")
    text = report.read_text("utf-8")
    assert "prediction of hidden cells" in text
    assert "What pre-training learned" in text


@pytest.mark.slow
def test_networks_of_both_kinds_in_one_folder_are_told_apart(
    hidden_cells, pretrained, tmp_path
):
    for folder in (hidden_cells, pretrained):
        for path in folder.rglob("*_desc-*"):
            if path.is_file() and "checkpoints" not in str(path):
                name = path.name.replace("_desc-", f"_desc-{folder.name[:4]}")
                (tmp_path / name).write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match="two kinds of pre-training .*mae, cells"):
        read_pretrained(tmp_path)
    (path,) = tmp_path.glob("*_cells.safetensors")
    assert list(read_pretrained(path)) == ["cells"]


@pytest.mark.slow
def test_segments_on_disk_give_the_same_networks(
    pretrained, bids_root, tmp_path, monkeypatch
):
    out, scratch = tmp_path / "results", tmp_path / "scratch"
    command = ["pretrain", str(bids_root), *COMMAND, "--out", str(out)]
    assert main([*command, "--on-disk", str(scratch)]) == 0
    check_pretraining(out)
    name = "sub-01/ieeg/sub-01_task-wordreading_desc-pretrainVSMCSTG_mae.safetensors"
    ours, theirs = (read_estimator(folder / name) for folder in (out, pretrained))
    for stage in (lambda mae: mae, lambda mae: mae.vqvae_):
        there = stage(theirs).module_.state_dict()
        for key, value in stage(ours).module_.state_dict().items():
            other = there[key].float()
            error = (value.float() - other).abs().max()
            assert error <= 1e-6 * other.abs().max(), key
    (folder,) = scratch.iterdir()
    assert folder.name.startswith("sub-01_task-wordreading_desc-pretrainVSMCSTG_seg")
    assert len(open_segments(folder)) > 2
    # Again, from another place: nothing is trained, and the segments are the same.
    monkeypatch.setattr("mne_duin.workflows._pretraining.log_costs", lambda *_: None)
    monkeypatch.setattr("mne_duin.training._engine._train_pass", None)
    before = files(out)
    folder.parent.rename(tmp_path / "moved")
    assert main([*command, "--on-disk", str(tmp_path / "moved")]) == 0
    assert files(out) == before


def test_a_type_without_a_folder_is_refused(bids_root, tmp_path, capsys):
    command = ["pretrain", str(bids_root), *COMMAND, "--out", str(tmp_path)]
    assert main([*command, "--disk-dtype", "int16", "--quiet"]) == 2
    assert "`disk_dtype` (--disk-dtype) needs `on_disk`" in capsys.readouterr().err
    assert main([*command, "--on-disk", str(bids_root / "sub-01")]) == 2
    assert "among its recordings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "option", "message"),
    [
        ("cells", "--max-iter", r"`max_iter` .* give `max_steps` \(--max-steps\)"),
        ("codex", "--max-steps", r"`max_steps` .* give `max_iter` \(--max-iter\)"),
        # A recording of seconds is not enough for cells.
        ("auto", "--max-steps", r"`max_steps` .* pretraining='cells'"),
    ],
)
def test_an_amount_of_the_other_kind_is_refused(
    kind, option, message, bids_root, tmp_path, capsys
):
    command = ["pretrain", str(bids_root), "--subject", "01", "--out", str(tmp_path)]
    command += ["--pretraining", kind, option, "2", "--quiet"]
    assert main(command) == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
    assert not list(tmp_path.rglob("*.safetensors"))
