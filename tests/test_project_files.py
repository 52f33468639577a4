"""The files for people who join: they parse, and they say the same version."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import mne_duin

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_follow_the_schema(path):
    schema = ["--builtin-schema", "vendor.github-workflows"]
    command = [sys.executable, "-m", "check_jsonschema", *schema, str(path)]
    out = subprocess.run(command, capture_output=True, text=True)
    assert out.returncode == 0, out.stdout + out.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_targets_and_files_that_exist(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    commands = [s["run"] for job in jobs.values() for s in job["steps"] if "run" in s]
    for command in commands:
        words = command.split()
        if words[0] == "make":
            assert f"\n{words[1]}:" in makefile, command
        for word in words:
            if word in ("constraints.txt", "constraints-oldest.txt", "pyproject.toml"):
                assert (ROOT / word).exists()


def test_all_python_versions_of_the_classifiers_are_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    prefix = "Programming Language :: Python :: 3."
    classifiers = project["project"]["classifiers"]
    minors = sorted(int(c[len(prefix) :]) for c in classifiers if c.startswith(prefix))
    tests = yaml.safe_load(WORKFLOWS[-1].read_text(encoding="utf-8"))
    tested = tests["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{minors[0]}", f"3.{minors[-1]}"]


def test_citation_and_codemeta_say_the_version_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    codemeta = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    assert citation["version"] == codemeta["version"] == mne_duin.__version__


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    path = ROOT / "doc" / "conda" / "recipe.yaml"
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = {"pytorch": "torch", "matplotlib-base": "matplotlib", "mne-base": "mne"}
    asked = [line.split() for line in recipe["requirements"]["run"]]
    asked = {names.get(name, name): least for name, least in asked}
    assert asked.pop("python") == project["project"]["requires-python"]
    needed = project["project"]["dependencies"]
    assert sorted(map("".join, asked.items())) == sorted(needed)
    assert recipe["context"]["version"] == mne_duin.__version__
    assert recipe["requirements"]["host"][2] in project["build-system"]["requires"]
    (command,) = project["project"]["scripts"].items()
    assert recipe["build"]["python"]["entry_points"] == [" = ".join(command)]
    assert (path.parent / recipe["source"]["path"]).resolve() == ROOT


@pytest.mark.parametrize("name", ["bug_report.yml", "feature_request.yml"])
def test_issue_forms_parse(name):
    path = ROOT / ".github" / "ISSUE_TEMPLATE" / name
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
