"""Tabulate ``benchmarks/honest_opponent.tsv`` for the page on accuracy.

The page has the means over seeds and a sentence on the network and the LDA; the trials
that were classified correctly stay in the committed table.
"""

from pathlib import Path

import pandas as pd

NETWORK, LINEAR = "scratch", "LDA"


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
    means = average_seeds(rows)
    means.to_csv(folder / "opponents.tsv", sep="\t", index=False)
    (folder / "opponents.inc").write_text(compare(means), encoding="utf-8")


def average_seeds(rows):
    """Average the seeds of every simulation and method.

    Parameters
    ----------
    rows : DataFrame
        One row per simulation, seed, number of trials and method.

    Returns
    -------
    means : DataFrame
        One row per simulation, number of trials and method.
    """
    keys = ["simulation", "trials per class", "method"]
    means = rows.groupby(keys, sort=False).agg(
        seeds=("seed", "nunique"),
        accuracy=("accuracy", "mean"),
        seconds=("seconds", "mean"),
    )
    return means.round(1).reset_index()


def compare(means):
    """State the accuracies of the network from scratch and of the LDA.

    Parameters
    ----------
    means : DataFrame
        What :func:`average_seeds` returned.

    Returns
    -------
    text : str
        One sentence.
    """
    wide = means.pivot(
        index=["simulation", "trials per class"], columns="method", values="accuracy"
    )
    both = wide.reindex(columns=[NETWORK, LINEAR]).dropna()
    several = both.index.get_level_values("simulation").has_duplicates
    parts = []
    for (name, n_trials), row in both.iterrows():
        where = f"*{name}*" + f" with {n_trials} trials" * several
        parts.append(f"{where} {row[NETWORK]:.1f} and {row[LINEAR]:.1f} %")
    return (
        "Accuracy of the network from scratch and of the LDA, by simulation: "
        f"{', '.join(parts)}. No default was chosen on these simulations.\n"
    )
