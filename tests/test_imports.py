"""The import rules: imports go down, never hide, and `import mne_duin` stays light."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import mne_duin

PACKAGE = Path(mne_duin.__file__).parent

# Which folders and modules a folder or module may import from (itself always).
ALLOWED = {
    "utils": set(),
    "data": set(),
    "nn": {"utils"},
    "sequences": {"utils"},
    "training": {"utils", "viz"},
    "checkpoints": {"utils"},
    "viz": {"utils", "channels"},
    "io": {"utils", "channels"},
    "channels": {"utils", "data"},
    "datasets": {"utils", "io", "channels", "data", "sequences"},
    "estimators": {"utils", "nn", "training", "checkpoints", "viz", "sequences"},
    "evaluation": {"utils", "viz"},
    "report": {"utils", "viz", "evaluation"},
    "baselines": {
        "utils",
        "nn",
        "training",
        "checkpoints",
        "estimators",
        "sequences",
    },
    "weights": {"utils", "nn", "training", "checkpoints", "estimators", "baselines"},
    "live": {"utils", "io"},
    "workflows": {
        "utils",
        "io",
        "training",
        "viz",
        "channels",
        "estimators",
        "baselines",
        "evaluation",
        "report",
        "weights",
        "live",
    },
    "cli": {
        "utils",
        "io",
        "channels",
        "training",
        "viz",
        "estimators",
        "baselines",
        "weights",
        "workflows",
        "live",
    },
}
LIGHT = {"_version", "__init__"}
FILES = sorted(PACKAGE.rglob("*.py"))


def own_imports(node):
    """Names of the top-level parts of this package that an import statement uses."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mne_duin"):
        parts = node.module.split(".")[1:]
        return [parts[0]] if parts else [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        return [
            alias.name.split(".")[1]
            for alias in node.names
            if alias.name.startswith("mne_duin.")
        ]
    return []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_and_never_hide(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 or path.name == "__init__.py", (
                f"line {node.lineno}: write absolute imports"
            )
        for name in own_imports(node):
            if room in ALLOWED and name not in LIGHT:
                assert name == room or name in ALLOWED[room], (
                    f"line {node.lineno}: {room} must not import {name}"
                )
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                assert not own_imports(node), f"{function.name} hides an import"


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_imported_by(path, known):
    """Own modules that a file imports, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = f"{module_name(path)}.{base}".rstrip(".")
            names = {f"{base}.{alias.name}" for alias in node.names}
            # What is no module itself is a name in the module.
            found |= names & known if names <= known else {base} | names
    return (found & known) - {module_name(path)}


def test_no_circle_not_even_by_nested_imports():
    known = {module_name(path) for path in FILES}
    graph = {module_name(path): modules_imported_by(path, known) for path in FILES}
    assert sum(map(len, graph.values())) > len(FILES)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_folder_has_a_rule():
    folders = {
        path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()
    }
    assert folders == set(ALLOWED)


def test_importing_the_package_is_light():
    code = (
        "import sys, mne_duin; "
        "heavy = ('torch', 'matplotlib', 'mne', 'pandas'); "
        "print([module for module in heavy if module in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


@pytest.mark.slow
def test_what_takes_seconds_is_imported_where_it_is_needed():
    code = (
        "import sys, mne_duin.workflows, mne_duin.weights, mne_duin.report; "
        "heavy = ('nilearn.plotting', 'nilearn.datasets', 'skops', '_pytest'); "
        "print([module for module in heavy if module in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


def test_every_public_name_resolves():
    assert mne_duin.__all__
    for name in mne_duin.__all__:
        assert getattr(mne_duin, name) is not None


def test_folders_are_attributes_and_not_exported():
    code = "import mne_duin; print(mne_duin.datasets.sample_data_path, mne_duin.io)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert not {"io", "datasets", "viz"} & set(mne_duin.__all__)
