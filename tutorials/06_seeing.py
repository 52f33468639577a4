"""
06. Plotting weights, patterns and contributions on the brain
=============================================================

Which channels does a decoder use? This tutorial computes three measures, explains how
to interpret each, and compares them with the truth of the simulation.
"""

# %%
# A trained network
# -----------------
#
# The network is trained on three runs. The measures are computed on the fourth run. All
# regions are included, so that there are informative and uninformative channels.

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
# Permutation importance
# ----------------------
#
# Exchange the signal of one channel between held-out trials and measure the increase in
# loss. This is a direct measure of what the network *uses*. If a neighbor carries the
# same information, the loss hardly increases. Low values therefore do not mean that
# a channel carries no information.

permutation = network.channel_contributions("permutation", X=test, y=words[last])
plot_contributions(permutation, contacts, method="permutation")

# %%
# Weights: the published measure
# ------------------------------
#
# The published measure is the mean absolute weight of a channel in the spatial map. It
# needs no data. Weights can also be large in order to *cancel* signals shared with
# neighbors, and with a few hundred trials they remain close to their initial values.

weights = network.channel_contributions("weights")
network.plot_contributions(contacts, "weights")

# %%
# Patterns: the forward model
# ---------------------------
#
# Patterns are the forward model of the classifier's scores (Haufe et al., 2014): how
# strongly the decoded signal appears in every channel, at any time of the trial.
# Patterns can be interpreted anatomically, but a channel with a strong pattern is not
# necessarily needed for decoding.

patterns = network.channel_contributions("patterns", X=train)
plot_contributions(patterns, contacts, method="patterns")

# %%
# Comparison with the truth
# -------------------------
#
# In the simulation, some contacts carry information about the word and the others carry
# none. The table compares the ranks of the three measures with the truth:

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
# If there are *n* informative channels, how many of them are among the first *n*?

n = int(informative.sum())
for name, rank in ranks.items():
    found = int(informative[(rank <= n).to_numpy()].sum())
    print(f"{name}: {found} of {n}")

# %%
# On the cortex
# -------------
#
# Values are smoothed over the inflated surface. Smoothing extends them to places
# without contacts, so compare with the positions of the contacts. For several subjects,
# pass dicts of values and contacts; the plot then also shows the number of contacts.

plot_contributions(permutation, contacts, method="permutation", kind="surface")

# %%
# Without coordinates in a template space, plot the montage: one row per shaft, contacts
# from the tip outward.

plot_contributions(permutation, contacts, method="permutation", kind="montage")

# %%
# Spatial filters
# ---------------
#
# The first layer of the network is a set of spatial filters. Plot the strongest, each
# with the temporal kernels that are applied to its output:

network.plot_spatial_filters(contacts, n_filters=4)

# %%
# High-gamma power is a further input with its own weights, and so is the power of
# channels that were unmixed in the band before (``"high-gamma-unmixed"``):

network.plot_spatial_filters(contacts, band="high-gamma", n_filters=4)

# %%
# The pattern of a filter (its forward model) shows where its signal is strong. Where
# patterns differ from weights, the weights cancel signals.

network.plot_patterns(train, contacts, n_filters=4)

# %%
# Spatial map and convolutions together are one filter over channels and time for each
# dimension of a token. Plot distinct ones with their frequency responses:

network.plot_patch_filters(contacts, n_filters=3)

# %%
# All plots are matplotlib figures: ``figure.savefig("permutation.pdf")``. For an
# interactive 3-D view see :func:`mne_duin.view_contacts`. For all figures and a methods
# text in one HTML file, use ``make_report(network, epochs, contacts, result=result)``
# with the result of :func:`mne_duin.evaluate`.
#
# Next: :doc:`your own data </auto_tutorials/10_your_own_data>`.
