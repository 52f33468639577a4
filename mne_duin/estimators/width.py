"""How many spatial filters an encoder needs for its inputs.

The published encoder has 16 filters for 10 channels, so its spatial map can be
inverted and loses nothing. With high gamma beside the signal the inputs are twice the
channels, and 16 filters for them throw directions away: those of least variance, which
in bipolar recordings carry as much of what is said as others.
"""

FEWEST_FILTERS, MOST_FILTERS = 16, 32
HIDDEN_FILTERS = (128, 128)


def encoder_width(recipe, n_inputs):
    """Return the numbers of filters of an encoder, where the recipe leaves them open.

    Parameters
    ----------
    recipe : dict
        ``n_filters`` and ``conv_filters`` of an estimator, after the preset filled them
        in.
    n_inputs : int
        Channels that the network sees, high-gamma power included.

    Returns
    -------
    width : dict
        ``n_filters``, where it was None one per input, but at least 16 and at most 32;
        ``conv_filters``, where it was None two layers of 128, then one that keeps all
        spatial filters.
    """
    n_filters, conv_filters = recipe["n_filters"], recipe["conv_filters"]
    if n_filters is None:
        n_filters = min(max(n_inputs, FEWEST_FILTERS), MOST_FILTERS)
    if conv_filters is None:
        conv_filters = (*HIDDEN_FILTERS, n_filters)
    return {"n_filters": n_filters, "conv_filters": conv_filters}
