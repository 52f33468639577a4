"""The commands ``mne-duin live`` and ``mne-duin replay``."""

import argparse
from datetime import datetime
from pathlib import Path

import mne_duin
from mne_duin.cli import _options as shared

SETTINGS = ("mode", "cues", "step", "threshold", "rest", "refractory", "bads", "settle")


def add_live(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser("live", help="decode a stream with a saved decoder")
    parser.usage = f"{parser.prog} --model DECODING --stream NAME [options]"
    parser.add_argument(
        "--model", type=Path, required=True,
        help="what `mne-duin decode --causal` wrote: its folder or one of its files",
    )  # fmt: skip
    parser.add_argument("--subject", metavar="LABEL", help="where it has several")
    parser.add_argument(
        "--stream", metavar="NAME", required=True,
        help="the LSL stream of the samples, by its name or source id",
    )  # fmt: skip
    parser.add_argument(
        "--markers", metavar="NAME", help="the LSL stream of the markers"
    )
    shared.add_decoder(parser)
    _add_decisions(parser)
    _add_stream(parser)
    _add_results(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    shared.add_talk(parser)
    parser.set_defaults(function=live)


def _add_decisions(parser):
    """Add the options that say when what is decided."""
    parser.add_argument(
        "--mode", choices=("triggered", "continuous"),
        help="on markers or all the time; default: triggered if there are --markers",
    )  # fmt: skip
    parser.add_argument(
        "--cues", nargs="+", metavar="MARKER",
        help="markers that open a window; default: all",
    )  # fmt: skip
    parser.add_argument(
        "--step", type=shared.number(0.01, 60), default=0.1, metavar="S",
        help="time between two windows; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=shared.number(0, 1), metavar="P",
        help="probability from which a window is an event; default: no events",
    )  # fmt: skip
    parser.add_argument("--rest", nargs="+", metavar="LABEL", help="labels of rest")
    parser.add_argument(
        "--refractory", type=shared.number(0, 600), default=1.0, metavar="S",
        help="time after an event without another one; default: %(default)s",
    )  # fmt: skip


def _add_stream(parser):
    """Add the options that say what the stream is like."""
    parser.add_argument(
        "--unit", choices=("V", "mV", "uV", "nV"),
        help="of the stream; default: as the stream says",
    )  # fmt: skip
    parser.add_argument(
        "--rename", nargs="+", default=[], type=_renamed, metavar="OLD=NEW",
        help="contacts that have another name in the stream",
    )  # fmt: skip
    parser.add_argument(
        "--bads", nargs="+", default=[], metavar="NAME",
        help="contacts that are bad; their channels are set to zero",
    )  # fmt: skip
    parser.add_argument(
        "--settle", type=shared.number(0, 600), metavar="S",
        help="time after a start or gap without decisions; default: as filters need",
    )  # fmt: skip
    parser.add_argument(
        "--patience", type=shared.number(0, 86_400), default=30.0, metavar="S",
        help="how long to wait for the stream; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--duration", type=shared.number(0, 1e6), metavar="S", help="stop after that"
    )


def _add_results(parser):
    """Add the options that say where results go."""
    parser.add_argument(
        "--log", type=Path, metavar="DIR",
        help="new folder for all that comes in and is decided; default: "
        "live-DATE-TIME in the current folder",
    )  # fmt: skip
    parser.add_argument(
        "--events", type=Path, metavar="FILE", help="write decisions to …_events.tsv"
    )
    parser.add_argument(
        "--results", metavar="NAME", help="send decisions as an LSL stream"
    )
    parser.add_argument(
        "--page", type=shared.number(0, 65_535, whole=True), metavar="PORT",
        help="show results as a page on this machine; 0: any free port",
    )  # fmt: skip
    parser.add_argument(
        "--terminal", action=argparse.BooleanOptionalAction, default=True,
        help="show results in the terminal; default: yes",
    )  # fmt: skip


def _renamed(text):
    """Return a pair of names."""
    old, sign, new = text.partition("=")
    if not (old and sign and new):
        raise argparse.ArgumentTypeError(f"must be OLD=NEW; got {text!r}")
    return old, new


def live(options):
    """Run ``mne-duin live``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.

    Returns
    -------
    status : int
        0.
    """
    if options.mode is None:
        options.mode = "continuous" if options.markers is None else "triggered"
    settings = {name: getattr(options, name) for name in SETTINGS}
    decoder = mne_duin.read_live_decoder(
        options.model,
        subject=options.subject,
        decoder=options.decoder,
        device=options.device,
        rename=dict(options.rename),
        **settings,
    )
    log = options.log
    if log is None:
        log = Path(f"live-{datetime.now():%Y%m%d-%H%M%S}")
    done = mne_duin.run_live(
        decoder,
        options.stream,
        markers=options.markers,
        duration=options.duration,
        unit=options.unit,
        log=log,
        events=options.events,
        results=options.results,
        page=options.page,
        terminal=options.terminal and not options.quiet,
        patience=options.patience,
    )
    print(f"\n{done}\n\nLog: {log}")
    return 0


def add_replay(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "replay", help="play a recording as a stream, for rehearsals"
    )
    shared.add_place(parser, several=False)
    shared.add_runs(parser, "needed where there are several")
    parser.add_argument(
        "--stream", metavar="NAME", default="mne-duin-replay",
        help="name of the stream, that of the markers ends with -markers; default: "
        "%(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--speed", type=shared.number(0.01, 1000), default=1.0, metavar="FACTOR",
        help="default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--tmax", type=shared.number(0, 1e6), metavar="S", help="stop there"
    )
    parser.add_argument(
        "--wait", type=shared.number(0, 86_400), default=60.0, metavar="S",
        help="how long to wait for a listener; default: %(default)s",
    )  # fmt: skip
    parser.set_defaults(function=replay)


def replay(options):
    """Run ``mne-duin replay``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.

    Returns
    -------
    status : int
        0.
    """
    shared.check_place(options)
    if len(options.subject) != 1:
        raise ValueError("Name one subject with --subject.")
    found = mne_duin.find_recordings(
        options.root,
        subject=options.subject[0].removeprefix("sub-"),
        session=options.session,
        task=options.task,
        run=options.run,
        acquisition=options.acquisition,
    )
    if len(found) > 1:
        names = ", ".join(path.basename for path in found[:10])
        raise ValueError(
            f"There are {len(found)} recordings ({names}); choose one with --run, "
            "--session, --task or --acquisition."
        )
    done = mne_duin.replay_recording(
        found[0],
        options.stream,
        speed=options.speed,
        tmax=options.tmax,
        wait=options.wait,
    )
    print(done)
    return 0
