"""The command ``mne-duin pretrain``, alone or in several processes."""

from mne_duin.cli import options as shared
from mne_duin.training import is_main, leave_processes
from mne_duin.workflows import pretrain


def add_pretrain(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "pretrain",
        help="learn a codex and pre-train on unlabelled recordings; goes on where it "
        "was interrupted",
    )
    shared.add_recording(parser)
    shared.add_channels(parser)
    shared.add_training(parser)
    parser.add_argument("--duration", type=float, default=8.0, help="of segments, s")
    parser.add_argument("--overlap", type=float, default=4.0, help="of segments, s")
    parser.add_argument(
        "--max-iter", type=int, help="passes of each stage; default: the preset's"
    )
    parser.add_argument(
        "--checkpoint-every", type=int, default=1, metavar="N", help="passes"
    )
    parser.set_defaults(function=run_pretrain)


def run_pretrain(options):
    """Run ``mne-duin pretrain``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    try:
        pretraining = pretrain(
            options.bids_root,
            options.subject,
            out=options.out,
            duration=options.duration,
            overlap=options.overlap,
            max_iter=options.max_iter,
            checkpoint_every=options.checkpoint_every,
            **shared.recording_keywords(options),
            **shared.training_keywords(options),
        )
        if is_main():
            print(f"\n{pretraining}")
    finally:
        leave_processes()
