"""
.. _tut-from-matlab:

12. From MATLAB: EEGLAB and FieldTrip
=====================================

MNE reads the files of EEGLAB (``.set``) and FieldTrip (``.mat``). This tutorial goes
from such a file and a table of electrode positions to trials that are processed exactly
as :func:`mne_duin.read_epochs` processes those of a BIDS folder.
"""

# %%
# A file of EEGLAB
# ----------------
#
# Replace this block with ``mne.io.read_raw_eeglab("your_file.set", preload=True)``, or
# with ``mne.io.read_raw_fieldtrip("your_file.mat", info)`` for FieldTrip. So that there
# is a file to read, one run of the sample dataset is written as EEGLAB would.

import tempfile
from pathlib import Path

import mne
import pandas as pd

from mne_duin import (
    find_recordings,
    make_contacts,
    plot_contacts,
    prepare_epochs,
    read_contacts,
    read_raw,
    sample_data_path,
)

path = find_recordings(sample_data_path(), subject="01")[0]
original = read_raw(path, verbose=False).load_data(verbose=False)
original.set_channel_types(
    {name: "eeg" for name in original.ch_names}, on_unit_change="ignore"
)
file = Path(tempfile.mkdtemp()) / "words.set"
original.export(file, verbose=False)
positions = read_contacts(path)[["x", "y", "z"]].dropna().reset_index()

raw = mne.io.read_raw_eeglab(file, preload=True, verbose="error")
print(raw)

# %%
# The positions
# -------------
#
# A table with the columns ``name``, ``x``, ``y`` and ``z``, as a spreadsheet or
# ``writetable`` saves it. State what the coordinates are. EEGLAB keeps contacts as
# channels of type EEG; those that the table names become sEEG.

print(positions.head())
contacts = make_contacts(positions, space="MNI305")
plot_contacts(contacts, color_by="shaft")

# %%
# The trials
# ----------
#
# Events come from the file's own markers, from a table with ``onset`` (in seconds) and
# a column of labels, or from MNE's array of events with ``event_id``. The line
# frequency is not in the file, so it is stated.

markers = pd.Series(raw.annotations.description).value_counts()
print(markers.head())
epochs, contacts = prepare_epochs(
    raw, None, contacts, tmin=-0.5, tmax=1.5, notch=50.0, regions=["vSMC", "STG"],
    verbose=False,
)  # fmt: skip
print(epochs)
print(contacts[["anode", "cathode", "label", "region"]].head())

# %%
# If your data have been filtered or referenced already, say so: ``reference="none"``,
# ``l_freq=None``, ``h_freq=None``, ``notch=None``, ``sfreq=None`` leave it as it is.
#
# From here everything is as in :ref:`tut-from-epochs`.
