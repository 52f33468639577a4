"""The parser of all commands, and what becomes of their errors.

Nothing heavy is imported before it is known which command runs: the help of the whole
is there at once, and a command imports what it needs.
"""

import argparse
import os
import sys
import warnings
from importlib import import_module

from mne_duin._version import __version__
from mne_duin.cli._config import apply_config

# Command: the module that has ``add_<command>``, and a line of help.
COMMANDS = {
    "decode": ("decoding", "from a BIDS folder to decoded words and a report"),
    "predict": ("predicting", "use a saved decoder on new recordings"),
    "live": ("live", "decode a stream with a saved decoder"),
    "replay": ("live", "play back a recording as a stream, for tests"),
    "report": ("reporting", "regenerate the report of a saved decoding"),
    "compare": ("comparing", "compare estimators on the same folds: table and figure"),
    "ablate": ("comparing", "vary one parameter: table and figure"),
    "pretrain": ("pretraining", "learn a codex and pre-train on unlabeled recordings"),
    "check": ("checking", "check recordings and their sidecars for errors"),
    "contacts": ("contacts", "print and plot the labeled contacts of a subject"),
    "convert": ("weights", "convert files of weights"),
    "completion": ("information", "print the completion script of a shell"),
    "sys-info": ("information", "print versions, for bug reports"),
}
# Everything that a user's data or arguments can cause is told in one sentence.
USER_ERRORS = (ValueError, TypeError, OSError, ImportError, NotImplementedError)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Threads that wait for long turn in circles, also where others need the core. Those
# that fall asleep at once are woken too late: a second thread then gains little.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str | None
        The arguments; None takes those of the process.

    Returns
    -------
    status : int
        0; 1 if something could not be done or written where it was asked for; 2 if the
        data or the arguments cannot be used; 130 if it was interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command = next((word for word in arguments if word in COMMANDS), None)
    parser = _make_parser([command])
    try:
        if command is not None:
            apply_config(parser, command, arguments)
        options = parser.parse_args(arguments)
        _limit_threads(getattr(options, "threads", None))
        with warnings.catch_warnings():
            warnings.showwarning = _Warnings()
            log = import_module("mne.utils")
            with log.use_log_level("WARNING" if options.quiet else "INFO"):
                return options.function(options) or 0
    except USER_ERRORS as error:
        text = " ".join(str(error).split())
        print(f"mne-duin {command}: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"mne-duin {command}: interrupted", file=sys.stderr)
        return 130


def _limit_threads(n_threads):
    """Limit the threads of numerical libraries, before and after they are loaded."""
    if "OMP_WAIT_POLICY" not in os.environ:
        for name, value in WAITING.items():
            os.environ.setdefault(name, value)
    if n_threads is None:
        return
    os.environ.update(dict.fromkeys(THREADS, str(n_threads)))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n_threads)


class _Warnings:
    """Print every warning once."""

    def __init__(self):
        self.seen = set()

    def __call__(self, message, category, filename, lineno, file=None, line=None):
        """Print a warning that was not printed before."""
        if str(message) not in self.seen:
            self.seen.add(str(message))
            print(f"mne-duin: warning: {message}", file=sys.stderr)


def _make_parser(commands=None):
    """Build the parser.

    Parameters
    ----------
    commands : list of str | None
        The commands whose options are added, as this imports their modules; None takes
        all.

    Returns
    -------
    parser : ArgumentParser
        The parser.
    """
    parser = argparse.ArgumentParser(
        prog="mne-duin",
        description="Decode words from sEEG with Du-IN.",
        epilog="The options of a command: mne-duin COMMAND --help. Shell completion: "
        "mne-duin completion bash (or zsh, tcsh).",
    )
    parser.set_defaults(make_parser=_make_parser)
    version = f"mne-duin {__version__}"
    parser.add_argument("--version", action="version", version=version)
    sub = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in COMMANDS.items():
        if commands is None or name in commands:
            found = import_module(f"mne_duin.cli._{module}")
            getattr(found, f"add_{name.replace('-', '_')}")(sub)
        else:
            sub.add_parser(name, help=summary)
    return parser
