"""Whatever was there before a command is there afterwards, byte for byte."""

import json
import shutil

import pandas as pd
import pytest

from mne_duin import write_simulated_bids
from mne_duin.cli import main
from mne_duin.datasets import SimulationSettings
from mne_duin.workflows import decoding
from mne_duin.workflows._places import check_place

FOREIGN = ("notes.txt", "pretraining/vqvae.safetensors", "compare.tsv", "lda.json")


@pytest.fixture(scope="module")
def bids_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("bids") / "dataset"
    settings = SimulationSettings(n_words=2, n_trials_per_word=3, n_runs=2, rest=2.0)
    return write_simulated_bids(root, subjects={"01": settings}, random_state=1)


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

    @staticmethod
    def save(path, **_):
        path.write_text("saved")
