"""Simulated datasets on disk: valid BIDS, the same bytes, what was put in comes out."""

import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, read_raw_bids

from mne_duin.datasets import (
    SimulationSettings,
    simulate_recording,
    write_simulated_bids,
)
from mne_duin.datasets.sample import _differing_files, main
from mne_duin.datasets.simulation._brainvision import write_brainvision

VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")
TINY = {
    "01": SimulationSettings(n_words=2, n_trials_per_word=1, n_runs=2, trouble=True),
    "02": SimulationSettings(
        n_words=3, n_trials_per_word=1, n_runs=1, sfreq=400.0, montage="right"
    ),
}


def validate(folder):
    return subprocess.run(
        [VALIDATOR, "--ignoreWarnings", folder], capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bids")
    return write_simulated_bids(folder, subjects=TINY, random_state=4)


def test_dataset_is_valid_bids(dataset):
    outcome = validate(dataset)
    assert outcome.returncode == 0, outcome.stdout


def test_the_validator_would_have_complained(dataset, tmp_path):
    broken = write_simulated_bids(tmp_path, subjects={"01": TINY["01"]})
    (broken / "sub-01/ieeg/sub-01_space-fsaverage_electrodes.json").unlink()
    assert validate(broken).returncode != 0


def test_same_seed_same_bytes_other_seed_others(dataset, tmp_path):
    same = write_simulated_bids(tmp_path / "same", subjects=TINY, random_state=4)
    other = write_simulated_bids(tmp_path / "other", subjects=TINY, random_state=5)
    assert _differing_files(dataset, same) == []
    differing = _differing_files(dataset, other)
    assert "sub-02/ieeg/sub-02_task-wordreading_run-1_ieeg.eeg" in differing
    assert "README" not in differing


def test_a_further_subject_leaves_the_first_as_it_is(dataset, tmp_path):
    alone = write_simulated_bids(tmp_path, subjects={"01": TINY["01"]}, random_state=4)
    differing = _differing_files(dataset / "sub-01", alone / "sub-01")
    assert differing == []


def test_what_was_simulated_is_read_back(dataset):
    rng = np.random.default_rng(4).spawn(2)[0]
    recording = simulate_recording(TINY["01"], random_state=rng)
    path = BIDSPath(
        root=dataset, subject="01", task="wordreading", run="2", datatype="ieeg"
    )
    raw = read_raw_bids(path, verbose="error")
    written = recording.raws[1]
    np.testing.assert_allclose(
        raw.get_data(), written.get_data(), rtol=0, atol=0.0501e-6
    )
    assert raw.ch_names == written.ch_names
    assert raw.get_channel_types() == written.get_channel_types()
    assert raw.info["bads"] == written.info["bads"] == ["FA'2"]
    assert raw.info["line_freq"] == 50.0
    positions = raw.get_montage().get_positions()
    assert positions["coord_frame"] == "mni_tal"
    xyz = 1000 * np.array([positions["ch_pos"][n] for n in recording.contacts.index])
    np.testing.assert_allclose(xyz, recording.contacts[["x", "y", "z"]])


def test_tables_hold_events_and_truth(dataset):
    rng = np.random.default_rng(4).spawn(2)[0]
    recording = simulate_recording(TINY["01"], random_state=rng)
    path = dataset / "sub-01/ieeg/sub-01_task-wordreading_run-1_events.tsv"
    events = pd.read_csv(path, sep="\t")
    pd.testing.assert_frame_equal(
        events, recording.events[0][list(events.columns)], check_dtype=False
    )
    truth = pd.read_csv(
        dataset / "derivatives/simulation/sub-01_truth.tsv", sep="\t", index_col="name"
    )
    pd.testing.assert_frame_equal(truth, recording.truth, check_dtype=False)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not empty; give an empty one, or"):
        write_simulated_bids(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_bad_settings_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="`n_runs` must be at least 1"):
        write_simulated_bids(tmp_path, subjects={"01": SimulationSettings(n_runs=0)})
    with pytest.raises(TypeError, match="`subjects` must be SimulationSettings"):
        write_simulated_bids(tmp_path, subjects={"01": "left"})
    assert list(tmp_path.iterdir()) == []


def test_sixteen_bits_round_and_never_clip(tmp_path):
    values = 1e-6 * np.array([[0.04, 0.06, -0.06, 3276.7, -3276.7]])
    info = mne.create_info(["A1"], 500.0, "seeg")
    write_brainvision(tmp_path / "a.vhdr", mne.io.RawArray(values, info), [1], [7])
    raw = mne.io.read_raw_brainvision(tmp_path / "a.vhdr", verbose="error")
    expected = [0.0, 0.1, -0.1, 3276.7, -3276.7]
    np.testing.assert_allclose(1e6 * raw.get_data()[0], expected, atol=1e-9)
    assert list(raw.annotations.description) == ["Stimulus/S  7"]
    assert raw.annotations.onset[0] == pytest.approx(1 / 500.0)
    too_loud = mne.io.RawArray(np.array([[4e-3, 0.0]]), info)
    with pytest.raises(ValueError, match="Channel A1 reaches 4000 microvolts, which"):
        write_brainvision(tmp_path / "b.vhdr", too_loud, [], [])
    assert not (tmp_path / "b.eeg").exists()


def test_command_line_reports_files_that_differ(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mne_duin.datasets.sample.SUBJECTS", {"02": TINY["02"]})
    folder = ["--folder", str(tmp_path / "sample")]
    assert main(folder) == 0
    assert main([*folder, "--check"]) == 0
    assert "has the same bytes" in capsys.readouterr().out
    with (tmp_path / "sample/README").open("a") as readme:
        readme.write("more")
    assert main([*folder, "--check"]) == 1
    assert capsys.readouterr().out.endswith("These files differ:\nREADME\n")
