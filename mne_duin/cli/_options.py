"""Options that several commands have, and the call that they become.

Destinations are named as the parameters of the workflows, so that one function turns
options into keywords, and the settings that an analysis saves are options again.
"""

import argparse
import inspect
import math
import sys
from importlib import import_module
from pathlib import Path

from mne_duin.utils._places import check_place as check_free_place

NONE = "none"
SECONDS = (-600.0, 600.0)
LISTS = ("subject", "session", "task", "acquisition", "run", "regions", "event_id")
HERTZ = (0.0, 100_000.0)


class Choices:
    """The keys of something in a heavy module, looked up when they are needed."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def _values(self):
        return list(getattr(import_module(f"mne_duin.{self.module}"), self.name))

    def __iter__(self):
        return iter(self._values())

    def __contains__(self, value):
        return value in self._values()


def number(low, high, *, whole=False, none=False, words=()):
    """Return a type of options: a number within limits, or one of some words."""
    kind = "a whole number" if whole else "a number"

    def parse(text):
        if none and text.lower() == NONE:
            return None
        if text in words:
            return text
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            others = "".join(f", or {word!r}" for word in (*words, *[NONE] * none))
            raise argparse.ArgumentTypeError(
                f"must be {kind} from {low:g} to {high:g}{others}; got {text!r}"
            )
        return value

    return parse


def text_or_none(text):
    """Return a text, None for ``none``."""
    return None if text.lower() == NONE else text


def add_place(parser, *, several=True):
    """Add the BIDS folder, the subject, and which recordings."""
    parser.usage = f"{parser.prog} bids_root --subject LABEL [options]"
    parser.add_argument(
        "root", type=Path, nargs="?", metavar="bids_root", help="the BIDS folder"
    )
    many = ", several, or 'all'" if several else ""
    parser.add_argument(
        "--subject", nargs="+", metavar="LABEL", help=f"for example 01{many}"
    )
    for name in ("session", "task", "acquisition"):
        parser.add_argument(
            f"--{name}", nargs="+", metavar="LABEL", help="default: all"
        )
    parser.add_argument(
        "--config", type=Path, metavar="FILE",
        help="options from a TOML or YAML file, such as the config.yaml of an "
        "analysis; options on the command line take precedence",
    )  # fmt: skip
    add_talk(parser)


def check_new(options, *paths):
    """Refuse files among recordings, and those that are there without --overwrite."""
    for path in paths:
        if path is None:
            continue
        check_free_place(path, getattr(options, "root", None))
        if path.exists() and not options.overwrite:
            raise FileExistsError(f"{str(path)!r} exists; --overwrite replaces it.")


def add_overwrite(parser):
    """Add the option that allows to replace files."""
    parser.add_argument(
        "--overwrite", action="store_true", help="replace existing files"
    )


def add_decoder(parser):
    """Add the choice between the decoders of a decoding."""
    parser.add_argument(
        "--decoder", choices=("network", "lda"),
        help="which of its decoders; default: the network",
    )  # fmt: skip


def add_talk(parser):
    """Add the options that say how much is printed, and how many threads work."""
    parser.add_argument("--quiet", action="store_true", help="no log, no progress bars")
    parser.add_argument(
        "--threads", type=number(1, 1024, whole=True), metavar="N",
        help="threads of numerical libraries; default: one for each core that other "
        "processes leave free",
    )  # fmt: skip


def add_runs(parser, text="default: all"):
    """Add the choice of runs."""
    parser.add_argument("--run", nargs="+", metavar="LABEL", help=text)


def add_anatomy(parser):
    """Add the options that say where contacts are and what they are called."""
    parser.add_argument("--space", help="coordinate system, if there are several")
    parser.add_argument(
        "--labels", "--label-source", dest="label_source", metavar="COLUMN",
        default="auto",
        help="anatomical labels: 'atlas', a column of electrodes.tsv, or 'auto'",
    )  # fmt: skip
    parser.add_argument(
        "--fs-subject", metavar="NAME", help="name of the subject in FreeSurfer"
    )
    parser.add_argument(
        "--subjects-dir", type=Path, metavar="DIR", help="FreeSurfer subjects folder"
    )


def add_channels(parser):
    """Add the options that choose, reference and filter channels."""
    add_anatomy(parser)
    parser.add_argument(
        "--atlas", default="desikan-killiany", help="default: %(default)s"
    )
    parser.add_argument(
        "--regions", nargs="+", default=["vSMC", "STG"],
        help="regions whose channels are used, or 'all'; default: vSMC STG",
    )  # fmt: skip
    parser.add_argument(
        "--reference", metavar="NAME", default="bipolar",
        help="bipolar, laplacian, shaft, average, white-matter or none; default: "
        "%(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--max-distance", type=number(0, 1000), metavar="MM",
        help="largest distance of the contacts of a bipolar channel",
    )  # fmt: skip
    frequency = number(*HERTZ, none=True)
    for name, default in (("--l-freq", 0.5), ("--h-freq", 200.0)):
        parser.add_argument(
            name, type=frequency, default=default, metavar="HZ",
            help="default: %(default)s; 'none': as recorded",
        )  # fmt: skip
    parser.add_argument(
        "--sfreq", type=number(*HERTZ, none=True, words=("auto",)), default="auto",
        metavar="HZ",
        help="sampling rate to read at; default: auto, 500 Hz, with --preset paper "
        "1000 Hz; 'none': as recorded",
    )  # fmt: skip
    parser.add_argument(
        "--notch", type=number(*HERTZ, none=True, words=("auto",)), nargs="+",
        default=["auto"], metavar="HZ",
        help="line noise; default: auto, as ieeg.json says",
    )  # fmt: skip
    parser.add_argument(
        "--causal", action=argparse.BooleanOptionalAction, default=False,
        help="causal filters, which `mne-duin live` needs; default: no",
    )  # fmt: skip
    parser.add_argument(
        "--reject", choices=("auto", None), type=text_or_none, default="auto",
        metavar="RULE",
        help="drop trials of extreme amplitude: auto or none; default: %(default)s",
    )  # fmt: skip


def add_trials(parser, *, window=True):
    """Add the options that say what a trial is."""
    parser.add_argument(
        "--label-column", default="trial_type" if window else None, metavar="COLUMN",
        help="of events.tsv; default: trial_type",
    )  # fmt: skip
    parser.add_argument(
        "--words", "--event-id", dest="event_id", nargs="+", metavar="LABEL",
        help="labels of trials to use; default: all",
    )  # fmt: skip
    parser.add_argument(
        "--where", metavar="CONDITION",
        help="rows of events.tsv to use, for example \"trial_type == 'WORD'\"",
    )  # fmt: skip
    if window:
        parser.add_argument(
            "--onset", choices=("onset", "sample"),
            help="column of events.tsv with the times of events; default: onset",
        )  # fmt: skip
    parser.add_argument(
        "--align", metavar="COLUMN", type=text_or_none,
        help="time 0 of a trial: a column of latencies such as response_time, or the "
        "label of an event that follows; default: the onset",
    )  # fmt: skip
    for name, default in (("--tmin", -0.5), ("--tmax", 2.5)):
        parser.add_argument(
            name, type=number(*SECONDS), default=default if window else None,
            metavar="S", help=f"default: {default}",
        )  # fmt: skip


def add_folds(parser, default):
    """Add the way of splitting."""
    parser.add_argument(
        "--cv", type=_folds, default=default, metavar="SPLIT",
        help="last-run, leave-one-run-out, … or a number of folds; default: "
        "%(default)s",
    )  # fmt: skip


def _folds(text):
    """Return a number of folds, or the name of a way of splitting."""
    return number(2, 1000, whole=True)(text) if text.lstrip("-").isdigit() else text


def add_training(parser):
    """Add the options that say how and where networks are trained."""
    parser.add_argument(
        "--preset", choices=("quick", "paper"), default="quick",
        help="training recipe; default: %(default)s",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--precision", choices=("32", "bf16", "auto"), default="auto")
    parser.add_argument(
        "--seed", "--random-state", dest="random_state", metavar="N", default=0,
        type=number(0, 2**32 - 1, whole=True), help="default: %(default)s",
    )  # fmt: skip


def add_pretraining(parser):
    """Add the choice of the pre-training."""
    parser.add_argument(
        "--pretraining", choices=("auto", "codex", "cells"), default="auto",
        help="hidden cells, or the published codex and masked modeling; default: auto, "
        "cells from 20 minutes of recording on",
    )  # fmt: skip


def add_jobs(parser, what, *, default=1):
    """Add the number of parallel jobs."""
    words = ("auto",) if default == "auto" else ()
    parser.add_argument(
        "--n-jobs", type=number(-1, 1024, whole=True, words=words), default=default,
        metavar="N",
        help=f"{what} at the same time, -1: one per processor; default: %(default)s",
    )  # fmt: skip


def add_output(parser):
    """Add the options that say where results go."""
    parser.add_argument(
        "--out", type=Path, metavar="DIR",
        help="BIDS derivative dataset for the results; default: "
        "derivatives/mne_duin in the BIDS folder",
    )  # fmt: skip
    parser.add_argument(
        "--desc", metavar="NAME",
        help="name of the analysis in file names; default: from command and regions",
    )  # fmt: skip
    parser.add_argument(
        "--overwrite", action="store_true",
        help="replace an earlier analysis of this name; no other file is touched",
    )  # fmt: skip


def check_place(options):
    """Complete and check the BIDS folder, the subjects and the place of results."""
    for name in LISTS:
        # A folder that comes last is taken for one more label.
        found = getattr(options, name, None)
        is_list = isinstance(found, list) and len(found) > 1
        if options.root is None and is_list and Path(found[-1]).is_dir():
            options.root = Path(found.pop())
    if options.root is None:
        raise ValueError("Name the BIDS folder: mne-duin COMMAND path/to/bids …")
    if not options.subject:
        raise ValueError("Name the subject: --subject 01, several, or 'all'.")
    subject = options.subject
    options.subject = [subject] if isinstance(subject, str) else subject
    # A replay writes nothing.
    if getattr(options, "out", options.root) is None:
        options.out = Path(options.root, "derivatives", "mne_duin")


def keywords(options, function):
    """Return the options that are parameters of a function, as it wants them.

    Parameters
    ----------
    options : Namespace
        The parsed options.
    function : callable
        The workflow.

    Returns
    -------
    keywords : dict
        All of its keywords but ``root`` and ``subject``.
    """
    known = inspect.signature(function).parameters
    found = {k: v for k, v in vars(options).items() if k in known}
    for name in ("root", "subject"):
        found.pop(name, None)
    if found.get("regions") == ["all"]:
        found["regions"] = None
    if found.get("reference") == NONE:
        found["reference"] = None
    if isinstance(found.get("notch"), list) and len(found["notch"]) == 1:
        found["notch"] = found["notch"][0]
    found["verbose"] = False if options.quiet else None
    return found


def is_there(found, out):
    """Return whether results are in the folder that was asked for."""
    folder = Path(found.folder).resolve()
    return folder.is_relative_to(Path(out).resolve())


def each_subject(options, one):
    """Run a function for every subject; one that fails does not stop the others."""
    group = import_module("mne_duin.workflows._group")
    writing = import_module("mne_duin.workflows._writing")
    names = group.find_subjects(options.root, options.subject)
    if len(names) == 1:
        return one(names[0]) or 0
    status = 0
    for name in names:
        try:
            status |= one(name) or 0
        except writing.AlreadyMadeError:
            print(f"sub-{name}: made already with these settings; not repeated.")
        except (ValueError, TypeError, OSError) as error:
            text = " ".join(str(error).split())
            print(f"mne-duin: sub-{name}: error: {text}", file=sys.stderr)
            status = 1
    return status
