"""Memory of predicting, of a report of 200 contacts, of 30 kHz input and of many fits.

Run on Linux::

    OMP_NUM_THREADS=1 python tests/benchmarks/memory.py

Every row is made in a process of its own on noise, in which a thread reads the
anonymous memory every 10 ms. ``inputs`` are the data that the caller holds; ``above``
is the highest memory during the work less that before it. With four times the data, or
after 50 instead of 10 fits, ``above`` shows whether memory is bounded. Writes
doc/benchmarks/memory.tsv; rows that are there are not made again.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from from_disk import Peak, anonymous

from mne_duin import (
    DuINCells,
    DuINClassifier,
    evaluate,
    make_contacts,
    make_report,
    read_epochs,
)

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "memory.tsv"
COMMON = {"random_state": 0, "device": "cpu", "precision": "32", "verbose": False}
PREDICTED, CONTACTS, MINUTES, FITS = (250, 1000), (50, 200), (1, 4), (10, 50)


def noise(n_epochs, n_channels, seconds=2.0, sfreq=1000.0, names=None):
    """Return epochs of noise and two classes in turns."""
    names = names or [f"A{number}" for number in range(1, n_channels + 1)]
    rng = np.random.default_rng(0)
    shape = n_epochs, n_channels, int(seconds * sfreq)
    data = rng.standard_normal(shape, dtype=np.float32).astype(float)
    data *= 1e-5
    info = mne.create_info(names, sfreq, "seeg")
    epochs = mne.EpochsArray(data, info, verbose="error")
    return epochs, np.array(["ba", "da"])[np.arange(n_epochs) % 2]


def measure(work, inputs):
    """Return megabytes: inputs, highest memory above that before, what is left."""
    gc.collect()
    before, peak = anonymous(), Peak()
    peak.start()
    result = work()
    peak.stopped = True
    peak.join()
    del result
    gc.collect()
    return inputs, peak.value - before, anonymous() - before


def megabytes(epochs):
    """Return the size of the data of epochs."""
    return epochs.get_data(copy=False).nbytes / 1e6


def predict(n_epochs):
    """Predict epochs of 64 channels, 2 s at 1 kHz."""
    classifier = DuINClassifier(max_iter=1, **COMMON).fit(*noise(64, 64))
    classifier.predict(noise(64, 64)[0])
    epochs, _ = noise(n_epochs, 64)
    return measure(lambda: classifier.predict(epochs), megabytes(epochs))


def report(n_contacts):
    """Draw the report of a classifier of so many contacts on shafts of ten."""
    positions = {
        f"{chr(65 + shaft)}{number}": (
            -25.0 - 3 * number,
            -60.0 + 120 * shaft / (n_contacts // 10),
            10.0 + 3 * (shaft % 8),
        )
        for shaft in range(n_contacts // 10)
        for number in range(1, 11)
    }
    contacts = make_contacts(positions, space="MNI152NLin2009bAsym", unit="mm")
    names = list(contacts.index)
    epochs, y = noise(68, n_contacts, seconds=1.0, sfreq=500.0, names=names)
    classifier = DuINClassifier(max_iter=1, sfreq=500.0, **COMMON).fit(
        epochs[:60], y[:60]
    )
    result = evaluate(classifier, epochs, y, cv=2, verbose=False)
    part = epochs[60:]

    def draw():
        return make_report(
            classifier, epochs, contacts, result=result, held_out=part, labels=y[60:]
        )

    return measure(draw, megabytes(epochs))


def read(minutes):
    """Read trials of eight channels at 30 kHz from BIDS."""
    import mne_bids

    sfreq = 30_000.0
    names = [f"A{number}" for number in range(1, 9)]
    rng = np.random.default_rng(0)
    data = rng.standard_normal((8, int(60 * minutes * sfreq)), dtype=np.float32)
    raw = mne.io.RawArray(1e-5 * data, mne.create_info(names, sfreq, "seeg"))
    del data
    onsets = np.arange(5.0, 60 * minutes - 5, 5)
    labels = np.array(["ba", "da"])[np.arange(len(onsets)) % 2]
    raw.set_annotations(mne.Annotations(onsets, 0.0, labels))
    raw.info["line_freq"] = 50.0
    with tempfile.TemporaryDirectory() as folder:
        path = mne_bids.BIDSPath(
            root=folder, subject="01", task="speech", datatype="ieeg"
        )
        mne_bids.write_raw_bids(
            raw, path, format="BrainVision", allow_preload=True, verbose="error"
        )
        del raw
        size = path.copy().update(extension=".eeg", suffix="ieeg").fpath.stat().st_size
        return measure(lambda: read_epochs(path, tmin=-0.5, tmax=1.5), size / 1e6)


def fit(n_fits):
    """Fit a classifier and cells again and again."""
    epochs, y = noise(64, 8, sfreq=500.0)

    def work():
        for _ in range(n_fits):
            DuINClassifier(max_iter=1, sfreq=500.0, **COMMON).fit(epochs, y)
            DuINCells(max_steps=2, n_codes=4, validation_fraction=0, **COMMON).fit(
                epochs, sfreq=500.0
            )

    DuINClassifier(max_iter=1, sfreq=500.0, **COMMON).fit(epochs, y)
    return measure(work, megabytes(epochs))


ROWS = (
    (predict, PREDICTED, "predict, epochs of 64 channels, 2 s at 1 kHz"),
    (report, CONTACTS, "report, contacts"),
    (read, MINUTES, "read_epochs, minutes of 8 channels at 30 kHz"),
    (fit, FITS, "fits of a classifier and of cells in one process"),
)


def main():
    """Make one row, or all in processes of their own."""
    if len(sys.argv) == 3:
        work = {one.__name__: one for one, *_ in ROWS}[sys.argv[1]]
        mne.set_log_level("error")
        print(json.dumps(work(int(sys.argv[2]))))
        return
    columns = ["work", "number", "inputs (MB)", "above (MB)", "left afterwards (MB)"]
    table = pd.DataFrame(columns=columns)
    if TABLE.exists():
        table = pd.read_csv(TABLE, sep="\t")
    known = set(table[columns[:2]].itertuples(index=False, name=None))
    for work, numbers, label in ROWS:
        for number in numbers:
            if (label, number) in known:
                continue
            command = [sys.executable, __file__, work.__name__, str(number)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr[-2000:])
            values = json.loads(done.stdout.strip().splitlines()[-1])
            table.loc[len(table)] = [label, number, *map(round, values)]
            table.to_csv(TABLE, sep="\t", index=False)
            print(*table.loc[len(table) - 1], sep="\t", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    main()
