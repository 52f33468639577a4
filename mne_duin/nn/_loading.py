"""Weights from files: checked against the network they are said to be of.

A network is built twice, first without memory for its numbers, so that sizes that the
weights do not have are found before anything large is made.
"""

import torch

# What is met in sizes that make no network.
ERRORS = (
    AttributeError,
    LookupError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    ZeroDivisionError,
)
COUNTS = ("n_layers", "n_decoder_layers")
CAN_BE_ZERO = ("context",)


def check_weights(build, state_dict, counts):
    """Check that a network has just these weights, without making any numbers.

    Parameters
    ----------
    build : callable
        Builds the network.
    state_dict : dict of str to Tensor
        The weights.
    counts : dict of str to int
        Numbers of parts with weights of their own, such as layers.

    Raises
    ------
    ValueError
        If the network cannot be built or has other weights.
    """
    for name, value in counts.items():
        if type(value) is not int or not 0 <= value <= len(state_dict):
            raise ValueError(
                f"`{name}` is {value!r:.50}, but there are {len(state_dict)} tensors."
            )
    try:
        with torch.device("meta"):
            expected = build().state_dict()
    except ERRORS as error:
        raise ValueError(
            f"The sizes make no network ({type(error).__name__}: {error!s:.100})."
        ) from error
    wrong = [
        f"{name} has shape {_shape(state_dict, name)}, not {_shape(expected, name)}"
        for name in sorted({*expected, *state_dict})
        if _shape(state_dict, name) != _shape(expected, name)
    ]
    if wrong:
        raise ValueError(
            f"The sizes are not those of the weights: {wrong[0]}"
            f"{f', and {len(wrong) - 1} more' if len(wrong) > 1 else ''}."
        )


def _shape(tensors, name):
    return tuple(tensors[name].shape) if name in tensors else None


def part_counts(sizes):
    """Return how many parts with weights of their own the sizes of a network name.

    Parameters
    ----------
    sizes : dict
        What :func:`mne_duin.nn.network_sizes` returned.

    Returns
    -------
    counts : dict of str to int
        The numbers by name.

    Raises
    ------
    ValueError
        If any size is not positive.
    """
    for name, value in _whole_numbers(sizes):
        if value < (0 if name in CAN_BE_ZERO else 1):
            raise ValueError(f"`{name}` is {value}; sizes are positive.")
    encoder = sizes["encoder"]
    known = {**encoder, **sizes}
    names = [*COUNTS]
    if encoder.get("subject_layers") == "patch":
        names.append("n_subjects")
    return {name: known[name] for name in names if name in known}


def _whole_numbers(value, name=""):
    """Yield all whole numbers in nested sizes with their names."""
    if type(value) is int:
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _whole_numbers(part, key)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _whole_numbers(part, name)
