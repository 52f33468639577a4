"""``constraints.txt`` says what was tested: all that the project asks for."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]


def plain(name):
    """The name of a requirement as package indices compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower()


PINNED = {
    plain(line): line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}


@pytest.mark.parametrize("line", PINNED.values())
def test_every_line_pins_one_version(line):
    assert re.fullmatch(r"[\w.-]+==[\w.]+", line)


@pytest.mark.parametrize(
    "requirement",
    [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]],
)
def test_what_is_needed_to_run_and_test_is_pinned(requirement):
    assert plain(requirement) in PINNED
    name, low = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement).groups()
    pinned = PINNED[plain(name)].partition("==")[2]
    assert [*map(int, pinned.split("."))] >= [*map(int, low.split("."))]
