"""Ablations of one subject in one call: what the paper varies, one thing at a time."""

from functools import partial

import mne

from mne_duin.baselines._make_estimator import make_estimator
from mne_duin.channels import ContributionSelector, SelectedChannels
from mne_duin.evaluation import ablate
from mne_duin.utils._checks import check_option
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._moved import former_parameters
from mne_duin.viz import plot_ablation
from mne_duin.workflows._derivative import write_config
from mne_duin.workflows._outputs import open_writer
from mne_duin.workflows._reading import (
    find_runs,
    read_words,
    reading_rate,
    save_figure,
)
from mne_duin.workflows._results import write_markdown, write_scores

# What the paper varies: the parameter of a DuINDecoder, and the values.
ABLATIONS = {
    "codex-size": ("vqvae__n_codes", (64, 128, 256, 512, 1024, 2048)),
    "code-dimension": ("vqvae__code_dim", (16, 32, 64, 128)),
    "mask-ratio": ("mae__mask_ratio", (0.1, 0.2, 0.3, 0.4, 0.5)),
    "codex-passes": ("vqvae__max_iter", (2, 5, 10, 20, 40)),
    "masked-passes": ("mae__max_iter", (1, 4, 8, 16, 32)),
    "task-data": ("task_data", (False, True)),
    "target": ("mae__target", ("codes", "embedding", "raw")),
    "patch-length": ("vqvae__patch_duration", (0.05, 0.1, 0.2)),
    "patch-encoder": (
        "vqvae__patch_encoder",
        ("published", "depthwise", "depthwise-filters"),
    ),
    "channels": ("selector__n_channels", (5, 10, 15, 20, 30, 60)),
}


@fill_doc
@former_parameters(label_source="labels")
def ablate_words(
    root,
    subject,
    what,
    *,
    values=None,
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
    **parameters,
):
    """Vary one thing that the paper varies, on the trials of one subject.

    Parameters
    ----------
    %(subject_of_bids)s
    what : str
        ``"codex-size"``, ``"code-dimension"``, ``"mask-ratio"``, ``"codex-passes"``,
        ``"masked-passes"``, ``"task-data"``, ``"target"``, ``"patch-length"``,
        ``"patch-encoder"`` or ``"channels"``: the channels that contribute most to a
        classifier without pre-training, chosen inside each fold.
    values : list | None
        Values; None takes those of ``ABLATIONS``. Of numbers of channels those that
        there are.
    %(recordings)s
    cv : int | str
        The way of splitting, see :func:`evaluate`.
    n_repeats : int
        How often to repeat with other seeds.
    out : path-like | None
        BIDS derivative dataset that gets ``…_metrics.tsv`` (and ``.md`` for people) and
        ``…_accuracy.png``; None writes nothing.
    %(job_output)s
    %(memory)s
    %(trial_options)s
    %(reference_and_anatomy)s
    n_jobs : int
        Folds that run at the same time, by joblib.
    %(job_machine)s
    **parameters : dict
        Further parameters of :func:`make_duin`.

    Returns
    -------
    table : DataFrame
        One row per value, see :func:`ablate`.

    Raises
    ------
    FileNotFoundError, ValueError
        If the data cannot be decoded as asked; the message says why and what to do.
    FileExistsError, OSError
        If ``out`` has an analysis of this name, or cannot be written.

    Examples
    --------
    >>> ablate_words(sample_data_path(), "01", "mask-ratio")  # doctest: +SKIP
    """
    given = dict(locals())
    given |= given.pop("parameters")
    given["sfreq"] = reading_rate(given)
    check_option("what", what, ABLATIONS)
    estimator = make_estimator(
        "mae",
        preset=preset,
        device=device,
        precision=precision,
        memory=memory,
        random_state=random_state,
        verbose=verbose if isinstance(verbose, bool) else None,
        **parameters,
    )
    paths = find_runs(root, subject, session, task, run, acquisition)
    writing = open_writer("ablate", given, paths, name=f"ablate {what}")
    with mne.utils.use_log_level(verbose), writing as writer:
        epochs, _, segments = read_words(paths, given, segments="run" in str(cv))
        estimator, grid = ablation_grid(estimator, what, values, len(epochs.ch_names))
        table = ablate(
            estimator,
            grid,
            epochs,
            cv=cv,
            n_repeats=n_repeats,
            random_state=random_state,
            unlabelled=segments,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        if writer is not None:
            writer.write(partial(_fill, table, writer))
        return table


def ablation_grid(estimator, what, values=None, n_channels=None):
    """Return what is varied, and how.

    Parameters
    ----------
    estimator : DuINDecoder
        All stages in one.
    what : str
        A key of ``ABLATIONS``.
    values : list | None
        Values; None takes the known ones.
    n_channels : int | None
        Channels that there are.

    Returns
    -------
    estimator : DuINDecoder | SelectedChannels
        The estimator, behind a choice of channels where these are varied.
    grid : dict of str to list
        For :func:`ablate`.

    Raises
    ------
    ValueError
        If none of the numbers of channels is possible.
    """
    parameter, known = ABLATIONS[what]
    values = list(known if values is None else values)
    if what == "channels":
        values = [
            value for value in values if n_channels is None or value <= n_channels
        ]
        if not values:
            raise ValueError(f"There are {n_channels} channels only; choose fewer.")
        selector = ContributionSelector(estimator.classifier, n_channels=values[0])
        estimator = SelectedChannels(selector, estimator)
    return estimator, {parameter: values}


def _fill(table, writer, folder):
    """Write tables, figure and settings to a folder."""
    name = writer.analysis.file_name
    write_scores(folder / name("metrics.tsv"), table, writer.settings)
    write_markdown(folder / name("metrics.md"), table)
    save_figure(plot_ablation(table, show=False), folder / name("accuracy.png"))
    write_config(folder / name("config.yaml"), writer.settings)
