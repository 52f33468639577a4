"""
03. Learning a codex
====================

The first stage of Du-IN uses no labels. It cuts the recording into patches of 100 ms
and learns a table of typical patches, the *codex*, such that the signal can be
reconstructed from the indices of its entries.
"""

# %%
# Unlabeled segments
# -------------------
#
# The codex can be learned from the whole recording, not only from trials.
# :func:`~mne_duin.read_segments` cuts runs into overlapping windows. The last run
# is held out to test the codex.

from pathlib import Path
from tempfile import TemporaryDirectory

import mne
import numpy as np

from mne_duin import (
    DuINVQVAE,
    code_word_information,
    find_recordings,
    plot_code_average,
    plot_code_usage,
    plot_code_words,
    plot_codes,
    plot_history,
    plot_reconstruction,
    read_epochs,
    read_model,
    read_segments,
    sample_data_path,
)
from mne_duin.viz import code_usage

mne.set_log_level("WARNING")
paths = find_recordings(sample_data_path(), subject="01", task="wordreading")

segments, contacts = read_segments(paths[:3], regions=("vSMC", "STG"))
held_out, _ = read_segments(paths[3:], regions=("vSMC", "STG"))
print(f"{len(segments)} segments to learn from, {len(held_out)} held out")

# %%
# Train
# -----
#
# To be fast, this network is smaller than the default and trained for fewer training
# epochs (passes over the data). On your own data start with ``DuINVQVAE()``.

vqvae = DuINVQVAE(
    n_layers=2,
    n_decoder_layers=2,
    n_codes=128,
    max_iter=10,
    random_state=0,
    verbose=False,
)
vqvae.fit(segments, validation=held_out)
print(f"{vqvae.n_iter_} passes, {vqvae.history_['seconds'].sum():.0f} s")

# %%
# Training and held-out error should decrease together. The error increases abruptly at
# one pass: until then the signal is reconstructed from the tokens themselves, from then
# on from their codes.

plot_history(vqvae.history_.to_frame(), title="Learning the codex")

# %%
# The score is the fraction of the variance of the z-scored signals that the codes
# explain. It is zero for a constant prediction of the mean.

print(f"training segments: {vqvae.score(segments):.2f}")
print(f"held-out segments: {vqvae.score(held_out):.2f}")

# %%
# A few channels that record the same sources are reconstructed well. Many independent
# channels cannot be, because there is only one integer per 100 ms for all of them.

plot_reconstruction(
    held_out.get_data(),
    vqvae.reconstruct(held_out),
    contacts,
    sfreq=held_out.info["sfreq"],
    n_channels=5,
    unit="V",
)

# %%
# Usage of the codes
# ------------------
#
# A codex can *collapse*: all tokens are assigned to a few codes. Check the number of
# codes in use and the perplexity (the effective number of codes). If most codes are
# unused, use fewer codes, more data or more passes; ``fit`` warns if less than a tenth
# is in use.

print(code_usage(vqvae.code_counts_))
plot_code_usage(vqvae.code_counts_, vqvae.history_.to_frame())

# %%
# Waveforms of the codes
# ----------------------
#
# ``transform`` converts every trial into a row of codes, one for each 100 ms.

epochs, _ = read_epochs(paths, regions=("vSMC", "STG"), align="response_time")
words = epochs.metadata["trial_type"].to_numpy()
codes = vqvae.transform(epochs)
print(codes.shape, codes[0])

# %%
plot_codes(codes, words, tmin=epochs.tmin)

# %%
# The average of the signal around all tokens with the same code is the waveform that
# the code represents. Dotted lines are the limits of the 100 ms.

scale = epochs.get_data().std((0, 2), keepdims=True)
plot_code_average(
    epochs.get_data() / scale,
    codes,
    contacts,
    sfreq=epochs.info["sfreq"],
    n_codes=4,
    label="signal (SD)",
)

# %%
# Codes and words
# ---------------
#
# The codex was learned without words. If words evoke typical patches, some codes occur
# more often with some words. The threshold is corrected for the number of codes
# (family-wise error 5 %, by permutation of the words).

information = code_word_information(codes, words, n_permutations=200)
above = np.count_nonzero(information.information > information.threshold)
print(f"{above} codes above the threshold")
plot_code_words(codes, words, n_permutations=200, n_codes=20)

# %%
# Save the codex
# --------------
#
# ``save`` writes one file; :func:`~mne_duin.read_model` reads it.

with TemporaryDirectory() as folder:
    path = vqvae.save(Path(folder) / "codex.duin")
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    again = read_model(path)
print("same codes:", np.array_equal(again.transform(epochs), codes))

# %%
# Next: :doc:`masked pre-training </auto_tutorials/04_masked_pretraining>`.

# sphinx_gallery_thumbnail_number = 5
