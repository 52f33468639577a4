"""The command ``mne-duin predict``."""

from pathlib import Path

import mne_duin
from mne_duin.cli import _options as shared


def add_predict(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "predict", help="use a saved decoder on new recordings"
    )
    parser.add_argument(
        "model", type=Path, nargs="?", help="a decoding: its folder or one of its files"
    )
    shared.add_place(parser, several=False)
    parser.usage = f"{parser.prog} model bids_root --subject LABEL [options]"
    shared.add_runs(parser)
    shared.add_anatomy(parser)
    parser.set_defaults(label_source=None)
    shared.add_trials(parser, window=False)
    shared.add_decoder(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    shared.add_output(parser)
    parser.set_defaults(function=predict)


def predict(options):
    """Run ``mne-duin predict``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.

    Returns
    -------
    status : int
        1 if the table is not where it was asked for.
    """
    if options.model is None:
        raise ValueError("Name the decoding: mne-duin predict DECODING path/to/bids …")
    shared.check_place(options)
    keywords = shared.keywords(options, mne_duin.predict_words)
    status = 0
    for subject in options.subject:
        model = keywords.pop("model", options.model)
        found = mne_duin.predict_words(model, options.root, subject, **keywords)
        print(f"\n{found}\n\nPredictions: {found.folder}")
        status |= int(not shared.is_there(found, options.out))
    return status
