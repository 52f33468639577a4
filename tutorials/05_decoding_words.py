"""
05. Decoding words: clean evaluation, and a baseline next to it
===============================================================

How well can words be told from the recording, and how sure is that? This page evaluates
a linear classifier and the Du-IN network on the same trials, in a way that you can
report.
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
# A shrinkage LDA on evoked potentials and high-gamma power. It takes seconds, has
# nothing to tune, and shows whether there is anything to decode at all.
#
# ``cv="leave-one-run-out"``: each run is held out once. Neighboring trials of one run
# share slow states of the brain and the amplifier; with random folds they end up on
# both sides, and the accuracy is too good.

lda = evaluate(make_lda(), epochs, words, cv="leave-one-run-out", random_state=0)
print(lda)

# %%
# How to read it. *Chance* is the better of guessing at random and always naming the
# most frequent word. The *interval* is what so many trials allow to say. The *p-value*
# comes from shuffling the labels of held-out trials; for a p-value that holds for any
# way of splitting, ask for ``n_permutations=`` and wait.
#
# The network
# -----------
#
# Same trials, same folds. Everything that learns happens inside the training part of
# each fold: the scaling, the choice of the training epoch (pass over the data), all
# weights. The network here is smaller than the default, to be quick.

network = DuINClassifier(n_layers=2, max_iter=10, random_state=0, verbose=False)
duin = evaluate(network, epochs, words, cv="leave-one-run-out", random_state=0)
print(duin)

# %%
# Side by side, with 95 % intervals and chance:

results = {"LDA": lda, "Du-IN": duin}
plot_accuracy(results)

# %%
results_table(results)

# %%
# Is the difference more than luck? :func:`~mne_duin.compare` tests on the same trials.
# Here it compares two linear baselines, because it fits everything again.

compare(
    {"evoked": make_lda("evoked"), "high gamma": make_lda("high-gamma")},
    epochs,
    words,
    cv="leave-one-run-out",
    random_state=0,
).T

# %%
# An ensemble
# -----------
#
# Network and linear decoders err on different trials, and
# :class:`~mne_duin.DecoderEnsemble` averages their log-probabilities. The third is a
# Riemannian one, on the covariances of windows of 150 ms
# (:func:`~mne_duin.make_riemann`; it needs ``pip install "mne-duin[baselines]"``). A
# linear decoder of few trials is far too sure of itself and would dominate the mean;
# ``calibrated=True`` chooses its temperature inside the training trials. An ensemble
# helps most where trials are few (:doc:`/benchmarks/accuracy`); here are many.

vote = DecoderEnsemble(
    [
        ("duin", network),
        ("lda", make_lda(calibrated=True)),
        ("riemann", make_riemann("lda", n_windows=10, calibrated=True)),
    ]
)
results["vote"] = evaluate(vote, epochs, words, cv="leave-one-run-out", random_state=0)
results_table(results)

# %%
# Which words are confused?
# -------------------------
#
# Rows are what was said, columns what was decoded. Similar words are put together.

duin.plot()

# %%
# Fold by fold. One bad run is worth a look at its recording.

duin.folds[["held_out", "n_train", "n_test", "accuracy", "log_loss"]]

# %%
# Can the probabilities be believed? If the network says 60 %, it should be right in 60
# % of such trials.

print(duin.calibration().table.round(2))

# %%
# How many trials do I need?
# --------------------------
#
# :func:`~mne_duin.learning_curve` thins the training trials of every word and keeps
# the test trials; all estimators get the same trials. Here the last run is the test, to
# be quick; on your own data hold out every run in turn, or repeat (``n_repeats=``).

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
# Bars are 95 % intervals over the test trials. The figure in numbers:

table[["estimator", "n_per_class", "accuracy", "low", "high", "n_test"]].round(2)

# %%
# Three questions to ask of such a curve, before the next recording is planned.
#
# **Does it still rise at its right end?** Then more trials will help, if not for ever:
# steps become smaller. What each step brought:

accuracy = table.pivot(index="n_per_class", columns="estimator", values="accuracy")
print(accuracy.diff().iloc[1:].round(2).to_string())

# %%
# **Which estimator is ahead with as many trials as you have?** A curve that begins
# lower and rises faster wins only where there are enough trials; take the one that is
# ahead at your own number.
#
# **Is the answer sharper than the question?** The interval depends on the number of
# *test* trials, not on how many there are to learn from. To see a difference of a few
# per cent, test on hundreds of trials; for half the width take four times as many:

for n_test in (72, 288, 1152):
    n_right = round(0.7 * n_test)
    low, high = binomtest(n_right, n_test).proportion_ci(method="wilson")
    interval = f"{low:.0%} to {high:.0%}"
    print(f"{n_right:3d} of {n_test:4d} trials correctly classified: {interval}")

# %%
# Curves of every estimator of the comparison, pre-trained ones among them, on more
# subjects and up to 60 trials per word, are in :ref:`the benchmarks <learning-curves>`.
#
# Keep the result
# ---------------
#
# ``duin.save("result.json")`` writes predictions and scores as text that any program
# reads; :func:`~mne_duin.read_result` opens them. What a reader should know of the way
# the numbers came about is noted, and so is every way in which test trials had an
# influence:

print("notes:", *duin.notes or ["none"])
print("leaks:", *duin.leaks or ["none"])

# %%
# Next: :doc:`what the network looks at </auto_tutorials/06_seeing>`.

# sphinx_gallery_thumbnail_number = 3
