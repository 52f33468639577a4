"""Numbers in text and tables, rounded alike everywhere."""

import math


def percent(proportion, decimals=1):
    """Write a proportion as a percentage.

    Parameters
    ----------
    proportion : float
        Between 0 and 1.
    decimals : int
        Digits behind the point.

    Returns
    -------
    text : str
        For instance ``"77.8 %"``; ``"n/a"`` for NaN.
    """
    if proportion is None or math.isnan(proportion):
        return "n/a"
    return f"{100 * proportion:.{decimals}f} %"


def percent_range(low, high):
    """Write the limits of an interval of a proportion.

    Parameters
    ----------
    low, high : float
        Between 0 and 1.

    Returns
    -------
    text : str
        For instance ``"66.9 to 85.8 %"``.
    """
    return f"{100 * low:.1f} to {percent(high)}"


def p_value_text(p):
    """Write a p-value with its sign.

    Parameters
    ----------
    p : float | None
        The p-value.

    Returns
    -------
    text : str
        ``"= 0.38"`` (two decimals), ``"= 0.012"`` (three below 0.1), ``"< 0.001"``;
        ``"not tested"`` for None and NaN.
    """
    if p is None or math.isnan(p):
        return "not tested"
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def short_number(value):
    """Write a number for people, with three significant digits.

    Parameters
    ----------
    value : float
        The number.

    Returns
    -------
    text : str
        Whole numbers in full, others with three significant digits; trailing zeros are
        kept, so that numbers under each other have the same digits.
    """
    if math.isnan(value):
        return "n/a"
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    text = f"{value:#.3g}".rstrip(".")
    return f"{value:.0f}" if "e" in text and 1 <= abs(value) < 1e9 else text
