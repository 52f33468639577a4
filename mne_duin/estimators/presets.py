"""The training recipes, as data.

A parameter that an estimator was not given (None) takes the value of its preset.
``"paper"`` is the published recipe (Zheng et al. 2024, Tables 5-7, and the published
parameter files where they differ); it needs about 15 hours of recording. ``"quick"`` is
ours, found on simulations other than the shipped one, for minutes to hours.
"""

from mne_duin.utils.checks import check_option

PRESETS = {
    "quick": {
        "vqvae": {
            "max_iter": 5,
            "batch_size": 16,
            "lr": 1e-3,
            "lr_min": 2e-5,
            "warmup": 0.1,
            "weight_decay": 0.01,
            "crop_duration": 3.0,
            "high_gamma": True,
            "initial": "principal",
            "n_filters": None,
            "conv_filters": None,
            "front_lr_scale": 0.0,
            "n_codes": 128,
            "codex_start": "unquantized",
            "revive_codes": True,
        },
        "mae": {
            "max_iter": 8,
            "batch_size": 16,
            "lr": 1e-3,
            "lr_min": 2e-5,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "crop_duration": 3.0,
            "encoder_start": "vqvae",
            "encoder_lr_scale": 0.03,
            "front_lr_scale": 0.0,
        },
        "classifier": {
            "high_gamma": True,
            "initial": "principal",
            "n_filters": None,
            "conv_filters": None,
            "max_iter": 8,
            "batch_size": 32,
            "lr": 1e-4,
            "lr_min": 2e-6,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.03,
            "head_start": "lda",
            "head_dropout": 0.0,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "validation_fraction": 0.0,
        },
        "tokens": {
            "high_gamma": True,
            "initial": "principal",
            "n_filters": 16,
            "conv_filters": (128, 128, 16),
            "max_iter": 30,
            "batch_size": 16,
            "lr": 3e-4,
            "lr_min": 6e-6,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.03,
            "head_start": "lda",
            "head_dropout": 0.0,
            "context": 2,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "validation_fraction": 0.0,
        },
        "sequences": {
            "high_gamma": True,
            "initial": "principal",
            "n_filters": 16,
            "conv_filters": (128, 128, 16),
            "max_iter": 15,
            "batch_size": 16,
            "lr": 1e-4,
            "lr_min": 2e-6,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.03,
            "head_start": "linear",
            "head_dropout": 0.0,
            "context": 2,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
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
            "high_gamma": False,
            "initial": "random",
            "n_filters": 16,
            "conv_filters": (128, 128, 16),
            "front_lr_scale": 1.0,
            "n_codes": 2048,
            "codex_start": "first-batch",
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
            "encoder_start": "random",
            "encoder_lr_scale": 1.0,
            "front_lr_scale": 1.0,
        },
        "classifier": {
            "high_gamma": False,
            "initial": "random",
            "n_filters": 16,
            "conv_filters": (128, 128, 16),
            "max_iter": 200,
            "batch_size": 32,
            "lr": 2e-4,
            "lr_min": 5e-6,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.3,
            "head_start": "random",
            "head_dropout": 0.0,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "validation_fraction": 0.1,
        },
        # The parameters of ``duin_llm``, for which no training script was published.
        "tokens": {
            "high_gamma": False,
            "initial": "random",
            "n_filters": 16,
            "conv_filters": (128, 128, 16),
            "max_iter": 200,
            "batch_size": 32,
            "lr": 2e-4,
            "lr_min": 5e-5,
            "warmup": 0.1,
            "weight_decay": 0.05,
            "max_shift": 0.0,
            "head_start": "random",
            "head_dropout": 0.0,
            "context": 0,
            "label_smoothing": 0.0,
            "encoder_lr_scale": 1.0,
            "validation_fraction": 0.1,
        },
    },
}

# CTC is ours; it is trained like the heads on single tokens.
PRESETS["paper"]["sequences"] = PRESETS["paper"]["tokens"]


def resolve(estimator, stage):
    """Return the recipe of an estimator: what it was given, else its preset's values.

    Parameters
    ----------
    estimator : BaseDuIN
        The estimator.
    stage : str
        ``"vqvae"``, ``"mae"``, ``"classifier"``, ``"tokens"`` or ``"sequences"``.

    Returns
    -------
    recipe : dict
        One value per parameter of the preset.
    """
    check_option("preset", estimator.preset, PRESETS)
    recipe = {}
    for name, value in PRESETS[estimator.preset][stage].items():
        given = getattr(estimator, name)
        recipe[name] = value if given is None else given
    return recipe
