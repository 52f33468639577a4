"""
.. _tut-from-epochs:

11. From your Epochs and a montage
==================================

Preprocessed :class:`mne.Epochs` and a montage are enough: no BIDS folder is needed.
This tutorial takes epochs with bipolar channels, makes a contacts table of the montage,
labels the contacts, decodes and plots.
"""

# %%
# The data
# --------
#
# Replace this block with your own epochs. Here they come from a simulation; the montage
# holds the positions of single contacts in MNI space, in meters, as MNE has them.

import mne
import numpy as np

from mne_duin import (
    DuINClassifier,
    assign_labels,
    assign_regions,
    evaluate,
    make_contacts,
    make_lda,
    plot_accuracy,
    plot_contacts,
    simulate_word_reading,
)

epochs, known, _ = simulate_word_reading(
    n_words=4, n_trials_per_word=10, n_runs=3, sfreq=1000.0, tmax=1.0, random_state=0
)
meters = known[["x", "y", "z"]].to_numpy() / 1000
montage = mne.channels.make_dig_montage(
    dict(zip(known.index, meters, strict=True)), coord_frame="mni_tal"
)
print(epochs)

# %%
# The contacts
# ------------
#
# :func:`make_contacts` takes a montage, an ``info``, a table or a dict. Frames of MNE
# say what the positions are (``mni_tal`` is MNI305); of a table you state it with
# ``space``. Names such as ``A1-A2`` are read as the difference of two contacts.

contacts = make_contacts(montage, names=epochs.ch_names)
contacts = assign_regions(assign_labels(contacts), ["vSMC", "STG"])
print(contacts[["shaft", "number", "space", "label", "region"]].head())
plot_contacts(contacts)

# %%
# Where the epochs themselves have a montage, functions that take ``contacts`` can be
# given the epochs, the ``info`` or the montage instead: ``plot_contacts(montage)``.
#
# Decode
# ------
#
# Du-IN needs epochs of whole patches of 100 ms and a sampling rate that reaches high
# gamma (about 400 Hz or more). Each word should have ten trials or more.

names = {code: name for name, code in epochs.event_id.items()}
y = np.array([names[code] for code in epochs.events[:, 2]])
results = {
    "Du-IN": evaluate(
        DuINClassifier(n_layers=1, random_state=0, verbose=False), epochs, y, cv=3,
        random_state=0, verbose=False,
    ),
    "LDA": evaluate(make_lda(), epochs, y, cv=3, random_state=0, verbose=False),
}  # fmt: skip
plot_accuracy(results)

# %%
# Which contacts
# --------------
#
# Fit on some trials and look at the rest.

network = DuINClassifier(n_layers=1, random_state=0, verbose=False)
network.fit(epochs[::2], y[::2])
network.plot_contributions(contacts, "permutation", X=epochs[1::2], y=y[1::2])

# %%
# Continuous recordings without BIDS go through :func:`mne_duin.prepare_epochs`, see
# :ref:`tut-from-matlab`.
