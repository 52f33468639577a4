"""What numbers the estimators accept, as data."""

from mne_duin.estimators.width import encoder_width
from mne_duin.utils.checks import check_number

COUNT = {"low": 1, "integer": True}
POSITIVE = {"low": 0, "closed": False}
SHARE = {"low": 0, "high": 1}
# Dropping nearly everything leaves nothing to learn from, and nothing to rescale.
DROPOUT = {"low": 0, "high": 0.95}

LIMITS = {
    "patch_duration": POSITIVE,
    "crop_duration": POSITIVE,
    "n_filters": COUNT,
    "n_layers": COUNT,
    "n_decoder_layers": COUNT,
    "n_heads": COUNT,
    "head_dim": COUNT,
    "ff_dim": COUNT,
    "hidden_dim": COUNT,
    "code_dim": COUNT,
    "n_codes": {"low": 2, "integer": True},
    "attention_dropout": DROPOUT,
    "ff_dropout": DROPOUT,
    "head_dropout": DROPOUT,
    "context": {"low": 0, "integer": True},
    "mask_ratio": {"low": 0, "high": 0.95, "closed": False},
    "codex_decay": SHARE,
    "commitment": {"low": 0},
    "max_iter": COUNT,
    "batch_size": {"low": 2, "integer": True},
    "lr": POSITIVE,
    "lr_min": {"low": 0},
    "warmup": SHARE,
    "weight_decay": {"low": 0},
    "encoder_lr_scale": {"low": 0},
    "front_lr_scale": {"low": 0},
    "label_smoothing": SHARE,
    "max_shift": {"low": 0},
    "validation_fraction": {"low": 0, "high": 0.5},
}
CONVOLUTIONS = ("conv_filters", "conv_kernels", "conv_strides")


def check_numbers(estimator, recipe):
    """Check every number of an estimator against its limits.

    Parameters
    ----------
    estimator : BaseDuIN
        The estimator.
    recipe : dict
        Its parameters after the preset filled them in.

    Raises
    ------
    TypeError, ValueError
        If a number is of the wrong kind or outside its limits; the message names it.
    """
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
            check_number(name, size, low=1, integer=True)
    if len({len(value) for value in sizes.values()}) != 1 or not sizes["conv_filters"]:
        listing = ", ".join(f"{name}={value}" for name, value in sizes.items())
        raise ValueError(
            f"The convolutions need one filter number, kernel and stride each; got "
            f"{listing}."
        )
