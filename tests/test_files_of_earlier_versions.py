"""Files that version 0.1 wrote still open, and predict what they predicted then."""

import gzip
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin import read_baseline, read_estimator, read_model, read_result

FOLDER = Path(__file__).parent / "data" / "saved_by_0.1"
FILES = sorted(path.name.split(".")[0] for path in FOLDER.glob("*.gz"))
BASELINES = ("cnn_bigru", "ts_tcc")
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


@pytest.fixture(scope="module")
def expected():
    with np.load(FOLDER / "expected.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def epochs(expected):
    info = mne.create_info(["A1", "A2", "B1"], 1000.0, "seeg")
    metadata = pd.DataFrame({"subject": expected["subject"]})
    return mne.EpochsArray(expected["X"], info, metadata=metadata, verbose="error")


def unzip(name, folder):
    path = folder / f"{name}.safetensors"
    path.write_bytes(gzip.decompress((FOLDER / f"{path.name}.gz").read_bytes()))
    return path


def read(name, path):
    own, other = read_estimator, read_baseline
    if name in BASELINES:
        own, other = other, own
    with pytest.raises(ValueError, match="holds a '.*'; known are"):
        other(path)
    assert type(own(path)) is type(read_model(path))
    return read_model(path)


@pytest.mark.parametrize("name", FILES)
def test_a_saved_estimator_opens_and_predicts_the_same(
    name, expected, epochs, tmp_path
):
    estimator = read(name, unzip(name, tmp_path))
    if name == "vqvae":
        assert np.array_equal(estimator.transform(epochs), expected[name])
        rebuilt = estimator.reconstruct(epochs)
        reference = expected["vqvae rebuilt"]  # prose: ok
        assert np.allclose(1e5 * rebuilt, 1e5 * reference, **CLOSE)
    elif name == "mae":
        assert np.allclose(estimator.transform(epochs), expected[name], **CLOSE)
        assert np.array_equal(estimator.vqvae_.transform(epochs), expected["vqvae"])
    else:
        assert np.allclose(estimator.predict_proba(epochs), expected[name], **CLOSE)
    assert estimator.subjects_.tolist() == ["p1", "p2"]
    assert estimator.fit_groups_ == {"01", "02"}
    assert len(estimator.history_) == estimator.n_iter_ == 2
    assert estimator.get_params()["random_state"] == 0


@pytest.mark.parametrize("name", sorted(set(FILES) - set(BASELINES)))
def test_the_contributions_are_those_of_then(name, expected, tmp_path):
    values = read(name, unzip(name, tmp_path)).channel_contributions("weights")
    then = expected[f"{name} contributions"]
    assert np.allclose(values.to_numpy(), then, **CLOSE)


@pytest.mark.parametrize("name", FILES)
def test_saving_again_keeps_everything(name, tmp_path):
    estimator = read(name, unzip(name, tmp_path))
    again = read(name, estimator.save(tmp_path / "again.safetensors"))
    assert again.get_params(deep=False).keys() == estimator.get_params(False).keys()
    before, after = estimator.module_.state_dict(), again.module_.state_dict()
    assert before.keys() == after.keys()
    assert all((before[key] == after[key]).all() for key in before)
    assert again.history_.records == estimator.history_.records
    assert again.ch_names_ == estimator.ch_names_


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("result.json", "read_result"), ("a.tsv", "read_result"), ("a.pth", "official")],
)
def test_files_of_other_kinds_are_told_apart(name, remedy):
    with pytest.raises(ValueError, match=remedy):
        read_model(FOLDER / name)


def test_a_saved_decoding_result_opens():
    result = read_result(FOLDER / "result.json")
    assert result.n_trials == 24
    assert result.labels.tolist() == ["ba", "da"]
    assert result.accuracy == pytest.approx(13 / 24)
    assert len(result.null_refit) == 5
    assert len(result.null_predictions) == 1000
