"""Tabulate ``benchmarks/honest_opponent.tsv`` for the page on accuracy.

The page has the means over seeds and sentences on network, LDA and unmixed power; the
trials that were classified correctly stay in the committed table.
"""

from pathlib import Path

import pandas as pd

NETWORK, LINEAR = "scratch", "LDA"
WITHOUT_UNMIXING = ", channels only"


def write_opponents(table, folder):
    """Write ``opponents.tsv`` and the sentence ``opponents.inc``.

    Parameters
    ----------
    table : path-like
        The table of ``tests/benchmarks/honest_opponent.py``.
    folder : path-like
        Where to.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = pd.read_csv(table, sep="\t")
    average_seeds(rows).to_csv(folder / "opponents.tsv", sep="\t", index=False)
    (folder / "opponents.inc").write_text(compare(rows), encoding="utf-8")


def average_seeds(rows):
    """Average the seeds of every simulation and method.

    Parameters
    ----------
    rows : DataFrame
        One row per simulation, seed, number of trials and method.

    Returns
    -------
    means : DataFrame
        One row per simulation and number of trials, with the number of seeds and one
        column of accuracies per method.
    """
    keys = ["simulation", "trials per class"]
    groups = rows.groupby(keys, sort=False)
    wide = rows.pivot_table("accuracy", keys, "method", sort=False).round(1)
    wide = wide.loc[list(groups.groups), list(dict.fromkeys(rows["method"]))]
    wide.insert(0, "seeds", groups["seed"].nunique())
    order = list(dict.fromkeys(rows["simulation"]))
    wide = wide.reset_index().sort_values("trials per class", kind="stable")
    rank = wide["simulation"].map(order.index)
    return wide.iloc[rank.argsort(kind="stable")]


def compare(rows):
    """State how often the network was more accurate than the LDA on the same seeds.

    Parameters
    ----------
    rows : DataFrame
        One row per simulation, seed, number of trials and method.

    Returns
    -------
    text : str
        Two sentences, and one on unmixed power where there are rows without it.
    """
    gains = differences(rows, NETWORK, LINEAR)
    unmixed = ""
    network, linear = (
        differences(rows, method, method + WITHOUT_UNMIXING)
        for method in (NETWORK, LINEAR)
    )
    if len(network) and len(linear):
        unmixed = (
            "Power of unmixed channels changed the accuracy of the network by "
            f"{network.min():+.1f} to {network.max():+.1f} (mean "
            f"{network.mean():+.1f}) and that of the LDA by "
            f"{linear.min():+.1f} to {linear.max():+.1f} "
            f"(mean {linear.mean():+.1f}) points.\n"
        )
    return (
        "The network from scratch was more accurate than the LDA in "
        f"{(gains > 0).sum()} of {len(gains)} conditions "
        "(simulation and number of training trials); the "
        f"difference was {gains.min():+.1f} to {gains.max():+.1f} percentage points. "
        "Defaults were chosen on other seeds of such simulations.\n"
    ) + unmixed


def differences(rows, method, other):
    """Return by how much a method is more accurate than another on the same seeds.

    Parameters
    ----------
    rows : DataFrame
        One row per simulation, seed, number of trials and method.
    method, other : str
        The methods.

    Returns
    -------
    gains : Series
        Mean over seeds in percentage points, by simulation and number of trials.
    """
    keys = ["simulation", "trials per class", "seed"]
    wide = rows.pivot(index=keys, columns="method", values="accuracy")
    both = wide.reindex(columns=[method, other]).dropna()
    means = both.groupby(level=keys[:2], sort=False).mean()
    return means[method] - means[other]
