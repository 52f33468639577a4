"""Read the sidecars of a folder of BIDS datasets, and say what was understood.

``python tests/benchmarks/public_sidecars.py FOLDER`` prints one row per subject of all
datasets in FOLDER, whose signals need not be there: contacts, positions, labels and the
reasons for missing ones, bipolar pairs and the longest of them against the distance to
the nearest neighbors of its ends, channels left out, the label column that was found,
events, warnings. Then it compares regions and probabilities of the atlas with the
labels that the labs give, for each data set, and for each half of its subjects.
The probabilities are tested on subjects that had no part in choosing the error of the
positions: for each subject, the error with the smallest log-loss of the other subjects
of the data set is taken. ``--out FILE`` writes the tables.
"""

import argparse
import os
import re
import sys
import time
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from mne_bids import BIDSPath

from mne_duin.channels import (
    assign_labels,
    assign_regions,
    label_contacts,
    load_atlas,
    reference_matrix,
)
from mne_duin.channels._label_columns import clean_label, find_label_column
from mne_duin.channels._label_words import plain
from mne_duin.channels._neighbors import bipolar_pairs
from mne_duin.channels._table import is_end, is_pair
from mne_duin.io import read_contacts
from mne_duin.io._channels import INTRACRANIAL, read_channels
from mne_duin.io._events import read_events
from mne_duin.io._sidecars import entities, find_sidecars

ATLASES = ("desikan-killiany", "destrieux")
REGIONS = {"STG": ["STG"], "pre/postcentral": ["vSMC", "dSMC"]}
N_BINS = 10
SPACES = ("MNI", "fsaverage", "ACPC", "")
POSITION_ERRORS = (2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0)  # mm
N_DRAWS = 200


def find_paths(root, subject):
    """Return a path for each recording of a subject that has channels.tsv.

    A subject without any gets one path for each folder of electrodes.tsv.
    """
    folder = root / f"sub-{subject}"
    files = sorted(folder.rglob("*_channels.tsv"))
    files = files or sorted(folder.rglob("*_electrodes.tsv"))
    found = {}
    for file in files:
        parts = {k: v for k, v in entities(file).items() if k != "space"}
        parts = {k: v for k, v in parts.items() if k not in ("suffix", "extension")}
        path = BIDSPath(**parts, root=root, datatype="ieeg", check=False)
        found.setdefault(path.basename, path)
    return list(found.values())


def read_any_space(path):
    """Read contacts; of several spaces take one of MNI, else any."""
    try:
        return read_contacts(path)
    except ValueError as error:
        if "several spaces" not in str(error):
            raise
        there = re.search(r"several spaces \((.*?)\)", str(error))[1].split(", ")
        order = [s for start in SPACES for s in there if s.startswith(start)]
        return read_contacts(path, space=order[0])


def pair_ratio(contacts, pairs):
    """Return the largest distance of a pair over that of its ends to any neighbor.

    Neighbors are those of the same shaft and group.
    """
    xyz = contacts[["x", "y", "z"]].astype(float)
    group = contacts.get("group", pd.Series("", contacts.index)).astype("string")
    keys = contacts["shaft"].astype("string").fillna("") + "|" + group.fillna("")
    worst = 0.0
    for anode, cathode in pairs:
        same = xyz[(keys == keys[anode]).to_numpy()]
        length = np.linalg.norm(xyz.loc[anode] - xyz.loc[cathode])
        near = [
            np.linalg.norm(same.drop(end) - xyz.loc[end], axis=1)
            for end in (anode, cathode)
        ]
        nearest = min(np.nanmin(distances, initial=np.inf) for distances in near)
        if np.isfinite(length) and length > 0:
            worst = max(worst, length / max(nearest, 1e-9))
    return worst


def look(path):
    """Read what describes one recording; returns facts and the labeled contacts."""
    contacts = read_any_space(path)
    column = find_label_column(contacts)
    labeled = assign_regions(label_contacts(contacts))
    channels = read_channels(path)
    recorded = list(contacts.index)
    excluded = []
    if channels is not None:
        typed = channels.index[channels["kind"].isin(INTRACRANIAL)]
        recorded = [name for name in typed if name in contacts.index]
        excluded = [name for name in typed if name not in contacts.index]
    pairs = bipolar_pairs(contacts.loc[recorded])
    try:
        n_channels = len(reference_matrix(contacts.loc[recorded], "bipolar")[0])
    except ValueError:
        n_channels = 0
    own = labeled[~is_end(labeled)]
    missing = own["label"].isna()
    files = find_sidecars(path, "events", ".tsv")
    facts = {
        "contacts": len(own),
        "placed": int(own[["x", "y", "z"]].notna().all(axis=1).sum()),
        "space": ", ".join(sorted(set(own["space"].dropna().astype(str)))),
        "labeled": int((~missing).sum()),
        "without reason": int((missing & own["label_reason"].isna()).sum()),
        "reasons": count(own.loc[missing, "label_reason"]),
        "recorded pairs": int(is_pair(contacts).sum()),
        "pairs": n_channels,
        "longest": round(pair_ratio(contacts, pairs), 2),
        "excluded": " ".join(excluded),
        "label column": column or "",
        "events": len(read_events(files[0])) if files else 0,
    }
    return facts, labeled


def count(values):
    """Return how often each value is there, as text."""
    counts = values.dropna().value_counts()
    return "; ".join(f"{value} ({n})" for value, n in counts.items())


def look_at_subject(root, subject):
    """Return one row for a subject, and its labeled contacts, one for each montage."""
    row = {"dataset": root.name, "subject": subject, "recordings": 0, "crashes": 0}
    tables, texts, errors, seen = {}, [], [], set()
    for path in find_paths(root, subject):
        row["recordings"] += 1
        files = [find_sidecars(path, s, ".tsv")[:1] for s in ("channels", "electrodes")]
        content = tuple(file.read_bytes() for found in files for file in found)
        if content in seen:  # a further run with the same contacts
            continue
        seen.add(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                facts, table = look(path)
            except (ValueError, FileNotFoundError) as error:
                errors.append(str(error))  # refused, in a sentence
                continue
            except Exception as error:
                row["crashes"] += 1
                errors.append(f"{type(error).__name__}: {error}")
                continue
        texts += [str(warning.message) for warning in caught]
        tables.setdefault(tuple(table.index), table)
        if "contacts" not in row:
            row |= facts
        row["longest"] = max(row["longest"], facts["longest"])
        row["without reason"] = max(row["without reason"], facts["without reason"])
    texts = sorted({re.sub(r"\S*/", "", text) for text in texts})
    row["warnings"] = len(texts)
    row["refused"] = " | ".join(sorted({re.sub(r"\S*/", "", e) for e in errors}))[:300]
    return row, list(tables.values())


def compare_labels(table):
    """Compare the atlas with the labels of a lab, for contacts that have both.

    Returns one row per contact: the regions of both, and, where the lab uses the names
    of a bundled atlas, the probability of our label and whether it is theirs.
    """
    table = table[~is_pair(table)]
    theirs = table.drop(columns=["label", "label_distance", "label_candidates"])
    column = find_label_column(theirs.drop(columns=["region"]))
    if column is None:
        return pd.DataFrame()
    labels = theirs[column].map(clean_label)
    both = table[labels.notna() & table["label_distance"].notna()]
    if not len(both):
        return pd.DataFrame()
    lab = both[["x", "y", "z", "space"]].assign(label=labels)
    # Names in prose ("Superior Temporal Gyrus") are those of another parcellation.
    is_prose = lab["label"].str.contains(" ").mean() > 0.1
    known = {
        atlas: {plain(name) for name in load_atlas(atlas).names.values()}
        for atlas in ATLASES
    }
    names = lab["label"].map(lambda label: "" if is_prose else plain(label))
    atlas = max(known, key=lambda a: names.isin(known[a] - {""}).sum())
    ours = assign_labels(both[["x", "y", "z", "space"]], atlas)
    named = names.isin(known[atlas] - {""})
    out = pd.DataFrame(index=both.index)
    for name, regions in REGIONS.items():
        default = assign_regions(both.drop(columns="region"), regions)
        out[f"ours {name}"] = default["region"].notna()
        out[f"lab {name}"] = assign_regions(lab, regions)["region"].notna()
        out[f"p {name}"] = assign_regions(ours, regions)["region_probability"]
    out["p"] = ours["label_probability"].where(named)
    same = ours["label"].map(plain) == lab["label"].map(plain)
    out["same"] = same.where(named)
    for error in POSITION_ERRORS if named.any() else ():
        stated = assign_labels(both[["x", "y", "z", "space"]], atlas, error=error)
        out[f"p {error:g} mm"] = stated["label_probability"].where(named)
    return out.assign(atlas=atlas)


def join(first, second):
    """Join comparisons of two montages of one subject; each contact counts once."""
    if first is None or not len(second):
        return second if first is None else first
    both = pd.concat([first, second])
    return both[~both.index.duplicated()]


def calibration_error(p, hit):
    """Return the mean difference of probability and frequency over ten bins."""
    p, hit = np.asarray(p, float), np.asarray(hit, float)
    bins = np.minimum((p * N_BINS).astype(int), N_BINS - 1)
    parts = [
        np.sum(bins == k) * abs(p[bins == k].mean() - hit[bins == k].mean())
        for k in set(bins)
    ]
    return sum(parts) / len(p)


def log_loss(p, hit):
    """Return the mean log-loss of probabilities, which are kept off 0 and 1."""
    p, hit = np.clip(np.asarray(p, float), 0.01, 0.99), np.asarray(hit, float)
    return float(-np.mean(hit * np.log(p) + (1 - hit) * np.log(1 - p)))


def perfect_error(p):
    """Return the calibration error that calibrated probabilities have by chance."""
    rng = np.random.default_rng(0)
    p = np.asarray(p, float)
    draws = [calibration_error(p, rng.random(len(p)) < p) for _ in range(N_DRAWS)]
    return float(np.mean(draws))


def held_out_probabilities(table):
    """Return probabilities whose error was chosen on the other subjects.

    Also returns the errors that were chosen, in mm, one for each subject.
    """
    p, chosen = pd.Series(np.nan, table.index), []
    for subject in table["subject"].unique():
        test = table["subject"] == subject
        rest = table[~test]
        losses = {
            error: log_loss(rest[f"p {error:g} mm"], rest["same"])
            for error in POSITION_ERRORS
        }
        chosen.append(min(losses, key=losses.get))
        p[test] = table.loc[test, f"p {chosen[-1]:g} mm"]
    return p, chosen


def check_calibration(comparisons):
    """Print, and return, the calibration error on subjects that were held out."""
    rows, parts = [], []
    for name, table in comparisons.items():
        known = table[table["p"].notna() & table["same"].notna()]
        if known["subject"].nunique() < 2:
            continue
        p, chosen = held_out_probabilities(known)
        parts.append(pd.DataFrame({"p": p, "same": known["same"].astype(float)}))
        rows.append(
            {"dataset": name, "errors chosen (mm)": ", ".join(map(str, chosen))}
        )
    if len(parts) > 1:
        parts.append(pd.concat(parts))
        rows.append({"dataset": "all", "errors chosen (mm)": ""})
    for row, part in zip(rows, parts, strict=True):
        row["contacts"] = len(part)
        row["same label"] = part["same"].mean()
        row["mean p"] = part["p"].mean()
        row["tested calibration error"] = calibration_error(part["p"], part["same"])
        row["if calibrated"] = perfect_error(part["p"])
    found = pd.DataFrame(rows).round(3)
    print("\nProbabilities on subjects that had no part in choosing the error:")
    print(found.to_string(index=False, na_rep="-"))
    return found


def f1(ours, lab):
    """Return the F1 score of a region."""
    total = ours.sum() + lab.sum()
    return 2 * (ours & lab).sum() / total if total else np.nan


def halves(comparisons):
    """Return the comparisons of each data set, its halves of subjects, and all."""
    out = {}
    for name, table in comparisons.items():
        subjects = sorted(table["subject"].unique())
        out[name] = table
        for half in (0, 1):
            part = table[table["subject"].isin(subjects[half::2])]
            if len(subjects) > 1:
                out[f"{name} half {half + 1}"] = part
    return {**out, "all": pd.concat(comparisons.values())}


def summarize(comparisons):
    """Print, and return, agreement and calibration for each part of the data."""
    rows = []
    for name, table in halves(comparisons).items():
        row = {"dataset": name, "contacts": len(table)}
        for region in REGIONS:
            ours, lab = table[f"ours {region}"], table[f"lab {region}"]
            row[f"F1 {region}"] = f1(ours, lab)
            row[f"n {region}"] = int(lab.sum())
        known = table[table["p"].notna() & table["same"].notna()]
        if len(known) and "half" not in name:
            row["same label"] = known["same"].astype(float).mean()
            row["mean p"] = known["p"].mean()
            row["calibration error"] = calibration_error(known["p"], known["same"])
        rows.append(row)
    found = pd.DataFrame(rows).round(3)
    print("\nRegions and labels of the atlas against those of the labs:")
    print(found.to_string(index=False, na_rep="-"))
    return found


def main():
    """Look at all datasets of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, help="write the tables to TSV files")
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    mne.set_log_file(os.devnull)
    start, rows, comparisons = time.monotonic(), [], {}
    for root in sorted(p for p in options.folder.iterdir() if p.is_dir()):
        for folder in sorted(root.glob("sub-*")):
            row, tables = look_at_subject(root, folder.name.removeprefix("sub-"))
            rows.append(row)
            for table in tables:
                found = compare_labels(table)
                found["subject"] = folder.name
                found.index = [f"{folder.name} {name}" for name in found.index]
                comparisons[root.name] = join(comparisons.get(root.name), found)
    comparisons = {name: table for name, table in comparisons.items() if len(table)}
    table = pd.DataFrame(rows)
    for column in table.columns:
        if pd.api.types.is_numeric_dtype(table[column]) and column != "longest":
            table[column] = table[column].astype("Int64")
    print(table.to_string(index=False, na_rep="-", max_colwidth=60))
    print(
        f"\n{len(table)} subjects of {table['dataset'].nunique()} datasets in "
        f"{time.monotonic() - start:.0f} s: {table['crashes'].sum()} crashes, "
        f"{table['without reason'].sum()} unlabeled contacts without a reason, longest "
        f"pair {table['longest'].max():.2f} times the nearest neighbor of its ends."
    )
    found = summarize(comparisons) if comparisons else pd.DataFrame()
    tested = check_calibration(comparisons) if comparisons else pd.DataFrame()
    if options.out is not None:
        table.to_csv(options.out, sep="\t", index=False, na_rep="")
        for name, part in (("labels", found), ("calibration", tested)):
            file = options.out.with_stem(f"{options.out.stem}_{name}")
            part.to_csv(file, sep="\t", index=False, na_rep="")
    return int(table["crashes"].sum() > 0)


if __name__ == "__main__":
    sys.exit(main())
