"""
.. _tut-from-matlab:

12. From MATLAB: EEGLAB and FieldTrip
=====================================

MNE reads files of EEGLAB (``.set``) and FieldTrip (``.mat``). This tutorial reads such
a file and a table of electrode positions, and cuts trials with the same processing as
:func:`mne_duin.read_epochs`.
"""

# %%
# An EEGLAB file
# --------------
#
# Replace this block by ``mne.io.read_raw_eeglab("your_file.set", preload=True)``, or
# by ``mne.io.read_raw_fieldtrip("your_file.mat", info)`` for FieldTrip. To have an
# example file, this code exports one run of the sample dataset to EEGLAB's format.

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
# Positions come from a table with the columns ``name``, ``x``, ``y`` and ``z``, for
# instance from a spreadsheet or from ``writetable``. Pass the coordinate system as
# ``space``. In EEGLAB files contacts have the type EEG; channels in the table become
# sEEG.

print(positions.head())
contacts = make_contacts(positions, space="MNI305")
plot_contacts(contacts, color_by="shaft")

# %%
# The trials
# ----------
#
# Events are the markers in the file (``None``), a table with ``onset`` (in seconds) and
# a column of labels, or MNE's array of events with ``event_id``. The line
# frequency is not in the file, so pass it as ``notch``.

markers = pd.Series(raw.annotations.description).value_counts()
print(markers.head())
epochs, contacts = prepare_epochs(
    raw, None, contacts, tmin=-0.5, tmax=1.5, notch=50.0, regions=["vSMC", "STG"],
    verbose=False,
)  # fmt: skip
print(epochs)
print(contacts[["anode", "cathode", "label", "region"]].head())

# %%
# If your data are already filtered or referenced, switch these steps off with
# ``reference="none"``, ``l_freq=None``, ``h_freq=None``, ``notch=None`` and
# ``sfreq=None``.
#
# Continue as in :ref:`tut-from-epochs`.
