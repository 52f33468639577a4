"""The commands ``mne-duin sys-info`` and ``completion``."""

import argparse
import sys
from importlib.metadata import version

import mne

from mne_duin._version import __version__
from mne_duin.utils._checks import import_optional

PACKAGES = ("mne-bids", "torch", "safetensors", "nilearn", "nibabel")


def add_sys_info(commands):
    """Add ``mne-duin sys-info``.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser("sys-info", help="print versions, for bug reports")
    parser.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(function=sys_info)


def add_completion(commands):
    """Add ``mne-duin completion``.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "completion", help="print the completion script of a shell"
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    parser.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(function=completion)


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


def completion(options):
    """Run ``mne-duin completion``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    shtab = import_optional(
        "shtab", extra="completion", purpose="write completion scripts"
    )
    print(shtab.complete(options.make_parser(), shell=options.shell))
