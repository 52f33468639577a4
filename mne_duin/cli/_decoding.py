"""The command ``mne-duin decode``."""

import argparse
from pathlib import Path

import mne_duin
from mne_duin.cli import _options as shared


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
    shared.add_place(parser)
    shared.add_runs(parser, "default: all; the last is held out")
    shared.add_channels(parser)
    shared.add_trials(parser)
    shared.add_folds(parser, "last-run")
    shared.add_training(parser)
    shared.add_pretraining(parser)
    parser.add_argument(
        "--pretrained", type=Path, metavar="PATH",
        help="what `mne-duin pretrain` wrote, in place of the pre-training",
    )  # fmt: skip
    parser.add_argument(
        "--models", action=argparse.BooleanOptionalAction, default=True,
        help="whether to write the networks; default: yes",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoints", dest="checkpoint_dir", type=Path, metavar="DIR",
        help="keep checkpoints of the pre-training here, and continue from them",
    )  # fmt: skip
    shared.add_jobs(parser, "subjects, or trainings of one,", default="auto")
    shared.add_output(parser)
    parser.set_defaults(function=decode)


def decode(options):
    """Run ``mne-duin decode``.

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
    keywords = shared.keywords(options, mne_duin.decode_words)
    if options.subject == ["all"] or len(options.subject) > 1:
        group = mne_duin.decode_group(options.root, options.subject, **keywords)
        print(f"\n{group}")
        if group.folder is None:
            return 1
        print(f"\nGroup: {group.folder}")
        return int(bool(group.failures) or not shared.is_there(group, options.out))
    decoding = mne_duin.decode_words(options.root, options.subject[0], **keywords)
    print(f"\n{decoding}\n\nReport: {decoding.report}")
    return int(not shared.is_there(decoding, options.out))
