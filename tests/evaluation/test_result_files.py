import json
import os

import numpy as np
import pandas as pd
import pytest
from simple_estimators import make_lda

from mne_duin.evaluation import evaluate, format_table, read_result, write_table
from mne_duin.utils.atomic import write_text

TABLE = pd.DataFrame(
    {"accuracy": [1 / 3, np.nan], "n": [3, 4]},
    index=pd.Index(["LDA", "a|b"], name="estimator"),
)


def test_tables_as_text():
    assert format_table(TABLE, "markdown", digits=2) == (
        "| estimator | accuracy | n |\n| --- | --- | --- |\n"
        "| LDA | 0.33 | 3 |\n| a\\|b | n/a | 4 |\n"
    )
    lines = format_table(TABLE).splitlines()
    assert lines == [
        "estimator\taccuracy\tn",
        f"LDA\t{1 / 3!r}\t3",
        "a|b\tn/a\t4",
    ]
    with pytest.raises(ValueError, match="`style` must be one of 'tsv', 'markdown'"):
        format_table(TABLE, "latex")


def test_tables_are_written_by_the_ending_of_the_path(tmp_path):
    assert write_table(TABLE, tmp_path / "t.md").read_text() == format_table(
        TABLE, "markdown"
    )
    assert write_table(TABLE, tmp_path / "t.tsv").read_text() == format_table(TABLE)
    with pytest.raises(ValueError, match=r"one of '.tsv', '.md'; got '.csv'"):
        write_table(TABLE, tmp_path / "t.csv")


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_text(tmp_path / "file.txt", "old")

    def fail(_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Writing failed"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_files_that_do_not_belong_together_are_refused(tmp_path, epochs):
    path = evaluate(make_lda(), epochs, cv="last-run").save(tmp_path / "d.json")
    table = path.with_suffix(".tsv")
    table.write_text(table.read_text().replace("aa", "bb", 1))
    with pytest.raises(ValueError, match=r"d.tsv is not the table that d.json"):
        read_result(path)


def test_other_files_and_newer_versions_are_refused(tmp_path, epochs):
    path = evaluate(make_lda(), epochs, cv="last-run").save(tmp_path / "d.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"version": 99}))
    with pytest.raises(ValueError, match="version 1 or older; got .* version 99"):
        read_result(path)
    path.write_text("{}")
    with pytest.raises(ValueError, match="is not a decoding result"):
        read_result(path)
    with pytest.raises(ValueError, match="`path` must be one of '.json'"):
        evaluate(make_lda(), epochs, cv="last-run").save(tmp_path / "d.npz")
