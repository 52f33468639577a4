"""
.. _tut-live:

13. Decoding live, rehearsed without an amplifier
=================================================

A fitted decoder is used at the bedside: words while they are read. This tutorial fits
one on three runs of the sample dataset and decodes the fourth as if it were recorded
now, chunk by chunk. With the stream of an amplifier it is the same, see :doc:`/live`.
"""

# %%
# Train as you will decode
# ------------------------
#
# A stream has no future, so the filters must see the past only: ``causal=True``. The
# shrinkage LDA stands for any decoder of the package.

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
# ``contacts`` says how the samples became epochs, so that the same is done to a stream.

print(
    {
        name: contacts.attrs["processing"][name]
        for name in ("l_freq", "h_freq", "causal")
    }
)
live = LiveDecoder(lda, contacts)

# %%
# A stream
# --------
#
# Chunks of 40 ms of the last run, with a marker at the onset of every word. At the
# bedside ``run_live(live, "name of the stream", markers="…")`` does this with the Lab
# Streaming Layer. What comes in and what is decided is written to a log as it happens.

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
print(f"{len(decisions)} words, {np.mean(right):.0%} of them right")
print(decisions[0])

# %%
# Online equals offline
# ---------------------
#
# The probabilities are those of the trials that are read from the file.

trials, _ = read_epochs(
    paths[3], tmin=-0.2, tmax=1.2, regions=["vSMC", "STG"], causal=True, verbose=False,
    reject=None,
)  # fmt: skip
offline = lda.predict_proba(trials)
online = np.array([one.probabilities for one in decisions])
print(f"largest difference: {np.abs(online - offline).max():.1e}")

# %%
# The log is decided on once more, with the same result.

print(f"difference to the log: {replay_log(folder, live).largest_difference}")

# %%
# When samples are missing
# ------------------------
#
# Time stamps show that half a second was lost. Windows that touch the gap get no label.

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
# All the time
# ------------
#
# With ``mode="continuous"`` a window ends every ``step`` seconds. A decoder that knows
# words only is often sure of one in rest too; :meth:`LiveDecoder.calibrate
# <mne_duin.LiveDecoder.calibrate>` chooses the threshold on a recording of rest.

always = LiveDecoder(lda, contacts, mode="continuous", step=0.2)
always.start(raw.ch_names, rate)
windows = always.push(samples[:, : round(20 * rate)])
times = [one.end for one in windows if one.decided]
chances = np.array([one.probabilities for one in windows if one.decided])

figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
axes.plot(times, chances, lw=1)
for onset in onsets[onsets < 19]:
    axes.axvline(onset + 1.2, color="0.7", lw=0.8, zorder=0)
axes.set(xlabel="end of the window (s)", ylabel="probability", ylim=(0, 1))
axes.legend(lda.classes_, ncols=4, fontsize=7)

# %%
# Gray lines are the ends of the words' own windows. See :doc:`/live` for the threshold,
# the commands, and what is done when a stream is disturbed.
#
# At the bedside
# --------------
#
# :func:`~mne_duin.replay_recording` plays a recording as a stream and returns a
# ``ReplaySummary``. :func:`~mne_duin.run_live` decodes a stream and returns a
# ``LiveSummary``. :func:`~mne_duin.read_live_decoder` opens a decoding that was saved
# by ``mne-duin decode --causal``. :func:`~mne_duin.replay_log`, used above, returns a
# ``LogReplay``; :func:`~mne_duin.read_log` reads its entries. A ``Decision`` holds the
# probabilities of a window. ``LiveDecoder.calibrate`` returns a ``LiveCalibration``.
