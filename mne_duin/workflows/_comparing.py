"""A comparison of estimators on one subject in one call: tables, figure, results."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import mne
import pandas as pd

from mne_duin.baselines._make_estimator import make_estimator
from mne_duin.evaluation import compare_results, evaluate_each
from mne_duin.utils._checks import as_list
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._moved import former_parameters
from mne_duin.utils._signature import takes_segments
from mne_duin.viz import plot_accuracy
from mne_duin.workflows._derivative import write_config
from mne_duin.workflows._outputs import open_writer
from mne_duin.workflows._reading import (
    find_runs,
    read_words,
    reading_rate,
    save_figure,
)
from mne_duin.workflows._results import write_markdown, write_results

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
    folder : Path | None
        Where tables and figure were written.
    """

    results: dict
    table: pd.DataFrame
    folder: Path | None = None

    def __str__(self):
        shown = ["accuracy", "low", "high", "chance", "difference", "p_holm"]
        columns = [name for name in shown if name in self.table]
        return self.table[columns].round(3).to_string()


@fill_doc
@former_parameters(label_source="labels")
def compare_words(
    root,
    subject,
    *,
    estimators=DEFAULT,
    session=None,
    task=None,
    run=None,
    acquisition=None,
    regions=("vSMC", "STG"),
    preset="quick",
    cv="leave-one-run-out",
    n_repeats=1,
    out=None,
    desc=None,
    overwrite=False,
    memory=None,
    event_id=None,
    label_column="trial_type",
    where=None,
    onset=None,
    align=None,
    tmin=-0.5,
    tmax=2.5,
    reference="bipolar",
    atlas="desikan-killiany",
    space=None,
    label_source="auto",
    fs_subject=None,
    subjects_dir=None,
    max_distance=None,
    l_freq=0.5,
    h_freq=200.0,
    notch="auto",
    sfreq="auto",
    causal=False,
    reject="auto",
    n_jobs=1,
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
        BIDS derivative dataset that gets ``…_metrics.tsv`` (and ``.md`` for people),
        ``…_accuracy.png`` and the predictions of every estimator; None writes nothing.
    %(job_output)s
    %(memory)s
    %(trial_options)s
    %(reference_and_anatomy)s
    n_jobs : int
        Folds that run at the same time, by joblib.
    %(job_machine)s

    Returns
    -------
    comparison : WordComparison
        Results and table.

    Raises
    ------
    FileNotFoundError, ValueError
        If the data cannot be decoded as asked; the message says why and what to do.
    FileExistsError, OSError
        If ``out`` has an analysis of this name, or cannot be written.

    Examples
    --------
    >>> compare_words(
    ...     sample_data_path(), "01", estimators=["lda", "mae"], cv="last-run"
    ... )  # doctest: +SKIP
    """
    given = dict(locals())
    given["sfreq"] = reading_rate(given)
    common = {
        "preset": preset,
        "device": device,
        "precision": precision,
        "random_state": random_state,
        "memory": memory,
        "verbose": verbose if isinstance(verbose, bool) else None,
    }
    made = {name: make_estimator(name, **common) for name in as_list(estimators)}
    paths = find_runs(root, subject, session, task, run, acquisition)
    writing = open_writer("compare", given, paths)
    with mne.utils.use_log_level(verbose), writing as writer:
        pretrains = "run" in str(cv) and any(map(takes_segments, made.values()))
        epochs, _, segments = read_words(paths, given, segments=pretrains)
        results = evaluate_each(
            made,
            epochs,
            cv=cv,
            n_repeats=n_repeats,
            random_state=random_state,
            unlabelled=segments,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        folder = None
        comparison = WordComparison(results, compare_results(results))
        if writer is not None:
            folder = writer.write(partial(_fill, comparison, writer))
        return replace(comparison, folder=folder)


def _fill(comparison, writer, folder):
    """Write tables, figure, predictions and settings to a folder."""
    name = writer.analysis.file_name
    write_results(folder, writer, comparison.results)
    write_markdown(folder / name("metrics.md"), comparison.table)
    figure = plot_accuracy(comparison.results, show=False)
    save_figure(figure, folder / name("accuracy.png"))
    write_config(folder / name("config.yaml"), writer.settings)
