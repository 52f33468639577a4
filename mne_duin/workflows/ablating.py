"""Ablations of one subject in one call: what the paper varies, one thing at a time."""

from pathlib import Path

from mne_duin.baselines._make_estimator import make_estimator
from mne_duin.channels import ContributionSelector, SelectedChannels
from mne_duin.evaluation import ablate, write_table
from mne_duin.utils.checks import check_option
from mne_duin.utils.docs import fill_doc
from mne_duin.viz import plot_ablation
from mne_duin.workflows.places import check_place
from mne_duin.workflows.reading import find_runs, read_words, save_figure

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
def ablate_words(
    root,
    subject,
    what,
    *,
    values=None,
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
        Folder that gets ``ablate-….tsv``, ``….md`` and ``….png``; None writes nothing.
    %(memory)s
    %(trial_options)s
    %(reference_and_anatomy)s
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

    Examples
    --------
    >>> ablate_words(sample_data_path(), "01", "mask-ratio")  # doctest: +SKIP
    """
    check_option("what", what, ABLATIONS)
    if out is not None:
        check_place(out, root)
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
        segments="run" in str(cv),
    )
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
    estimator, grid = ablation_grid(estimator, what, values, len(epochs.ch_names))
    table = ablate(
        estimator,
        grid,
        epochs,
        cv=cv,
        n_repeats=n_repeats,
        random_state=random_state,
        unlabelled=segments,
        verbose=verbose,
    )
    if out is not None:
        _write_ablation(table, Path(out), what)
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


def _write_ablation(table, folder, what):
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("tsv", "md"):
        write_table(table, folder / f"ablate-{what}.{ending}")
    save_figure(plot_ablation(table, show=False), folder / f"ablate-{what}.png")
