"""Labels that a lab's own files bring along: found by name and content."""

import re
from functools import lru_cache

import numpy as np
import pandas as pd

from mne_duin.channels._label_words import label_parts, plain
from mne_duin.channels._regions import REGIONS, expand
from mne_duin.channels._spaces import hemispheres
from mne_duin.data import ATLAS_NAMES, data_path

LABEL_COLUMNS = re.compile(
    r"^(?:.*[_\-. ])?(?:label|labels|desikan.*|destrieux.*|dk|dkt|aparc.*|anat|anatomy|"
    r"anatomical.*|area|brain_?area|location|loc|gyrus|structure|parcel.*|roi|region\d?|"
    r".*label_text|aal\d?|brodmann.*)$",
    re.IGNORECASE,
)
ANATOMY = re.compile(
    r"gyr|sulc|cort(?:ex|ical)|lobul|opercul|hippoc|amygd|insul|heschl|tempor|front|"
    r"pariet|occip|central|cingul|fusiform|lingual|cune|orbit|thalam|putam|caudat|pallid|"
    r"white.?matter|uncus|lobe|planum|callos|brain.?stem|cerebell|^(?:ctx|wm)[-_]",
    re.IGNORECASE,
)
NOTHING = re.compile(
    r"^(?:|n/?a|nan|none|null|unknown|undefined|un(?:labell?ed|classified|assigned)|"
    r"(?:no|not)[-_ ](?:label|region|area|found).*|out(?:side)?(?:[-_ ].*)?|\?+|-+|"
    r"(?:ctx[-_])?(?:[lr]h[-_])?unknown)$",
    re.IGNORECASE,
)
# Columns that this package writes itself, and those that describe the hardware.
NOT_LABELS = {
    "shaft", "number", "anode", "cathode", "x", "y", "z", "space", "status", "region",
    "channel_type", "label_distance", "label_probability", "label_candidates", "tissue",
    "label_reason", "atlas", "region_probability", "anode_label", "cathode_label",
    "label_rule", "name", "size", "material", "manufacturer", "type", "group",
    "dimension", "hemisphere", "impedance", "reference",
}  # fmt: skip


def find_label_column(contacts: pd.DataFrame) -> str | None:
    """Find the column that holds anatomical labels, by its name and its content.

    Among several, the one with the most labels that the bundled atlases and regions
    know is taken, then the one with the most anatomical words. A column whose name says
    nothing counts if at least half of its values are anatomical.
    """
    best, best_score = None, (0, 0, 0)
    for column in contacts.columns:
        if str(column) in NOT_LABELS or _is_own_label(contacts, column):
            continue
        values = contacts[column].map(clean_label).dropna().astype(str)
        is_number = values.str.fullmatch(r"[-+\d.eE]+")
        if not len(values) or is_number.all():
            continue
        anatomical = values.str.contains(ANATOMY) | values.map(_is_known)
        named = LABEL_COLUMNS.match(str(column)) is not None
        if not named and anatomical.mean() < 0.5:
            continue
        score = (int(values.map(_is_known).sum()), int(anatomical.sum()), int(named))
        if score > best_score:
            best, best_score = column, score
    return best


def _is_own_label(contacts, column):
    """Return whether a column ``label`` was written by this package."""
    return column == "label" and "label_distance" in contacts


def take_label_column(contacts: pd.DataFrame, column: str) -> pd.DataFrame:
    """Use a column of electrodes.tsv or channels.tsv as the labels, as it is.

    Returns a copy with ``label``, ``label_distance`` and ``label_probability`` (NaN),
    ``atlas`` (the file and the column), ``label_reason`` and ``hemisphere``.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    if column not in contacts.columns:
        raise ValueError(
            f"electrodes.tsv has no column {column!r}; it has "
            f"{', '.join(map(str, contacts.columns))}."
        )
    file = (
        "channels" if column in contacts.attrs.get("channels_tsv", ()) else "electrodes"
    )
    source = f"{file}.tsv:{column}"
    out = contacts.copy()
    labels = contacts[column].map(clean_label).astype(object)
    out["label"] = labels.where(labels.notna(), None)
    empty = [f"{source} says {'n/a' if pd.isna(v) else v}" for v in contacts[column]]
    known = out["label"].notna().to_numpy()
    out["label_distance"] = out["label_probability"] = np.nan
    out["label_candidates"] = pd.Series(None, out.index, dtype=object)
    out["atlas"] = pd.Series(np.where(known, source, None), out.index, dtype=object)
    out["label_reason"] = pd.Series(
        np.where(known, None, empty), out.index, dtype=object
    )
    out["hemisphere"] = hemispheres(out)
    return out


def clean_label(value) -> str | None:
    """Return a label as text, or None for the ways to write a missing one."""
    if value is None or pd.isna(value) or NOTHING.match(str(value).strip()):
        return None
    return str(value).strip()


@lru_cache(maxsize=1)
def _known_labels():
    """Return the plain names of all labels of the bundled atlases and regions."""
    tables = [pd.read_csv(data_path(f"{a}.tsv"), sep="\t") for a in ATLAS_NAMES]
    names = [name for table in tables for name in table["name"]]
    for region in REGIONS.values():
        for rule in expand(region["rules"]):
            names += rule.get("labels", [])
    return frozenset(map(plain, names)) - {""}


def _is_known(value):
    """Return whether a label, or a part of it, is one that an atlas or region knows."""
    return bool(_known_labels() & label_parts(value))
