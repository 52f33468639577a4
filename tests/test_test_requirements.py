"""What the tests import, directly or through a library, is declared in ``[test]``."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
# What libraries import only when a test makes them write or run something.
THROUGH = {
    r"write_raw_bids": "pybv",
    r"export_raw|\.export\(": "edfio",
    r"NWBHDF5IO": "pynwb",
    r"-n 2|xdist": "pytest-xdist",
    r"LocalCluster": "distributed",
}
# A test that needs these says so by `importorskip` and is skipped without them.
OPTIONAL = {
    "aeon",
    "braindecode",
    "huggingface-hub",
    "pyvista",
    "pyvistaqt",
    "playwright",
}
OWN = {"mne_duin", "tests"}
# Imported under another name than the package has.
PACKAGES = {"sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow"}


def plain(name):
    """The name of a requirement as package indices compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower()


DECLARED = {
    plain(line)
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
}


def files():
    """The files of the tests, without those that are run by hand."""
    folder = ROOT / "tests"
    skipped = (folder / "benchmarks", folder / "data")
    return [
        path
        for path in folder.rglob("*.py")
        if not any(path.is_relative_to(other) for other in skipped)
        and path != Path(__file__)
    ]


def imported(path):
    """The top packages that a file imports, or asks for by ``importorskip``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and "importorskip" in ast.unparse(node.func):
            yield node.args[0].value.partition(".")[0]


def test_what_tests_import_is_declared():
    local = {
        path.stem for part in ("tests", "doc") for path in (ROOT / part).rglob("*.py")
    }
    missing = {}
    for path in files():
        for package in set(imported(path)) - OWN - local - set(sys.stdlib_module_names):
            if plain(PACKAGES.get(package, package)) not in DECLARED | OPTIONAL:
                missing.setdefault(package, path.name)
    assert missing == {}


@pytest.mark.parametrize(("pattern", "package"), THROUGH.items())
def test_what_libraries_need_for_the_tests_is_declared(pattern, package):
    users = [p for p in files() if re.search(pattern, p.read_text(encoding="utf-8"))]
    assert not users or package in DECLARED
