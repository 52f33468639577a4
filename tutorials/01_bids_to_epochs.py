"""
01. From your BIDS folder to Epochs and a contacts table
========================================================

This tutorial reads intracranial recordings from a BIDS folder. The result is an
:class:`mne.Epochs` with one trial per word, and a table with the position and label of
every channel. It also shows how to inspect a dataset before you analyze it.

The dataset is simulated, with typical defects of real datasets.
"""

# %%
# Find recordings
# ---------------
#
# :func:`~mne_duin.find_recordings` lists the recordings in a folder. To use your own
# data, replace ``sample_data_path()`` by the path of your folder.

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
# Select a subject and a task. The result has one path for each run; the runs are read
# together below.

paths = find_recordings(root, subject="01", task="wordreading")
print(f"{len(paths)} runs of subject 01")

# %%
# If nothing matches, the error lists what is available:

try:
    find_recordings(root, subject="01", task="reading")
except FileNotFoundError as error:
    print(fill(str(error).replace(str(root), "the folder"), 88))

# %%
# Positions of the contacts
# -------------------------
#
# The contacts table is read from ``electrodes.tsv`` and needs no recording. Coordinates
# are in mm, in the coordinate system ``space``.

contacts = read_contacts(paths[0])
contacts[["shaft", "number", "x", "y", "z", "space", "hemisphere"]].head(8)

# %%
# Check the number of shafts and contacts and look for missing positions. A contact
# without coordinates can be used for decoding, but it cannot be labeled or plotted.

print(contacts.groupby("shaft").size().to_string())
print("\nwithout coordinates:", list(contacts.index[contacts["x"].isna()]))

# %%
# Plot the contacts. The plot shows errors that are hard to see in a table: a wrong
# hemisphere, meters instead of millimeters, a shaft outside the head.

plot_contacts(contacts, color_by="shaft", title="Subject 01, all contacts")

# %%
# Quality of the recording
# ------------------------
#
# :func:`~mne_duin.read_raw` opens a recording without loading it. Compare sampling
# rate, duration, channel types and line frequency with what you know about the
# experiment.

raw = read_raw(paths[0])
print(raw)
print("line frequency:", raw.info["line_freq"], "Hz")
print("types:", Counter(raw.get_channel_types()))
print("bad in channels.tsv:", raw.info["bads"])

# %%
# Plot the power spectrum of every contact. Peaks at the line frequency and its
# harmonics are removed when the trials are read. Look for contacts far above or below
# the others. Contacts that are marked bad are orange.

spectrum = raw.compute_psd(fmax=200, picks="seeg", exclude=())
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for name in spectrum.ch_names:
    power = spectrum.get_data(picks=name, exclude=())[0] * 1e12
    color = "#D55E00" if name in raw.info["bads"] else "0.6"
    ax.semilogy(spectrum.freqs, power, color=color, lw=0.8)
ax.set(xlabel="Frequency (Hz)", ylabel="Power (µV²/Hz)", title="One line per contact")

# %%
# Check the events: does every run have the planned number of trials per word, and are
# the response times plausible?

tables = {}
for path in paths:
    file = path.copy().update(suffix="events", extension=".tsv").fpath
    tables[path.run] = pd.read_csv(file, sep="\t")
events = pd.concat(tables, names=["run"])
pd.crosstab(
    events["trial_type"], events.index.get_level_values("run"), colnames=["run"]
)

# %%
fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.hist(events["response_time"], bins=40, color="#0072B2")
ax.set(xlabel="Response time (s)", ylabel="Trials", title="All runs")

# %%
# Read the trials
# ---------------
#
# :func:`~mne_duin.read_epochs` reads all runs, excludes bad contacts, references
# within each shaft, filters, resamples, cuts trials, and adds anatomical labels. The
# defaults are those of the Du-IN paper: bipolar reference, 0.5 to 200 Hz, notch at the
# line frequency, 1000 Hz, and trials from -0.5 to 2.5 s.
#
# ``align="response_time"`` puts time zero at the onset of speech. Without it, time zero
# is the cue.

epochs, contacts = read_epochs(paths, align="response_time")
epochs

# %%
# The contacts table has one row per channel, in the same order. The position of a
# bipolar channel is the midpoint of its contacts.

contacts[["anode", "cathode", "x", "y", "z", "label", "region"]].head(6)

# %%
# The metadata contain all columns of ``events.tsv`` and the run. The run is needed
# later, because an unbiased evaluation holds out whole runs.

epochs.metadata.head(4)

# %%
# Average response
# ----------------
#
# Plot the average over all words for every channel, in units of the channel's standard
# deviation. Time zero is the onset of speech.

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
# All functions match channels of epochs and contacts **by name**. You can therefore
# drop or reorder channels with the usual methods of MNE.
#
# Next: :doc:`choose contacts </auto_tutorials/02_choosing_contacts>`.
