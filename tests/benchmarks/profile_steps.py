"""Where the time of a training step goes: published and fast step, by kind of work.

Run as

    python tests/benchmarks/profile_steps.py

for all stages at the published sizes (``steps.py``), or with ``--stages cls``. The two
steps, and the fast one in bfloat16, are profiled in turns in one run; the time is that
of the operations themselves, without what they call. The first step of each is not
counted. Writes doc/benchmarks/profile.tsv; stages that are not asked for stay.
"""

import argparse
import os
from pathlib import Path

import pandas as pd
import steps
import torch
from torch.profiler import ProfilerActivity, profile

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "profile.tsv"
N_ROUNDS = 3
# The first word that an operation's name contains decides.
FAMILIES = {
    "convolutions": ("conv",),
    "attention products": ("bmm", "baddbmm"),
    "matrix products": ("addmm", "::mm"),
    "softmax": ("softmax",),
    "batch and layer norms": ("norm",),
    "optimizer": ("adam", "foreach"),
    "random numbers, dropout masks": (
        "random",
        "bernoulli",
        "dropout",
        "::ge",
        "rand",
    ),
    "activations": ("relu", "threshold", "clamp_min", "tanh", "sigmoid"),
    "copies and casts": ("copy", "::cat", "contiguous", "::pad"),
    "codex and lookup": ("argm", "index", "one_hot", "scatter", "embedding"),
    "sums and products of elements": ("add", "mul", "sub", "div", "sum", "where"),
    "zeros": ("zero", "fill"),
}


def family(name):
    """Return the kind of work of an operation."""
    name = name.lower()
    for kind, words in FAMILIES.items():
        if any(word in name for word in words):
            return kind
    return "the rest"


def profiled(function):
    """Return the milliseconds of one call by kind of work."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        function()
    times = {}
    for event in record.key_averages():
        kind = family(event.key)
        times[kind] = times.get(kind, 0.0) + event.self_cpu_time_total / 1e3
    return times


def measure(stage):
    """Return one row per kind of work."""
    functions = {
        "published": steps.published_step(stage),
        "float32": steps.our_step(stage),
        "bfloat16": steps.our_step(stage, torch.bfloat16),
    }
    for function in functions.values():
        function()
    taken = {name: [] for name in functions}
    for _ in range(N_ROUNDS):
        for name, function in functions.items():
            taken[name].append(profiled(function))
    means = pd.DataFrame(
        {
            name: pd.DataFrame(rounds).fillna(0).mean().round(1)
            for name, rounds in taken.items()
        }
    ).fillna(0.0)
    order = [*FAMILIES, "the rest"]
    means = means.reindex([kind for kind in order if kind in means.index])
    means.loc["all"] = means.sum()
    means = means.rename(columns="{} (ms)".format)
    rows = means.rename_axis("work").reset_index()
    rows.insert(0, "stage", stage)
    return rows.round(1)


def main():
    """Measure, write the table and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stages", nargs="+", choices=steps.SIZES)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    known = pd.DataFrame()
    if options.table.exists():
        known = pd.read_csv(options.table, sep="\t")
        known = known[~known["stage"].isin(options.stages or steps.SIZES)]
    parts = [measure(stage) for stage in options.stages or steps.SIZES]
    table = pd.concat([known, *parts])
    place = table["stage"].map(list(steps.SIZES).index)
    table = table.iloc[place.argsort(kind="stable")]
    table.to_csv(options.table, sep="\t", index=False)
    print(table.to_string(index=False))  # noqa: T201


if __name__ == "__main__":
    main()
