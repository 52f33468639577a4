"""Tiny BIDS datasets that the tests write, break and read."""

import json
import warnings

import mne
import numpy as np
import pandas as pd
from mne_bids import BIDSPath, write_raw_bids

SFREQ = 512.0
SECONDS = 30.0
WORDS = ("ba", "da", "ga")
SHAFTS = {"TI'": (-50.0, -8.0, 12.0), "B": (46.0, -20.0, 4.0)}
N_CONTACTS = 4


def contact_positions():
    """Names and MNI305 positions in mm: two shafts of four contacts, 3.5 mm apart."""
    places = {}
    for shaft, (x, y, z) in SHAFTS.items():
        for number in range(1, N_CONTACTS + 1):
            out = np.sign(x) * 3.5 * (number - 1)
            places[f"{shaft}{number}"] = (x + out, y, z)
    return places


def make_raw(seed=0, sfreq=SFREQ, seconds=SECONDS):
    """Noise in volts with an ECG channel first, and one trial every four seconds."""
    rng = np.random.default_rng(seed)
    names = ["EKG", *contact_positions()]
    kinds = ["ecg"] + ["seeg"] * (len(names) - 1)
    info = mne.create_info(names, sfreq, kinds)
    info["line_freq"] = 50
    n_times = int(seconds * sfreq)
    data = np.cumsum(rng.standard_normal((len(names), n_times)), axis=1)
    data -= data.mean(axis=1, keepdims=True)
    data *= 2e-5 / data.std(axis=1, keepdims=True)
    onsets = np.arange(2.0, seconds - 3, 4.0)
    words = [WORDS[i % len(WORDS)] for i in range(len(onsets))]
    raw = mne.io.RawArray(data, info, verbose="error")
    return raw.set_annotations(mne.Annotations(onsets, 0.5, words))


def write_dataset(root, *, runs=("1",), montage=True, **overrides):
    """Write a valid dataset of subject 01; return the path of its first run."""
    positions = {name: np.array(xyz) / 1e3 for name, xyz in contact_positions().items()}
    dig = mne.channels.make_dig_montage(positions, coord_frame="mni_tal")
    options = {"format": "BrainVision", "allow_preload": True, "verbose": "error"}
    for seed, run in enumerate(runs):
        path = BIDSPath(subject="01", task="read", run=run, root=root, datatype="ieeg")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_raw_bids(
                make_raw(seed),
                path,
                montage=dig if montage else None,
                event_id={word: code for code, word in enumerate(WORDS, 1)},
                overwrite=True,
                **(options | overrides),
            )
    finish_sidecars(root)
    return BIDSPath(
        subject="01",
        task="read",
        run=runs[0],
        root=root,
        datatype="ieeg",
        suffix="ieeg",
    )


def finish_sidecars(root):
    """Add what a careful lab adds: labels, sizes, latencies, one bad contact."""
    for path in root.rglob("*_electrodes.tsv"):
        table = read(path)
        table["size"] = "5"
        table["my_label"] = "ctx-lh-precentral"
        table.loc[table["name"].str.startswith("B"), "my_label"] = "Right-Hippocampus"
        table = table[table["name"] != "EKG"]
        write(path, table)
    for path in root.rglob("*_events.tsv"):
        table = read(path)
        table["response_time"] = [f"{0.4 + 0.01 * i:g}" for i in range(len(table))]
        table["talker"] = [f"t{i % 2}" for i in range(len(table))]
        write(path, table)


def read(path):
    """Read a sidecar as text."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def write(path, table):
    """Write a sidecar."""
    table.to_csv(path, sep="\t", index=False, lineterminator="\n")


def edit(root, pattern, change):
    """Change every table that matches a pattern with a function."""
    paths = list(root.rglob(pattern))
    assert paths, pattern
    for path in paths:
        table = read(path)
        changed = change(table)
        write(path, table if changed is None else changed)


def set_json(root, pattern, **fields):
    """Change fields of every JSON file that matches a pattern."""
    paths = list(root.rglob(pattern))
    assert paths, pattern
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(content | fields), encoding="utf-8")
