"""The command ``mne-duin check``."""

from pathlib import Path

import mne_duin
from mne_duin.cli import _options as shared
from mne_duin.utils._atomic import write_text

ORDER = ("error", "warning", "note", "skipped", "ok")


def add_check(commands):
    """Add the command to a parser."""
    parser = commands.add_parser(
        "check", help="check recordings and their sidecars for errors"
    )
    shared.add_place(parser)
    shared.add_runs(parser)
    parser.add_argument("--space", help="coordinate system, if there are several")
    parser.add_argument(
        "--no-samples", action="store_true",
        help="look at sidecars and headers only, which takes seconds",
    )  # fmt: skip
    parser.add_argument(
        "--all", action="store_true", help="print the checks that passed, too"
    )
    parser.add_argument(
        "--list", action="store_true", help="print what is checked, and stop"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the table to this TSV file"
    )
    shared.add_overwrite(parser)
    parser.set_defaults(function=check)


def check(options):
    """Run ``mne-duin check``; 1 if a recording has an error."""
    import pandas as pd  # Heavy, and not needed for the help.

    if options.list:
        print(mne_duin.list_checks().to_string())
        return 0
    shared.check_new(options, options.out)
    if options.root is None:
        raise ValueError("Name the BIDS folder: mne-duin check path/to/bids.")
    subject = None if options.subject in (None, ["all"]) else options.subject
    names = ("session", "task", "run", "acquisition")
    chosen = {name: getattr(options, name) for name in names}
    paths = mne_duin.find_recordings(options.root, subject=subject, **chosen)
    tables = []
    for subject in dict.fromkeys(path.subject for path in paths):
        runs = [path for path in paths if path.subject == subject]
        table = mne_duin.check_recording(
            runs, samples=not options.no_samples, space=options.space
        )
        table.insert(0, "subject", subject)
        for name, rows in table.groupby("recording", sort=False):
            _print_recording(f"sub-{subject}: {name}", rows, everything=options.all)
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    if options.out is not None:
        write_text(options.out, table.to_csv(sep="\t", index=False, na_rep="n/a"))
    counts = table["outcome"].value_counts()
    print(
        f"\n{len(paths)} recording(s): {counts.get('error', 0)} error(s), "
        f"{counts.get('warning', 0)} warning(s), {counts.get('note', 0)} note(s)."
    )
    return int("error" in counts)


def _print_recording(name, table, *, everything):
    """Print what was found in a recording, the worst first."""
    print(name)
    shown = 0
    for outcome in ORDER if everything else ORDER[:4]:
        for _, row in table[table["outcome"] == outcome].iterrows():
            print(f"  {outcome:<8}{row['check']:<20}{row['message']}".rstrip())
            shown += 1
    if not shown:
        print(f"  ok      {len(table)} checks")
