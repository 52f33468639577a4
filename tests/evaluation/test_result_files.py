import hashlib
import json
import os
import signal
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import simple_trials
from simple_estimators import make_lda

from mne_duin.evaluation import evaluate, format_table, read_result, write_table
from mne_duin.utils._atomic import write_text

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


class Kill:
    """Kill the process instead of one of its renames."""

    def __init__(self, number):
        self.number, self.replace = number, os.replace

    def __call__(self, source, target):
        self.number -= 1
        if self.number == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.replace(source, target)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.by_default("1", "3")
def test_a_killed_save_leaves_the_old_result_or_the_new_one(
    number, tmp_path, two_results, monkeypatch
):
    old, new = two_results
    path = old.save(tmp_path / "d.json")
    if os.fork() == 0:
        monkeypatch.setattr(os, "replace", Kill(number))
        new.save(path)
        os._exit(0)
    os.wait()
    expected = old if number < 3 else new
    for _ in range(2):
        assert str(read_result(path)) == str(expected)
        assert read_result(path).to_frame().equals(expected.to_frame())
    new.save(path)
    assert sorted(os.listdir(tmp_path)) == ["d.json", "d.tsv"]
    assert str(read_result(path)) == str(new)


@pytest.fixture(scope="module")
def two_results():
    epochs = simple_trials.make_epochs()
    return [evaluate(make_lda(), epochs, cv=cv) for cv in ("last-run", 3)]


def rewrite(path, **changes):
    """Change fields of a record, and its checksum with them."""
    record = json.loads(path.read_text()) | changes
    del record["sha256"]
    text = json.dumps(record, sort_keys=True)
    record["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(record))
    return record


def test_a_declared_width_of_labels_takes_no_memory(tmp_path, two_results):
    path = two_results[0].save(tmp_path / "d.json")
    rewrite(path, labels_dtype="<U50000000")
    tracemalloc.start()
    try:
        again = read_result(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    assert again.labels.dtype == two_results[0].labels.dtype
    assert np.array_equal(again.y_true, two_results[0].y_true)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("labels", lambda v: [*v, v[0]]),
        ("labels", lambda v: v[:-1]),
        ("labels", lambda v: [*v[:-1], "x" * 2_000_000]),
        ("labels", lambda v: [v]),
        ("labels", len),
        ("labels_dtype", lambda v: "(1000000000,)f8"),
        ("labels_dtype", lambda v: "no type"),
        ("labels_dtype", lambda v: "<f8"),
        ("epoch", lambda v: v[1:]),
        ("epoch", lambda v: [10**30, *v[1:]]),
        ("folds", lambda v: {name: [] for name in v}),
        ("folds", lambda v: v | {"seed": v["seed"] * 1000}),
        ("null_predictions", lambda v: [[1.0], v]),
        ("tsv_sha256", lambda v: "../" * 20),
        ("tsv_sha256", lambda v: 3),
    ],
)
def test_a_record_that_lies_is_refused(field, change, tmp_path, two_results):
    path = two_results[0].save(tmp_path / "d.json")
    record = json.loads(path.read_text())
    rewrite(path, **{field: change(record[field])})
    with pytest.raises(ValueError, match=r"d\.(json|tsv).* is "):
        read_result(path)
