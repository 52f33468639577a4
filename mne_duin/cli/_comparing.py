"""The commands ``mne-duin compare`` and ``ablate``."""

from pathlib import Path

import yaml

import mne_duin
from mne_duin.cli import _options as shared

COLUMNS = ["value", "accuracy", "low", "high", "difference", "p_holm"]


def _add_folds(parser):
    """Add the options of an evaluation with folds."""
    shared.add_runs(parser)
    shared.add_channels(parser)
    shared.add_trials(parser)
    shared.add_training(parser)
    shared.add_folds(parser, "leave-one-run-out")
    parser.add_argument(
        "--repeats", dest="n_repeats", type=shared.number(1, 1000, whole=True),
        default=1, metavar="N", help="default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=Path, metavar="DIR",
        help="store pre-trained stages there and reuse them; default: none is kept",
    )  # fmt: skip
    shared.add_jobs(parser, "folds")
    shared.add_output(parser)


def add_compare(commands):
    """Add ``mne-duin compare``.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "compare", help="compare estimators on the same folds: table and figure"
    )
    shared.add_place(parser)
    parser.add_argument(
        "--estimators", nargs="+", metavar="NAME",
        choices=shared.Choices("baselines._make_estimator", "NAMES"),
        help="of %(choices)s; default: lda scratch vqvae mae",
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
    parser = commands.add_parser("ablate", help="vary one parameter: table and figure")
    shared.add_place(parser)
    parser.usage = f"{parser.prog} bids_root WHAT --subject LABEL [options]"
    parser.add_argument(
        "what", nargs="?", metavar="WHAT", help="one of %(choices)s",
        choices=shared.Choices("workflows._ablating", "ABLATIONS"),
    )  # fmt: skip
    parser.add_argument(
        "--values", nargs="+", type=yaml.safe_load, metavar="VALUE",
        help="default: those of the paper",
    )  # fmt: skip
    _add_folds(parser)
    parser.set_defaults(function=ablate)


def compare(options):
    """Run ``mne-duin compare``.

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
    if options.estimators is None:
        del options.estimators
    keywords = shared.keywords(options, mne_duin.compare_words)

    def one(subject):
        found = mne_duin.compare_words(options.root, subject, **keywords)
        print(f"\n{found}\n\nTable and figure: {found.folder}")
        return int(not shared.is_there(found, options.out))

    return shared.each_subject(options, one)


def ablate(options):
    """Run ``mne-duin ablate``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.

    Returns
    -------
    status : int
        1 if a subject failed.
    """
    shared.check_place(options)
    if options.what is None:
        raise ValueError("Name what is varied: mne-duin ablate path/to/bids WHAT …")
    keywords = shared.keywords(options, mne_duin.ablate_words)
    what = keywords.pop("what")
    keywords |= getattr(options, "further", {})

    def one(subject):
        table = mne_duin.ablate_words(options.root, subject, what, **keywords)
        print(f"\n{table[COLUMNS].round(3).to_string(index=False)}")

    return shared.each_subject(options, one)
