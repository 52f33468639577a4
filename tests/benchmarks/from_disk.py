"""What training from disk costs: steps per second and memory, from 1 to 24 hours.

Run on an otherwise idle machine with 10 GB of free disk space::

    OMP_NUM_THREADS=1 python tests/benchmarks/from_disk.py

Noise of 10 channels at 400 Hz stands for recordings of 1, 6 and 24 hours, in segments
of 8 s that are stored in float16. In a process of its own for each duration DuINCells
is fitted from the folder, with high gamma power, in a few steps; a thread reads the
anonymous memory of the process every 10 ms (``RssAnon``, what it has allocated; pages
of the files, which the system may drop at any time, are not in it). In another process
the same steps, from random initial values, are made in turns with data in memory and on
disk, where memory allows it. The ratios are medians over pairs of turns: of seconds,
and of processor seconds of all threads, which other work on the machine changes less.
Writes doc/benchmarks/from_disk.tsv and prints the name of the processor.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin import DuINCells, open_segments, write_segments
from mne_duin.training import private_randomness
from mne_duin.training._engine import train
from mne_duin.training._sampling import SampledData

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "from_disk.tsv"
HOURS = (1, 6, 24)
RATE, SECONDS, N_CHANNELS = 400.0, 8, 10
AT_ONCE = 450  # segments, one hour
STEPS, ROUNDS = 8, 5
OPTIONS = {
    "bands": ["high-gamma"],
    "max_steps": STEPS,
    "validation_fraction": 0,
    "device": "cpu",
    "precision": "32",
    "random_state": 0,
    "verbose": False,
}


def recordings(hours):
    """Yield an hour at a time, low-passed noise with a new seed each."""
    info = mne.create_info(N_CHANNELS, RATE, "seeg")
    shape = AT_ONCE, N_CHANNELS, int(SECONDS * RATE)
    for hour in range(hours):
        rng = np.random.default_rng(hour)
        data = rng.standard_normal(shape, dtype=np.float32)
        data[..., 1:] += data[..., :-1]
        yield mne.EpochsArray(1e-5 * data.astype(float), info, verbose="error")


def anonymous():
    """Return the memory that this process has allocated, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("RssAnon is there on Linux only.")


class Peak(threading.Thread):
    """Looks at the anonymous memory until it is stopped."""

    def __init__(self):
        super().__init__(daemon=True)
        self.value, self.stopped = 0.0, False

    def run(self):
        """Keep the largest value."""
        while not self.stopped:
            self.value = max(self.value, anonymous())
            time.sleep(0.01)


def fit(folder):
    """Fit from the folder; print peak memory and seconds."""
    peak = Peak()
    peak.start()
    start = time.perf_counter()
    DuINCells(**OPTIONS).fit(open_segments(folder))
    peak.stopped = True
    print(json.dumps([peak.value, time.perf_counter() - start]))


def prepare(X):
    """Return an estimator, its data and its network as ``fit`` makes them."""
    cells = DuINCells(**OPTIONS, init="random", front_lr_scale=0.0)
    recipe = cells.resolved_params()
    epochs = cells._check_X(X, bands=recipe["bands"])
    run = cells._begin()
    data = cells._signal_data(epochs, crop=recipe["crop_duration"])
    with private_randomness(0):
        cells.module_ = cells._build(recipe)
    cells.n_steps_ = STEPS
    return cells, data, recipe, run


def steps(cells, data, recipe, seed):
    """Return the seconds and the processor seconds of some steps."""
    step = cells._training_step(recipe, data)
    start, start_cpu = time.perf_counter(), time.process_time()
    train(
        cells.module_,
        step,
        data,
        max_iter=1,
        batch_size=recipe["batch_size"],
        lr=1e-4,
        seed=seed,
        begin_pass=step.begin_pass,
        verbose=False,
    )
    return time.perf_counter() - start, time.process_time() - start_cpu


def compare(folder):
    """Make the same steps from disk and from memory in turns; print the seconds."""
    cells, data, recipe, _ = prepare(open_segments(folder))
    assert isinstance(data, SampledData)
    whole = SampledData(
        np.asarray(data.x),
        channel_mask=cells.scaler_.channel_mask,
        n_times=data.n_times,
    )
    seconds = {"disk": [], "memory": []}
    for number in range(ROUNDS + 1):
        order = [("disk", data), ("memory", whole)]
        for name, part in order[:: 1 if number % 2 else -1]:
            seconds[name].append(steps(cells, part, recipe, number))
    # The first round warms up.
    print(json.dumps({name: found[1:] for name, found in seconds.items()}))


def run(action, folder):
    """Run a part of this script in a new process and return what it prints."""
    done = subprocess.run(
        [sys.executable, __file__, action, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def available():
    """Return the memory that is free for a process, in bytes."""
    text = Path("/proc/meminfo").read_text()
    line = next(one for one in text.splitlines() if one.startswith("MemAvailable"))
    return int(line.split()[1]) * 1000


def processor():
    """Return the name of the processor."""
    text = Path("/proc/cpuinfo").read_text()
    names = [line.split(": ")[1] for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor()


def measure(hours, folder):
    """Return a row of the table."""
    segments = write_segments(folder, recordings(hours), dtype="float16")
    n_bytes = 4 * len(segments) * 2 * N_CHANNELS * segments.data.n_times
    del segments
    peak, seconds = run("fit", folder)
    size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e9
    row = {
        "hours": hours,
        "on disk (GB)": round(size, 2),
        "inputs in memory would be (MB)": round(n_bytes / 1e6),
        "peak memory from disk (MB)": round(peak),
        "seconds before and after the steps": None,
        "steps/s from disk": None,
        "steps/s from memory": None,
        "ratio": None,
        "ratio in processor time": None,
    }
    if available() > 2 * n_bytes:
        found = {name: np.array(one) for name, one in run("compare", folder).items()}
        rates = {name: STEPS / np.median(one[:, 0]) for name, one in found.items()}
        row["steps/s from disk"] = round(rates["disk"], 2)
        row["steps/s from memory"] = round(rates["memory"], 2)
        ratio = np.median(found["memory"] / found["disk"], axis=0).round(2).tolist()
        row["ratio"], row["ratio in processor time"] = ratio
        seconds -= STEPS / rates["disk"]
    row["seconds before and after the steps"] = round(seconds)
    return row


def main():
    """Measure, write and print the table."""
    print(f"{processor()}, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}")
    rows = []
    for hours in HOURS:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(hours, Path(folder, "segments")))
        table = pd.DataFrame(rows).sort_values("hours")
        table.to_csv(TABLE, sep="\t", index=False)
        print(table.to_string(index=False), flush=True)


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    if len(sys.argv) == 3:
        {"fit": fit, "compare": compare}[sys.argv[1]](sys.argv[2])
    else:
        main()
