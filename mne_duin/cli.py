"""The command line: ``mne-duin decode``, ``compare``, ``contacts`` and others."""

import argparse
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import matplotlib.pyplot as plt
import mne

from mne_duin import __version__
from mne_duin.channels import assign_regions, label_contacts
from mne_duin.cli_comparing import add_ablate, add_compare, add_recording
from mne_duin.cli_pretraining import add_pretrain
from mne_duin.estimators import convert_weights
from mne_duin.io import find_recordings, read_contacts
from mne_duin.pipeline import decode_words
from mne_duin.viz import plot_contacts

PACKAGES = ("mne-bids", "torch", "accelerate", "safetensors", "nilearn", "nibabel")

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
    _add_decode(commands)
    add_compare(commands)
    add_ablate(commands)
    add_pretrain(commands)
    _add_contacts(commands)
    _add_convert(commands)
    info = commands.add_parser("sys-info", help="print versions, for bug reports")
    info.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    info.set_defaults(function=sys_info)
    return parser


def _add_decode(commands):
    parser = commands.add_parser(
        "decode", help="from a BIDS folder to decoded words and a report"
    )
    add_recording(parser)
    parser.add_argument("--run", nargs="+", help="default: all; the last is held out")
    parser.add_argument(
        "--regions",
        nargs="+",
        default=["vSMC", "STG"],
        help="regions whose channels are used, or 'all'; default: vSMC STG",
    )
    parser.add_argument("--preset", choices=("quick", "paper"), default="quick")
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument(
        "--label-column", default="trial_type", help="default: %(default)s"
    )
    parser.add_argument("--labels", nargs="+", help="labels to decode; default: all")
    parser.add_argument(
        "--align",
        metavar="COLUMN",
        help="time 0 of a trial: a column of latencies such as response_time, or the "
        "label of an event that follows; default: the onset",
    )
    parser.add_argument("--tmin", type=float, default=-0.5, help="default: %(default)s")
    parser.add_argument("--tmax", type=float, default=2.5, help="default: %(default)s")
    parser.add_argument(
        "--reference",
        choices=("bipolar", "laplacian", "shaft", "none"),
        default="bipolar",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--precision", choices=("32", "bf16", "auto"), default="auto")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="DIR",
        help="keep checkpoints of the pre-training here, and continue from them",
    )
    parser.set_defaults(function=decode)


def _add_contacts(commands):
    parser = commands.add_parser(
        "contacts", help="print, and draw, the labelled contacts of a subject"
    )
    add_recording(parser)
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw them to this picture"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the table to this TSV file"
    )
    parser.set_defaults(function=contacts)


def _add_convert(commands):
    parser = commands.add_parser(
        "convert", help="turn weights of one kind of file into another"
    )
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
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.set_defaults(function=convert)


def convert(options):
    """Run ``mne-duin convert``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    estimator = convert_weights(
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
        session=options.session,
        task=options.task,
        run=options.run,
        regions=None if options.regions == ["all"] else options.regions,
        preset=options.preset,
        out=options.out,
        event_id=options.labels,
        label_column=options.label_column,
        align=options.align,
        tmin=options.tmin,
        tmax=options.tmax,
        reference=None if options.reference == "none" else options.reference,
        atlas=options.atlas,
        space=options.space,
        checkpoint_dir=options.checkpoints,
        device=options.device,
        precision=options.precision,
        random_state=options.seed,
        verbose=False if options.quiet else None,
    )
    print(f"\n{decoding}\n\nReport: {decoding.folder / 'report.html'}")


def contacts(options):
    """Run ``mne-duin contacts``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    path = find_recordings(
        options.bids_root,
        subject=options.subject,
        session=options.session,
        task=options.task,
    )[0]
    table = read_contacts(path, space=options.space)
    table = assign_regions(label_contacts(table, atlas=options.atlas))
    print(table.to_string(na_rep="n/a"))
    if options.out is not None:
        table.to_csv(options.out, sep="\t", na_rep="n/a")
    if options.plot is not None:
        figure = plot_contacts(table, show=False)
        figure.savefig(options.plot, dpi=150)
        plt.close(figure)


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


if __name__ == "__main__":
    sys.exit(main())
