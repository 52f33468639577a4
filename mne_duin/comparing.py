"""A comparison of estimators on one subject in one call: tables, figure, results."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import pandas as pd

from mne_duin.baselines.named import make_estimator
from mne_duin.evaluation import (
    compare_results,
    evaluate_each,
    write_table,
)
from mne_duin.evaluation.parts import takes_segments
from mne_duin.io import find_recordings, read_epochs, read_segments
from mne_duin.utils.checks import as_list
from mne_duin.utils.docs import fill_doc
from mne_duin.viz import plot_accuracy

DEFAULT = ("lda", "scratch", "vqvae", "mae")


@dataclass(frozen=True)
class WordComparison:
    """What :func:`compare_words` found.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Held-out results by name.
    table : DataFrame
        The results side by side, with tests; see :func:`compare_results`.
    """

    results: dict
    table: pd.DataFrame

    def __str__(self):
        shown = ["accuracy", "low", "high", "chance", "difference", "p_holm"]
        columns = [name for name in shown if name in self.table]
        return self.table[columns].round(3).to_string()


@fill_doc
def compare_words(
    root,
    subject,
    *,
    estimators=DEFAULT,
    session=None,
    task=None,
    run=None,
    regions=("vSMC", "STG"),
    cv="leave-one-run-out",
    n_repeats=1,
    preset="quick",
    out=None,
    memory=None,
    event_id=None,
    label_column="trial_type",
    align=None,
    tmin=-0.5,
    tmax=2.5,
    reference="bipolar",
    atlas="desikan-killiany",
    space=None,
    device="auto",
    precision="auto",
    random_state=0,
    verbose=None,
):
    """Compare estimators by name on the trials of one subject.

    Everything that learns does so inside the training part of each fold. Estimators
    that pre-train get the segments of the training runs, where ``cv`` holds out runs,
    else the training trials.

    Parameters
    ----------
    root : path-like
        The BIDS folder.
    subject : str
        The subject, with or without ``sub-``.
    estimators : list of str
        Names, see :func:`mne_duin.baselines.make_estimator`; the first is the reference
        of the tests.
    session, task, run : str | list of str | None
        Which recordings; None takes all.
    regions : list of str | None
        Regions whose channels are used; None takes all.
    cv : int | str
        The way of splitting, see :func:`evaluate`.
    n_repeats : int
        How often to repeat with other seeds.
    preset : "quick" | "paper"
        The training recipe of Du-IN.
    out : path-like | None
        Folder that gets ``compare.tsv``, ``compare.md``, ``compare.png`` and one result
        per estimator; None writes nothing.
    %(memory)s
    event_id : dict | list of str | None
        Labels to decode; None takes all.
    label_column : str
        Column of events.tsv that holds the labels.
    align : str | None
        What lies at time 0, see :func:`decode_words`.
    tmin, tmax : float
        Beginning and end of an epoch in seconds.
    reference : str | None
        ``"bipolar"``, ``"laplacian"``, ``"shaft"`` or None.
    atlas : str
        Atlas of the anatomical labels.
    space : str | None
        Which coordinates to use where there are several.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    precision : str
        ``"32"``, ``"bf16"`` or ``"auto"``.
    random_state : int
        Seed of everything random.
    verbose : bool | str | None
        Verbosity, as in MNE.

    Returns
    -------
    comparison : WordComparison
        Results and table.

    Raises
    ------
    FileNotFoundError, ValueError
        If the data cannot be decoded as asked; the message says why and what to do.

    Examples
    --------
    >>> compare_words(
    ...     sample_data_path(), "01", estimators=["lda", "mae"], cv="last-run"
    ... )  # doctest: +SKIP
    """
    common = {
        "preset": preset,
        "device": device,
        "precision": precision,
        "random_state": random_state,
        "memory": memory,
        "verbose": verbose if isinstance(verbose, bool) else None,
    }
    made = {name: make_estimator(name, **common) for name in as_list(estimators)}
    paths, options = (
        find_runs(root, subject, session, task, run),
        {
            "reference": reference,
            "regions": as_list(regions) or None,
            "atlas": atlas,
            "space": space,
            "verbose": verbose,
        },
    )
    trials = {"label_column": label_column, "align": align}
    epochs, _ = read_epochs(paths, event_id, tmin, tmax, **trials, **options)
    segments = None
    if "run" in str(cv) and any(map(takes_segments, made.values())):
        segments, _ = read_segments(paths, **options | {"verbose": "WARNING"})
    results = evaluate_each(
        made,
        epochs,
        cv=cv,
        n_repeats=n_repeats,
        random_state=random_state,
        unlabelled=segments,
        verbose=verbose,
    )
    comparison = WordComparison(results, compare_results(results))
    if out is not None:
        _write(comparison, out)
    return comparison


def find_runs(root, subject, session=None, task=None, run=None):
    """Find the recordings of a subject, named with or without ``sub-``.

    Parameters
    ----------
    root : path-like
        The BIDS folder.
    subject : str
        The subject.
    session, task, run : str | list of str | None
        Which recordings; None takes all.

    Returns
    -------
    paths : list of BIDSPath
        The recordings.
    """
    subject = str(subject).removeprefix("sub-")
    return find_recordings(root, subject=subject, session=session, task=task, run=run)


def _write(comparison, out):
    """Write tables, figure and results."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("tsv", "md"):
        write_table(comparison.table, folder / f"compare.{ending}")
    for name, result in comparison.results.items():
        result.save(folder / f"{name}.json")
    save_figure(plot_accuracy(comparison.results, show=False), folder / "compare.png")


def save_figure(figure, path):
    """Write a figure and close it.

    Parameters
    ----------
    figure : Figure
        The figure.
    path : Path
        The picture.
    """
    figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)
    mne.utils.logger.info(f"Wrote {path}.")
