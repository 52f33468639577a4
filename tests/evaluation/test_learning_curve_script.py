"""The script of the learning curves makes every row once, also when it is stopped."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "learning_curves.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("learning_curves", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(script, monkeypatch, path, *arguments):
    arguments = ["script", "--quick", "--table", str(path), *arguments]
    monkeypatch.setattr("sys.argv", arguments)
    script.main()
    return pd.read_csv(path, sep="\t")


@pytest.mark.slow
def test_one_tiny_case(script, monkeypatch, tmp_path):
    names = ("--estimators", "lda", "ts-tcc", "--device", "cpu")
    table = run(script, monkeypatch, tmp_path / "curves.tsv", *names)
    assert list(table) == list(script.COLUMNS)
    assert table["estimator"].tolist() == ["lda", "ts-tcc"]
    assert (table["n_per_class"] == 3).all()
    assert table["accuracy"].between(table["low"], table["high"]).all()
    assert np.array_equal(table["n_unlabelled"] > 0, [False, True])
    assert (table["n_train"] == 9).all()


def test_rows_that_are_there_are_not_made_again(script, monkeypatch, tmp_path):
    made = []

    def measure(dataset, name, amount, seed, options):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(name)
        row = dict.fromkeys(script.COLUMNS, 0.5)
        key = dict(zip(script.KEY, (dataset, name, amount, seed), strict=True))
        return row | key

    monkeypatch.setattr(script, "measure", measure)
    path = tmp_path / "curves.tsv"
    names = ("--estimators", "lda", "riemann", "scratch", "mae")
    with pytest.raises(KeyboardInterrupt):
        run(script, monkeypatch, path, *names)
    made_first, made[:] = list(made), []
    table = run(script, monkeypatch, path, *names)
    assert made_first == ["lda", "riemann"]
    assert made == ["scratch", "mae"]
    assert table["estimator"].tolist() == ["lda", "riemann", "scratch", "mae"]
    assert len(run(script, monkeypatch, path, *names)) == 4
