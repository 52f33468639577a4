"""
05. Decoding words: clean evaluation, and a baseline next to it
===============================================================

This tutorial decodes words with a linear classifier and with the Du-IN network, on the
same trials and folds. It measures accuracy with intervals and tests in a way that you
can report.
"""

# %%
# The trials
# ----------

import mne
from scipy.stats import binomtest

from mne_duin import (
    DecoderEnsemble,
    DuINClassifier,
    compare,
    evaluate,
    find_recordings,
    learning_curve,
    make_lda,
    make_riemann,
    plot_accuracy,
    plot_learning_curve,
    read_epochs,
    sample_data_path,
)
from mne_duin.evaluation import summarize_curve
from mne_duin.viz import results_table

mne.set_log_level("WARNING")
paths = find_recordings(sample_data_path(), subject="01", task="wordreading")
epochs, contacts = read_epochs(paths, regions=("vSMC", "STG"), align="response_time")
epochs.crop(-0.5, 1.0, include_tmax=False)
words = epochs.metadata["trial_type"]
print(f"{len(epochs)} trials of {words.nunique()} words, {len(contacts)} channels")

# %%
# The baseline first
# ------------------
#
# :func:`~mne_duin.make_lda` is a shrinkage LDA on evoked potentials and band power. It
# takes seconds, needs no tuning, and shows whether words can be decoded at all.
#
# ``cv="leave-one-run-out"`` holds out each run once. Neighboring trials of one run
# share slow states of the brain and the amplifier. With random folds such trials are in
# both training and test, and the accuracy is biased upward.

lda = evaluate(make_lda(), epochs, words, cv="leave-one-run-out", random_state=0)
print(lda)

# %%
# *Chance* is the higher accuracy of random guesses and of always predicting the
# most frequent word. The *interval* reflects the number of test trials. The *p-value*
# comes from shuffled labels of the held-out trials. It is approximate with several
# folds; for an exact test use ``n_permutations=``, which takes much longer.
#
# The network
# -----------
#
# The network is evaluated on the same trials and folds. All steps that are fitted use
# only the training part of each fold: scaling, choice of the training epoch (pass over
# the data), and weights. To be fast, the network is smaller than the default.

network = DuINClassifier(n_layers=2, max_iter=10, random_state=0, verbose=False)
duin = evaluate(network, epochs, words, cv="leave-one-run-out", random_state=0)
print(duin)

# %%
# Compare both, with 95 % intervals and chance:

results = {"LDA": lda, "Du-IN": duin}
plot_accuracy(results)

# %%
results_table(results)

# %%
# :func:`~mne_duin.compare` tests differences with a paired test. It fits all estimators
# again, so this page compares two linear baselines. Power is computed twice by default:
# of the channels, and of channels that were unmixed in each band. Where several sources
# reach every channel, only the latter distinguishes them. ``unmixed=False`` leaves it
# out:

table = compare(
    {"power of channels": make_lda(unmixed=False), "both": make_lda()},
    epochs,
    words,
    cv="leave-one-run-out",
    random_state=0,
)
table.round(3).T

# %%
# An ensemble
# -----------
#
# Network and linear decoders make errors on different trials.
# :class:`~mne_duin.DecoderEnsemble` averages their log-probabilities. The third member
# is a Riemannian decoder of the covariances in windows of 150 ms
# (:func:`~mne_duin.make_riemann`; it needs ``pip install "mne-duin[baselines]"``).
# The probabilities of a linear decoder trained on few trials are too extreme and
# would dominate the mean; ``calibrated=True`` chooses a temperature within the training
# trials. An ensemble helps most with few trials (:doc:`/benchmarks/accuracy`).

ensemble = DecoderEnsemble(
    [
        ("duin", network),
        ("lda", make_lda(calibrated=True)),
        ("riemann", make_riemann("lda", n_windows=10, calibrated=True)),
    ]
)
results["ensemble"] = evaluate(
    ensemble, epochs, words, cv="leave-one-run-out", random_state=0
)
results_table(results)

# %%
# Confusions
# ----------
#
# Rows are true words, columns are decoded words. Words that are often confused are next
# to each other.

duin.plot()

# %%
# Accuracy by fold. If one run is worse than the others, inspect its recording.

duin.folds[["held_out", "n_train", "n_test", "accuracy", "log_loss"]].round(3)

# %%
# Calibration: of all trials predicted with a probability of 60 %, 60 % should be
# correct.

print(duin.calibration().table.round(2))

# %%
# How many trials do I need?
# --------------------------
#
# :func:`~mne_duin.learning_curve` trains with fewer trials per word and tests on all
# test trials; all estimators get the same trials. To be fast, this page tests on the
# last run only. On your own data hold out every run in turn, or repeat
# (``n_repeats=``).

curve = learning_curve(
    {"Du-IN": network, "LDA": make_lda(), "LDA, evoked": make_lda("evoked")},
    epochs,
    words,
    n_per_class=[5, 9, 18, 27],
    cv="last-run",
    random_state=0,
)
table = summarize_curve(curve)
plot_learning_curve(table, title="One run held out")

# %%
# Bars are 95 % intervals over the test trials. The same as a table:

table[["estimator", "n_per_class", "accuracy", "low", "high", "n_test"]].round(2)

# %%
# Check three things before you plan the next recording.
#
# **Does accuracy still increase at the right end?** Then more trials will help, with
# decreasing gains. The gain of each step:

accuracy = table.pivot(index="n_per_class", columns="estimator", values="accuracy")
print(accuracy.diff().iloc[1:].round(2).to_string())

# %%
# **Which estimator is best with your number of trials?** The order of the curves can
# change with the number of trials.
#
# **Are there enough test trials?** The interval depends on the number of *test* trials,
# not of training trials. To detect a difference of a few percentage points, test on
# hundreds of trials. Four times as many trials halve the width:

for n_test in (72, 288, 1152):
    n_right = round(0.7 * n_test)
    low, high = binomtest(n_right, n_test).proportion_ci(method="wilson")
    interval = f"{low:.0%} to {high:.0%}"
    print(f"{n_right:3d} of {n_test:4d} trials correctly classified: {interval}")

# %%
# Curves of every estimator of the comparison, pre-trained ones among them, on more
# subjects and up to 60 trials per word, are in :ref:`the benchmarks <learning-curves>`.
#
# Save the result
# ---------------
#
# ``duin.save("result.json")`` writes predictions and scores as JSON;
# :func:`~mne_duin.read_result` reads them. ``notes`` contains limitations of the
# evaluation, ``leaks`` all influences of test trials on the training:

print("notes:", *duin.notes or ["none"])
print("leaks:", *duin.leaks or ["none"])

# %%
# Next: :doc:`contributions of channels </auto_tutorials/06_seeing>`.

# sphinx_gallery_thumbnail_number = 3
