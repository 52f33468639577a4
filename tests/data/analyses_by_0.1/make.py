"""Write one small analysis of each kind, a memory of stages and hidden-cell networks.

The archives beside this script were written by version 0.1; a later version must open
them (``tests/test_analyses_of_earlier_versions.py``). Networks are small and pictures
are left out. Run it again only for a new folder.
"""

import json
import sys
import tarfile
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch

import mne_duin
from mne_duin.datasets import SimulationSettings
from mne_duin.estimators.memory import fit_or_recall
from mne_duin.estimators.presets import PRESETS
from mne_duin.workflows import _comparing, _group, _pretraining, decoding

HERE = Path(__file__).parent
SMALL = {"n_layers": 1, "n_decoder_layers": 1, "n_heads": 1, "head_dim": 4}
SMALL |= {"ff_dim": 8, "hidden_dim": 4, "code_dim": 4, "bands": "raw", "init": "random"}
RECIPE = {"max_iter": 1, "n_filters": 2, "conv_filters": (4, 4, 2), "n_codes": 6}
STAGE = {"n_layers": 1, "n_decoder_layers": 1, "n_heads": 1, "head_dim": 4}
STAGE |= {"ff_dim": 8, "n_codes": 6, "code_dim": 4, "n_filters": 2, "max_iter": 1}
STAGE |= {
    "conv_filters": (4, 4, 2),
    "random_state": 0,
    "verbose": False,
    "bands": "raw",
}
CELLS = {"n_layers": 1, "n_heads": 1, "head_dim": 4, "ff_dim": 8, "n_filters": 2}
CELLS |= {"conv_filters": (4, 4, 2), "bands": ("high-gamma",), "random_state": 0}
CELLS |= {"verbose": False}
TIMES = {"tmin": 0.0, "tmax": 1.0, "align": "response_time"}


def signal():
    """Return what the remembered stage learned from."""
    return np.random.default_rng(0).standard_normal((8, 2, 400)).astype(np.float32)


def make_small():
    """Make networks small, with one pass per stage, and leave pictures out."""
    for recipe in PRESETS["quick"].values():
        recipe.update({k: v for k, v in RECIPE.items() if k in recipe})
    for kind in (mne_duin.DuINVQVAE, mne_duin.DuINMAE, mne_duin.DuINClassifier):
        defaults = kind.__init__.__kwdefaults__
        defaults.update({k: v for k, v in SMALL.items() if k in defaults})
    for module in (decoding, _pretraining):
        module.log_costs = lambda *_: None
        module.DuINVQVAE.fit = shrunk(module.DuINVQVAE.fit)
    for module in (_comparing, _group):
        module.save_figure = lambda figure, path: path.write_bytes(b"picture")
    decoding._report = lambda *_: Report


class Report:
    """Stands for a report."""

    @staticmethod
    def save(path, **_):
        """Write something."""
        path.write_text("report")


def shrunk(fit):
    """Return a fit whose decoder, of a fixed width, repeats a few values, to zip."""

    def call(self, *args, **keywords):
        fit(self, *args, **keywords)
        with torch.no_grad():
            for parameter in self.module_.patch.layers.parameters():
                flat = (torch.arange(parameter.numel()) % 7 - 3) / 500
                parameter.copy_(flat.reshape(parameter.shape))
        return self

    return call


def pack(folder, path):
    """Pack the files of a folder, without checkpoints."""
    with tarfile.open(path, "w:xz", preset=9) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not any("checkpoint" in p for p in file.parts):
                archive.add(file, file.relative_to(folder).as_posix())


def main(place):
    """Write everything, and what was found."""
    settings = SimulationSettings(n_words=2, n_trials_per_word=4, n_runs=2, rest=2.0)
    root = mne_duin.write_simulated_bids(
        place / "bids", subjects={"01": settings}, random_state=1
    )
    out = place / "out"
    given = {"out": out, "regions": ["vSMC"], "verbose": "ERROR"}
    decoded = mne_duin.decode_words(root, "01", **given, **TIMES)
    mne_duin.compare_words(
        root, "01", estimators=["lda", "scratch"], cv="last-run", **given, **TIMES
    )
    mne_duin.pretrain(root, "01", max_iter=1, **given)
    mne_duin.predict_words(decoded.folder, root, "01", out=out, run="2")
    mne_duin.decode_group(root, ["01"], **given, **TIMES)
    pack(out, HERE / "derivative.tar.xz")
    stage = mne_duin.DuINVQVAE(sfreq=400.0, **STAGE)
    stage = fit_or_recall(stage, signal(), "vqvae", place / "memory")
    cells = mne_duin.DuINCells(max_steps=2, **CELLS).fit(signal(), sfreq=400.0)
    cells.save(place / "memory" / "cells.safetensors")
    pack(place / "memory", HERE / "memory.tar.xz")
    found = {
        "accuracy": {name: one.accuracy for name, one in decoded.results.items()},
        "channels": list(decoded.contacts.index),
        "probabilities": decoded.result.probabilities.tolist(),
        "lda": decoded.results["shrinkage LDA"].y_pred.tolist(),
        "tokens": cells.transform(signal()[:1]).ravel()[:8].tolist(),
        "codebook": stage.codebook_.tolist(),
    }
    (HERE / "expected.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    make_small()
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder))
