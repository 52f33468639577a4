"""
.. _tut-live:

13. Live decoding, tested without an amplifier
==============================================

This tutorial decodes words during a recording. It fits a decoder on three runs of the
sample dataset and decodes the fourth run chunk by chunk, as during a live recording.
:doc:`/live` describes decoding from an amplifier.
"""

# %%
# Train with causal filters
# -------------------------
#
# Live decoding cannot use future samples, so training must use causal filters too:
# ``causal=True``. This page uses the shrinkage LDA; other decoders work in the same
# way.

import matplotlib.pyplot as plt
import numpy as np

from mne_duin import (
    DecisionLog,
    LiveDecoder,
    find_recordings,
    make_lda,
    read_epochs,
    read_raw,
    replay_log,
    sample_data_path,
)

paths = find_recordings(sample_data_path(), subject="01")
epochs, contacts = read_epochs(
    paths[:3], tmin=-0.2, tmax=1.2, regions=["vSMC", "STG"], causal=True, verbose=False
)
words = epochs.metadata["trial_type"].to_numpy()
lda = make_lda(calibrated=True).fit(epochs, words)

# %%
# ``contacts.attrs`` stores how the epochs were processed. The live decoder processes
# the stream in the same way.

print(
    {
        name: contacts.attrs["processing"][name]
        for name in ("l_freq", "h_freq", "causal")
    }
)
live = LiveDecoder(lda, contacts)

# %%
# Decode a stream
# ---------------
#
# The last run is passed in chunks of 40 ms, with a marker at the onset of every word.
# For an amplifier use ``run_live(live, "name of the stream", markers="…")``, which
# reads from the Lab Streaming Layer (LSL). Samples, markers and decisions are appended
# to a log.

import tempfile

raw = read_raw(paths[3], verbose=False).load_data(verbose=False)
samples, rate = raw.get_data(), raw.info["sfreq"]
onsets, said = raw.annotations.onset, raw.annotations.description

folder = tempfile.mkdtemp()
live.log = DecisionLog(folder)
live.start(raw.ch_names, rate)
for onset, word in zip(onsets, said, strict=True):
    live.mark(word, onset)

decisions = []
for first in range(0, samples.shape[1], 20):
    decisions += live.push(samples[:, first : first + 20])
decisions += live.finish()
live.log.close()
live.log = None

right = [one.label == one.cue for one in decisions if one.decided]
print(f"{len(decisions)} words, {100 * np.mean(right):.0f} % correctly classified")
first = decisions[0]
print(
    f"{first.onset:.2f} to {first.end:.2f} s: {first.label} ({first.probability:.2f})"
)

# %%
# Compare with offline decoding
# -----------------------------
#
# The probabilities equal those of the same trials read from the file.

trials, _ = read_epochs(
    paths[3], tmin=-0.2, tmax=1.2, regions=["vSMC", "STG"], causal=True, verbose=False,
    reject=None,
)  # fmt: skip
offline = lda.predict_proba(trials)
online = np.array([one.probabilities for one in decisions])
print(f"largest difference: {np.abs(online - offline).max():.1e}")

# %%
# Decoding the log again gives the same result.

print(f"largest difference from the log: {replay_log(folder, live).largest_difference}")

# %%
# Missing samples
# ---------------
#
# Time stamps reveal that half a second is missing. Windows that overlap with the gap
# get no label.

stamps = np.arange(samples.shape[1]) / rate
kept = (stamps < 30.0) | (stamps >= 30.5)
live.start(raw.ch_names, rate)
for onset, word in zip(onsets, said, strict=True):
    live.mark(word, onset)
found = live.push(samples[:, kept], stamps[kept])
for one in found:
    if not one.decided:
        print(f"{one.onset:.2f} s: {one.reason}")

# %%
# Continuous decoding
# -------------------
#
# With ``mode="continuous"`` a window ends every ``step`` seconds. A decoder trained on
# words only often assigns a high probability to a word during rest;
# :meth:`LiveDecoder.calibrate <mne_duin.LiveDecoder.calibrate>` chooses a threshold on
# a recording of rest.

always = LiveDecoder(lda, contacts, mode="continuous", step=0.2)
always.start(raw.ch_names, rate)
windows = always.push(samples[:, : round(20 * rate)])
times = [one.end for one in windows if one.decided]
chances = np.array([one.probabilities for one in windows if one.decided])

figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
names = list(lda.classes_)
image = axes.pcolormesh(
    times, range(len(names)), chances.T, cmap="Blues", vmin=0, vmax=1
)
shown = onsets + 1.2 < times[-1]
rows = [names.index(word) for word in said[shown]]
axes.plot(
    onsets[shown] + 1.2, rows, "o", mfc="none", mec="#D55E00", label="spoken word"
)
axes.set(xlabel="End of the window (s)", yticks=range(len(names)), yticklabels=names)
axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
figure.colorbar(image, label="Probability")

# %%
# Circles mark the spoken word at the end of its window. The windows between the words
# contain no complete word, but some get a high probability. :doc:`/live` describes the
# threshold, the commands, and the treatment of disturbed streams.
#
# Functions for use with an amplifier
# -----------------------------------
#
# :func:`~mne_duin.replay_recording` plays back a recording as a stream and returns a
# ``ReplaySummary``. :func:`~mne_duin.run_live` decodes a stream and returns a
# ``LiveSummary``. :func:`~mne_duin.read_live_decoder` reads a decoder that was saved by
# ``mne-duin decode --causal``. :func:`~mne_duin.replay_log`, used above, returns a
# ``LogReplay``; :func:`~mne_duin.read_log` reads its entries. A ``Decision`` contains
# the probabilities of a window. ``LiveDecoder.calibrate`` returns a
# ``LiveCalibration``.
