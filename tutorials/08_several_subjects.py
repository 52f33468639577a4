"""
08. Several subjects, and a new patient
=======================================

Every patient has other contacts and few trials. A network can still be trained on
several patients: only its first layer is specific to a patient. This tutorial trains on
five subjects, plots the informative channels of each, and measures how much the other
subjects improve decoding in a patient with few trials.
"""

# %%
# Five subjects
# -------------
#
# The subjects are simulated, so the truth is known. All read the same words, and their
# speech areas respond alike. Number and positions of contacts and the background
# activity differ.

import mne
import numpy as np
import pandas as pd

from mne_duin import (
    DuINClassifier,
    DuINVQVAE,
    add_subject,
    evaluate,
    make_lda,
    plot_contacts,
    plot_group_contributions,
    simulate_subjects,
    stack_subjects,
)
from mne_duin.evaluation import LeaveOneSubjectOut

mne.set_log_level("WARNING")
cohort = simulate_subjects(
    5, n_words=4, n_trials_per_word=8, n_runs=2, sfreq=500.0, random_state=8
)
tables = {name: contacts for name, (_, contacts, _) in cohort.items()}
plot_contacts(tables)

# %%
# One Epochs object
# -----------------
#
# Channels become numbered *slots*: slot 1 is the first channel of every subject.
# Subjects with fewer channels are padded with zeros, which the estimators exclude from
# scaling, losses and contributions. For your own data, pass the result of
# :func:`~mne_duin.read_epochs` for each patient.

pairs = {name: (epochs, contacts) for name, (epochs, contacts, _) in cohort.items()}
epochs, contacts = stack_subjects(pairs)
epochs.crop(-0.5, 1.5, include_tmax=False)
subject = epochs.metadata["subject"].to_numpy()
words = epochs.metadata["trial_type"].to_numpy()
print(epochs.get_data().shape, epochs.metadata.groupby("subject").size().to_dict())

# %%
# The contacts table gives the contact of each subject for a slot:

contacts.loc[(slice(None), "slot003"), ["contact", "x", "y", "z", "label"]]

# %%
# One network for all
# -------------------
#
# The classifier reads ``metadata["subject"]`` and gives every subject a spatial map.
# Before training, the maps are rotated so that responses to the same word agree
# (generalized Procrustes analysis). The first run is for training. To be fast, the
# network is smaller than the default.

sizes = {"patch_duration": 0.2, "n_layers": 2, "n_heads": 4, "head_dim": 16}
sizes |= {"conv_filters": (32, 32, 16), "random_state": 0, "verbose": False}
first_run = (epochs.metadata["run"] == "1").to_numpy()
together = DuINClassifier(**sizes).fit(epochs[first_run], words[first_run])
accuracy = {}
for name in together.subjects_:
    rows = (subject == name) & ~first_run
    accuracy[name] = together.score(epochs[rows], words[rows])
print({name: round(value, 2) for name, value in accuracy.items()}, "chance 0.25")

# %%
# Informative channels
# --------------------
#
# ``channel_contributions`` returns one column per subject. The table compares the
# channel with the strongest pattern with the strongest source of the simulation.
# Sources of one shaft overlap, so the strongest pattern can be at another contact of
# that shaft.

patterns = together.channel_contributions("patterns", X=epochs)
best = pd.DataFrame(
    {
        name: {
            "best channel": contacts.loc[(name, patterns[name].idxmax()), "contact"],
            "strongest planted": cohort[name][2]["source_gain"].idxmax(),
        }
        for name in patterns
    }
).T
best

# %%
# Plot all subjects on one brain. As in the paper, subjects are weighted by their
# accuracy; without ``accuracy`` all have the same weight. The blue map shows the number
# of contacts, because a maximum can come from a single contact.

plot_group_contributions(patterns, contacts, accuracy=accuracy, method="patterns")

# %%
# A patient with four trials per word
# -----------------------------------
#
# Hold out every subject in turn, except for four trials per word. First, train a linear
# classifier on these trials only. Then train the network on these trials and on the
# other four subjects.

alone = []
for own, _, _ in cohort.values():
    own = own.copy().crop(-0.5, 1.5, include_tmax=False)
    y = own.metadata["trial_type"].to_numpy()
    rng = np.random.default_rng(0)
    few = np.concatenate([rng.permutation(np.flatnonzero(y == w))[:4] for w in set(y)])
    rest = np.setdiff1d(np.arange(len(y)), few)
    alone.append(make_lda().fit(own[few], y[few]).score(own[rest], y[rest]))
print(f"alone, LDA: {np.mean(alone):.2f}")

# %%
# :class:`~mne_duin.evaluation.LeaveOneSubjectOut` is a splitter of scikit-learn's kind;
# the subjects are its groups.

others = evaluate(
    DuINClassifier(**sizes), epochs, words, cv=LeaveOneSubjectOut(n_per_class=4)
)
print(f"with the other subjects: {others.accuracy:.2f}, chance {others.chance:.2f}")
others.plot()

# %%
# A new patient without labels
# ----------------------------
#
# A codex needs no labels. Train it on four subjects. For the fifth, only a
# spatial map is fitted, on signals without labels; the shared layers do not change. The
# signals of the new patient can then be described by the same codes, and the network
# can be fine-tuned with the first few trials.

known = {name: pairs[name] for name in ("01", "02", "03", "04")}
codex = DuINVQVAE(n_decoder_layers=1, n_codes=64, max_iter=10, **sizes)
codex.fit(stack_subjects(known)[0])
added = add_subject(codex, pairs["05"][0], random_state=0, verbose=False)
new, _ = stack_subjects({"05": pairs["05"]})
print(added.subjects_, added.transform(new).shape)

# %%
# The score is the explained variance of the reconstruction: one is perfect, zero
# is no better than the mean.

print(f"known subjects {codex.score(stack_subjects(known)[0]):.2f}")
print(f"new patient    {added.score(new):.2f}")

# %%
# :doc:`The benchmarks </benchmarks/accuracy>` contain results of further simulations.
# Estimators of several subjects are saved and read like any other. They refuse unknown
# patients and patients whose contacts have changed.

# sphinx_gallery_thumbnail_number = 2
