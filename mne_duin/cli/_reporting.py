"""The command ``mne-duin report``."""

from pathlib import Path

import mne_duin
from mne_duin.cli import _options as shared


def add_report(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "report", help="regenerate the report of a saved decoding"
    )
    parser.add_argument("path", type=Path, help="its folder or one of its files")
    parser.add_argument(
        "--root", type=Path, metavar="DIR",
        help="the BIDS folder, where it is not where it was",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="default: the report of the analysis"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an existing report"
    )
    shared.add_talk(parser)
    parser.set_defaults(function=report)


def report(options):
    """Run ``mne-duin report``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    keywords = shared.keywords(options, mne_duin.report_words)
    found = mne_duin.report_words(keywords.pop("path"), root=options.root, **keywords)
    print(f"Report: {found}")
