"""The comparison on the page on accuracy: means over the seeds that both have."""

import importlib.util
from pathlib import Path

import pandas as pd

PATH = Path(__file__).parents[2] / "doc" / "opponent_tables.py"
SPEC = importlib.util.spec_from_file_location("opponent_tables", PATH)
opponents = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(opponents)


def make_rows(*rows):
    columns = ["simulation", "seed", "trials per class", "method", "accuracy"]
    return pd.DataFrame(rows, columns=columns).assign(seconds=1.0, hits="ff")


def test_only_seeds_of_both_are_compared(tmp_path):
    rows = make_rows(
        ("bursts", 1, 20, "LDA", 50.0),
        ("bursts", 2, 20, "LDA", 90.0),
        ("bursts", 1, 20, "scratch", 60.0),
        ("states", 1, 20, "LDA", 40.0),
    )
    table = tmp_path / "table.tsv"
    rows.to_csv(table, sep="\t", index=False)
    opponents.write_opponents(table, tmp_path)
    text = (tmp_path / "opponents.inc").read_text()
    assert "*bursts* 60.0 and 50.0 %." in text
    assert "states" not in text
    means = pd.read_csv(tmp_path / "opponents.tsv", sep="\t")
    assert means["accuracy"].tolist() == [70.0, 60.0, 40.0]
    assert means["seeds"].tolist() == [2, 1, 1]
    assert "hits" not in means


def test_numbers_of_trials_are_named_where_there_are_several():
    rows = make_rows(
        ("bursts", 1, 20, "LDA", 50.0),
        ("bursts", 1, 20, "scratch", 60.0),
        ("bursts", 1, 40, "LDA", 70.0),
        ("bursts", 1, 40, "scratch", 80.0),
    )
    text = opponents.compare(rows)
    assert "*bursts* with 20 trials 60.0 and 50.0 %" in text
    assert "*bursts* with 40 trials 80.0 and 70.0 %" in text
