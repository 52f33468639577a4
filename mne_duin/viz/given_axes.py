"""Pictures of several panels in axes that the caller made."""

import numpy as np
from matplotlib.axes import Axes


def given_axes(axes, n_panels):
    """Check axes for a picture of several panels.

    Parameters
    ----------
    axes : Axes | array-like of Axes
        The caller's axes; fewer than there are panels show the first panels.
    n_panels : int
        How many panels the picture has.

    Returns
    -------
    figure : Figure
        The figure of the axes.
    axes : list of Axes
        One per panel to draw.

    Raises
    ------
    TypeError
        If something else than axes is given.
    ValueError
        If there are none, or more than panels.
    """
    found = list(np.ravel(np.asarray(axes, dtype=object)))
    if not all(isinstance(one, Axes) for one in found):
        kinds = sorted({type(one).__name__ for one in found})
        raise TypeError(f"`axes` must be Axes or a sequence of them; got {kinds}.")
    if not 1 <= len(found) <= n_panels:
        raise ValueError(
            f"`axes` must be 1 to {n_panels} axes, one per panel; got {len(found)}."
        )
    return found[0].figure.get_figure(root=True), found
