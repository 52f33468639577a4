"""
07. Published weights and the released data set
===============================================

The authors of Du-IN have published the task data of twelve patients and pre-trained
weights for each. This tutorial shows how to download and read them, and how to exchange
weights with other software. The data are several gigabytes, so this page uses a small
folder in the same layout.
"""

# %%
# Download
# --------
#
# With the extra ``hub`` (``pip install "mne-duin[hub]"``) two calls download the files
# of one patient from the authors' repository (CC BY 4.0):
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
# The release contains a list of trials for every run; each trial is a dict with the
# word and the signal. This code writes the trials of the sample subject in this layout.

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
# Read the trials
# ---------------
#
# Python's own reader executes code in pickle files. The reader of this package
# accepts only arrays, text and plain dicts, and refuses everything else.

epochs, contacts = read_official_epochs(folder, "001")
print(epochs)
contacts[["shaft", "number"]]

# %%
# The release has no positions and no anatomical labels, so contacts cannot be plotted
# on a brain or selected by region. For the real patients ``picks="published"`` selects
# the ten channels that the published weights expect, in their order.
#
# A pickle file that would execute code is not read:


class Harmful:
    """An object that executes code when it is unpickled."""

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
# To have a file of weights, this code pre-trains a small network on three runs and
# writes it with the names and shapes of the published code.

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
# A published file contains neither the names of its channels nor their scales. Pass
# the names, and estimate the scales from training trials with ``learn_scales``. If
# tensors are missing or have another shape, an error lists them.

published = read_official(folder / "mae.pth", stage="mae", ch_names=epochs.ch_names)
published.learn_scales(training)
print(published)

# %%
# The embeddings are those of the network that was trained above.

difference = np.abs(published.transform(held_out) - mae.transform(held_out)).max()
print(f"largest difference of an embedding: {difference:.1g}")

# %%
# Fine-tune
# ---------
#
# The published encoder can be used like any other pre-trained stage. As in
# :doc:`tutorial 5 </auto_tutorials/05_decoding_words>`, the last run is held out.

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
# This comparison does not apply to the published weights, because the weights of this
# file were trained on eleven minutes of trials only.
#
# The scales were estimated from the training runs. If they were estimated from all
# trials, as in the published evaluation, test trials would influence the training.
#
# Save and exchange
# -----------------
#
# ``save`` writes weights, channels, scales, history, versions and a checksum to one
# file without code; :func:`~mne_duin.read_estimator` reads it.

again = read_estimator(folder / "mae.safetensors")
print(np.array_equal(again.transform(held_out), mae.transform(held_out)))

# %%
# Damaged files are detected:

damaged = bytearray((folder / "mae.safetensors").read_bytes())
damaged[-100] ^= 1
(folder / "damaged.safetensors").write_bytes(damaged)
try:
    read_estimator(folder / "damaged.safetensors")
except ValueError as error:
    print(error)

# %%
# :func:`~mne_duin.to_braindecode` converts encoder and head to braindecode's ``DuIN``,
# and :func:`~mne_duin.from_braindecode` converts them back. On the command line:
#
# .. code-block:: console
#
#    $ mne-duin convert checkpoint-399.pth mae.safetensors --ch-names SM8 SM9 SM7 ...
#    $ mne-duin convert mae.safetensors duin.safetensors --to braindecode

state = to_braindecode(mae)
for name in list(state)[:4]:
    print(name, tuple(state[name].shape))

# %%
# To share a network, ``mae.push_to_hub("lab/name")`` uploads it with a model card, and
# :func:`~mne_duin.from_pretrained` downloads it. Read the section on patients in the
# card first: channel names and scales are personal data.

temporary.cleanup()
