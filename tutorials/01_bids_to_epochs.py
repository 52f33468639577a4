"""
01. From your BIDS folder to Epochs and a contacts table
========================================================

You have intracranial recordings in a BIDS folder, and you want two things that fit
together: an :class:`mne.Epochs` with one trial per word, and a table that says where
every channel is. This page gets them, and looks at the dataset before trusting it.

The dataset here is simulated, with the troubles that real ones have.
"""

# %%
# What is there?
# --------------
#
# :func:`~mne_duin.find_recordings` lists the recordings of a folder. Replace the first
# line by the path of your own folder.

from collections import Counter
from textwrap import fill

import matplotlib.pyplot as plt
import mne
import pandas as pd

from mne_duin import (
    find_recordings,
    plot_contacts,
    read_contacts,
    read_epochs,
    read_raw,
    sample_data_path,
)

mne.set_log_level("WARNING")
root = sample_data_path()

for path in find_recordings(root):
    print(path.basename)

# %%
# Ask for what you want to work with. Runs of one subject stay separate recordings here;
# they are read together below.

paths = find_recordings(root, subject="01", task="wordreading")
print(f"{len(paths)} runs of subject 01")

# %%
# If nothing matches, the message says what there is:

try:
    find_recordings(root, subject="01", task="reading")
except FileNotFoundError as error:
    print(fill(str(error).replace(str(root), root.name), 88))

# %%
# Where are the contacts?
# -----------------------
#
# The contacts table comes from ``electrodes.tsv`` and needs no recording. Coordinates
# are in mm, and ``space`` says what they refer to.

contacts = read_contacts(paths[0])
contacts[["shaft", "number", "x", "y", "z", "space", "hemisphere"]].head(8)

# %%
# How many shafts and contacts are there, and are places missing? A contact without
# coordinates can be used for decoding, but it cannot be labeled or drawn.

print(contacts.groupby("shaft").size().to_string())
print("\nwithout coordinates:", list(contacts.index[contacts["x"].isna()]))

# %%
# A picture shows in a second what a table hides: a wrong hemisphere, metres instead of
# millimetres, a shaft that sticks out of the head.

plot_contacts(contacts, color_by="shaft", title="Subject 01, all contacts")

# %%
# Is the recording sound?
# -----------------------
#
# :func:`~mne_duin.read_raw` opens a recording without loading it. Compare sampling
# rate, duration, channel types and line frequency with what you know of the experiment.

raw = read_raw(paths[0])
print(raw)
print("line frequency:", raw.info["line_freq"], "Hz")
print("types:", Counter(raw.get_channel_types()))
print("bad in channels.tsv:", raw.info["bads"])

# %%
# The power spectrum of every contact: peaks at the line frequency and its harmonics are
# removed when the trials are read. Look for contacts that are far above or below the
# others; what is marked bad already is in orange.

spectrum = raw.compute_psd(fmax=200, picks="seeg", exclude=())
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for name in spectrum.ch_names:
    power = spectrum.get_data(picks=name, exclude=())[0] * 1e12
    color = "#D55E00" if name in raw.info["bads"] else "0.6"
    ax.semilogy(spectrum.freqs, power, color=color, lw=0.8)
ax.set(xlabel="Frequency (Hz)", ylabel="Power (µV²/Hz)", title="One line per contact")

# %%
# And the events: is every word there as often as planned, in every run? Are the
# response times plausible?

tables = {}
for path in paths:
    file = path.copy().update(suffix="events", extension=".tsv").fpath
    tables[path.run] = pd.read_csv(file, sep="\t")
events = pd.concat(tables, names=["run"])
pd.crosstab(events["trial_type"], events.index.get_level_values("run"))

# %%
fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.hist(events["response_time"], bins=40, color="#0072B2")
ax.set(xlabel="Response time (s)", ylabel="Trials", title="All runs")

# %%
# Trials
# ------
#
# One call reads all runs, chooses the good contacts, references them within each shaft,
# filters, resamples, cuts, and looks up the anatomy. Its defaults are those of the
# Du-IN paper: bipolar reference, 0.5 to 200 Hz, notch at the line frequency, 1000 Hz,
# and trials from -0.5 to 2.5 s.
#
# ``align="response_time"`` puts time zero at the onset of speech. Without it, time zero
# is the cue.

epochs, contacts = read_epochs(paths, align="response_time")
epochs

# %%
# The second result has one row per channel, in the same order. A bipolar channel lies
# halfway between its contacts, and has the labels of both.

contacts[["anode", "cathode", "x", "y", "z", "label", "region"]].head(6)

# %%
# Everything in ``events.tsv`` is in the metadata, and so is the run. That matters
# later: an honest evaluation holds out whole runs.

epochs.metadata.head(4)

# %%
# Is there a response?
# --------------------
#
# The average over all words of every channel, each in units of its own variability.
# Time zero is the onset of speech.

average = epochs.get_data().mean(0) / epochs.get_data().std((0, 2))[:, None]
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
image = ax.imshow(
    average,
    aspect="auto",
    cmap="RdBu_r",
    vmin=-0.6,
    vmax=0.6,
    extent=(epochs.tmin, epochs.tmax, len(average) - 0.5, -0.5),
)
ax.set_yticks(range(len(epochs.ch_names)), epochs.ch_names, fontsize=7)
ax.set(xlabel="Time from speech onset (s)", title="Average of all words")
fig.colorbar(image, label="standard deviations")

# %%
# Epochs and table stay together because everything looks channels up **by name**: drop
# or reorder channels with the usual MNE calls and go on.
#
# Next: :doc:`which channels to keep </auto_tutorials/02_choosing_contacts>`.
