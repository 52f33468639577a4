"""The commands ``mne-duin compare`` and ``ablate``."""

from pathlib import Path

from mne_duin.baselines._make_estimator import NAMES
from mne_duin.cli import options as shared
from mne_duin.workflows import ablate_words, compare_words
from mne_duin.workflows.ablating import ABLATIONS
from mne_duin.workflows.comparing import DEFAULT


def _add_folds(parser):
    """Add the options of an evaluation with folds."""
    shared.add_channels(parser)
    shared.add_trials(parser)
    shared.add_training(parser)
    parser.add_argument(
        "--cv", default="leave-one-run-out",
        help="a number of folds, last-run, leave-one-run-out, …; default: %(default)s",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--memory", type=Path, metavar="DIR",
        help="keep pre-trained stages there and read them again; default: none is kept",
    )  # fmt: skip


def add_compare(commands):
    """Add ``mne-duin compare``.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "compare", help="estimators by name on the same folds: table and figure"
    )
    shared.add_recording(parser)
    parser.add_argument(
        "--estimators", nargs="+", choices=NAMES, default=DEFAULT, metavar="NAME",
        help=f"of {', '.join(NAMES)}; default: {' '.join(DEFAULT)}",
    )  # fmt: skip
    _add_folds(parser)
    parser.set_defaults(function=compare)


def add_ablate(commands):
    """Add ``mne-duin ablate``.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "ablate", help="vary one thing that the paper varies: table and figure"
    )
    shared.add_recording(parser)
    parser.add_argument("what", choices=sorted(ABLATIONS))
    _add_folds(parser)
    parser.set_defaults(function=ablate)


def _fold_keywords(options):
    """Return the keywords that :func:`_add_folds` stands for."""
    return {
        "cv": int(options.cv) if options.cv.isdecimal() else options.cv,
        "n_repeats": options.repeats,
        "out": options.out / f"sub-{options.subject.removeprefix('sub-')}",
        "memory": options.memory,
        **shared.recording_keywords(options),
        **shared.trial_keywords(options),
        **shared.training_keywords(options),
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
        **_fold_keywords(options),
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
        options.bids_root, options.subject, options.what, **_fold_keywords(options)
    )
    shown = ["value", "accuracy", "low", "high", "difference", "p_holm"]
    print(f"\n{table[shown].round(3).to_string(index=False)}")
