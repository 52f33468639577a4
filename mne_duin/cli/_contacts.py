"""The command ``mne-duin contacts``."""

from pathlib import Path

import matplotlib.pyplot as plt
from mne_bids import BIDSPath

from mne_duin.channels import assign_regions, label_contacts
from mne_duin.cli import _options as shared
from mne_duin.io import find_recordings, read_contacts
from mne_duin.utils._atomic import write_figure, write_text
from mne_duin.viz import plot_contacts

# Too wide for a terminal; the table that --out writes has them.
WIDE = ("label_candidates", "tissue", "space", "atlas", "anode_label", "cathode_label")
ENTITIES = ("session", "task", "run", "acquisition")


def add_contacts(commands):
    """Add the command to a parser.

    Parameters
    ----------
    commands : argparse action
        What ``add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "contacts", help="print and plot the labeled contacts of a subject"
    )
    shared.add_place(parser, several=False)
    shared.add_runs(parser)
    shared.add_anatomy(parser)
    parser.add_argument(
        "--atlas", default="desikan-killiany", help="default: %(default)s"
    )
    parser.add_argument(
        "--min-probability", type=shared.number(0, 1), default=0.0, metavar="P",
        help="smallest probability of a region; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="save a plot of the contacts"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the whole table to a TSV file"
    )
    shared.add_overwrite(parser)
    parser.set_defaults(function=contacts)


def contacts(options):
    """Run ``mne-duin contacts``.

    Parameters
    ----------
    options : Namespace
        The parsed arguments.
    """
    shared.check_new(options, options.out, options.plot)
    table = read_contacts(_find_path(options), space=options.space)
    table = label_contacts(
        table,
        options.label_source,
        options.atlas,
        fs_subject=options.fs_subject,
        subjects_dir=options.subjects_dir,
    )
    table = assign_regions(table, min_probability=options.min_probability)
    shown = table.drop(columns=[column for column in WIDE if column in table])
    print(shown.dropna(axis="columns", how="all").round(2).to_string(na_rep="n/a"))
    print(f"\n{describe(table)}")
    if options.out is not None:
        write_text(options.out, table.to_csv(sep="\t", na_rep="n/a"))
    if options.plot is not None:
        figure = plot_contacts(table, show=False)
        write_figure(options.plot, figure, dpi=150)
        plt.close(figure)


def _find_path(options):
    """Return the recording, or the subject where there are several or none."""
    if options.root is None:
        raise ValueError("Name the BIDS folder: mne-duin contacts path/to/bids …")
    wanted = {}
    for name in ("subject", *ENTITIES):
        values = getattr(options, name)
        values = [values] if isinstance(values, str) else values or []
        if len(values) > 1 or (name == "subject" and len(values) != 1):
            raise ValueError(f"Name one {name}: --{name} {(values or ['01'])[0]}.")
        wanted[name] = values[0] if values else None
    wanted["subject"] = wanted["subject"].removeprefix("sub-")
    try:
        found = find_recordings(options.root, **wanted)
    except FileNotFoundError:
        if not options.root.is_dir():
            raise
        found = []
    if len(found) == 1:
        return found[0]
    return BIDSPath(root=options.root, datatype="ieeg", check=False, **wanted)


def describe(table):
    """Count contacts, positions, labels, the reasons for missing ones, and regions.

    Parameters
    ----------
    table : DataFrame
        Contacts with labels and regions.

    Returns
    -------
    text : str
        Some lines.
    """
    placed = table[["x", "y", "z"]].notna().all(axis=1)
    lines = [
        f"{len(table)} contacts: {placed.sum()} with a position "
        f"({_counts(table.loc[placed, 'space']) or 'no space'}), "
        f"{table['label'].notna().sum()} with a label "
        f"({_counts(table['atlas']) or 'no source'})"
    ]
    if "anode" in table and table["anode"].notna().any():
        lines.append(f"Recorded as pairs of contacts: {table['anode'].notna().sum()}")
    missing = table.loc[table["label"].isna(), "label_reason"]
    if len(missing):
        lines.append(f"Without a label: {_counts(missing)}")
    lines.append(f"Regions: {_counts(table['region']) or 'none'}")
    return "\n".join(lines)


def _counts(values):
    """Return how often each value is there, the most frequent first."""
    counts = values.dropna().value_counts()
    return ", ".join(f"{value} ({count})" for value, count in counts.items())
