"""The command ``mne-duin pretrain``, alone or in several processes."""

from pathlib import Path

import mne_duin
from mne_duin.cli import _options as shared
from mne_duin.training import is_main, leave_processes


def add_pretrain(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "pretrain",
        help="pre-train on unlabeled recordings; goes on where it was interrupted",
    )
    shared.add_place(parser)
    shared.add_runs(parser, "default: all; leave out what you want to test on")
    shared.add_channels(parser)
    shared.add_training(parser)
    shared.add_pretraining(parser)
    for name, default in (("--duration", 8.0), ("--overlap", 4.0)):
        parser.add_argument(
            name, type=shared.number(0, 3600), default=default, metavar="S",
            help="of segments, in seconds; default: %(default)s",
        )  # fmt: skip
    parser.add_argument(
        "--on-disk", type=Path, metavar="DIR",
        help="folder for the segments of recordings that do not fit into memory; "
        "training reads them from there",
    )  # fmt: skip
    parser.add_argument(
        "--disk-dtype", choices=("float32", "float16", "int16"),
        help="how their numbers are stored; default: float32",
    )  # fmt: skip
    parser.add_argument(
        "--balance", choices=("recording", "subject"),
        help="draw segments of every recording, or subject, equally often",
    )  # fmt: skip
    parser.add_argument(
        "--crop-duration", type=shared.number(0, 3600), metavar="S",
        help="of random crops of the segments, in seconds; take one that is at least "
        "as long as your trials; default: the preset's",
    )  # fmt: skip
    passes = shared.number(1, 1_000_000, whole=True)
    parser.add_argument(
        "--max-iter", type=passes, metavar="N",
        help="passes of each stage of codes; default: the preset's",
    )  # fmt: skip
    parser.add_argument(
        "--max-steps", type=passes, metavar="N",
        help="steps with hidden cells; default: as many as the recording is worth",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint-every", type=passes, default=1, metavar="N",
        help="passes from one checkpoint to the next",
    )  # fmt: skip
    shared.add_output(parser)
    parser.set_defaults(function=run_pretrain)


def run_pretrain(options):
    """Run ``mne-duin pretrain``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.

    Returns
    -------
    status : int
        1 if a subject failed, or results are not where they were asked for.
    """
    shared.check_place(options)
    keywords = shared.keywords(options, mne_duin.pretrain)

    def one(subject):
        pretraining = mne_duin.pretrain(options.root, subject, **keywords)
        if is_main():
            print(f"\n{pretraining}")
        return int(not shared.is_there(pretraining, options.out))

    try:
        return shared.each_subject(options, one)
    finally:
        leave_processes()
