"""The comparison on the page on accuracy: means over the seeds that both have."""

import importlib.util
from pathlib import Path

import numpy as np
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
    assert "in 1 of 1 conditions" in text
    assert "+10.0 to +10.0 percentage points" in text
    means = pd.read_csv(tmp_path / "opponents.tsv", sep="\t")
    assert means["simulation"].tolist() == ["bursts", "states"]
    assert means["LDA"].tolist() == [70.0, 40.0]
    assert means["scratch"].iloc[0] == 60.0
    assert np.isnan(means["scratch"].iloc[1])
    assert means["seeds"].tolist() == [2, 1]


def test_conditions_are_simulations_with_a_number_of_trials():
    rows = make_rows(
        ("bursts", 1, 20, "LDA", 50.0),
        ("bursts", 1, 20, "scratch", 60.0),
        ("bursts", 1, 40, "LDA", 70.0),
        ("bursts", 1, 40, "scratch", 65.0),
    )
    text = opponents.compare(rows)
    assert "in 1 of 2 conditions" in text
    assert "-5.0 to +10.0 percentage points" in text


def test_what_unmixed_power_changes_is_stated():
    rows = make_rows(
        ("bursts", 1, 20, "LDA", 50.0),
        ("bursts", 1, 20, "scratch", 60.0),
        ("bursts", 1, 20, "scratch, channels only", 58.0),
        ("states", 1, 20, "LDA", 50.0),
        ("states", 1, 20, "scratch", 60.0),
        ("states", 1, 20, "scratch, channels only", 64.0),
    )
    assert "unmixed" not in opponents.compare(rows)
    rows = pd.concat([rows, make_rows(("bursts", 1, 20, "LDA, channels only", 45.0))])
    text = opponents.compare(rows)
    assert "network by -4.0 to +2.0 (mean -1.0) and that of the LDA by +5.0" in text
