"""Memory and time of reading long recordings: 16 of 128 contacts, at 2 kHz.

The recording is written as noise into a temporary folder (0.9 GB for half an hour), and
each measurement runs in a process of its own, so that its peak is its own.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SFREQ, N_CONTACTS, PER_SHAFT = 2000, 128, 17
GIGABYTE = 1e9
KEYS = ["read", "channels", "minutes"]
TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "reading.tsv"

MEASURE = """
import json, resource, sys, time
from mne_bids import BIDSPath
from mne_duin import read_epochs, read_segments
import mne, nibabel, pandas, scipy.signal, scipy.spatial
mne.set_log_level("WARNING")

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

before = resident()
path = BIDSPath(subject="01", task="long", root=sys.argv[1], datatype="ieeg")
read = {"epochs": read_epochs, "segments": read_segments}[sys.argv[2]]
start = time.perf_counter()
regions = sys.argv[3] if len(sys.argv) > 3 else None
epochs, contacts = read(path, label_source="area", regions=regions)
seconds = time.perf_counter() - start
print(json.dumps({
    "above": peak() - before, "result": epochs.get_data(copy=False).nbytes,
    "seconds": seconds, "channels": len(contacts), "epochs": len(epochs),
}))
"""


def write_recording(root, minutes):
    """Write a BrainVision recording of 16-bit noise with its sidecars."""
    folder = root / "sub-01" / "ieeg"
    folder.mkdir(parents=True)
    stem = folder / "sub-01_task-long_ieeg"
    names = [
        f"{'ABCDEFGH'[i // PER_SHAFT]}{i % PER_SHAFT + 1}" for i in range(N_CONTACTS)
    ]
    rng = np.random.default_rng(0)
    with open(stem.with_suffix(".eeg"), "wb") as file:
        for _ in range(minutes * 4):
            noise = rng.integers(-300, 300, (15 * SFREQ, N_CONTACTS), dtype=np.int16)
            noise.tofile(file)
    channels = "\n".join(f"Ch{i + 1}={n},,0.1,µV" for i, n in enumerate(names))
    stem.with_suffix(".vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\n"
        f"Codepage=UTF-8\nDataFile={stem.name}.eeg\nMarkerFile={stem.name}.vmrk\n"
        "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={N_CONTACTS}\nSamplingInterval={1e6 / SFREQ:g}\n\n"
        f"[Binary Infos]\nBinaryFormat=INT_16\n\n[Channel Infos]\n{channels}\n",
        encoding="utf-8",
    )
    stem.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
        f"Codepage=UTF-8\nDataFile={stem.name}.eeg\n\n[Marker Infos]\n"
    )
    stem.with_suffix(".json").write_text('{"PowerLineFrequency": 50}')
    write_sidecars(folder, names, minutes)
    return root


def write_sidecars(folder, names, minutes):
    """Write channels, electrodes with a label column, and a trial every six seconds."""
    lines = [f"{name}\tSEEG\tµV\tgood" for name in names]
    start = folder / "sub-01_task-long_"
    (folder / f"{start.name}channels.tsv").write_text(
        "\n".join(["name\ttype\tunits\tstatus", *lines]) + "\n", encoding="utf-8"
    )
    areas = ["superiortemporal" if name[0] == "C" else "insula" for name in names]
    lines = [f"{n}\tn/a\tn/a\tn/a\t{a}" for n, a in zip(names, areas, strict=True)]
    (folder / "sub-01_electrodes.tsv").write_text(
        "\n".join(["name\tx\ty\tz\tarea", *lines]) + "\n"
    )
    (folder / "sub-01_coordsystem.json").write_text(
        '{"iEEGCoordinateSystem": "Other", "iEEGCoordinateUnits": "mm"}'
    )
    lines = [f"{onset}\t1\tword" for onset in range(4, minutes * 60 - 4, 6)]
    (folder / f"{start.name}events.tsv").write_text(
        "\n".join(["onset\tduration\ttrial_type", *lines]) + "\n"
    )


def measure(root, what, regions="STG"):
    """Read in a fresh process, all channels without regions; say what it took."""
    command = [sys.executable, "-c", MEASURE, str(root), what]
    command += [] if regions is None else [regions]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(out.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Recordings of ten minutes and of half an hour."""
    folder = tmp_path_factory.mktemp("long")
    return {m: write_recording(folder / f"{m}", m) for m in (10, 30)}


@pytest.fixture(scope="module")
def rows():
    """Collect rows and write them as the table that the documentation shows.

    What an earlier run measured and this one does not stays.
    """
    rows = []
    yield rows
    table = pd.DataFrame(rows).round(1)
    if TABLE.exists():
        known = pd.read_csv(TABLE, sep="\t")
        table = pd.concat([table, known]).drop_duplicates(KEYS)
    table.sort_values(KEYS).to_csv(TABLE, sep="\t", index=False)


def row(what, minutes, take):
    """Return a row of the table."""
    return {
        "read": what,
        "channels": take["channels"],
        "minutes": minutes,
        "MB above import": take["above"] / 1e6,
        "of which result (MB)": take["result"] / 1e6,
        "seconds per hour": take["seconds"] * 60 / minutes,
    }


def test_time_follows_the_chosen_channels(recordings, rows):
    """Only what is chosen is filtered and resampled; all channels lie in the file."""
    chosen = measure(recordings[10], "epochs")
    every = measure(recordings[10], "epochs", regions=None)
    rows += [row("epochs", 10, take) for take in (chosen, every)]
    sys.stderr.write(f"\n16 channels: {chosen}\n128 channels: {every}\n")
    assert chosen["channels"] == 16
    # Of every shaft one contact has no neighbour to be referenced to.
    assert every["channels"] == N_CONTACTS - -(-N_CONTACTS // PER_SHAFT)
    assert chosen["seconds"] <= 0.5 * every["seconds"]
    assert chosen["above"] <= 0.5 * every["above"]


@pytest.mark.parametrize("what", ["epochs", "segments"])
def test_memory_and_time(recordings, what, benchmark, rows):
    short = measure(recordings[10], what)
    long = benchmark.pedantic(measure, args=(recordings[30], what), rounds=1)
    benchmark.extra_info.update(
        minutes_10=short, minutes_30=long, seconds_per_hour=2 * long["seconds"]
    )
    sys.stderr.write(
        f"\n{what}: {2 * long['seconds']:.0f} s per hour of recording; {long}\n"
    )
    rows += [row(what, 10, short), row(what, 30, long)]
    assert long["channels"] == 16
    assert long["above"] <= GIGABYTE
    rest = [take["above"] - take["result"] for take in (short, long)]
    assert rest[1] <= 1.15 * rest[0]
