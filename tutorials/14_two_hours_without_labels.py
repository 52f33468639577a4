"""
14. Two hours without labels
============================

Hours of spontaneous speech are easy to record, labeled trials are not. This tutorial
simulates such a subject: two hours of continuous speech without labels, and a few
trials of eight words that consist of the same speech units. It pre-trains Du-IN on the
speech and compares the decoder with Du-IN from scratch and with an LDA.
"""

# %%
# Simulate the recording
# ----------------------
#
# :func:`~mne_duin.simulate_unit_speech` draws 16 units of 80 to 180 ms. Each unit has a
# spatial pattern, a phase-locked wave of 4 to 12 Hz and a change in high-gamma power. A
# vocabulary of 40 words fills the unlabeled speech. Eight of these words have trials.

from textwrap import fill

import mne
import numpy as np
from sklearn.frozen import FrozenEstimator

from mne_duin import (
    DecoderEnsemble,
    DuINClassifier,
    learning_curve,
    make_duin,
    make_lda,
    plot_pretraining,
    simulate_unit_speech,
)
from mne_duin.viz import plot_learning_curve

mne.set_log_level("WARNING")
epochs, contacts, unlabelled, truth = simulate_unit_speech(
    hours=2.0, n_trials_per_word=40, random_state=7
)
hours = len(unlabelled) * unlabelled.times.size / unlabelled.info["sfreq"] / 3600
print(f"{hours:.1f} hours without labels, {len(epochs)} trials of 8 words")

# %%
# Pre-train and decode
# --------------------
#
# ``make_duin("pretrained")`` first learns to predict hidden cells: one channel in one
# frequency band in one token of 100 ms. It then trains the decoder on the labeled
# trials. To keep this page fast, the network is smaller than the default and makes 2000
# training steps. By default the number of steps grows with the length of the recording
# (:class:`~mne_duin.DuINCells`), and accuracy increases with it.

sizes = {"n_layers": 2, "n_heads": 4, "head_dim": 16, "ff_dim": 192}
common = {"architecture": sizes, "random_state": 0, "verbose": False}
pretrained = make_duin(
    "pretrained", cells={"max_steps": 2000}, task_data=False, **common
)

rank = epochs.metadata.groupby("trial_type").cumcount().to_numpy()
words = epochs.metadata["trial_type"].to_numpy()
few, rest = np.flatnonzero(rank < 10), np.flatnonzero(rank >= 20)
pretrained.fit(epochs[few], words[few], unlabelled=unlabelled)

# %%
# Did the pre-training learn anything?
# ------------------------------------
#
# The first check uses held-out speech and needs no labels. It compares the error of the
# network with that of the mean, of a copy of the neighboring token and of both
# neighbors. The second check uses the training trials: the cross-validated log loss of
# linear discriminants on the pre-trained tokens, on the signal and of both together.
# ``make_duin`` forms an ensemble of the pre-trained network and one from scratch if
# both together are better than the signal alone. Otherwise it issues a warning and uses
# the network from scratch alone. The pre-trained network counts twice as much
# (``weight_``) if its encoder alone is clearly better than the signal.

check = pretrained.check_
print(fill(str(check), 88))
print("pre-trained encoder used:", pretrained.uses_pretraining_)
print("its weight in the ensemble:", round(pretrained.weight_, 2))
plot_pretraining(check.table, probe=check.probe)

# %%
# Accuracy with few trials
# ------------------------
#
# All decoders are trained on the same trials and tested on the same held-out trials. To
# show what the checks decide about, the first two decoders always use the pre-trained
# encoder, whatever their outcome; both networks of the ensemble count the same.
# ``FrozenEstimator`` keeps it as it is, so it is trained only once.

encoder = FrozenEstimator(pretrained.vqvae_)
tuned = DuINClassifier(encoder, random_state=0, verbose=False)
scratch = make_duin("scratch", **common)
decoders = {
    "ensemble of both": DecoderEnsemble([("tuned", tuned), ("scratch", scratch)]),
    "pre-trained": tuned,
    "from scratch": scratch,
    "LDA": make_lda(),
}
split = [(np.flatnonzero(rank < 20), rest)]
curve = learning_curve(
    decoders,
    epochs,
    n_per_class=[3, 5, 10, 20],
    cv=split,
    random_state=0,
    verbose=False,
)
plot_learning_curve(curve)
table = curve.pivot(index="n_per_class", columns="estimator", values="accuracy")
print(table.round(3))

# %%
# What to expect from your own recording
# --------------------------------------
#
# The gain depends on the length of the recording and on the fraction of speech in it.
# Results of a simulation do not apply to patients. Use the checks and the learning
# curve on your own data before you rely on pre-training. Accuracies of more simulated
# subjects are in :doc:`/benchmarks/pretraining`.
