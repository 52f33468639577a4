"""The command ``mne-duin contacts``."""

from pathlib import Path

import matplotlib.pyplot as plt

from mne_duin.channels import assign_regions, label_contacts
from mne_duin.cli import options as shared
from mne_duin.io import find_recordings, read_contacts
from mne_duin.utils.atomic import write_figure, write_text
from mne_duin.viz import plot_contacts


def add_contacts(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "contacts", help="print, and draw, the labelled contacts of a subject"
    )
    shared.add_recording(parser)
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw them to this picture"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the table to this TSV file"
    )
    parser.set_defaults(function=contacts)


def contacts(options):
    """Run ``mne-duin contacts``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    shared.check_new(options, options.out, options.plot)
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
        write_text(options.out, table.to_csv(sep="\t", na_rep="n/a"))
    if options.plot is not None:
        figure = plot_contacts(table, show=False)
        write_figure(options.plot, figure, dpi=150)
        plt.close(figure)
