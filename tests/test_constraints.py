"""The constraints say what is tested: all that the project asks for, new and old."""

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


def read(name):
    """The lines of a file of constraints by the name of the package."""
    return {
        plain(line): line
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }


PINNED, OLDEST = read("constraints.txt"), read("constraints-oldest.txt")
REQUIREMENTS = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]


@pytest.mark.parametrize("line", [*PINNED.values(), *OLDEST.values()])
def test_every_line_pins_one_version(line):
    assert re.fullmatch(r"[\w.-]+==[\w.]+", line)


def numbers(version):
    """A version as numbers, without zeros at the end."""
    found = [*map(int, version.split("."))]
    while found and found[-1] == 0:
        found.pop()
    return found


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_the_oldest_that_is_allowed_is_tested(requirement):
    name, low = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement).groups()
    oldest = numbers(OLDEST[plain(name)].partition("==")[2])
    # A lower bound of 1.8 is met first by 1.8.0, or by 1.8.1 where 1.8.0 is gone.
    assert oldest[: len(numbers(low))] == numbers(low)


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_what_is_needed_to_run_and_test_is_pinned(requirement):
    assert plain(requirement) in PINNED
    name, low = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement).groups()
    pinned = PINNED[plain(name)].partition("==")[2]
    assert numbers(pinned) >= numbers(low)
