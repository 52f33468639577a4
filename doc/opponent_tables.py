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
        One row per simulation, number of trials and method.
    """
    keys = ["simulation", "trials per class", "method"]
    means = rows.groupby(keys, sort=False).agg(
        seeds=("seed", "nunique"),
        accuracy=("accuracy", "mean"),
        seconds=("seconds", "mean"),
    )
    return means.round(1).reset_index()


def compare(rows):
    """State the mean accuracies of the network and of the LDA on the same seeds.

    Parameters
    ----------
    rows : DataFrame
        One row per simulation, seed, number of trials and method.

    Returns
    -------
    text : str
        One sentence.
    """
    keys = ["simulation", "trials per class", "seed"]
    wide = rows.pivot(index=keys, columns="method", values="accuracy")
    both = wide.reindex(columns=[NETWORK, LINEAR]).dropna()
    means = both.groupby(level=keys[:2], sort=False).mean()
    several = means.index.get_level_values("simulation").has_duplicates
    parts = []
    for (name, n_trials), row in means.iterrows():
        where = f"*{name}*" + f" with {n_trials} trials" * several
        parts.append(f"{where} {row[NETWORK]:.1f} and {row[LINEAR]:.1f} %")
    return (
        "Accuracy of the network from scratch and of the LDA, by simulation: "
        f"{', '.join(parts)}. Defaults were chosen on other "
        "seeds of such simulations.\n"
    )
