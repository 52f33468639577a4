"""What makes a folder of results a BIDS derivative dataset, and its tables readable."""

import json
import os
from pathlib import Path

import yaml

from mne_duin._version import __version__
from mne_duin.estimators._files import plain
from mne_duin.utils._atomic import write_text
from mne_duin.workflows._columns import describe_column

NAME = "mne_duin"
BIDS_VERSION = "1.10.0"
# What BIDS has no suffix for.
IGNORED = (
    "group/",
    "*_predictions.*",
    "*_learningcurve.*",
    "*_metrics.*",
    "*_contacts.*",
    "*_accuracy.*",
    "*_report.html",
    "*_config.yaml",
    "*_manifest.json",
    "*_checkpoints/",
    "*.safetensors",
    "*.skops",
)
# Millimetres with two decimals: finer than any electrode is known.
DIGITS = 2
MILLIMETRES = ("x", "y", "z", "label_distance", "length", "distance")


def describe_dataset(out, root):
    """Write dataset_description.json and .bidsignore, where they are missing."""
    path = Path(out) / "dataset_description.json"
    if not path.exists():
        write_text(path, json.dumps(_description(Path(out), root), indent=2))
    ignored = Path(out) / ".bidsignore"
    if not ignored.exists():
        write_text(ignored, "".join(f"{pattern}\n" for pattern in IGNORED))


def check_dataset(out):
    """Refuse a folder that is the derivative dataset of another program."""
    path = Path(out) / "dataset_description.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    makers = found.get("GeneratedBy", []) if isinstance(found, dict) else []
    names = [each.get("Name") for each in makers if isinstance(each, dict)]
    if names and NAME not in names:
        raise ValueError(
            f"{str(out)!r} is a derivative dataset of {', '.join(map(str, names))}; "
            "choose another folder (`out`, --out)."
        )


def _description(out, root):
    """Return the content of dataset_description.json."""
    description = {
        "Name": "Words decoded from sEEG with Du-IN",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": NAME, "Version": __version__}],
    }
    if root is not None:
        description["SourceDatasets"] = [_source(out, Path(root))]
    return description


def _source(out, root):
    """Say where the recordings are: by DOI, or by the way from here to there."""
    try:
        raw = json.loads((root / "dataset_description.json").read_text("utf-8"))
    except (OSError, ValueError):
        raw = {}
    doi = raw.get("DatasetDOI") if isinstance(raw, dict) else None
    if doi:
        return {"DOI": str(doi).removeprefix("doi:"), "URL": f"https://doi.org/{doi}"}
    way = os.path.relpath(root.resolve(), out.resolve())
    return {"URL": Path(way).as_posix()}


def manifest_of(analysis, settings, digests):
    """Return the list of an analysis' files, with its settings, as JSON."""
    record = {
        "Analysis": analysis.prefix,
        "GeneratedBy": {"Name": NAME, "Version": __version__},
        "Settings": settings,
        "Files": digests,
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def plain_settings(settings):
    """Return settings as JSON and YAML can hold them."""
    return {
        name: str(value) if isinstance(value, os.PathLike) else plain(value)
        for name, value in settings.items()
    }


def write_config(path, settings):
    """Write the settings in the form that ``--config`` takes."""
    head = f"# mne-duin {settings['command']} --config {Path(path).name}\n"
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    return write_text(path, head + text)


def write_columns(path, table, more=None):
    """Write the sidecar of a table: what every column means, and the settings."""
    sidecar = describe_columns(table) | (more or {})
    text = json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n"
    return write_text(Path(path).with_suffix(".json"), text)


def describe_columns(table):
    """Say of every column of a table what it holds."""
    names = [table.index.name, *table.columns] if table.index.name else table.columns
    return {str(name): describe_column(str(name)) for name in names}


def round_positions(contacts):
    """Return contacts with positions and distances to 0.01 mm."""
    lengths = [
        name
        for name in contacts.columns
        if str(name).split("_")[-1] in MILLIMETRES or name in MILLIMETRES
    ]
    numbers = [name for name in lengths if contacts[name].dtype.kind == "f"]
    return contacts.round(dict.fromkeys(numbers, DIGITS))


def write_contacts(path, contacts, settings):
    """Write a table of contacts with its sidecar."""
    table = round_positions(contacts)
    write_text(path, table.to_csv(sep="\t", na_rep="n/a", lineterminator="\n"))
    more = {"Settings": settings}
    if "processing" in contacts.attrs:
        # What live decoding has to do with a stream again.
        more["Processing"] = plain(contacts.attrs["processing"])
    write_columns(path, table, more)
