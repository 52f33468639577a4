"""The command ``mne-duin pretrain``, alone or in several processes."""

from pathlib import Path

from mne_duin.cli_comparing import add_recording
from mne_duin.pretraining import pretrain
from mne_duin.training.processes import is_main, leave_processes


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
    add_recording(parser)
    parser.add_argument("--run", nargs="+", help="default: all")
    parser.add_argument(
        "--regions",
        nargs="+",
        default=["vSMC", "STG"],
        help="regions whose channels are used, or 'all'; default: vSMC STG",
    )
    parser.add_argument("--preset", choices=("quick", "paper"), default="quick")
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--duration", type=float, default=8.0, help="of segments, s")
    parser.add_argument("--overlap", type=float, default=4.0, help="of segments, s")
    parser.add_argument(
        "--reference",
        choices=("bipolar", "laplacian", "shaft", "none"),
        default="bipolar",
    )
    parser.add_argument(
        "--max-iter", type=int, help="passes of each stage; default: the preset's"
    )
    parser.add_argument(
        "--checkpoint-every", type=int, default=1, metavar="N", help="passes"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--precision", choices=("32", "bf16", "auto"), default="auto")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
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
            session=options.session,
            task=options.task,
            run=options.run,
            regions=None if options.regions == ["all"] else options.regions,
            preset=options.preset,
            out=options.out,
            duration=options.duration,
            overlap=options.overlap,
            reference=None if options.reference == "none" else options.reference,
            atlas=options.atlas,
            space=options.space,
            max_iter=options.max_iter,
            checkpoint_every=options.checkpoint_every,
            device=options.device,
            precision=options.precision,
            random_state=options.seed,
            verbose=False if options.quiet else None,
        )
        if is_main():
            print(f"\n{pretraining}")
    finally:
        leave_processes()
