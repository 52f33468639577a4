"""Several subjects: each on its own, one that fails stops no other."""

from dataclasses import replace
from functools import cache

import joblib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression

from mne_duin import decode_group, evaluate
from mne_duin.workflows import _group as module
from mne_duin.workflows._writing import AlreadyMadeError
from mne_duin.workflows.decoding import LDA, MAIN, WordDecoding

SUBJECTS = ["01", "02", "03", "04"]


class Decoder:
    """Stands for a fitted decoder."""

    def channel_contributions(self, method):
        assert method == "weights"
        return pd.Series([1.0, 0.5], ["A1", "A2"])


def decode_quickly(root, subject, **parameters):
    """Stands for :func:`decode_words`, which takes minutes."""
    if subject == "03":
        raise ValueError("one class only")
    rng = np.random.default_rng(int(subject))
    y = np.repeat(["ba", "ga"], 10)
    X = rng.standard_normal((20, 2)) + (y == "ba")[:, None]
    result = evaluate(LogisticRegression(), X, y, cv=2, random_state=0, verbose=False)
    places = {"x": [-50.0, -55.0], "y": -10.0, "z": 10.0, "space": "MNI152"}
    contacts = pd.DataFrame(places, index=pd.Index(["A1", "A2"], name="name"))
    results = {MAIN: result, LDA: result}
    return WordDecoding(results, contacts, None, None, Decoder(), None)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "decode_words", decode_quickly)


def test_a_table_and_a_map_of_those_that_were_decoded(quick, tmp_path):
    root = tmp_path / "bids"
    with pytest.warns(RuntimeWarning, match="sub-03 was not decoded: ValueError: one"):
        found = decode_group(root, SUBJECTS, out=tmp_path / "out")
    assert found.failures == {"03": "ValueError: one class only"}
    assert found.table["subject"].unique().tolist() == ["01", "02", "04"]
    assert "mean" in str(found)
    assert "sub-03: ValueError" in str(found)
    begin = found.folder / "group_n-3_desc-decodeVSMCSTG"
    table = pd.read_csv(f"{begin}_metrics.tsv", sep="\t", dtype={"subject": str})
    assert table["subject"].tolist() == ["01", "01", "02", "02", "04", "04"]
    assert (found.folder / f"{begin.name}_map.png").stat().st_size > 20_000


def test_a_group_is_not_replaced_by_another(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "plot_group_contributions", lambda *_, **__: Figure())
    first = decode_group("bids", SUBJECTS[:2], out="out", cv=2)
    path = first.folder / "group_n-2_desc-decodeVSMCSTG_metrics.tsv"
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="subject .'01', '02'. -> .'02', '04'."):
        decode_group("bids", ["02", "04"], out="out", cv=2)
    assert path.read_bytes() == before
    decode_group("bids", ["02", "04"], out="out", cv=2, overwrite=True)
    assert path.read_bytes() != before


def test_a_subject_that_is_decoded_already_is_read(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "plot_group_contributions", lambda *_, **__: Figure())
    given = {"root": tmp_path / "bids", "out": tmp_path / "out", "verbose": "INFO"}
    decode = cache(lambda subject: decode_quickly(None, subject))
    monkeypatch.setattr(
        module, "decode_words", lambda _, subject, **__: decode(subject)
    )
    first = decode_group(subjects=["01", "02"], **given)
    paths = [tmp_path / f"{name}_manifest.json" for name in ("01", "02")]

    def decode_or_refuse(root, subject, **parameters):
        if subject in ("01", "02"):
            raise AlreadyMadeError("made already", paths[int(subject) - 1])
        return decode(subject)

    monkeypatch.setattr(module, "decode_words", decode_or_refuse)
    monkeypatch.setattr(module, "read_decoding", lambda path: decode(path.name[:2]))
    again = decode_group(subjects=["01", "02"], **given)
    assert again.failures == {}
    assert again.folder == first.folder
    columns = ["subject", "estimator", "accuracy", "log_loss"]
    pd.testing.assert_frame_equal(again.table[columns], first.table[columns])
    with pytest.warns(RuntimeWarning, match="sub-03 was not decoded"):
        more = decode_group(subjects=SUBJECTS, **given)
    assert more.table["subject"].unique().tolist() == ["01", "02", "04"]


def test_what_is_in_the_way_is_told_before_anything_is_learned(
    quick, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "plot_group_contributions", lambda *_, **__: Figure())
    decode_group(tmp_path / "bids", ["01", "02"], out=tmp_path / "out")
    monkeypatch.setattr(module, "decode_words", lambda *_, **__: 1 / 0)
    with pytest.raises(FileExistsError, match="cv 'last-run' -> 2|cv None -> 2"):
        decode_group(tmp_path / "bids", ["01", "02"], out=tmp_path / "out", cv=2)


def test_a_group_without_networks_has_a_table_but_no_map(tmp_path, monkeypatch):
    def decode(root, subject, **parameters):
        found = decode_quickly(root, subject)
        return replace(found, classifier=None)

    monkeypatch.setattr(module, "decode_words", decode)
    with pytest.warns(RuntimeWarning, match="were not saved|no map was drawn"):
        found = decode_group(tmp_path / "bids", ["01"], out=tmp_path / "out")
    assert len(found.table) == 2
    assert not list(found.folder.glob("*_map.png"))


def test_nothing_is_written_without_a_place(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = decode_group("bids", "sub-01")
    assert found.folder is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_dask_decodes_on_a_cluster_of_two_workers(quick):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        found = decode_group("bids", ["01", "02", "04"], n_jobs=-1)
    alone = decode_group("bids", ["01", "02", "04"])
    columns = ["subject", "estimator", "accuracy", "log_loss"]
    pd.testing.assert_frame_equal(found.table[columns], alone.table[columns])
