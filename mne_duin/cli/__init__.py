"""The command line ``mne-duin``: one file per kind of command, shared options apart.

A command turns its arguments into one call of a public function and prints the outcome.
"""

from mne_duin.cli.main import main

__all__ = ["main"]
