"""Write one small file of each kind that the package saves, and what each predicts.

The files beside this script were written by version 0.1; a later version must open them
(``tests/test_files_of_earlier_versions.py``). Run it again only for a new folder.
"""

import gzip
import shutil
import sys
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import torch

from mne_duin import (
    TSTCC,
    CNNBiGRU,
    DuINClassifier,
    DuINMAE,
    DuINTokenDecoder,
    DuINVQVAE,
    evaluate,
)

SIZES = {
    "n_layers": 1,
    "n_heads": 1,
    "head_dim": 4,
    "ff_dim": 8,
    "n_filters": 2,
    "conv_filters": (4, 2),
    "conv_kernels": (9, 3),
    "conv_strides": (10, 1),
}
TRAINING = {"max_iter": 2, "batch_size": 8, "random_state": 0, "verbose": False}
CODEX = {"n_codes": 6, "code_dim": 4, "n_decoder_layers": 1}
NETWORK = TRAINING | {"validation_fraction": 0.0, "max_shift": 0.0}
CONTRAST = {
    "pretrain_iter": 1,
    "filters": (2, 2, 4),
    "pools": (5, 2, 2),
    "n_steps": 1,
    "context_dim": 4,
    "n_layers": 1,
    "n_heads": 1,
}


def simulate():
    """Two subjects, two runs, three channels, two words that a slow wave tells."""
    rng = np.random.default_rng(0)
    y = np.tile(["ba", "da"], 12)
    wave = np.sin(2 * np.pi * np.arange(400) / 400)
    X = rng.standard_normal((24, 3, 400))
    X[:, 1] += np.where(y == "ba", 2, -2)[:, None] * wave
    columns = {"run": np.repeat(["01", "02"], 12), "subject": np.tile(["p1"] * 2, 12)}
    columns["subject"][::3] = "p2"
    info = mne.create_info(["A1", "A2", "B1"], 1000.0, "seeg")
    metadata = pd.DataFrame(columns)
    X = (1e-5 * X).astype(np.float32)
    return mne.EpochsArray(X, info, metadata=metadata, verbose="error"), y


def fit(epochs, y):
    """Return the fitted estimators by name."""
    tokens = np.repeat(y.astype(object)[:, None], 4, 1)
    tokens[:, -1] = None
    vqvae = DuINVQVAE(**SIZES, **TRAINING, **CODEX).fit(epochs)
    shrink(vqvae.module_)
    head = SIZES | TRAINING | {"hidden_dim": 4}
    return {
        "vqvae": vqvae,
        "mae": DuINMAE(vqvae, **TRAINING).fit(epochs),
        "classifier": DuINClassifier(**head).fit(epochs, y),
        "codex_classifier": DuINClassifier(
            vqvae, use_codex=True, hidden_dim=4, **TRAINING
        ).fit(epochs, y),
        "patch_classifier": DuINClassifier(subject_layers="patch", **head).fit(
            epochs, y
        ),
        "tokens": DuINTokenDecoder(**head).fit(epochs, tokens),
        "sequences": DuINTokenDecoder(loss="ctc", **head | {"hidden_dim": 6}).fit(
            epochs, [(word,) for word in y]
        ),
        "cnn_bigru": CNNBiGRU(n_filters=2, hidden_dim=4, stride=10, **NETWORK).fit(
            epochs, y
        ),
        "ts_tcc": TSTCC(**CONTRAST, **NETWORK).fit(epochs, y),
    }


@torch.no_grad()
def shrink(module):
    """Let the decoder, whose width is fixed, repeat a few values, so that it zips."""
    for parameter in module.patch.layers.parameters():
        flat = (torch.arange(parameter.numel()) % 7 - 3) / 500
        parameter.copy_(flat.reshape(parameter.shape))


def main(folder):
    """Write everything into a folder."""
    epochs, y = simulate()
    test = epochs[:4]
    expected = {"X": test.get_data(copy=False), "subject": test.metadata["subject"]}
    estimators = fit(epochs, y)
    for name, estimator in estimators.items():
        path = estimator.save(folder / f"{name}.safetensors")
        with path.open("rb") as raw, gzip.GzipFile(f"{path}.gz", "wb", mtime=0) as out:
            shutil.copyfileobj(raw, out)
        path.unlink()
        if name in ("vqvae", "mae"):
            expected[name] = estimator.transform(test)
        else:
            expected[name] = estimator.predict_proba(test)
        weights = getattr(estimator, "channel_contributions", None)
        if weights is not None:
            expected[f"{name} contributions"] = weights("weights").to_numpy()
    expected["vqvae rebuilt"] = estimators["vqvae"].reconstruct(test)
    expected = {name: np.asarray(value) for name, value in expected.items()}
    expected["subject"] = expected["subject"].astype(str)
    np.savez_compressed(folder / "expected.npz", **expected)
    lda = CNNBiGRU(n_filters=2, hidden_dim=4, stride=10, **NETWORK)
    result = evaluate(lda, epochs, y, cv=2, n_permutations=5, random_state=0)
    result.save(folder / "result.json")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
