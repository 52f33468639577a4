"""
06. Seeing it: weights, patterns, permutation on montages and brains
====================================================================

A decoder that works raises the next question: from where? Three measures answer three
different questions, and this page shows where each misleads. On simulated data the
truth is known, so it can be held against them.
"""

# %%
# A trained network
# -----------------
#
# Three runs to learn from, one to look at. All regions, so that there is something to
# find and something to leave.

import mne
import pandas as pd

from mne_duin import (
    DuINClassifier,
    find_recordings,
    plot_contributions,
    read_epochs,
    sample_data_path,
)

mne.set_log_level("WARNING")
root = sample_data_path()
paths = find_recordings(root, subject="01", task="wordreading")
epochs, contacts = read_epochs(paths, align="response_time")
epochs.crop(-0.5, 1.0, include_tmax=False)
words = epochs.metadata["trial_type"].to_numpy()
last = (epochs.metadata["run"] == epochs.metadata["run"].iloc[-1]).to_numpy()
train, test = epochs[~last], epochs[last]

network = DuINClassifier(n_layers=2, max_iter=10, random_state=0, verbose=False)
network.fit(train, words[~last])
print(f"accuracy on the last run: {network.score(test, words[last]):.2f}")

# %%
# Permutation: what is lost without a channel?
# --------------------------------------------
#
# Silence one channel at a time, by giving it the signal of another trial, and see how
# much the loss rises on trials that were held out. This is the direct measure of *use*.
# A channel whose neighbour knows the same can be silenced at no cost, so low values do
# not mean that a channel knows nothing.

permutation = network.channel_contributions("permutation", X=test, y=words[last])
plot_contributions(permutation, contacts, method="permutation")

# %%
# Weights: the published measure
# ------------------------------
#
# The mean absolute weight of a channel in the spatial map. It needs no data. But
# weights can be large to *cancel* what neighbours share, and with a few hundred trials
# they stay near where training started.

weights = network.channel_contributions("weights")
network.plot_contributions(contacts, "weights")

# %%
# Patterns: where is what it reads out?
# -------------------------------------
#
# The forward model of the classifier's scores (Haufe et al., 2014): how strongly what
# is read out appears in every channel, at any time of the trial. Patterns may be read
# as places; a channel can show the pattern and still not be needed.

patterns = network.channel_contributions("patterns", X=train)
plot_contributions(patterns, contacts, method="patterns")

# %%
# Against the truth
# -----------------
#
# In the simulation some contacts carry information about the word, all others none.
# Ranks of the three measures, beside the truth:

truth = pd.read_csv(
    root / "derivatives" / "simulation" / "sub-01_truth.tsv", sep="\t", index_col="name"
)["planted"].astype(bool)
informative = (
    truth[contacts["anode"]].to_numpy() | truth[contacts["cathode"]].to_numpy()
)
ranks = pd.DataFrame(
    {"permutation": permutation, "weights": weights, "patterns": patterns}
).rank(ascending=False)
ranks.astype(int).assign(informative=informative).sort_values("permutation")

# %%
# How many of the informative channels are among the first of each measure?

n = int(informative.sum())
for name, rank in ranks.items():
    found = int(informative[(rank <= n).to_numpy()].sum())
    print(f"{name}: {found} of {n}")

# %%
# On the cortex
# -------------
#
# Values smoothed over the inflated surface, on its inner face too if contacts are near.
# Smoothing spreads them to where no contact is: compare with the contacts on the first
# picture. Of several subjects, given as dicts of values and of contacts, the number of
# contacts behind each place is drawn below.

plot_contributions(permutation, contacts, method="permutation", kind="surface")

# %%
# Without a template space there is no brain to draw on, but there is always the
# montage: one row per shaft, contacts from the tip outward.

plot_contributions(permutation, contacts, method="permutation", kind="montage")

# %%
# The spatial filters one by one
# ------------------------------
#
# The network makes 16 mixtures of the channels. The strongest, each with the temporal
# kernels that follow it:

network.plot_spatial_filters(contacts, n_filters=4)

# %%
# It was given high-gamma power as well, with weights of its own:

network.plot_spatial_filters(contacts, band="high-gamma", n_filters=4)

# %%
# What each filter reads, as a place, is its forward-model pattern. Where it differs
# from the weights, these cancel something.

network.plot_patterns(train, contacts, n_filters=4)

# %%
# Spatial map and convolutions fold into one filter over channels and time for each
# dimension of a token. Distinct ones, with the frequencies they let through:

network.plot_patch_filters(contacts, n_filters=3)

# %%
# All pictures are figures of matplotlib: ``figure.savefig("permutation.pdf")``. For a
# cortex to turn with the mouse see :func:`mne_duin.view_contacts`; for all of it in one
# file, with methods to paste, ``make_report(network, epochs, contacts, result=result)``
# with what :func:`mne_duin.evaluate` returned.
#
# Next: :doc:`your own data </auto_tutorials/10_your_own_data>`.
