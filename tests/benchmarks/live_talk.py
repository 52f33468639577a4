"""False alarms in rest and hits in continuous talk, with exact 95 % intervals.

A simulated subject says words in trials, talks (the words of the trials among others,
made of the same units) and rests. The decoder learns words and rest from the trials;
the threshold comes from one recording of rest, false alarms are counted in another.
Writes doc/benchmarks/live_talk.tsv.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta

from mne_duin import LiveDecoder, make_lda, prepare_epochs
from mne_duin.datasets.simulation import _unit_speech as simulation
from mne_duin.live._calibration import rate_interval

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "live_talk.tsv"
SFREQ, N_WORDS, REST = 400.0, 4, "rest"
STEP, REFRACTORY = 0.2, 0.6
WINDOW = 0.8
LATE = 0.6  # s: an event counts for a word that began up to so long before its window


def make_speaker(seed, snr):
    """A subject with words to say, as simulate_unit_speech makes one."""
    rng = np.random.default_rng(seed)
    head = simulation._draw_head(rng, "left", 12)
    units = simulation.draw_units(rng, len(head.names), 16, 0.3)
    words = simulation.draw_words(rng, 16, 12)
    settings = simulation.UnitSettings(
        gains=(snr, snr), sfreq=SFREQ, pause=1.0, repetition=1.0, onset_jitter=0.03,
        speed_jitter=0.1, gain_jitter=0.2,
    )  # fmt: skip
    return rng, simulation._Speaker(head, units, words, settings)


def record(rng, speaker, minutes, names, pause):
    """Record words with pauses: the recording, and onset and word of each."""
    said, events, time = [], [], 3.0
    while time < 60 * minutes - 3 and names:
        name = str(rng.choice(names))
        said += speaker.say(rng, speaker.words[name], time)
        events.append((time, name))
        time = said[-1][1] + said[-1][2] + pause + rng.exponential(pause)
    data = speaker.record(rng, said, round(60 * minutes * SFREQ))
    return data, events


def as_raw(speaker, data, events):
    """Wrap a recording."""
    import mne

    info = mne.create_info(list(speaker.head.contacts.index), SFREQ, "seeg")
    raw = mne.io.RawArray(data, info, verbose="error")
    times = [time for time, _ in events]
    return raw.set_annotations(mne.Annotations(times, 0.0, [n for _, n in events]))


def fit(rng, speaker, names, minutes):
    """Fit words and rest on trials; return decoder and contacts."""
    data, events = record(rng, speaker, minutes, names, 1.5)
    # Rest ends before the next word begins.
    rest = [(a[0] - 1.2, REST) for a in events[1:]]
    raw = as_raw(speaker, data, sorted(events + rest))
    places = {name: (k, 0.0, 0.0) for k, name in enumerate(raw.ch_names)}
    epochs, contacts = prepare_epochs(
        raw, None, places, tmin=0.0, tmax=WINDOW, reference="none", h_freq=150.0,
        notch=None, sfreq=None, causal=True, reject=None, verbose="error",
    )  # fmt: skip
    y = epochs.metadata["trial_type"].to_numpy()
    return make_lda("both", calibrated=True).fit(epochs, y), contacts


def count_hits(found, events, names):
    """Return how many words of the trials have an event, and with the right label."""
    hits = right = 0
    for time, name in events:
        near = [d for d in found if time - 0.3 <= d.onset <= time + LATE]
        if name in names and near:
            hits += 1
            right += any(one.label == name for one in near)
    return hits, right


def proportion(count, total):
    """A proportion with its exact interval (Clopper and Pearson 1934), as text."""
    low = 0.0 if not count else beta.ppf(0.025, count, total - count + 1)
    high = 1.0 if count == total else beta.ppf(0.975, count + 1, total - count)
    return f"{count / total:.2f} ({low:.2f} to {high:.2f})"


def rate(count, minutes):
    """A rate per minute with its interval, as text."""
    low, high = rate_interval(count, minutes)
    return f"{count / minutes:.2f} ({low:.2f} to {high:.2f})"


def measure(seed, snr, allowed, minutes):
    """Return a row of the table."""
    rng, speaker = make_speaker(seed, snr)
    names = list(speaker.words)[:N_WORDS]
    decoder, contacts = fit(rng, speaker, names, minutes)
    live = LiveDecoder(
        decoder, contacts, mode="continuous", step=STEP, rest=[REST],
        refractory=REFRACTORY,
    )  # fmt: skip
    ch_names = list(speaker.head.contacts.index)
    silence, _ = record(rng, speaker, minutes, [], 1.0)
    done = live.calibrate(silence, ch_names, SFREQ, false_alarms=allowed)
    events_in = {}
    talk, said = record(rng, speaker, minutes, list(speaker.words), 1.0)
    for part, data in (
        ("rest", record(rng, speaker, minutes, [], 1.0)[0]),
        ("talk", talk),
    ):
        live.start(ch_names, SFREQ)
        found = live.push(data)
        events_in[part] = [one for one in found if one.kind == "event"]
    ours = [pair for pair in said if pair[1] in names]
    hits, right = count_hits(events_in["talk"], ours, names)
    return {
        "seed": seed,
        "strength (snr)": snr,
        "accepted per minute": allowed,
        "threshold": f"{done.threshold:.2g}",
        "in the rest of the choice": f"{done.false_alarms:.2f}",
        "in new rest": rate(len(events_in["rest"]), minutes),
        "words detected": proportion(hits, len(ours)),
        "detected as the right word": proportion(right, len(ours)),
        "utterances per minute of talk": round(len(said) / minutes, 1),
        "events per minute of talk": rate(len(events_in["talk"]), minutes),
        "minutes each": minutes,
    }


def main():
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        for snr, allowed in ((2.0, 1.0), (1.0, 1.0)):
            rows.append(measure(seed, snr, allowed, options.minutes))
            print(rows[-1], flush=True)
            pd.DataFrame(rows).to_csv(options.table, sep="\t", index=False)


if __name__ == "__main__":
    main()
