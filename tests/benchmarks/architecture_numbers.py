"""How many files and functions one idea is spread over, as one table.

``python tests/benchmarks/architecture_numbers.py [FOLDER ...]`` counts in the folders
that hold ``mne_duin`` (default: this one), one column each, so that two versions can be
laid side by side. ``--out FILE`` writes the table, too.
"""

import argparse
import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parents[2]

# Runs in a fresh interpreter, so that each version imports its own package only.
FITS = """
import json, sys, warnings
from pathlib import Path
import numpy as np
import mne_duin
from mne_duin import DuINClassifier, DuINVQVAE

ROOT = str(Path(mne_duin.__file__).parent)
warnings.simplefilter("ignore")
X = np.random.default_rng(0).standard_normal((12, 3, 400))
y = np.repeat(["yes", "no"], 6)
options = dict(n_layers=1, max_iter=2, random_state=0, verbose=False, sfreq=1000.0)
codex = DuINVQVAE(n_codes=8, n_decoder_layers=1, **options)
words = DuINClassifier(**options)
DuINClassifier(**options).fit(X, y).predict(X)  # what is done once per interpreter


def entered(call):
    found = set()

    def note(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(ROOT):
            found.add((code.co_filename, code.co_qualname))

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    named = {one for one in found if "<module>" not in one[1]}
    return sorted({file[len(ROOT) + 1:] for file, _ in named}), len(named)


print(json.dumps({
    "fit of the codex": entered(lambda: codex.fit(X)),
    "fit of the classifier": entered(lambda: words.fit(X, y)),
    "predict": entered(lambda: words.predict(X)),
}))
"""


def count_calls(root):
    """Return, by task, the own files and the number of own functions it enters."""
    command = [sys.executable, "-c", FITS]
    environment = {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=True, cwd="/"
    )
    return json.loads(done.stdout.splitlines()[-1])


def read_package(root):
    """Return the syntax tree of every module by its dotted name."""
    trees = {}
    for path in sorted((root / "mne_duin").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


def imported_by(name, tree, known):
    """Return the own modules that one module imports, nested imports included."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = f"{name}.{base}" if base else name
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return (found & known) - {name}


def exported(root):
    """Return the names that a folder's ``__init__`` lists, which is the API."""
    names = set()
    for path in (root / "mne_duin").glob("*/__init__.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and _is_all(node.targets[0]):
                names |= set(ast.literal_eval(node.value))
    return names


def _is_all(target):
    return isinstance(target, ast.Name) and target.id == "__all__"


def is_private(module):
    """Whether a part of a dotted name starts with an underscore."""
    return any(part.startswith("_") for part in module.split("."))


def docstring_lines(tree, api):
    """Return the lines of docstrings of everything that is not API."""
    total = 0
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for one in ast.walk(node):
            if not isinstance(one, ast.FunctionDef | ast.ClassDef):
                continue
            if node.name in api and not one.name.startswith("_"):
                continue
            total += len((ast.get_docstring(one) or "").splitlines())
    return total


def count(root):
    """Return all numbers of one version, by name."""
    trees = read_package(root)
    known, api = set(trees), exported(root)
    importers = Counter()
    for name, tree in trees.items():
        importers.update(imported_by(name, tree, known))
    outside = {
        f"{module}.{node.name}"
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not is_private(f"{module}.{node.name}")
        and node.name not in api
    }
    numbers = {"files": len(trees)}
    for task, (files, n_functions) in count_calls(root).items():
        numbers[f"files entered by a {task}"] = len(files)
        numbers[f"functions entered by a {task}"] = n_functions
    numbers["modules with one importer"] = sum(n == 1 for n in importers.values())
    numbers["public names in the API"] = len(api)
    numbers["public names outside the API"] = len(outside)
    numbers["lines of internal docstrings"] = sum(
        docstring_lines(tree, api) for tree in trees.values()
    )
    return numbers


def main():
    """Print the table, one column per version."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, default=[HERE])
    parser.add_argument("--names", nargs="+", help="heads of the columns")
    parser.add_argument("--out", type=Path, help="write the table to this TSV file")
    options = parser.parse_args()
    names = options.names or [folder.resolve().name for folder in options.folders]
    columns = [count(folder.resolve()) for folder in options.folders]
    rows = [["number", *names]]
    rows += [[name, *(str(column[name]) for column in columns)] for name in columns[0]]
    width = max(len(row[0]) for row in rows)
    for row in rows:
        print(f"{row[0]:<{width}}" + "".join(f"{value:>12}" for value in row[1:]))
    if options.out is not None:
        text = "".join("\t".join(row) + "\n" for row in rows)
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
