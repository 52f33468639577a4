"""Latency, lost samples and memory of live decoding at 64 channels and 2 kHz.

A simulated amplifier in a process of its own sends noise with markers over loopback,
and the decoder answers on every marker. The decoders work at 500 Hz, like those of
``mne-duin decode``. Writes doc/benchmarks/live_latency.tsv and the
figure live_latency.svg next to it.
"""

import argparse
import multiprocessing
import os
import platform
import resource
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd

from mne_duin import DuINClassifier, LiveDecoder, make_lda, prepare_epochs, run_live

RATE, N_CONTACTS, WORDS = 2000.0, 64, ("one", "two", "three", "four")
CHUNK = 40  # samples, 20 ms
TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "live_latency.tsv"


def make_raw(seconds, seed):
    """Noise of 64 contacts on 8 shafts, with a response to every word."""
    rng = np.random.default_rng(seed)
    names = [f"{'ABCDEFGH'[k // 8]}{k % 8 + 1}" for k in range(N_CONTACTS)]
    data = 2e-5 * rng.standard_normal((N_CONTACTS, round(seconds * RATE)))
    onsets = np.arange(4.0, seconds - 3.0, 1.5)
    words = rng.choice(WORDS, len(onsets))
    wave = 4e-5 * np.sin(2 * np.pi * 8 * np.arange(800) / RATE)
    for onset, word in zip(onsets, words, strict=True):
        first = round(onset * RATE) + 400
        data[9 * WORDS.index(word), first : first + 800] += wave
    raw = mne.io.RawArray(data, mne.create_info(names, RATE, "seeg"), verbose="error")
    return raw.set_annotations(mne.Annotations(onsets, 0.0, words))


def send(minutes, name):
    """Be an amplifier: send a minute of signal again and again."""
    from mne_lsl import lsl

    raw = make_raw(60.0, 1)
    info = lsl.StreamInfo(name, "EEG", N_CONTACTS, RATE, "float32", name)
    info.set_channel_names(raw.ch_names)
    info.set_channel_units(["volts"] * N_CONTACTS)
    outlet = lsl.StreamOutlet(info, max_buffered=60)
    about = f"{name}-markers"
    markers = lsl.StreamOutlet(lsl.StreamInfo(about, "Markers", 1, 0, "string", about))
    outlet.wait_for_consumers(60)
    data = np.ascontiguousarray(raw.get_data().T.astype(np.float32))
    onsets = iter([60 * k + x for k in range(minutes) for x in raw.annotations.onset])
    onset, zero = next(onsets), lsl.local_clock()
    for first in range(0, round(60 * minutes * RATE), CHUNK):
        last = first + CHUNK
        time.sleep(max(zero + last / RATE - lsl.local_clock(), 0))
        at = first % len(data)
        chunk = np.ascontiguousarray(data[at : at + CHUNK])
        outlet.push_chunk(chunk, timestamp=zero + np.arange(first, last) / RATE)
        if onset is not None and onset < last / RATE:
            markers.push_sample([str(onset)], timestamp=zero + onset)
            onset = next(onsets, None)
    time.sleep(1.5)


def time_predictions(live):
    """Keep the processor time of every prediction, which other jobs do not change."""
    predict, times = live.predictor.predict, []

    def timed(window):
        begin = time.thread_time()
        answer = predict(window)
        times.append(time.thread_time() - begin)
        return answer

    live.predictor.predict = timed
    return times


def memory():
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def measure(label, decoder, contacts, window, minutes, sfreq):
    """Decode a stream of the amplifier; return a row and the latencies."""
    from mne_lsl.lsl import local_clock

    name = f"latency-{label}-{window}".replace(" ", "-")
    amplifier = multiprocessing.get_context("spawn").Process(
        target=send, args=(minutes, name)
    )
    amplifier.start()
    live = LiveDecoder(decoder, contacts)
    latencies, sizes, computing = [], [], time_predictions(live)

    def note(decision):
        clock = live.engine.clock
        if decision.decided:
            latencies.append(local_clock() - clock.time(decision.end * RATE))
        sizes.append(memory())

    done = run_live(
        live, name, markers=f"{name}-markers", on_decision=note, patience=15
    )
    amplifier.join()
    expected = round(60 * minutes * RATE)
    low, high = 1000 * np.percentile(latencies, [50, 95])
    row = {
        "decoder": label,
        "window (s)": window,
        "works at (Hz)": sfreq,
        "minutes": minutes,
        "decisions": len(latencies),
        "p50": round(low, 1),
        "p95": round(high, 1),
        "computing p95": round(1000 * np.percentile(computing, 95), 1),
        "load": round(os.getloadavg()[0], 1),
        "samples lost": expected - done.counts["samples"] + done.counts["lost"],
        "samples used twice": max(done.counts["samples"] - expected, 0),
        "memory after 10%": round(sizes[len(sizes) // 10]),
        "memory at the end": round(sizes[-1]),
        "machine": f"{processor()}, {multiprocessing.cpu_count()} cores",
    }
    return row, latencies


def processor():
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def main():
    """Fit the decoders, measure, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--windows", type=float, nargs="+", default=[1.0])
    parser.add_argument("--sfreq", type=float, default=500.0)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    contacts = {name: (k, 0.0, 0.0) for k, name in enumerate(make_raw(8, 0).ch_names)}
    rows, curves = [], {}
    for window in options.windows:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            epochs, table = prepare_epochs(
                make_raw(120.0, 0), None, contacts, tmin=0.0, tmax=window,
                causal=True, notch=50.0, reject=None, sfreq=options.sfreq,
                verbose="error",
            )  # fmt: skip
            y = epochs.metadata["trial_type"].to_numpy()
            decoders = {
                "LDA": make_lda().fit(epochs, y),
                "Du-IN": DuINClassifier(max_iter=2, random_state=0, verbose=False).fit(
                    epochs, y
                ),
            }
        for label, decoder in decoders.items():
            asked = window, options.minutes, options.sfreq
            row, own = measure(label, decoder, table, *asked)
            print(row, flush=True)
            rows.append(row)
            curves[f"{label}, {window:g} s"] = own
            pd.DataFrame(rows).to_csv(options.table, sep="\t", index=False)
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for label, own in curves.items():
        axes.ecdf(1000 * np.array(own), label=label)
    axes.set(xlabel="last sample to decision (ms)", ylabel="fraction of decisions")
    axes.set(xlim=(0, None))
    axes.legend()
    figure.savefig(options.table.with_suffix(".svg"))


if __name__ == "__main__":
    main()
