"""
10. Your own data: a checklist, common errors and remedies
==========================================================

This tutorial contains a checklist for your own dataset. It then introduces common
errors into a simulated dataset, to show the messages and explain the remedies.
"""

# %%
# The checklist
# -------------
#
# **Files.** A BIDS folder with, for every run,
#
# * ``*_ieeg.vhdr`` (or EDF, NWB, MEF3, EEGLAB), and ``*_ieeg.json`` with the line
#   frequency,
# * ``*_channels.tsv``: contacts have the type SEEG (or ECOG, DBS), bad ones the
#   ``status`` bad,
# * ``*_events.tsv``: ``onset`` in seconds and a column with the word,
# * and for every subject ``*_electrodes.tsv`` with ``*_coordsystem.json``.
#
# **Anatomy.** Coordinates in a template space (MNI or fsaverage), or the patient's
# FreeSurfer folder, or a column of labels in ``electrodes.tsv``. Without any of these
# you can decode, but not select channels by region.
#
# **Trials.** Two or more runs, so that one can be held out, with words in random order
# in every run. The learning curve in :doc:`tutorial 5
# </auto_tutorials/05_decoding_words>` shows how to find out how many trials are needed.
#
# **Sampling rate.** 500 Hz or more, because much of the information about words is in
# high gamma, up to 150 Hz.
#
# **Time zero.** Choose cue or speech onset before decoding.
#
# Apply the checklist
# -------------------
#
# The example uses two short runs of a simulated subject in a temporary folder. In your
# script, let ``root`` be the path of your folder and ``subject`` one of your subjects.
# The code below does not change files in ``root``.

import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill

import mne
import numpy as np
import pandas as pd

from mne_duin import (
    DuINClassifier,
    check_recording,
    evaluate,
    find_recordings,
    list_checks,
    make_lda,
    plot_contacts,
    read_contacts,
    read_epochs,
    read_raw,
    write_simulated_bids,
)
from mne_duin.datasets import SimulationSettings

mne.set_log_level("WARNING")
temporary = TemporaryDirectory()
folder = Path(temporary.name)

settings = SimulationSettings(n_words=4, n_runs=2, n_trials_per_word=5)
root = write_simulated_bids(folder / "simulated", subjects={"01": settings})
subject = "01"

# %%
# This helper calls a function and prints its warnings and its error, if any.


def attempt(function, *args, **kwargs):
    """Call a function; print its warnings and its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            end = f"{type(error).__name__}: {error}"
            result = None
        else:
            end = "No error."
    lines = [f"Warning: {one.message}" for one in caught] + [end]
    for line in lines:
        print(fill(line.replace(f"{folder}/", ""), 88))
    return result


# %%
# **Files.** Check that all runs are found and that their properties are as expected.

paths = find_recordings(root, subject=subject)
for path in paths:
    print(path.basename)
raw = attempt(read_raw, paths[0])
print(f"{raw.info['sfreq']:g} Hz, {raw.times[-1]:.0f} s, {len(raw.ch_names)} channels")
print(f"line frequency {raw.info['line_freq']} Hz, bad: {raw.info['bads']}")

# %%
# **Consistency.** Header, sidecars and samples are compared with each other. The last
# table lists only checks that did not pass. :doc:`/checks` explains each check;
# ``mne-duin check path/to/bids`` runs them on the command line.

for name, about in list_checks()["about"].items():
    print(f"{name:20s} {about}")
table = check_recording(paths)
print(table["outcome"].value_counts().to_string())
print(table[table["outcome"] != "ok"][["recording", "check", "message"]].to_string())

# %%
# **Anatomy.** Check in the plot that the contacts are inside the head and in the
# correct hemisphere.

contacts = attempt(read_contacts, paths[0])
print(contacts.groupby(["shaft", "space"], dropna=False).size().to_string())
print("without coordinates:", list(contacts.index[contacts["x"].isna()]))
plot_contacts(contacts, color_by="shaft")

# %%
# **Trials.** ``align=`` is the column of ``events.tsv`` with time zero, in seconds
# after the onset; omit it if there is no such column. Print the number of trials per
# word and run, and of channels per region. If the words are in a transcript of the
# stimulus, pass ``events=read_stimulus_events(path)`` or ``events=read_transcript(file,
# offset=…)``.

epochs, contacts = attempt(read_epochs, paths, align="response_time")
print(pd.crosstab(epochs.metadata["trial_type"], epochs.metadata["run"]))
print(contacts["region"].value_counts(dropna=False).to_string())

# %%
# **First result**, with the linear baseline; each run is held out once. With so few
# trials the interval is wide.

words = epochs.metadata["trial_type"]
print(attempt(evaluate, make_lda(), epochs, words, cv="leave-one-run-out"))

# %%
# The rest of this page introduces errors into copies of the dataset.


def broken_copy(name):
    """Copy the dataset; return the copy's runs and its electrodes.tsv."""
    copy = shutil.copytree(root, folder / name)
    electrodes = next(copy.rglob(f"sub-{subject}_*electrodes.tsv"))
    return find_recordings(copy, subject=subject), electrodes


# %%
# No recording is found
# ---------------------
#
# The error lists what is available.

attempt(find_recordings, root, subject="99")

# %%
# The words are in another column
# -------------------------------

attempt(read_epochs, paths, label_column="stimulus")

# %%
# Pass an existing column, for instance ``label_column="word"``. Words that do not exist
# give a similar error:

attempt(read_epochs, paths, ["hello"])

# %%
# Onsets in samples or milliseconds
# ---------------------------------
#
# BIDS requires seconds. In this copy, onsets are in milliseconds:

runs, _ = broken_copy("milliseconds")
for path in runs:
    file = path.copy().update(suffix="events", extension=".tsv").fpath
    table = pd.read_csv(file, sep="\t")
    table["onset"] *= 1000
    table.to_csv(file, sep="\t", index=False)
attempt(read_epochs, runs)

# %%
# Correct the file rather than your script, so that other users get correct onsets too.
#
# Names differ between files
# --------------------------
#
# Primes can be different characters. Unambiguous spellings are matched, with a warning:

runs, electrodes = broken_copy("primes")
text = electrodes.read_text(encoding="utf-8")
electrodes.write_text(text.replace("'", "’"), encoding="utf-8")
attempt(read_contacts, runs[0]).head(3)

# %%
# Left and right are swapped
# --------------------------

runs, electrodes = broken_copy("swapped")
table = pd.read_csv(electrodes, sep="\t")
table["x"] = -pd.to_numeric(table["x"], errors="coerce")
table.to_csv(electrodes, sep="\t", index=False, na_rep="n/a")
swapped = attempt(read_contacts, runs[0])

# %%
# Without a column ``hemisphere`` this cannot be detected automatically. Plot the
# contacts and compare with the implantation plan: shafts with primes should be on the
# left.

plot_contacts(swapped, color_by="shaft", title="Mirrored")

# %%
# No contact in the region
# ------------------------

attempt(read_epochs, paths, regions="IFG-rh")

# %%
# Use a larger region (``"perisylvian"``), check the labels
# (:func:`~mne_duin.assign_labels`), or read all channels: ``regions=None``.
#
# The recording is truncated
# --------------------------

runs, _ = broken_copy("short")
files = runs[0].fpath.parent.glob(f"{runs[0].fpath.stem}.*")
data = max(files, key=lambda file: file.stat().st_size)
data.write_bytes(data.read_bytes()[: data.stat().st_size // 3])
_ = attempt(read_epochs, runs)

# %%
# Copy the file again, or continue with the complete trials.
#
# The filter does not fit the sampling rate
# -----------------------------------------

attempt(read_epochs, paths, h_freq=300.0)

# %%
# Too few runs or trials for the folds
# ------------------------------------

attempt(evaluate, make_lda(), epochs, words, cv=5, groups="run")

# %%
# One word only:

one = (words == words.iloc[0]).to_numpy()
attempt(evaluate, make_lda(), epochs[one], words[one])

# %%
# NaN in the data:

data = epochs.get_data()
data[3, 0, 100:200] = np.nan
attempt(evaluate, make_lda(sfreq=1000.0), data, words)

# %%
# New data do not match the network
# ---------------------------------
#
# A fitted estimator stores the names of its channels. Their order does not matter, but
# all must be present.

network = DuINClassifier(n_layers=1, max_iter=2, random_state=0, verbose=False)
network.fit(epochs, words)
backwards = epochs.copy().reorder_channels(epochs.ch_names[::-1])
print("same:", np.array_equal(network.predict(backwards), network.predict(epochs)))
attempt(network.predict, epochs.copy().drop_channels(epochs.ch_names[:2]))

# %%
# An array has no sampling rate, so it must be passed:

attempt(DuINClassifier().fit, epochs.get_data(), words)

# %%
# Accuracy is at chance
# ---------------------
#
# Check in this order:
#
# 1. Does :func:`~mne_duin.make_lda` decode above chance with time zero at speech onset?
#    If not, plot the average response (:doc:`tutorial 1
#    </auto_tutorials/01_bids_to_epochs>`) and check the times of the events.
# 2. Are there contacts in vSMC or STG? Not every patient has them.
# 3. Does a noisy channel dominate the reference? Mark it as bad.
# 4. Are there enough trials per word? Read fewer words (``event_id=``) or more runs.
#
# Accuracy is suspiciously high
# -----------------------------
#
# 1. Hold out whole runs. If accuracy decreases, slow drifts were decoded.
# 2. Were words presented in blocks? Then the block may be decoded instead of the word,
#    and no analysis can separate them.
# 3. Is the sound picked up by the recording? Correlate channels with the audio.
# 4. Were channels or parameters selected on the trials that you report? Select them
#    within the folds.
#
# :doc:`/troubleshooting` has more causes and remedies.

temporary.cleanup()
