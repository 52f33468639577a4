"""
03. Learning a codex: usage, dead codes, what a code looks like
===============================================================

The first stage of Du-IN sees no labels. It cuts the recording into patches of 100 ms
and learns a table of typical ones, the *codex*, such that the signal can be
reconstructed from the numbers of its entries alone.
"""

# %%
# Unlabeled segments
# -------------------
#
# Everything that was recorded can be used, not only the trials.
# :func:`~mne_duin.read_segments` cuts whole runs into overlapping windows. The last run
# is kept away, to see how the codex does on what it never saw.

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
# Learn
# -----
#
# The sizes and the number of training epochs (passes over the data) below are smaller
# than the defaults, so that this page is built quickly. On your own data begin with
# ``DuINVQVAE()``.

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
# Training and held-out error should fall together. The first passes reconstruct the
# signal from tokens that are not rounded to codes yet; when the codex enters, the error
# jumps.

plot_history(vqvae.history_.to_frame(), title="Learning the codex")

# %%
# How much of the signal survives in the codes? The score is the fraction of the
# variance of the z-scored signals; zero would be guessing the mean.

print(f"training segments: {vqvae.score(segments):.2f}")
print(f"held-out segments: {vqvae.score(held_out):.2f}")

# %%
# Few channels that see the same sources are reconstructed well; many independent ones
# cannot be, with one integer for all of them per 100 ms.

plot_reconstruction(
    held_out.get_data() * 1e6,
    vqvae.reconstruct(held_out) * 1e6,
    contacts,
    sfreq=held_out.info["sfreq"],
    n_channels=5,
)

# %%
# Are the codes in use?
# ---------------------
#
# A codex may *collapse*: few codes win everything. Look at the number of codes in use
# and the perplexity. If most are dead, use fewer codes, more data or more passes;
# ``fit`` warns when less than a tenth is in use.

print(code_usage(vqvae.code_counts_))
plot_code_usage(vqvae.code_counts_, vqvae.history_.to_frame())

# %%
# What does a code look like?
# ---------------------------
#
# Now the trials. Every epoch becomes a row of integers.

epochs, _ = read_epochs(paths, regions=("vSMC", "STG"), align="response_time")
words = epochs.metadata["trial_type"].to_numpy()
codes = vqvae.transform(epochs)
print(codes.shape, codes[0])

# %%
plot_codes(codes, words, tmin=epochs.tmin)

# %%
# The average of the signal around every token that has a code: the waveform the code
# stands for. Dotted lines bound the 100 ms themselves.

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
# Do codes go with words?
# -----------------------
#
# No word was shown to the codex. Still, if speech leaves typical patches, some codes
# come with some words. The threshold holds the error of *all* codes together at 5 %, by
# shuffling words.

information = code_word_information(codes, words, n_permutations=200)
above = np.count_nonzero(information.information > information.threshold)
print(f"{above} codes above the threshold")
plot_code_words(codes, words, n_permutations=200, n_codes=20)

# %%
# Keep the codex
# --------------
#
# ``save`` writes one safe file; :func:`~mne_duin.read_model` opens it again.

with TemporaryDirectory() as folder:
    path = vqvae.save(Path(folder) / "codex.duin")
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    again = read_model(path)
print("same codes:", np.array_equal(again.transform(epochs), codes))

# %%
# Next: :doc:`hide patches and guess their codes
# </auto_tutorials/04_masked_pretraining>`.

# sphinx_gallery_thumbnail_number = 5
