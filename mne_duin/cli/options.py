"""Options that several commands have, and what they become as keywords."""

from pathlib import Path


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


def add_channels(parser, *, runs="default: all"):
    """Add the options that say which runs and channels, and their reference.

    Parameters
    ----------
    parser : ArgumentParser
        Gets them.
    runs : str
        Help on ``--run``.
    """
    parser.add_argument("--run", nargs="+", help=runs)
    parser.add_argument(
        "--regions", nargs="+", default=["vSMC", "STG"],
        help="regions whose channels are used, or 'all'; default: vSMC STG",
    )  # fmt: skip
    parser.add_argument(
        "--reference", choices=("bipolar", "laplacian", "shaft", "none"),
        default="bipolar",
    )  # fmt: skip


def add_trials(parser):
    """Add the options that say what a trial is.

    Parameters
    ----------
    parser : ArgumentParser
        Gets them.
    """
    parser.add_argument(
        "--label-column", default="trial_type", help="default: %(default)s"
    )
    parser.add_argument("--labels", nargs="+", help="labels to decode; default: all")
    parser.add_argument(
        "--align", metavar="COLUMN",
        help="time 0 of a trial: a column of latencies such as response_time, or the "
        "label of an event that follows; default: the onset",
    )  # fmt: skip
    parser.add_argument("--tmin", type=float, default=-0.5, help="default: %(default)s")
    parser.add_argument("--tmax", type=float, default=2.5, help="default: %(default)s")


def add_training(parser):
    """Add the options that say how and where networks are trained.

    Parameters
    ----------
    parser : ArgumentParser
        Gets them.
    """
    parser.add_argument("--preset", choices=("quick", "paper"), default="quick")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--precision", choices=("32", "bf16", "auto"), default="auto")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR")


def recording_keywords(options):
    """Return what :func:`add_recording` and :func:`add_channels` stand for.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.

    Returns
    -------
    keywords : dict
        For a function that takes a BIDS folder and a subject.
    """
    return {
        "session": options.session,
        "task": options.task,
        "run": options.run,
        "regions": None if options.regions == ["all"] else options.regions,
        "reference": None if options.reference == "none" else options.reference,
        "atlas": options.atlas,
        "space": options.space,
        "verbose": False if options.quiet else None,
    }


def trial_keywords(options):
    """Return what :func:`add_trials` stands for.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.

    Returns
    -------
    keywords : dict
        For a function that reads trials.
    """
    return {
        "event_id": options.labels,
        "label_column": options.label_column,
        "align": options.align,
        "tmin": options.tmin,
        "tmax": options.tmax,
    }


def training_keywords(options):
    """Return what :func:`add_training` stands for, but for the folder.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.

    Returns
    -------
    keywords : dict
        For a function that trains networks.
    """
    return {
        "preset": options.preset,
        "device": options.device,
        "precision": options.precision,
        "random_state": options.seed,
    }
