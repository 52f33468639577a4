"""Commands in the README, the pages and the tutorials: their options exist."""

import re
import shlex
from pathlib import Path

import pytest

from mne_duin.cli.main import COMMANDS, _make_parser

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "doc").glob("*.rst")),
    *sorted((ROOT / "doc" / "benchmarks").glob("*.rst")),
    *sorted((ROOT / "tutorials").glob("*.py")),
]
COMMAND = re.compile(r"^[#\s]*(?:\$ )?(?:srun |torchrun .*)?(mne-duin [^`\n]*)$", re.M)


def documented(path):
    """Yield the commands of a page, lines that continue joined."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\s*\\\n[#\s]*", " ", text)
    for command in COMMAND.findall(text):
        words = shlex.split(command, comments=True)[1:]
        if words and words[0] in COMMANDS and words[-1] != "...":
            yield [word for word in words if word not in (">", "...")]


FOUND = [
    pytest.param(words, id=f"{path.stem}-{words[0]}-{number}")
    for path in PAGES
    for number, words in enumerate(documented(path))
]


def test_commands_are_found():
    assert len(FOUND) > 20
    pages = {parameter.id.rsplit("-", 2)[0] for parameter in FOUND}
    assert {"README", "results", "live", "cluster", "checks", "files"} <= pages


@pytest.mark.parametrize("words", FOUND)
def test_a_documented_command_parses(words):
    if words[0] == "completion":
        words = words[:2]
    options = _make_parser([words[0]]).parse_args(words)
    assert callable(options.function)
