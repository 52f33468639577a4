"""Draw ``benchmarks/learning_curves.tsv``, one panel per dataset.

What the page of the benchmarks includes is written here too, because only the table
knows which datasets have been run.
"""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import NullLocator, PercentFormatter
from scipy.stats import binomtest

DUIN = {
    "scratch": ("Du-IN, not pre-trained", "#56B4E9", "o"),
    "vqvae": ("Du-IN, codex", "#0072B2", "s"),
    "vqvae+vq": ("Du-IN, codex, rounded to codes", "#CC79A7", "v"),
    "mae": ("Du-IN, codex and masked", "#5D3A9B", "D"),
}
TOGETHER = {
    "scratch+lda": ("Du-IN, not pre-trained, with LDA", "#009E73", "o"),
    "vqvae+lda": ("Du-IN, codex, with LDA", "#009E73", "s"),
    "mae+lda": ("Du-IN, codex and masked, with LDA", "#009E73", "D"),
    "scratch+lda+riemann": ("Du-IN, not pre-trained, with both", "#004D40", "o"),
    "vqvae+lda+riemann": ("Du-IN, codex, with both", "#004D40", "s"),
    "mae+lda+riemann": ("Du-IN, codex and masked, with both", "#004D40", "D"),
}
LINEAR = {
    "lda": ("LDA", "#D55E00", "o"),
    "lda-evoked": ("LDA, evoked", "#D55E00", "^"),
    "lda-high-gamma": ("LDA, high gamma", "#D55E00", "s"),
    "riemann": ("Riemann", "#B8860B", "P"),
    "riemann-high-gamma": ("Riemann, high gamma", "#B8860B", "X"),
    "lda+riemann": ("LDA and Riemann", "#7A4900", "d"),
}
NETWORKS = {
    "cnn-bigru": ("CNN-BiGRU", "#777777", "<"),
    "eeg-conformer": ("EEG-Conformer", "#777777", ">"),
    "ts-tcc": ("TS-TCC", "#777777", "^"),
    "neuro-bert": ("Neuro-BERT", "#777777", "p"),
    "dewave": ("DeWave", "#777777", "*"),
}
VOTE = "lda+riemann"
RIVALS = {
    "best.tsv": (
        {*LINEAR, *NETWORKS} - {VOTE},
        "the baseline that is best at this point",
    ),
    "vote.tsv": ({VOTE}, "the ensemble of LDA and Riemann"),
}
# Trials per word from which on the aim was to be ahead of every baseline.
ENOUGH = 20
STYLES = {
    **{name: (*style, "-", 2.0) for name, style in DUIN.items()},
    **{name: (*style, "-", 2.0) for name, style in TOGETHER.items()},
    **{name: (*style, "--", 1.4) for name, style in LINEAR.items()},
    **{name: (*style, ":", 1.2) for name, style in NETWORKS.items()},
}
PANEL = """   .. grid-item::

      .. image:: {place}/{slug}.png
         :alt: Accuracy against trials per word, {dataset}.

"""
TABLE = """.. csv-table:: {title}
   :file: {file}
   :delim: tab
   :header-rows: 1

"""


def write_curves(table, folder):
    """Write a panel and a table for every dataset, and the text that shows them.

    Parameters
    ----------
    table : path-like
        The table of ``tests/benchmarks/learning_curves.py``.
    folder : path-like
        Where to; ``index.inc`` is what the page includes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    place = f"/generated/{folder.name}"
    points = average_seeds(pd.read_csv(table, sep="\t", dtype={"passes": str}))
    panels, tables = [".. grid:: 1 1 2 2\n   :gutter: 1\n\n"], []
    for dataset, rows in points.groupby("dataset", sort=False):
        slug = re.sub(r"\W+", "-", dataset)
        draw_panel(rows, dataset, folder / f"{slug}.png")
        file = folder / f"{slug}.tsv"
        make_table(rows).to_csv(file, sep="\t", index=False)
        panels.append(PANEL.format(place=place, slug=slug, dataset=dataset))
        title = f"{dataset}: {rows['n_test'].iloc[0]} test trials"
        tables.append(TABLE.format(title=title, file=file.name))
    first = []
    for file, (rivals, who) in RIVALS.items():
        compare_with_best(points, rivals).to_csv(folder / file, sep="\t", index=False)
        title = f"Against {who}, from {ENOUGH} trials per word on"
        first.append(TABLE.format(title=title, file=file))
    tables = first + tables
    text = "".join(panels) + "\n" + "".join(tables)
    (folder / "index.inc").write_text(text, encoding="utf-8")


def average_seeds(table):
    """Average the seeds of every point; intervals are Wilson's over the test trials.

    Parameters
    ----------
    table : DataFrame
        One row per dataset, estimator, amount and seed.

    Returns
    -------
    points : DataFrame
        One row per dataset, estimator and amount, estimators in the order of the page.
    """
    unknown = set(table["estimator"]) - set(STYLES)
    if unknown:
        raise ValueError(f"There is no style for {sorted(unknown)}.")
    rank = {name: number for number, name in enumerate(STYLES)}
    keys = ["dataset", "estimator", "n_per_class"]
    points = table.groupby(keys, sort=False).agg(
        accuracy=("accuracy", "mean"),
        chance=("chance", "first"),
        n_test=("n_test", "first"),
        n_seeds=("seed", "nunique"),
        passes=("passes", "first"),
        seconds_pretraining=("seconds_pretraining", "mean"),
        seconds_fit=("seconds_fit", "mean"),
    )
    points = points.reset_index()
    limits = [
        binomtest(round(right), int(n)).proportion_ci(method="wilson")
        for right, n in zip(points.accuracy * points.n_test, points.n_test, strict=True)
    ]
    points["low"], points["high"] = np.transpose(limits)
    order = points["estimator"].map(rank)
    return points.iloc[np.lexsort((points["n_per_class"], order))]


def compare_with_best(points, rivals):
    """Count the points where the best of some baselines is behind.

    Parameters
    ----------
    points : DataFrame
        What :func:`average_seeds` returns.
    rivals : collection of str
        The baselines.

    Returns
    -------
    table : DataFrame
        One row per kind of Du-IN. The best one is chosen at every point, on the test
        trials, which favours the baselines.
    """
    points = points[points["n_per_class"] >= ENOUGH]
    right = points.assign(right=points["accuracy"] * points["n_test"])
    right = right.pivot_table(
        index=["dataset", "n_per_class"], columns="estimator", values="right"
    )
    n_test = points.groupby(["dataset", "n_per_class"])["n_test"].first()
    best = right[[name for name in rivals if name in right]].max(axis=1)
    rows = []
    for name, (label, *_) in {**DUIN, **TOGETHER}.items():
        if name not in right:
            continue
        # Half a trial is less than any difference between counts of one seed.
        ahead = (right[name] - best).dropna()
        share = ahead / n_test[ahead.index]
        rows.append(
            {
                "": label,
                "points": len(ahead),
                "ahead": (ahead > 0.5).sum(),
                "level": (ahead.abs() <= 0.5).sum(),
                "behind": (ahead < -0.5).sum(),
                "mean difference": f"{100 * share.mean():+.1f} %",
                "smallest": f"{100 * share.min():+.1f} %",
            }
        )
    return pd.DataFrame(rows)


def draw_panel(points, title, path):
    """Draw all estimators on one dataset, to be read at the width of a phone.

    Parameters
    ----------
    points : DataFrame
        Rows of one dataset.
    title : str
        Its name.
    path : Path
        The picture.
    """
    font = {"font.size": 9, "font.family": "sans-serif"}
    with plt.rc_context(font):
        figure, ax = plt.subplots(figsize=(3.9, 4.6), layout="constrained")
        curves = points.groupby("estimator", sort=False)
        for shift, (name, rows) in enumerate(curves, start=-(curves.ngroups // 2)):
            label, color, marker, line, width = STYLES[name]
            style = {"color": color, "marker": marker, "linestyle": line, "lw": width}
            style |= {"label": label, "ms": 5, "zorder": 2 + width}
            # Equal accuracies lie side by side.
            ax.plot(rows["n_per_class"] * 1.012**shift, rows["accuracy"], **style)
        chance = points["chance"].iloc[0]
        ax.axhline(chance, color="#303030", linestyle=(0, (1, 3)), lw=1, label="chance")
        draw_interval(ax, points)
        amounts = sorted(points["n_per_class"].unique())
        ax.set_xscale("log")
        ax.set_xticks(amounts, [f"{amount:g}" for amount in amounts])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ax.set(xlabel="training trials per word", ylabel="accuracy", ylim=(0, 1))
        ax.set_title(title, fontsize=9, fontweight="bold", loc="left")
        ax.spines[["top", "right"]].set_visible(False)
        figure.legend(
            loc="outside lower center",
            ncols=2,
            fontsize=7,
            frameon=False,
            handlelength=1.6,
            columnspacing=1,
        )
        figure.savefig(path, dpi=200, facecolor="white")
        plt.close(figure)


def draw_interval(ax, points):
    """Show how wide the interval of a typical point is, next to the curves."""
    half = float((points["high"] - points["low"]).median()) / 2
    # Below the chance level there are hardly any points.
    ax.errorbar(
        0.42,
        half + 0.005,
        half,
        transform=ax.get_yaxis_transform(),
        color="#303030",
        capsize=3,
        lw=1,
    )
    ax.text(
        0.45,
        0.04,
        "95 % interval of a point (median)",
        transform=ax.get_yaxis_transform(),
        va="center",
        fontsize=7.5,
    )


def make_table(points):
    """Put the amounts side by side.

    Parameters
    ----------
    points : DataFrame
        Rows of one dataset.

    Returns
    -------
    table : DataFrame
        One row per estimator: accuracy and limits in per cent for every amount, then
        passes (in the order of the amounts where they differ), seeds where there are
        several, and the seconds of pre-training and of the rest with the largest
        amount.
    """
    rows = []
    for name, own in points.groupby("estimator", sort=False):
        row = {"estimator": STYLES[name][0]}
        for point in own.itertuples():
            values = (100 * point.accuracy, 100 * point.low, 100 * point.high)
            # The no-break space and the word joiner keep a cell on one line.
            cell = "{:.0f}\xa0({:.0f}–\u2060{:.0f})".format(*values)
            row[point.n_per_class] = cell
        last = own.iloc[-1]
        row["passes"] = ", ".join(own["passes"].unique())
        row["seeds"] = int(last["n_seeds"])
        before, fit = last["seconds_pretraining"], last["seconds_fit"]
        if pd.isna(fit):
            row["seconds"] = "–"
        else:
            row["seconds"] = f"{before:.0f} + {fit:.0f}" if before > 0 else f"{fit:.1f}"
        rows.append(row)
    amounts = sorted(points["n_per_class"].unique())
    several = (points["n_seeds"] > 1).any()
    rest = ["passes", "seeds", "seconds"] if several else ["passes", "seconds"]
    return pd.DataFrame(rows, columns=["estimator", *amounts, *rest]).fillna("–")
