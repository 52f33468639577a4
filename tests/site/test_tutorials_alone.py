"""Every tutorial is a script that runs as it is, from an empty folder.

Run by ``make check-docs``.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "tutorials").glob("[0-9]*.py"))


@pytest.mark.parametrize("script", TUTORIALS, ids=lambda path: path.stem)
def test_it_runs_from_an_empty_folder(script, tmp_path):
    copy = shutil.copy(script, tmp_path / "script.py")
    done = subprocess.run(
        [sys.executable, copy],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    left = [path.name for path in tmp_path.iterdir() if path.name != "script.py"]
    assert left == [], "a tutorial leaves nothing behind in the reader's folder"
