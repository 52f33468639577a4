"""
04. Masked pre-training, and when it helps
==========================================

The second stage masks half of the patches and trains the encoder to predict their codes
from the others. It uses no labels, so it can use the whole recording. Whether it
improves decoding depends on the data. This tutorial shows how to measure it.
"""

# %%
# Codes to predict
# ----------------
#
# The codex is learned as in :doc:`tutorial 3 </auto_tutorials/03_learning_a_codex>`, on
# segments of three runs. The last run is held out from all steps, including
# pre-training.

import mne
import numpy as np
import pandas as pd

from mne_duin import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    find_recordings,
    plot_history,
    read_epochs,
    read_segments,
    sample_data_path,
)

mne.set_log_level("WARNING")
paths = find_recordings(sample_data_path(), subject="01", task="wordreading")
regions = ("vSMC", "STG")
segments, contacts = read_segments(paths[:3], regions=regions)
held_out, _ = read_segments(paths[3:], regions=regions)

vqvae = DuINVQVAE(
    n_layers=2,
    n_decoder_layers=2,
    n_codes=64,
    max_iter=8,
    random_state=0,
    verbose=False,
).fit(segments)

# %%
# Masked training
# ---------------

mae = DuINMAE(vqvae, max_iter=10, random_state=0, verbose=False)
mae.fit(segments, validation=held_out)
plot_history(mae.history_.to_frame(), title="Predicting the codes of masked patches")

# %%
# Accuracy is the fraction of masked codes that are predicted correctly. Chance is
# higher than 1/64 because codes are not equally frequent. Therefore compare with always
# predicting the most frequent code.

codes = vqvae.transform(held_out)
frequent = np.bincount(codes.ravel(), minlength=64).max() / codes.size
print(f"predicted correctly:      {mae.history_['valid_accuracy'][-1]:.3f}")
print(f"most frequent code:       {frequent:.3f}")

# %%
# If the first number is not clearly above the second, the encoder has not learned
# which codes tend to follow each other. More training epochs (passes over the data) or
# more recording may help; this page uses little of both.

# %%
# Does it improve decoding?
# -------------------------
#
# The same classifier is trained from scratch, from the first stage and from the second
# stage, with few and with all labeled trials of three runs. The fourth run is the test.
# Pre-training should matter most with few labels.

epochs, _ = read_epochs(paths, regions=regions, align="response_time")
epochs.crop(-0.5, 1.0, include_tmax=False)
words = epochs.metadata["trial_type"].to_numpy()
last = (epochs.metadata["run"] == epochs.metadata["run"].iloc[-1]).to_numpy()
train, y_train = epochs[~last], words[~last]
test, y_test = epochs[last], words[last]

rng = np.random.default_rng(0)
order = rng.permutation(len(y_train))
few = np.concatenate([order[y_train[order] == word][:8] for word in np.unique(words)])
stages = {"from scratch": None, "codes": vqvae, "codes + masked": mae}
accuracy = {}
for name, pretrained in stages.items():
    network = DuINClassifier(
        pretrained, n_layers=2, max_iter=8, random_state=0, verbose=False
    )
    accuracy[name] = [
        network.fit(train[some], y_train[some]).score(test, y_test)
        for some in (np.sort(few), np.arange(len(y_train)))
    ]
columns = ["8 trials per word", f"{len(y_train) // len(np.unique(words))} per word"]
pd.DataFrame(accuracy, columns).T.round(3)

# %%
# Uncertainty
# -----------
#
# Only one run is held out. The half-width of the 95 % interval of such an accuracy is
# about:

mean = np.mean(list(accuracy.values()))
print(f"± {1.96 * np.sqrt(mean * (1 - mean) / len(y_test)):.2f}")

# %%
# Smaller differences cannot be interpreted. With minutes of recording, expect
# little gain; the paper reports gains with fifteen hours for each subject. For a proper
# test, hold out every run in turn and repeat the pre-training each time:
# :func:`~mne_duin.compare` takes ``unlabelled=`` segments for estimators that use them
# and removes segments that overlap with the held-out run.
#
# Next: :doc:`decoding words </auto_tutorials/05_decoding_words>`.
