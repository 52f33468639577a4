"""The commands ``mne-duin compare`` and ``ablate``."""

from pathlib import Path

from mne_duin.ablating import ABLATIONS, ablate_words
from mne_duin.baselines.named import NAMES
from mne_duin.comparing import DEFAULT, compare_words


def add_recording(parser):
    """Add the options that say which recordings and which anatomy.

    Parameters
    ----------
    parser : ArgumentParser
        Gets them.
    """
    parser.add_argument("bids_root", type=Path, help="the BIDS folder")
    parser.add_argument("--subject", required=True, help="for example 01")
    parser.add_argument("--session", help="default: all")
    parser.add_argument("--task", help="default: all")
    parser.add_argument("--space", help="which coordinates, where there are several")
    parser.add_argument(
        "--atlas", default="desikan-killiany", help="default: %(default)s"
    )
    parser.add_argument("--quiet", action="store_true", help="no log, no progress bars")


def _add_folds(parser):
    """Add the options of an evaluation with folds."""
    parser.add_argument("--run", nargs="+", help="default: all")
    parser.add_argument(
        "--regions", nargs="+", default=["vSMC", "STG"],
        help="regions whose channels are used, or 'all'; default: vSMC STG",
    )  # fmt: skip
    parser.add_argument(
        "--cv", default="leave-one-run-out",
        help="a number of folds, last-run, leave-one-run-out, …; default: %(default)s",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--preset", choices=("quick", "paper"), default="quick")
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument(
        "--memory", type=Path, metavar="DIR",
        help="keep pre-trained stages there and read them again; default: none is kept",
    )  # fmt: skip
    parser.add_argument("--align", metavar="COLUMN", help="time 0 of a trial")
    parser.add_argument("--tmin", type=float, default=-0.5, help="default: %(default)s")
    parser.add_argument("--tmax", type=float, default=2.5, help="default: %(default)s")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")


def add_compare(commands):
    """Add ``mne-duin compare``.

    Parameters
    ----------
    commands : object
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "compare", help="estimators by name on the same folds: table and figure"
    )
    add_recording(parser)
    parser.add_argument(
        "--estimators", nargs="+", choices=NAMES, default=DEFAULT, metavar="NAME",
        help=f"of {', '.join(NAMES)}; default: {' '.join(DEFAULT)}",
    )  # fmt: skip
    _add_folds(parser)
    parser.add_argument(
        "--label-column", default="trial_type", help="default: %(default)s"
    )
    parser.add_argument("--labels", nargs="+", help="labels to decode; default: all")
    parser.set_defaults(function=compare)


def add_ablate(commands):
    """Add ``mne-duin ablate``.

    Parameters
    ----------
    commands : object
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "ablate", help="vary one thing that the paper varies: table and figure"
    )
    add_recording(parser)
    parser.add_argument("what", choices=sorted(ABLATIONS))
    _add_folds(parser)
    parser.set_defaults(function=ablate)


def _fold_options(options):
    """Return the keywords that :func:`_add_folds` stands for."""
    return {
        "session": options.session,
        "task": options.task,
        "run": options.run,
        "regions": None if options.regions == ["all"] else options.regions,
        "cv": int(options.cv) if options.cv.isdecimal() else options.cv,
        "n_repeats": options.repeats,
        "preset": options.preset,
        "out": options.out / f"sub-{options.subject.removeprefix('sub-')}",
        "memory": options.memory,
        "align": options.align,
        "tmin": options.tmin,
        "tmax": options.tmax,
        "device": options.device,
        "random_state": options.seed,
        "verbose": False if options.quiet else None,
    }


def compare(options):
    """Run ``mne-duin compare``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    found = compare_words(
        options.bids_root,
        options.subject,
        estimators=options.estimators,
        event_id=options.labels,
        label_column=options.label_column,
        atlas=options.atlas,
        space=options.space,
        **_fold_options(options),
    )
    print(f"\n{found}")


def ablate(options):
    """Run ``mne-duin ablate``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    table = ablate_words(
        options.bids_root, options.subject, options.what, **_fold_options(options)
    )
    shown = ["value", "accuracy", "low", "high", "difference", "p_holm"]
    print(f"\n{table[shown].round(3).to_string(index=False)}")
