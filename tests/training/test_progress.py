"""Progress bars: in terminals, and only where the log is not turned down."""

import sys
from types import SimpleNamespace

import mne
import pytest

from mne_duin.training._engine import is_shown


@pytest.mark.parametrize(
    ("verbose", "shown"),
    [
        (True, True),
        (False, False),
        ("INFO", True),
        ("info", True),
        ("DEBUG", True),
        ("WARNING", False),
        ("ERROR", False),
        (20, True),
        (40, False),
    ],
)
def test_a_level_of_the_log_is_no_switch(verbose, shown, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert is_shown(verbose) is shown
    with mne.utils.use_log_level(verbose):
        assert is_shown(None) is shown


@pytest.mark.parametrize("verbose", [True, "INFO", None])
def test_there_is_no_bar_in_a_file(verbose, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with mne.utils.use_log_level("INFO"):
        assert is_shown(verbose) is False


@pytest.mark.parametrize("shell", [SimpleNamespace(kernel=object()), None])
def test_there_is_a_bar_in_a_notebook(shell, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    shells = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", shells)
    assert is_shown(True) is (shell is not None)
