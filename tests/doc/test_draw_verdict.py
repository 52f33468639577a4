"""The comparison on the first page: the same subjects for all decoders of a panel."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

DOC = Path(__file__).parents[2] / "doc"
SPEC = importlib.util.spec_from_file_location("draw_verdict", DOC / "draw_verdict.py")
verdict = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(verdict)
AMOUNTS = (5, 10)


def make_row(method, subject, hours=0.0, name="report", kind="both", right=0.5):
    hits = np.arange(640) < round(640 * right)
    row = {"set": name, "kind": kind, "subject": subject, "hours": hours}
    row |= {"steps": int(4200 * hours), "method": method}
    for amount in AMOUNTS:
        row[f"accuracy_{amount}"] = hits.mean()
        row[f"hits_{amount}"] = np.packbits(hits).tobytes().hex()
    return row


def make_table(*rows):
    return pd.DataFrame(list(rows))


def test_hits_are_counted():
    row = make_row("lda", 1, right=0.25)
    assert verdict.count_hits(row, 5) == (160, 640)


def test_subjects_that_a_decoder_lacks_are_left_out_of_all():
    linear = [make_row(m, s) for m in ("lda", "scratch") for s in (1, 2, 3)]
    trained = [make_row("pretrained", s, 1.0) for s in (1, 3)]
    panels = verdict.choose_rows(make_table(*linear, *trained))
    chosen = panels["report", "both"].groupby("method")["subject"].agg(set)
    assert chosen.to_dict() == dict.fromkeys(("lda", "scratch", "pretrained"), {1, 3})


def test_the_longest_recording_of_most_subjects_is_drawn():
    rows = [make_row(m, s) for m in ("lda", "scratch") for s in (1, 2)]
    rows += [make_row("pretrained", s, h) for s, h in ((1, 0.3), (2, 0.3), (1, 1.0))]
    rows += [make_row("pretrained", 2, 1.0), make_row("pretrained", 1, 10.0)]
    chosen = verdict.choose_rows(make_table(*rows))["report", "both"]
    hours = chosen.loc[chosen["method"] == "pretrained", "hours"]
    assert list(hours) == [1.0, 1.0]


def test_an_ensemble_of_fewer_subjects_is_left_out():
    rows = [make_row(m, s) for m in ("lda", "scratch") for s in (1, 2)]
    rows.append(make_row("scratch+lda", 1))
    chosen = verdict.choose_rows(make_table(*rows))["report", "both"]
    assert set(chosen["method"]) == {"lda", "scratch"}


def test_sets_for_choosing_defaults_are_not_shown():
    rows = [make_row("lda", 1, name="selection"), make_row("lda", 41, name="report")]
    assert list(verdict.choose_rows(make_table(*rows))) == [("report", "both")]


@pytest.mark.parametrize("kinds", [("both",), ("both", "power", "phase-locked")])
def test_the_caption_states_the_data(tmp_path, kinds):
    rows = [
        make_row(method, subject, kind=kind)
        for kind in kinds
        for method in ("lda", "scratch")
        for subject in (1, 2)
    ]
    rows.append(make_row("lda", 41, name="plain-report"))
    table = tmp_path / "table.tsv"
    make_table(*rows).to_csv(table, sep="\t", index=False)
    verdict.write_verdict(table, tmp_path / "out")
    text = (tmp_path / "out" / "verdict.inc").read_text()
    assert "with anatomy: 2 subjects, no pre-trained decoder" in text
    assert "without anatomy: 1 subject, no pre-trained decoder" in text
    assert text.count("subjects, no pre-trained") == len(kinds)
    assert "640 test trials per subject" in text
    assert (tmp_path / "out" / "verdict.png").stat().st_size > 10_000
