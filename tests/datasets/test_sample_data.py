"""The sample dataset of the repository."""

import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import mne
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, read_raw_bids

from mne_duin.baselines import make_lda
from mne_duin.datasets import (
    cut_epochs,
    sample,
    sample_data_path,
    simulate_recording,
)
from mne_duin.datasets.sample import (
    SEED,
    SUBJECTS,
    _differing_files,
    _write_sample_data,
)

ROOT = sample_data_path()
RUNS = [
    ("01", "1"),
    ("01", "2"),
    ("01", "3"),
    ("01", "4"),
    ("02", "1"),
    ("02", "2"),
]


def read_table(subject, run, suffix):
    name = f"sub-{subject}_task-wordreading_run-{run}_{suffix}.tsv"
    return pd.read_csv(ROOT / f"sub-{subject}" / "ieeg" / name, sep="\t")


@pytest.fixture(scope="module")
def split():
    """Trials of subject 01 as they lie in the files, the last run apart."""
    rng = np.random.default_rng(SEED).spawn(len(SUBJECTS))[0]
    recording = simulate_recording(SUBJECTS["01"], random_state=rng)
    for run, raw in enumerate(recording.raws, start=1):
        path = BIDSPath(
            root=ROOT, subject="01", task="wordreading", run=str(run), datatype="ieeg"
        )
        stored = read_raw_bids(path, verbose="error").load_data().pick("seeg")
        raw.pick("seeg")
        raw._data[:] = stored.get_data()
        raw.filter(0.5, 200.0, verbose="error")
        raw.notch_filter([50.0, 100.0, 150.0], verbose="error")
    scores = {}
    for align in ("response_time", "onset"):
        epochs, _, truth = cut_epochs(recording, align=align, reference="bipolar")
        scores[align] = epochs, truth
    return scores


def test_it_is_valid_bids_and_small():
    validator = Path(sys.executable).with_name("bids-validator-deno")
    outcome = subprocess.run(
        [validator, "--ignoreWarnings", ROOT], capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stdout
    size = sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file())
    assert 20e6 < size <= 30e6


@pytest.mark.slow
def test_it_is_written_again_byte_by_byte(tmp_path):
    assert _differing_files(_write_sample_data(tmp_path), ROOT) == []


@pytest.mark.parametrize(("subject", "run"), RUNS)
def test_trials_are_balanced_far_apart_and_within_the_recording(subject, run):
    events = read_table(subject, run, "events")
    counts = events["trial_type"].value_counts()
    assert len(counts) == 8
    assert counts.nunique() == 1
    voice = events["onset"] + events["response_time"]
    assert np.diff(voice).min() > 3.0
    assert np.diff(events["onset"]).min() >= 3.2 - 1e-6
    assert events["response_time"].mean() == pytest.approx(0.6, abs=0.05)
    assert events["response_time"].std() == pytest.approx(0.1, abs=0.03)
    name = f"sub-{subject}_task-wordreading_run-{run}_ieeg.eeg"
    n_channels = len(read_table(subject, run, "channels"))
    seconds = (ROOT / f"sub-{subject}/ieeg" / name).stat().st_size / n_channels / 1024
    assert voice.iloc[0] > 0.5
    assert voice.iloc[-1] + 2.5 < seconds


@pytest.mark.parametrize(("subject", "run"), RUNS)
def test_no_sample_is_at_the_limit_of_16_bits(subject, run):
    name = f"sub-{subject}_task-wordreading_run-{run}_ieeg.eeg"
    steps = np.fromfile(ROOT / f"sub-{subject}" / "ieeg" / name, dtype="<i2")
    assert np.abs(steps.astype(int)).max() < 30_000
    assert np.unique(steps[:100_000]).size > 500


@pytest.mark.parametrize("subject", ["01", "02"])
def test_truth_lists_planted_contacts_in_the_speech_areas(subject):
    truth = pd.read_csv(
        ROOT / f"derivatives/simulation/sub-{subject}_truth.tsv", sep="\t"
    )
    electrodes = pd.read_csv(
        ROOT / f"sub-{subject}/ieeg/sub-{subject}_space-fsaverage_electrodes.tsv",
        sep="\t",
    )
    assert list(truth["name"]) == list(electrodes["name"])
    assert set(truth["planted"]) == {0, 1}
    labels = electrodes["desikan_label"][truth["planted"] == 1].str.split("-").str[-1]
    assert set(labels) <= {
        "precentral",
        "postcentral",
        "superiortemporal",
        "transversetemporal",
    }
    assert electrodes["x"].isna().sum() == 1
    channels = read_table(subject, "1", "channels")
    assert (channels["status"] == "bad").sum() == 1
    assert channels["type"].tolist() == ["SEEG"] * len(truth) + ["ECG"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "planted_only"),
    [
        pytest.param({}, False, marks=pytest.mark.slow, id="selected features"),
        pytest.param({"selection": None}, True, id="all features"),
    ],
)
def test_lda_decodes_half_to_four_fifths_of_the_held_out_run(
    split, options, planted_only
):
    epochs, truth = split["response_time"]
    if planted_only:
        epochs = epochs.copy().pick(list(truth.index[truth["planted"] == 1]))
    y = epochs.metadata["trial_type"].to_numpy()
    train = (epochs.metadata["run"] != "4").to_numpy()
    # The planted responses are evoked and high-gamma; with the lower bands and after
    # unmixing more can be decoded.
    lda = make_lda("both", unmixed=False, **options).fit(epochs[train], y[train])
    assert 0.5 <= lda.score(epochs[~train], y[~train]) <= 0.8


@pytest.mark.slow
def test_lda_decodes_little_from_the_cue_and_nothing_elsewhere(split):
    accuracy = {}
    for align, planted in (("onset", 1), ("response_time", 0)):
        epochs, truth = split[align]
        epochs = epochs.copy().pick(list(truth.index[truth["planted"] == planted]))
        y = epochs.metadata["trial_type"].to_numpy()
        train = (epochs.metadata["run"] != "4").to_numpy()
        lda = make_lda("both", unmixed=False).fit(epochs[train], y[train])
        accuracy[planted] = lda.score(epochs[~train], y[~train])
    assert accuracy[1] < 0.5
    assert accuracy[0] < 0.25


def test_path_says_how_to_write_the_dataset(monkeypatch, tmp_path):
    # A checkout without the dataset.
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setattr("mne_duin.datasets.sample.FOLDER", tmp_path / "sample_data")
    with pytest.raises(FileNotFoundError, match="python -m mne_duin.datasets.sample"):
        sample_data_path()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package outside a checkout, a server with a small dataset, and MNE's folder."""
    served, data = tmp_path / "served", tmp_path / "mne_data"
    (served / "sub-01" / "ieeg").mkdir(parents=True)
    (served / "dataset_description.json").write_text("{}")
    (served / "sub-01" / "ieeg" / "sub-01_channels.tsv").write_text("name\nA1\n")
    registry = tmp_path / "registry.txt"
    sample._write_registry(served, registry)
    handler = partial(QuietHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(sample, "FOLDER", tmp_path / "site-packages/sample_data")
        monkeypatch.setattr(sample, "REGISTRY", registry)
        monkeypatch.setattr(sample, "URL", url)
        monkeypatch.setenv("MNE_DATA", str(data))
        yield served, data / sample.NAME
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Keep the output of the tests clean."""


def test_installed_package_downloads_it_once(installed):
    served, folder = installed
    with mne.utils.catch_logging(verbose="INFO") as log:
        assert sample.sample_data_path() == folder
    (line,) = log.getvalue().splitlines()
    assert "Downloading the sample dataset (2 files" in line
    assert str(folder) in line
    assert sample._differing_files(served, folder) == []
    shutil.rmtree(served)
    with mne.utils.catch_logging(verbose="INFO") as log:
        assert sample.sample_data_path() == folder
    assert log.getvalue() == ""


def test_changed_file_is_refused(installed):
    served, _ = installed
    (served / "dataset_description.json").write_text('{"Name": "other"}')
    with pytest.raises(ValueError, match="hash of downloaded file"):
        sample.sample_data_path()


def test_checkout_without_the_dataset_says_how_to_write_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "FOLDER", tmp_path / "sample_data")
    (tmp_path / "pyproject.toml").touch()
    with pytest.raises(FileNotFoundError, match="python -m mne_duin.datasets.sample"):
        sample.sample_data_path()


def test_checksums_are_those_of_the_files(tmp_path):
    sample._write_registry(ROOT, tmp_path / "registry.txt")
    assert sample.REGISTRY.read_text() == (tmp_path / "registry.txt").read_text()
