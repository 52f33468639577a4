"""The page "Your own data", followed on a dataset that is not the sample.

Written in EDF, with what careless labs leave behind. Only the lines that the page asks
to replace are replaced. Run by ``make check-docs``.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "tutorials" / "10_your_own_data.py"
sys.path.insert(0, str(TESTS / "io"))

import bids_examples as examples  # noqa: E402


def trouble_electrodes(table):
    """Curly primes, a contact without a place, one that was never recorded."""
    table["name"] = table["name"].str.replace("'", "’")
    table.loc[table["name"] == "B4", ["x", "y", "z"]] = "n/a"
    table.loc[len(table)] = table.iloc[-1].replace("B4", "B5")


def trouble_channels(table):
    """One contact is bad."""
    table.loc[table["name"] == "TI'2", "status"] = "bad"


def trouble_events(table):
    """One response was missed."""
    table.loc[2, "response_time"] = "n/a"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("lab") / "our study"
    examples.write_dataset(root, runs=("1", "2", "3"), format="EDF")
    examples.edit(root, "*_electrodes.tsv", trouble_electrodes)
    examples.edit(root, "*_channels.tsv", trouble_channels)
    examples.edit(root, "*_events.tsv", trouble_events)
    return root


@pytest.fixture(scope="module")
def printed(dataset, tmp_path_factory):
    page, n_replaced = re.subn(
        r"^root = .*$", f"root = Path({str(dataset)!r})", PAGE.read_text(), flags=re.M
    )
    assert n_replaced == 1
    before = snapshot(dataset)
    folder = tmp_path_factory.mktemp("empty")
    (folder / "script.py").write_text(page, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    assert snapshot(dataset) == before, "the page changes the reader's dataset"
    return done.stdout


def snapshot(root):
    """Content of every file."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def ends(printed):
    """How every attempt of the page ended."""
    return re.findall(r"^(No error|[A-Z]\w+Error)[.:]", printed, flags=re.M)


def test_the_first_part_reaches_a_number(printed):
    first, _, rest = printed.partition("FileNotFoundError")
    assert rest
    assert ends(first) == ["No error"] * 4
    assert "sub-01_task-read_run-3_ieeg.edf" in first
    assert """bad: ["TI'2"]""" in first
    assert "without coordinates: ['B4', 'B5']" in first
    assert "matched as TI'1 = TI’1" in first
    assert first.count("1 of 7 trials have no 'response_time'; dropped") == 3
    assert "leave-one-run-out (3 folds), clean protocol, 18 test trials" in first


def test_every_introduced_error_gives_a_message(printed):
    broken = "FileNotFoundError" + printed.partition("FileNotFoundError")[2]
    told = [
        "FileNotFoundError",
        *["ValueError"] * 3,  # column, word, onsets
        *["No error"] * 2,  # primes, mirrored: only the picture shows that
        "ValueError",  # region
        "No error",  # cut short, with a warning
        *["ValueError"] * 4,  # filter, folds, one word, NaN
        *["ValueError"] * 2,  # lost channels, array without a rate
    ]
    assert ends(broken) == told
    assert "5 of 7 trials reach beyond the recording; dropped" in broken
    assert "ctx-rh-transversetemporal" in broken
    assert "same: True" in broken
