"""The parser of all commands, and what becomes of their errors."""

import argparse
import sys
import warnings
from importlib.metadata import version

import mne

from mne_duin._version import __version__
from mne_duin.cli.comparing import add_ablate, add_compare
from mne_duin.cli.contacts import add_contacts
from mne_duin.cli.decoding import add_decode
from mne_duin.cli.pretraining import add_pretrain
from mne_duin.cli.weights import add_convert

PACKAGES = ("mne-bids", "torch", "safetensors", "nilearn", "nibabel")

# Everything that a user's data or arguments can cause is told in one sentence.
USER_ERRORS = (ValueError, TypeError, OSError, ImportError, NotImplementedError)


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str | None
        The arguments; None takes those of the process.

    Returns
    -------
    status : int
        0, or 2 if the data or the arguments cannot be used.
    """
    options = make_parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    try:
        with mne.utils.use_log_level("WARNING" if options.quiet else "INFO"):
            options.function(options)
    except USER_ERRORS as error:
        text = " ".join(str(error).split())
        print(f"mne-duin {options.command}: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"mne-duin {options.command}: interrupted", file=sys.stderr)
        return 130
    return 0


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"mne-duin: warning: {message}", file=sys.stderr)


def make_parser():
    """Build the parser of all commands.

    Returns
    -------
    parser : ArgumentParser
        The parser.
    """
    parser = argparse.ArgumentParser(
        prog="mne-duin", description="Decode words from sEEG with Du-IN."
    )
    version = f"mne-duin {__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_decode(commands)
    add_compare(commands)
    add_ablate(commands)
    add_pretrain(commands)
    add_contacts(commands)
    add_convert(commands)
    info = commands.add_parser("sys-info", help="print versions, for bug reports")
    info.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    info.set_defaults(function=sys_info)
    return parser


def sys_info(options):
    """Run ``mne-duin sys-info``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    print(f"{'mne_duin':<14}{__version__}")
    for name in PACKAGES:
        print(f"{name:<14}{version(name)}")
    mne.sys_info(fid=sys.stdout, check_version=False)
