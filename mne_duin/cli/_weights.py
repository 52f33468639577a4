"""The command ``mne-duin convert``."""

from pathlib import Path

import mne_duin
from mne_duin.cli import _options as shared


def add_convert(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser("convert", help="convert files of weights")
    parser.add_argument("source", type=Path, help="the file to read, of any kind")
    parser.add_argument("target", type=Path, help="the file to write")
    parser.add_argument(
        "--to",
        choices=("mne_duin", "published", "braindecode"),
        default="mne_duin",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--subject", help="whose spatial map braindecode's network gets"
    )
    parser.add_argument(
        "--ch-names", nargs="+", metavar="NAME", help="channels of foreign weights"
    )
    parser.add_argument(
        "--classes", nargs="+", metavar="LABEL", help="labels of foreign weights"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an existing file"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.set_defaults(function=convert)


def convert(options):
    """Run ``mne-duin convert``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    shared.check_new(options, options.target)
    estimator = mne_duin.convert_weights(
        options.source,
        options.target,
        to=options.to,
        subject=options.subject,
        ch_names=options.ch_names,
        classes=options.classes,
    )
    if not options.quiet:
        kind = type(estimator).__name__
        print(f"{kind} of {estimator.n_features_in_} channels -> {options.target}")
