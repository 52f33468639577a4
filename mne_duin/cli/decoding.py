"""The command ``mne-duin decode``."""

from pathlib import Path

from mne_duin.cli import options as shared
from mne_duin.workflows import decode_words


def add_decode(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "decode", help="from a BIDS folder to decoded words and a report"
    )
    shared.add_recording(parser)
    shared.add_channels(parser, runs="default: all; the last is held out")
    shared.add_trials(parser)
    shared.add_training(parser)
    parser.add_argument(
        "--checkpoints", type=Path, metavar="DIR",
        help="keep checkpoints of the pre-training here, and continue from them",
    )  # fmt: skip
    parser.set_defaults(function=decode)


def decode(options):
    """Run ``mne-duin decode``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    decoding = decode_words(
        options.bids_root,
        options.subject,
        out=options.out,
        checkpoint_dir=options.checkpoints,
        **shared.recording_keywords(options),
        **shared.trial_keywords(options),
        **shared.training_keywords(options),
    )
    print(f"\n{decoding}\n\nReport: {decoding.folder / 'report.html'}")
