"""
.. _tut-from-epochs:

11. From your Epochs and a montage
==================================

Instead of a BIDS folder, you can use preprocessed :class:`mne.Epochs` and a montage.
This tutorial starts from epochs with bipolar channels. It makes a contacts table from
the montage, adds labels, decodes and plots.
"""

# %%
# The data
# --------
#
# Replace this block by your own epochs. Here they are simulated. As usual in MNE, the
# montage contains the positions of single contacts in meters; they are in MNI space.

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
# :func:`~mne_duin.make_contacts` takes a montage, an ``info``, a table or a dict. For a
# montage, the space follows from its coordinate frame (``mni_tal`` is MNI305); for a
# table pass ``space``. Names such as ``A1-A2`` are read as the difference of two
# contacts.

contacts = make_contacts(montage, names=epochs.ch_names)
contacts = assign_regions(assign_labels(contacts), ["vSMC", "STG"])
print(contacts[["shaft", "number", "space", "label", "region"]].head())
plot_contacts(contacts)

# %%
# If the epochs have a montage, you can pass the epochs, the ``info`` or the montage to
# functions that take ``contacts``: ``plot_contacts(montage)``.
#
# Decode
# ------
#
# The length of the epochs must be a multiple of 100 ms, and the sampling rate high
# enough for high gamma (about 400 Hz or more). Each word should have ten trials or
# more.

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
# Contributions
# -------------
#
# Fit the network on one half of the trials and compute permutation importance on the
# other half.

network = DuINClassifier(n_layers=1, random_state=0, verbose=False)
network.fit(epochs[::2], y[::2])
network.plot_contributions(contacts, "permutation", X=epochs[1::2], y=y[1::2])

# %%
# For continuous recordings without BIDS use :func:`mne_duin.prepare_epochs`, see
# :ref:`tut-from-matlab`.
