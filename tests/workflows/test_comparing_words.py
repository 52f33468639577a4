"""Comparisons and ablations in one call, and from the command line."""

import json
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from mne_duin import ablate_words, compare_words, plot_ablation, write_simulated_bids
from mne_duin.baselines._make_estimator import NAMES, make_estimator
from mne_duin.channels import SelectedChannels
from mne_duin.cli import main
from mne_duin.datasets import SimulationSettings
from mne_duin.estimators.presets import PRESETS
from mne_duin.workflows._ablating import ABLATIONS, ablation_grid

TINY = {
    "architecture": {"n_layers": 1, "n_heads": 1, "head_dim": 8, "ff_dim": 16},
    "vqvae": {"n_decoder_layers": 1, "n_codes": 8, "code_dim": 4, "max_iter": 1},
    "mae": {"max_iter": 1},
    "classifier": {"max_iter": 1},
}


@pytest.fixture(scope="module")
def bids_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("bids") / "dataset"
    settings = SimulationSettings(n_words=3, n_trials_per_word=4, n_runs=2, rest=2.0)
    return write_simulated_bids(root, subjects={"01": settings}, random_state=1)


# Others' networks and aeon are tested in environments of their own.
OWN = [name for name in NAMES if not name.startswith(("braindecode", "multirocket"))]
# What draws no random numbers.
FIXED = ("lda", "riemann", "xdawn", "ridge", "svm")


@pytest.mark.parametrize("name", OWN)
def test_every_name_makes_a_classifier(name):
    estimator = make_estimator(name, random_state=3)
    assert callable(estimator.fit)
    assert hasattr(type(estimator), "predict_proba") or name.startswith(FIXED)
    seeds = [k for k in estimator.get_params() if k.split("__")[-1] == "random_state"]
    values = {estimator.get_params()[key] for key in seeds} - {None, 0}
    assert values == (set() if name.startswith(FIXED) else {3})


def test_names_are_checked():
    with pytest.raises(ValueError, match="`name` must be one of .*'scratch', 'vqvae'"):
        make_estimator("brainbert")


@pytest.mark.parametrize("name", OWN)
def test_memory_is_for_what_pretrains(name, tmp_path):
    parameters = make_estimator(name, memory=tmp_path).get_params()
    published = ("vqvae", "vqvae+vq", "mae", "ts-tcc", "neuro-bert", "dewave")
    staged = name in ("pretrained", "cells+mae", *published)
    assert parameters.get("memory") == (tmp_path if staged else None)


def test_compare_writes_tables_figure_and_results(
    bids_root, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(PRESETS["quick"]["classifier"], "max_iter", 1)
    status = main(
        ["compare", str(bids_root), "--subject", "01", "--quiet", "--cv", "last-run"]
        + ["--align", "response_time", "--estimators", "lda", "scratch"]
        + ["--out", str(tmp_path)]
    )
    assert status == 0
    assert "scratch" in capsys.readouterr().out
    begin = tmp_path / "sub-01" / "ieeg" / "sub-01_task-wordreading_desc-compareVSMCSTG"
    table = pd.read_csv(f"{begin}_metrics.tsv", sep="\t", index_col="estimator")
    assert table.index.tolist() == ["lda", "scratch"]
    text = Path(f"{begin}_metrics.md").read_text()
    assert text.startswith("| estimator | accuracy |")
    assert Path(f"{begin}_accuracy.png").stat().st_size > 5000
    record = json.loads(Path(f"{begin}_model-lda_predictions.json").read_text())
    assert record["kind"] == "mne_duin.DecodingResult"


@pytest.mark.slow
def test_estimators_that_pretrain_get_segments_of_the_training_runs(
    bids_root, monkeypatch
):
    made = make_estimator("vqvae", random_state=0, verbose=False, **TINY_VQVAE)
    monkeypatch.setattr(
        "mne_duin.workflows._comparing.make_estimator", lambda name, **_: made
    )
    found = compare_words(
        bids_root, "01", estimators=["vqvae"], cv="last-run", align="response_time",
        verbose=False,
    )  # fmt: skip
    assert found.table.loc["vqvae", "n_unlabelled"] > 0
    assert found.results["vqvae"].leaks == ()


TINY_VQVAE = {key: value for key, value in TINY.items() if key != "mae"}


@pytest.mark.slow
def test_ablate_varies_one_thing(bids_root, tmp_path):
    table = ablate_words(
        bids_root, "01", "task-data", cv="last-run", align="response_time",
        out=tmp_path, verbose=False, **TINY,
    )  # fmt: skip
    assert table["value"].tolist() == [False, True]
    (path,) = tmp_path.rglob("*_desc-ablateTaskDataVSMCSTG_metrics.tsv")
    assert pd.read_csv(path, sep="\t")["value"].tolist() == [False, True]
    (picture,) = tmp_path.rglob("*_accuracy.png")
    assert picture.stat().st_size > 3000
    assert isinstance(plot_ablation(table, show=False), Figure)
    with pytest.raises(ValueError, match="must be of one parameter"):
        plot_ablation(pd.concat([table, table.assign(parameter="b")]), show=False)


@pytest.mark.slow
def test_memory_shares_the_first_stage(bids_root, tmp_path):
    ablate_words(
        bids_root, "01", "mask-ratio", values=[0.2, 0.3, 0.5], cv="last-run",
        align="response_time", memory=tmp_path, verbose=False, **TINY,
    )  # fmt: skip
    kept = [path.name.split("-")[0] for path in tmp_path.iterdir()]
    assert sorted(kept) == ["mae", "mae", "mae", "vqvae"]


@pytest.mark.parametrize("what", ABLATIONS)
def test_what_is_varied_is_a_parameter(what):
    estimator, grid = ablation_grid(make_estimator("mae"), what, n_channels=24)
    ((parameter, values),) = grid.items()
    assert parameter in estimator.get_params()
    for value in values:
        estimator.set_params(**{parameter: value})
    if what == "channels":
        assert isinstance(estimator, SelectedChannels)
        assert values == [5, 10, 15, 20]


def test_the_command_refuses_with_a_sentence(bids_root, capsys):
    status = main(["compare", str(bids_root), "--subject", "07", "--quiet"])
    assert status == 2
    assert "error:" in capsys.readouterr().err
