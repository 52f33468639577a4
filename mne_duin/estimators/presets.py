"""The training recipes and the limits of all numbers, as data.

A parameter that an estimator was not given (None) takes the value of its preset.
``"paper"`` is the published recipe (Zheng et al. 2024, Tables 5-7, and the published
parameter files where they differ); it needs about 15 hours of recording. ``"quick"`` is
ours, found on simulations other than the shipped one, for minutes to hours.
"""

from typing import Any

from mne.utils import warn

from mne_duin.utils._bands import BANDS, UNMIXED
from mne_duin.utils._checks import check_number, check_option

# Stages without labels: both kinds of power decode no better and take longer.
UNMIXED_BANDS = tuple(band + UNMIXED for band in BANDS)
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "quick": {
        "vqvae": {
            "max_iter": 5,
            "batch_size": 16,
            "lr": 1e-3,
            "lr_min": 2e-5,
            "warmup": 0.1,
            "weight_decay": 0.01,
            "crop_duration": 3.0,
            "bands": UNMIXED_BANDS,
            "init": "zca",
            "n_layers": 2,
            "head_dim": 32,
            "n_filters": None,
            "conv_filters": None,
            "front_lr_scale": 0.0,
            "n_codes": 128,
            "codex_init": "unquantized",
            "revive_codes": True,
        },
        "cells": {
            "max_steps": None,
            "batch_size": 64,
            "lr": 3e-3,
            "lr_min": 0.0,
            "warmup": 0.02,
            "weight_decay": 0.05,
            "crop_duration": 2.0,
            "bands": UNMIXED_BANDS,
            "init": "zca",
            # What tests/benchmarks/unit_speech.py has measured.
            "n_layers": 2,
            "head_dim": 32,
            # Hidden cells differ in every step, and a held-out loss is no higher than
            # that of training.
            "attention_dropout": 0.0,
            "ff_dropout": 0.0,
            "n_filters": None,
            "conv_filters": None,
            "front_lr_scale": 0.0,
        },
        "mae": {
            "max_iter": 8,
            "batch_size": 16,
            "lr": 1e-3,
            "lr_min": 2e-5,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "crop_duration": 3.0,
            "encoder_init": "vqvae",
            "encoder_lr_scale": 0.03,
            "front_lr_scale": 0.0,
        },
        "classifier": {
            "bands": "screened",
            "init": "zca",
            "n_layers": 2,
            "head_dim": 32,
            "n_filters": None,
            "conv_filters": None,
            "max_iter": 8,
            "batch_size": 32,
            "lr": 1e-4,
            "lr_min": 2e-6,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.03,
            "skip": True,
            "head_init": "lda",
            "head_dropout": 0.0,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "head_lr_scale": None,
            "validation_fraction": 0.0,
        },
        "tokens": {
            "bands": ("high-gamma", "high-gamma" + UNMIXED),
            "init": "zca",
            "n_layers": 4,
            "head_dim": 32,
            "n_filters": 64,
            "conv_filters": (64, 64, 64),
            "max_iter": 30,
            "batch_size": 16,
            "lr": 3e-4,
            "lr_min": 6e-6,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.03,
            "head_init": "lda",
            "head_dropout": 0.0,
            "context": 2,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "head_lr_scale": 0.1,
            "validation_fraction": 0.0,
        },
        "sequences": {
            "bands": ("high-gamma", "high-gamma" + UNMIXED),
            "init": "zca",
            "n_layers": 4,
            "head_dim": 32,
            "n_filters": 64,
            "conv_filters": (64, 64, 64),
            "max_iter": 15,
            "batch_size": 16,
            "lr": 1e-4,
            "lr_min": 2e-6,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.03,
            "head_init": "linear",
            "head_dropout": 0.0,
            "context": 2,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "head_lr_scale": 0.1,
            "validation_fraction": 0.0,
        },
    },
    "paper": {
        "vqvae": {
            "max_iter": 400,
            "batch_size": 64,
            "lr": 3e-4,
            "lr_min": 5e-5,
            "warmup": 0.1,
            "weight_decay": 0.01,
            "crop_duration": 4.0,
            "bands": "raw",
            "init": "random",
            "n_layers": 8,
            "head_dim": 64,
            "n_filters": 16,
            "conv_filters": (128, 128, 16),
            "front_lr_scale": 1.0,
            "n_codes": 2048,
            "codex_init": "first-batch",
            "revive_codes": False,
        },
        "mae": {
            "max_iter": 400,
            "batch_size": 64,
            "lr": 3e-4,
            "lr_min": 5e-5,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "crop_duration": 4.0,
            "encoder_init": "random",
            "encoder_lr_scale": 1.0,
            "front_lr_scale": 1.0,
        },
        "classifier": {
            "bands": "raw",
            "init": "random",
            "n_layers": 8,
            "head_dim": 64,
            "n_filters": 16,
            "conv_filters": (128, 128, 16),
            "max_iter": 200,
            "batch_size": 32,
            "lr": 2e-4,
            "lr_min": 5e-6,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.3,
            "skip": False,
            "head_init": "random",
            "head_dropout": 0.0,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "head_lr_scale": 1.0,
            "validation_fraction": 0.1,
        },
        # The parameters of ``duin_llm``, for which no training script was published.
        "tokens": {
            "bands": "raw",
            "init": "random",
            "n_layers": 8,
            "head_dim": 64,
            "n_filters": 16,
            "conv_filters": (128, 128, 16),
            "max_iter": 200,
            "batch_size": 32,
            "lr": 2e-4,
            "lr_min": 5e-5,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.0,
            "head_init": "random",
            "head_dropout": 0.0,
            "context": 0,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "head_lr_scale": 1.0,
            "validation_fraction": 0.1,
        },
    },
}

# Hidden cells are ours: there is no published recipe, so both presets share one, with
# the encoder of each.
PRESETS["paper"]["cells"] = PRESETS["quick"]["cells"] | {"n_layers": 8, "head_dim": 64}
# CTC is ours; it is trained like the heads on single tokens.
PRESETS["paper"]["sequences"] = PRESETS["paper"]["tokens"]

COUNT = {"low": 1, "high": 100_000, "integer": True}
# Far above anything useful: beyond, building alone would not end.
LAYERS = {"low": 1, "high": 256, "integer": True}
SECONDS = {"low": 0, "high": 3600, "closed": False}
# One step of AdamW moves a weight by about the learning rate.
RATE = {"low": 0, "high": 1, "closed": False}
FACTOR = {"low": 0, "high": 1000}
SHARE = {"low": 0, "high": 1}
# Dropping nearly everything leaves nothing to learn from, and nothing to rescale.
DROPOUT = {"low": 0, "high": 0.95}

LIMITS: dict[str, dict[str, Any]] = {
    "patch_duration": SECONDS,
    "crop_duration": SECONDS,
    "n_filters": COUNT,
    "n_layers": LAYERS,
    "n_decoder_layers": LAYERS,
    "n_heads": COUNT,
    "head_dim": COUNT,
    "ff_dim": COUNT,
    "hidden_dim": COUNT,
    "code_dim": COUNT,
    "n_codes": {"low": 2, "high": 1_000_000, "integer": True},
    "attention_dropout": DROPOUT,
    "ff_dropout": DROPOUT,
    "head_dropout": DROPOUT,
    "context": {"low": 0, "high": 1000, "integer": True},
    "hidden_fraction": {"low": 0.05, "high": 0.95},
    "signal_weight": FACTOR,
    "max_steps": {"low": 1, "high": 100_000_000, "integer": True},
    "mask_ratio": {"low": 0, "high": 0.95, "closed": False},
    "codex_decay": SHARE,
    "commitment": FACTOR,
    "max_iter": {"low": 1, "high": 10_000_000, "integer": True},
    "batch_size": {"low": 2, "high": 1_000_000, "integer": True},
    "lr": RATE,
    "lr_min": SHARE,
    "warmup": SHARE,
    "weight_decay": FACTOR,
    "encoder_lr_scale": FACTOR,
    "head_lr_scale": FACTOR,
    "front_lr_scale": FACTOR,
    "label_smoothing": SHARE,
    "max_shift": {"low": 0, "high": 3600},
    "validation_fraction": {"low": 0, "high": 0.5},
    "sfreq": {"low": 0, "high": 1_000_000, "closed": False},
}
# Parameters that have a new name; the former one works for one release.
FORMER = {
    "bands": "high_gamma",
    "init": "initial",
    "head_init": "head_start",
    "codex_init": "codex_start",
    "encoder_init": "encoder_start",
}
CONVOLUTIONS = ("conv_filters", "conv_kernels", "conv_strides")

# The published encoder has 16 filters for 10 channels, so its spatial map can be
# inverted and loses nothing. With band power in addition to the signal the inputs are
# several times the channels, and 16 filters for them discard directions: those of least
# variance, which in bipolar recordings carry as much information as others.
FEWEST_FILTERS, MOST_FILTERS = 16, 64
HIDDEN_FILTERS = (64, 64)


def resolve(estimator, stage: str) -> dict:
    """Return the recipe of an estimator: what it was given, else its preset's values.

    Parameters
    ----------
    estimator : BaseDuIN
        The estimator.
    stage : str
        ``"vqvae"``, ``"cells"``, ``"mae"``, ``"classifier"``, ``"tokens"`` or
        ``"sequences"``.

    Returns
    -------
    recipe : dict
        One value per parameter of the preset.
    """
    check_option("preset", estimator.preset, PRESETS)
    recipe = {}
    for name, value in PRESETS[estimator.preset][stage].items():
        given = _given(estimator, name)
        recipe[name] = value if given is None else given
    return recipe


def _given(estimator, name):
    """Return what a parameter was set to, by its name or by its former one."""
    given, former = getattr(estimator, name), FORMER.get(name)
    before = getattr(estimator, former, None) if former else None
    if before is None:
        return given
    if given is not None:
        raise ValueError(
            f"`{former}` is the former name of `{name}`; give only `{name}`."
        )
    if former == "high_gamma":
        before = ("high-gamma",) if before else "raw"
    warn(f"`{former}` is now `{name}`; use {name}={before!r}.", FutureWarning)
    return before


def encoder_width(recipe, n_inputs):
    """Return ``n_filters`` and ``conv_filters``, chosen where the recipe has None.

    One spatial filter per input (band power included), but at least 16 and at most 64;
    two layers of 64 filters, then one that keeps all spatial filters.
    """
    n_filters, conv_filters = recipe["n_filters"], recipe["conv_filters"]
    if n_filters is None:
        n_filters = min(max(n_inputs, FEWEST_FILTERS), MOST_FILTERS)
    if conv_filters is None:
        conv_filters = (*HIDDEN_FILTERS, n_filters)
    return {"n_filters": n_filters, "conv_filters": conv_filters}


def check_numbers(estimator, recipe):
    """Check every number of an estimator against its limits."""
    values = estimator.get_params(deep=False) | recipe
    for name, limits in LIMITS.items():
        if values.get(name) is not None:
            check_number(name, values[name], **limits)
    if "conv_filters" in values:
        _check_convolutions(values | encoder_width(values, n_inputs=1))


def _check_convolutions(values):
    sizes = {name: tuple(values[name]) for name in CONVOLUTIONS}
    for name, value in sizes.items():
        for size in value:
            check_number(name, size, **COUNT)
    if len({len(value) for value in sizes.values()}) != 1 or not sizes["conv_filters"]:
        listing = ", ".join(f"{name}={value}" for name, value in sizes.items())
        raise ValueError(
            f"The convolutions need one filter number, kernel and stride each; got "
            f"{listing}."
        )
