"""
09. GPUs and clusters: precision, resuming, several processes
=============================================================

Pre-training on hours of recording takes hours. This tutorial estimates the duration,
chooses device and precision, and interrupts and resumes a training. The commands for
several GPUs and a script for SLURM are in :doc:`/cluster`.
"""

# %%
# Estimate time and memory
# ------------------------
#
# :func:`~mne_duin.estimate_cost` trains a copy for a few steps. Compare the default
# preset with the published recipe, on the same segments.

import signal
import threading
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import mne
import numpy as np
import torch

from mne_duin import (
    DuINVQVAE,
    estimate_cost,
    find_recordings,
    plot_history,
    read_segments,
    sample_data_path,
)

mne.set_log_level("WARNING")
paths = find_recordings(sample_data_path(), subject="01", task="wordreading")
segments, contacts = read_segments(paths[:3], regions=("vSMC", "STG"))

quick = DuINVQVAE("quick", random_state=0, verbose=False)
paper = DuINVQVAE("paper", random_state=0, verbose=False)
for name, vqvae in (("quick", quick), ("paper", paper)):
    print(f"{name}: {estimate_cost(vqvae, segments)}")

# %%
# The estimate is for *these* segments. The time of a training epoch (a pass over the
# data) grows with the length of the recording.
#
# Device and precision
# --------------------
#
# ``device="auto"`` uses a GPU if available. ``precision="auto"`` uses bfloat16 if the
# processor supports it natively. Large networks are then faster; a network as small as
# this one may not be. Distances to the codex are always computed in float32.

print("CUDA:", torch.cuda.is_available())
print("cores:", torch.get_num_threads())
options = {"n_layers": 2, "n_decoder_layers": 2, "n_codes": 64, "random_state": 0}
options |= {"max_iter": 8, "verbose": False}
for precision in ("32", "auto"):
    vqvae = DuINVQVAE(precision=precision, **options | {"max_iter": 3}).fit(segments)
    seconds = vqvae.history_.to_frame()["seconds"].median()
    print(f"precision={precision!r}: {seconds:.2f} s per pass")

# %%
# Interrupt a training
# --------------------
#
# With ``checkpoint_dir`` a checkpoint is written after every pass. A thread simulates
# Ctrl-C after the third one.

temporary = TemporaryDirectory()
folder = Path(temporary.name)


def press_ctrl_c(after):
    """Interrupt this script when a file appears."""
    while not any(folder.rglob(after)):
        time.sleep(0.01)
    signal.raise_signal(signal.SIGINT)


helper = threading.Thread(
    target=press_ctrl_c, args=("checkpoint-00003.*",), daemon=True
)
helper.start()
vqvae = DuINVQVAE(**options)
try:
    vqvae.fit(segments, checkpoint_dir=folder)
except KeyboardInterrupt:
    print("interrupted")
for path in sorted(folder.rglob("*.safetensors")):
    print(path.relative_to(folder), f"{path.stat().st_size / 1e6:.1f} MB")

# %%
# A checkpoint contains the weights, the state of the optimizer, the codex, the history,
# the parameters and a hash of the data. The two newest are kept. Files are written
# under a temporary name first, so a power failure leaves no incomplete checkpoint.
#
# Resume
# ------
#
# Call ``fit`` again with the same arguments. All random numbers depend only on the seed
# and the pass, so the result equals that of an uninterrupted training bit by bit.

vqvae.fit(segments, checkpoint_dir=folder)
whole = DuINVQVAE(**options).fit(segments)
print("passes:", vqvae.n_iter_)
print("same codex:", np.array_equal(vqvae.codebook_, whole.codebook_))
print(
    "same codes:", np.array_equal(vqvae.transform(segments), whole.transform(segments))
)
plot_history(vqvae.history_.to_frame(), title="Continued after an interruption")

# %%
# A training cannot be continued with other parameters. The error lists the differences:

try:
    DuINVQVAE(**options | {"n_codes": 32}).fit(segments, checkpoint_dir=folder)
except ValueError as error:
    print(str(error).replace(temporary.name, "..."))

# %%
# If a checkpoint is damaged, only one pass is repeated:

newest = max(folder.rglob("*.safetensors"))
content = bytearray(newest.read_bytes())
content[len(content) // 2] ^= 1
newest.write_bytes(content)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    again = DuINVQVAE(**options).fit(segments, checkpoint_dir=folder)
print(str(caught[0].message).replace(temporary.name, "..."))
print("same codex:", np.array_equal(again.codebook_, whole.codebook_))

# %%
# Several processes
# -----------------
#
# Train on the command line, with one or with four GPUs:
#
# .. code-block:: console
#
#    $ mne-duin pretrain my_dataset --subject 01 --preset paper --out results
#    $ torchrun --standalone --nproc-per-node 4 --no-python \
#          mne-duin pretrain my_dataset --subject 01 --preset paper --out results
#
# Batches are divided among the processes, and gradients and codex are summed, so both
# commands compute the same, except for dropout, which differs between processes.
# :doc:`/cluster` contains a SLURM script.

temporary.cleanup()
