"""
08. Several subjects, and a new patient
=======================================

Every patient has contacts of his own and few trials. What one patient teaches can still
serve the next: the network is shared, only the first layer belongs to a patient. This
page puts subjects together, shows where each of them carries the words, and asks what
they save a patient of whom there are only a few trials.
"""

# %%
# Five subjects
# -------------
#
# Simulated, so that the truth is known: all of them read the same words, and their
# speech areas respond to them alike. Where the contacts are, how many there are, and
# everything else that goes on in the brain is another matter in each of them.

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
# Whoever has fewer channels is padded with zeros, which the estimators leave out of
# scaling, losses and contributions. With your own data, give what
# :func:`~mne_duin.read_epochs` returned for each patient.

pairs = {name: (epochs, contacts) for name, (epochs, contacts, _) in cohort.items()}
epochs, contacts = stack_subjects(pairs)
epochs.crop(-0.5, 1.5, include_tmax=False)
subject = epochs.metadata["subject"].to_numpy()
words = epochs.metadata["trial_type"].to_numpy()
print(epochs.get_data().shape, epochs.metadata.groupby("subject").size().to_dict())

# %%
# The way back to the real contact is the table next to it:

contacts.loc[(slice(None), "slot003"), ["contact", "x", "y", "z", "label"]]

# %%
# One network for all
# -------------------
#
# The classifier sees ``metadata["subject"]`` and gives every subject a spatial map.
# Before training, the maps are turned so that the same word gives the same answer in
# all of them (generalized Procrustes analysis). The first run is for training. The
# network is smaller than the default, to be quick.

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
# Where does each of them carry the words?
# ----------------------------------------
#
# One column per subject; padding is empty. The truth of the simulation is next to it.

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
# All subjects on one brain. Each counts alike, or, as in the paper, by the accuracy
# with which it is decoded. The blue map says how many contacts are behind each place: a
# hot spot with one contact is one contact.

plot_group_contributions(patterns, contacts, accuracy=accuracy, method="patterns")

# %%
# A patient with four trials per word
# -----------------------------------
#
# Hold out every subject in turn, but for four trials per word. First the patient alone,
# with a linear classifier, then the network that has the other four as well.

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
# Without any label
# -----------------
#
# A codex needs no words. Here it learns from four subjects. For the fifth only a
# spatial map is fitted, on signals without labels; everything that is shared stays as
# it is. The new patient can then be described by the codes of the others, and be
# fine-tuned with the first few trials.

known = {name: pairs[name] for name in ("01", "02", "03", "04")}
codex = DuINVQVAE(n_decoder_layers=1, n_codes=64, max_iter=10, **sizes)
codex.fit(stack_subjects(known)[0])
added = add_subject(codex, pairs["05"][0], random_state=0, verbose=False)
new, _ = stack_subjects({"05": pairs["05"]})
print(added.subjects_, added.transform(new).shape)

# %%
# Does it reconstruct the signal of a patient it never learned from? One is perfect,
# zero is no better than the mean.

print(f"known subjects {codex.score(stack_subjects(known)[0]):.2f}")
print(f"new patient    {added.score(new):.2f}")

# %%
# What others save a new patient, measured on further simulations, is in
# :doc:`the benchmarks </benchmarks/accuracy>`. An estimator of several subjects is
# saved and read like any other, and refuses a patient it does not know or whose
# contacts have changed.

# sphinx_gallery_thumbnail_number = 2
