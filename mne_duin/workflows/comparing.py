"""A comparison of estimators on one subject in one call: tables, figure, results."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mne_duin.baselines._make_estimator import make_estimator
from mne_duin.evaluation import compare_results, evaluate_each, write_table
from mne_duin.utils.checks import as_list
from mne_duin.utils.docs import fill_doc
from mne_duin.utils.signature import takes_segments
from mne_duin.viz import plot_accuracy
from mne_duin.workflows.places import check_place
from mne_duin.workflows.reading import find_runs, read_words, save_figure

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
    preset="quick",
    cv="leave-one-run-out",
    n_repeats=1,
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
    %(subject_of_bids)s
    estimators : list of str
        Names, see :func:`mne_duin.baselines.make_estimator`; the first is the reference
        of the tests.
    %(recordings)s
    cv : int | str
        The way of splitting, see :func:`evaluate`.
    n_repeats : int
        How often to repeat with other seeds.
    out : path-like | None
        Folder that gets ``compare.tsv``, ``compare.md``, ``compare.png`` and one result
        per estimator; None writes nothing.
    %(memory)s
    %(trial_options)s
    %(reference_and_anatomy)s
    %(job_machine)s

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
    if out is not None:
        check_place(out, root)
    common = {
        "preset": preset,
        "device": device,
        "precision": precision,
        "random_state": random_state,
        "memory": memory,
        "verbose": verbose if isinstance(verbose, bool) else None,
    }
    made = {name: make_estimator(name, **common) for name in as_list(estimators)}
    epochs, _, segments = read_words(
        find_runs(root, subject, session, task, run),
        event_id=event_id,
        label_column=label_column,
        align=align,
        tmin=tmin,
        tmax=tmax,
        regions=regions,
        reference=reference,
        atlas=atlas,
        space=space,
        verbose=verbose,
        segments="run" in str(cv) and any(map(takes_segments, made.values())),
    )
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


def _write(comparison, out):
    """Write tables, figure and results."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("tsv", "md"):
        write_table(comparison.table, folder / f"compare.{ending}")
    for name, result in comparison.results.items():
        result.save(folder / f"{name}.json")
    save_figure(plot_accuracy(comparison.results, show=False), folder / "compare.png")
