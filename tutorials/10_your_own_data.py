"""
10. Your own data: a checklist, the errors you may meet and what to do
======================================================================

The sample dataset was made to be read. Yours was not. This page has a list to go
through, and then breaks a dataset in the ways that datasets break, to show what the
messages look like and what helps.
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
# FreeSurfer folder, or a column of labels in ``electrodes.tsv``. Without any of them
# you can decode, but not choose by region.
#
# **Trials.** Two or more runs, so that one can be held out; words in random order in
# every run. How many trials are enough, :doc:`tutorial 5
# </auto_tutorials/05_decoding_words>` asks with a learning curve.
#
# **Sampling rate.** 500 Hz or more: most of what is known about words is in high gamma,
# up to 150 Hz.
#
# **Time zero.** Cue or speech onset? Decide before you decode.
#
# Go through it
# -------------
#
# Here with two short runs of a simulated subject, in a temporary folder. In your
# script, let ``root`` be the path of your folder and ``subject`` one of your subjects;
# nothing below changes a file in ``root``.

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
# A helper for this page: it calls a function and prints what that warns of, and how it
# ends.


def attempt(function, *args, **kwargs):
    """Call a function and print what it warns of and how it ends."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            end = f"{type(error).__name__}: {error}"
            result = None
        else:
            end = "It worked."
    lines = [f"Warning: {one.message}" for one in caught] + [end]
    for line in lines:
        print(fill(line.replace(f"{folder}/", ""), 88))
    return result


# %%
# **Files.** Are all runs there, and is the recording what you know of it?

paths = find_recordings(root, subject=subject)
for path in paths:
    print(path.basename)
raw = attempt(read_raw, paths[0])
print(f"{raw.info['sfreq']:g} Hz, {raw.times[-1]:.0f} s, {len(raw.ch_names)} channels")
print(f"line frequency {raw.info['line_freq']} Hz, bad: {raw.info['bads']}")

# %%
# **Do the files agree?** Header, sidecars and samples are compared with each other;
# only what is not in order is shown here. :doc:`/checks` explains each check, and
# ``mne-duin check path/to/bids`` does the same at the command line.

print(list_checks()["about"].to_string())
table = check_recording(paths)
print(table["outcome"].value_counts().to_string())
print(table[table["outcome"] != "ok"][["recording", "check", "message"]].to_string())

# %%
# **Anatomy.** Where are the contacts? Look at the picture, too: are they in the head,
# and on the right side of it?

contacts = attempt(read_contacts, paths[0])
print(contacts.groupby(["shaft", "space"], dropna=False).size().to_string())
print("without coordinates:", list(contacts.index[contacts["x"].isna()]))
plot_contacts(contacts, color_by="shaft")

# %%
# **Trials.** ``align=`` names a column of ``events.tsv`` that says where time zero is,
# in seconds after the onset; leave it out if yours has none. Trials per word and run,
# and channels per region. If the words stand in a transcript of the stimulus, pass
# ``events=read_stimulus_events(path)`` or ``events=read_transcript(file, offset=…)``:

epochs, contacts = attempt(read_epochs, paths, align="response_time")
print(pd.crosstab(epochs.metadata["trial_type"], epochs.metadata["run"]))
print(contacts["region"].value_counts(dropna=False).to_string())

# %%
# **A first number**, from the linear baseline, each run held out once. So few trials
# say little; look at the interval.

words = epochs.metadata["trial_type"]
print(attempt(evaluate, make_lda(), epochs, words, cv="leave-one-run-out"))

# %%
# The rest of the page breaks copies of the dataset.


def broken_copy(name):
    """Copy the dataset; return the copy's runs and its electrodes.tsv."""
    copy = shutil.copytree(root, folder / name)
    electrodes = next(copy.rglob(f"sub-{subject}_*electrodes.tsv"))
    return find_recordings(copy, subject=subject), electrodes


# %%
# Nothing is found
# ----------------
#
# The message says what is there.

attempt(find_recordings, root, subject="99")

# %%
# The words are in another column
# -------------------------------

attempt(read_epochs, paths, label_column="stimulus")

# %%
# Pass the column that is there, for instance ``label_column="word"``. The same for
# words that are not there:

attempt(read_epochs, paths, ["hello"])

# %%
# Onsets in samples or milliseconds
# ---------------------------------
#
# BIDS has seconds. Here they are in milliseconds:

runs, _ = broken_copy("milliseconds")
for path in runs:
    file = path.copy().update(suffix="events", extension=".tsv").fpath
    table = pd.read_csv(file, sep="\t")
    table["onset"] *= 1000
    table.to_csv(file, sep="\t", index=False)
attempt(read_epochs, runs)

# %%
# Divide by 1000 in the file, not in your script: the next user will thank you.
#
# Names differ between files
# --------------------------
#
# Typed primes come in many kinds. Spellings that can mean one thing only are matched,
# and you are told:

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
# Without a column ``hemisphere`` nothing can notice this. Draw the contacts and compare
# with the surgeon's plan: here the shafts, named with primes, should be on the left.

plot_contacts(swapped, color_by="shaft", title="Mirrored")

# %%
# No contact in the region
# ------------------------

attempt(read_epochs, paths, regions="IFG-rh")

# %%
# Take a wider region (``"perisylvian"``), look whether the labels make sense
# (:func:`~mne_duin.assign_labels`), or read all channels: ``regions=None``.
#
# The recording is cut short
# --------------------------

runs, _ = broken_copy("short")
files = runs[0].fpath.parent.glob(f"{runs[0].fpath.stem}.*")
data = max(files, key=lambda file: file.stat().st_size)
data.write_bytes(data.read_bytes()[: data.stat().st_size // 3])
attempt(read_epochs, runs)

# %%
# Either copy the file again, or go on with the trials that are whole.
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
# Values that are not numbers, from an amplifier that was saturated or unplugged:

data = epochs.get_data()
data[3, 0, 100:200] = np.nan
attempt(evaluate, make_lda(sfreq=1000.0), data, words)

# %%
# Later data do not fit the network
# ---------------------------------
#
# A fitted estimator remembers its channels by name. Another order is no problem; a
# missing channel is.

network = DuINClassifier(n_layers=1, max_iter=2, random_state=0, verbose=False)
network.fit(epochs, words)
backwards = epochs.copy().reorder_channels(epochs.ch_names[::-1])
print("same:", np.array_equal(network.predict(backwards), network.predict(epochs)))
attempt(network.predict, epochs.copy().drop_channels(epochs.ch_names[:2]))

# %%
# An array has no sampling rate, so say it:

attempt(DuINClassifier().fit, epochs.get_data(), words)

# %%
# It runs, but decodes nothing
# ----------------------------
#
# In this order:
#
# 1. Does :func:`~mne_duin.make_lda` decode anything, with time zero at speech onset? If
#    not, look at the average response first (:doc:`tutorial 1
#    </auto_tutorials/01_bids_to_epochs>`): are the events where speech is?
# 2. Are there contacts in vSMC or STG at all? Not every patient has them.
# 3. Is one channel so noisy that it dominates the reference? Mark it as bad.
# 4. Few trials per word: read fewer words (``event_id=``), or more runs.
#
# It decodes too well
# -------------------
#
# 1. Hold out whole runs. Does the accuracy fall? Then what was decoded is in part the
#    time of day.
# 2. Was each word in a block of its own? Then the block is decoded, and no analysis can
#    mend it.
# 3. Does a microphone leak into the recording? Correlate channels with the audio.
# 4. Were channels or settings chosen on the trials you report? Choose them inside the
#    folds.

temporary.cleanup()
