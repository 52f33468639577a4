"""
07. Published weights and the released data set
===============================================

The authors of Du-IN have published the task data of twelve patients and the pre-trained
weights of each. This page shows how to get them, how to read them, and how weights go
in and out of other people's software. The data are several gigabytes, so what runs here
is a small folder in the same layout.
"""

# %%
# Getting the release
# -------------------
#
# With the extra ``hub`` (``pip install "mne-duin[hub]"``) two calls download what one
# patient needs; the files are those of the authors' repository, CC BY 4.0:
#
# .. code-block:: python
#
#    from mne_duin import fetch_official
#
#    folder = fetch_official("Du-IN", "001")                # trials, about 8 GB
#    weights = fetch_official("Du-IN", "001", what="mae")   # one .pth file
#
# A folder in the same layout
# ---------------------------
#
# The release keeps, for every run, a list of trials: dicts with the word and the
# signal. We write the trials of the sample subject like that.

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

import mne
import numpy as np
from sklearn.frozen import FrozenEstimator

from mne_duin import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    convert_weights,
    evaluate,
    find_recordings,
    plot_accuracy,
    read_epochs,
    read_estimator,
    read_official,
    read_official_epochs,
    sample_data_path,
    to_braindecode,
)

mne.set_log_level("WARNING")
paths = find_recordings(sample_data_path(), subject="01", task="wordreading")
source, _ = read_epochs(paths, regions=("vSMC", "STG"), align="response_time")

temporary = TemporaryDirectory()
folder = Path(temporary.name)
task = folder / "data/seeg.he2023xuanwu/001/word-recitation"
names = [name.partition("-")[0] for name in source.ch_names]
for run, trials in source.metadata.groupby("run").groups.items():
    place = task / f"run{int(run)}" / "dataset.bipolar.default.unaligned"
    place.mkdir(parents=True)
    part = source[np.flatnonzero(source.metadata.index.isin(trials))]
    content = [
        {"name": word, "data_s": signal}
        for word, signal in zip(
            part.metadata["trial_type"], part.get_data(), strict=True
        )
    ]
    (place / "data").write_bytes(pickle.dumps(content))
    (place / "info").write_bytes(pickle.dumps({"ch_names": names}))

# %%
# Reading it
# ----------
#
# Pickles are programs: who opens one with Python's own reader runs whatever is in it.
# Ours takes arrays, text and plain dicts, and refuses everything else.

epochs, contacts = read_official_epochs(folder, "001")
print(epochs)
contacts[["shaft", "number"]]

# %%
# The release has no positions and no anatomical labels, so there is no brain to draw
# and no region to choose. For the real patients ``picks="published"`` takes the ten
# channels that the published weights expect, in their order.
#
# A pickle that would run something is not read:


class Harmful:
    """What a malicious file looks like inside."""

    def __reduce__(self):
        return print, ("this must never be printed",)


harmful = folder / "data/seeg.he2023xuanwu/002"
place = harmful / "word-recitation/run1/dataset.bipolar.default.unaligned"
place.mkdir(parents=True)
(place / "info").write_bytes(pickle.dumps({"ch_names": names}))
(place / "data").write_bytes(pickle.dumps([Harmful()]))
try:
    read_official_epochs(folder, "002")
except ValueError as error:
    print(str(error).replace(temporary.name, "..."))

# %%
# Weights in the published layout
# -------------------------------
#
# We have no published file here, so we make one: a small network, pre-trained on three
# runs, written with the names and shapes of the published code.

run = epochs.metadata["run"].astype(int)
training, held_out = epochs[run < 4], epochs[run == 4]
options = {"bands": "raw", "random_state": 0, "verbose": False}
vqvae = DuINVQVAE(
    n_layers=2, n_decoder_layers=2, n_codes=64, max_iter=8, **options
).fit(training)
mae = DuINMAE(vqvae, max_iter=8, random_state=0, verbose=False).fit(training)
convert_weights(
    mae.save(folder / "mae.safetensors"), folder / "mae.pth", to="published"
)
print((folder / "mae.pth").stat().st_size // 1024, "kB")

# %%
# Reading them names every tensor that is missing or has another shape. A published file
# knows neither the names of its channels nor their scales, so say both:
# ``learn_scales`` takes training trials only.

published = read_official(folder / "mae.pth", stage="mae", ch_names=epochs.ch_names)
published.learn_scales(training)
print(published)

# %%
# It is the same network: its embeddings are those of the one we trained.

difference = np.abs(published.transform(held_out) - mae.transform(held_out)).max()
print(f"largest difference of an embedding: {difference:.1g}")

# %%
# Fine-tuning them
# ----------------
#
# The published encoder is a pre-trained stage like any other. As in
# :doc:`tutorial 5 </auto_tutorials/05_decoding_words>`, the test run is never seen.

words = epochs.metadata["trial_type"]
common = {"max_iter": 10, "random_state": 0, "verbose": False}
results = {
    "weights of the file": evaluate(
        DuINClassifier(FrozenEstimator(published), **common),
        epochs,
        words,
        cv="last-run",
        random_state=0,
    ),
    "no pre-training": evaluate(
        DuINClassifier(n_layers=2, bands="raw", **common),
        epochs,
        words,
        cv="last-run",
        random_state=0,
    ),
}
plot_accuracy(results)

# %%
# Which of the two is better here says nothing about the published weights: those of our
# file saw eleven minutes of trials, eight times.
#
# The last run tests, the scales came from the others. Had they come from all trials, as
# in the published evaluation, the test trials would have had a say.
#
# In and out
# ----------
#
# ``save`` and :func:`~mne_duin.read_estimator` keep everything: channels, scales,
# history, versions and a checksum, in one file that holds no code.

again = read_estimator(folder / "mae.safetensors")
print(np.array_equal(again.transform(held_out), mae.transform(held_out)))

# %%
# A file that was damaged on the way is told:

damaged = bytearray((folder / "mae.safetensors").read_bytes())
damaged[-100] ^= 1
(folder / "damaged.safetensors").write_bytes(damaged)
try:
    read_estimator(folder / "damaged.safetensors")
except ValueError as error:
    print(error)

# %%
# :func:`~mne_duin.to_braindecode` hands encoder and head to braindecode's ``DuIN``, and
# :func:`~mne_duin.from_braindecode` takes them back. The same on the command line:
#
# .. code-block:: console
#
#    $ mne-duin convert checkpoint-399.pth mae.safetensors --ch-names SM8 SM9 SM7 ...
#    $ mne-duin convert mae.safetensors duin.safetensors --to braindecode

state = to_braindecode(mae)
for name in list(state)[:4]:
    print(name, tuple(state[name].shape))

# %%
# To share a network with others, ``mae.push_to_hub("lab/name")`` uploads it with a
# card that describes it, and :func:`~mne_duin.from_pretrained` fetches it. Read what
# the card says about patients first: channel names and scales are about a person.

temporary.cleanup()
