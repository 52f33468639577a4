"""Draw ``benchmarks/unit_speech.tsv``, the comparison that the first page shows.

The rows of the table decide what is drawn: one panel per simulation, one curve per
decoder. The caption is written here too, because it depends on the rows.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import NullLocator, PercentFormatter
from scipy.stats import binomtest

CHANCE = 1 / 8
DECODERS = {
    "lda": ("LDA", "#D55E00", "o", "--"),
    "scratch": ("Du-IN, no pre-training", "#56B4E9", "s", "-"),
    "scratch+lda": ("Du-IN, no pre-training, with LDA", "#009E73", "v", "-"),
    "pretrained": ("Du-IN, pre-trained", "#0072B2", "D", "-"),
    "pretrained+lda": ("Du-IN, pre-trained, with LDA", "#004D40", "^", "-"),
}
NEEDED = ("lda", "scratch", "pretrained")
# Sets on which defaults were chosen are not shown.
SIMULATIONS = {
    "report": "with anatomy",
    "plain-report": "without anatomy",
}
KINDS = {
    "both": "",
    "power": ", power only",
    "phase-locked": ", phase-locked only",
}
FIGURE = """.. figure:: /generated/{name}
   :alt: Accuracy against training trials per word, by decoder.
   :target: benchmarks/pretraining.html

   {caption}
"""


def write_verdict(table, folder):
    """Draw the figure, and write the text that shows it.

    Parameters
    ----------
    table : path-like
        The table of ``tests/benchmarks/unit_speech.py``.
    folder : path-like
        Where to; ``verdict.inc`` is what the page includes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = {f"hits_{amount}": str for amount in _amounts(table)}
    rows = pd.read_csv(table, sep="\t", dtype=text, keep_default_na=False)
    panels = choose_rows(rows)
    draw_panels(panels, _amounts(table), folder / "verdict.png")
    text = FIGURE.format(name="verdict.png", caption=describe(panels))
    (folder / "verdict.inc").write_text(text, encoding="utf-8")


def _amounts(table):
    """Return the numbers of training trials of the columns."""
    columns = pd.read_csv(table, sep="\t", nrows=0).columns
    return [int(name.split("_")[1]) for name in columns if name.startswith("hits_")]


def choose_rows(rows):
    """Choose the rows of each panel: the same subjects for all of its decoders.

    Parameters
    ----------
    rows : DataFrame
        The table.

    Returns
    -------
    panels : dict of (str, str) to DataFrame
        Rows by simulation and kind. Of pre-trained decoders those of the recording
        that most subjects have, or of the longest. Ensembles that lack a subject are
        left out; subjects that another decoder lacks are left out, too.
    """
    panels = {}
    known = rows[rows["set"].isin(SIMULATIONS) & rows["method"].isin(DECODERS)]
    for key, own in known.groupby(["set", "kind"], sort=False):
        own = own[_is_chosen(own)]
        subjects = own.groupby("method")["subject"].agg(set)
        shared = set.intersection(*[subjects[one] for one in NEEDED if one in subjects])
        methods = [name for name, those in subjects.items() if those >= shared]
        own = own[own["subject"].isin(shared) & own["method"].isin(methods)]
        if len(own):
            panels[key] = own
    return panels


def _is_chosen(rows):
    """Return which rows have, of their method, most subjects, then most hours."""
    n = rows.groupby(["method", "hours", "steps"])["subject"].transform("nunique")
    rank = pd.Series(zip(n, rows["hours"], rows["steps"], strict=True), rows.index)
    return rank == rank.groupby(rows["method"]).transform("max")


def count_hits(row, amount):
    """Return the numbers of correctly classified trials and of test trials."""
    hits = bytes.fromhex(row[f"hits_{amount}"])
    return sum(byte.bit_count() for byte in hits), 8 * len(hits)


def draw_panels(panels, amounts, path):
    """Draw one panel per simulation.

    Parameters
    ----------
    panels : dict of (str, str) to DataFrame
        Rows by simulation and kind.
    amounts : list of int
        Training trials per word.
    path : Path
        The picture.
    """
    n_columns = min(len(panels), 2)
    n_rows = -(-len(panels) // n_columns)
    size = (3.9 * n_columns, 3.3 * n_rows + 0.5)
    with plt.rc_context({"font.size": 9.5, "font.family": "sans-serif"}):
        figure, grid = plt.subplots(
            n_rows, n_columns, figsize=size, layout="constrained", squeeze=False
        )
        for ax, (key, rows) in zip(grid.flat, panels.items(), strict=False):
            _draw_panel(ax, rows, amounts)
            title = SIMULATIONS[key[0]].capitalize() + KINDS.get(key[1], key[1])
            ax.set_title(title, loc="left", fontsize=10)
        for ax in grid.flat[len(panels) :]:
            ax.set_axis_off()
        handles = {
            label: handle
            for ax in grid.flat
            for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            handles.values(), handles, loc="outside lower center", ncols=2,
            frameon=False,
        )  # fmt: skip
        figure.savefig(path, dpi=200, facecolor="white")
        plt.close(figure)


def _draw_panel(ax, rows, amounts):
    """Draw accuracy and interval of each decoder."""
    methods = [name for name in DECODERS if name in set(rows["method"])]
    for shift, method in enumerate(methods, start=-(len(methods) // 2)):
        label, color, marker, line = DECODERS[method]
        own = rows[rows["method"] == method].to_dict("records")
        counts = [[count_hits(row, amount) for row in own] for amount in amounts]
        right, total = np.sum(counts, axis=1).T
        limits = [
            binomtest(int(n), int(m)).proportion_ci(method="wilson")
            for n, m in zip(right, total, strict=True)
        ]
        y = right / total
        bars = np.abs(np.transpose(limits) - y)
        x = [amount * 1.03**shift for amount in amounts]  # bars do not overlap
        ax.errorbar(
            x, y, bars, label=label, color=color, marker=marker, linestyle=line, ms=5,
            lw=1.6, elinewidth=1, capsize=2,
        )  # fmt: skip
    ax.axhline(CHANCE, color="#303030", linestyle=(0, (1, 3)), lw=1, label="chance")
    ax.set_xscale("log")
    ax.set_xticks(amounts, list(map(str, amounts)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set(xlabel="Training trials per word", ylabel="Accuracy", ylim=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)


def describe(panels):
    """Return the caption: what the data are, and what the bars are.

    Parameters
    ----------
    panels : dict of (str, str) to DataFrame
        Rows by simulation and kind.

    Returns
    -------
    caption : str
        One paragraph.
    """
    parts = {}
    for (name, kind), rows in panels.items():
        n = rows["subject"].nunique()
        trained = rows[rows["method"].str.startswith("pretrained")]
        what = "no pre-trained decoder measured yet"
        if len(trained):
            what = f"pre-training on {trained['hours'].max():g} h without labels"
        title = f"{SIMULATIONS[name]}{KINDS.get(kind, kind)}"
        parts[title] = f"{n} subject{'s' * (n != 1)}, {what}"
    if len(set(parts.values())) == 1 < len(parts):
        about = f"each: {next(iter(parts.values()))}"
    else:
        about = "; ".join(f"{title}: {text}" for title, text in parts.items())
    first = next(iter(panels.values())).iloc[0]
    n_test = count_hits(first, 5)[1]
    return (
        f"Accuracy for eight words on **simulated** recordings ({about}). "
        f"Bars are 95 % Wilson intervals over {n_test} test trials per subject, "
        "without the variation between subjects. Pre-training is used only if it "
        "passes checks on the training data; otherwise the network is trained from "
        "scratch (:doc:`benchmarks/pretraining`)."
    )
