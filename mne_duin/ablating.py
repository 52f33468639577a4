"""Ablations of one subject in one call: what the paper varies, one thing at a time."""

from pathlib import Path

from mne_duin.baselines.named import make_estimator
from mne_duin.channels import ContributionSelector, SelectedChannels
from mne_duin.comparing import find_runs, save_figure
from mne_duin.evaluation import ablate, write_table
from mne_duin.io import read_epochs, read_segments
from mne_duin.utils.checks import as_list, check_option
from mne_duin.utils.docs import fill_doc
from mne_duin.viz import plot_ablation

# What the paper varies: the parameter of a DuINDecoder, and the values.
ABLATIONS = {
    "codex-size": ("vqvae__n_codes", (64, 128, 256, 512, 1024, 2048)),
    "code-dimension": ("vqvae__code_dim", (16, 32, 64, 128)),
    "mask-ratio": ("mae__mask_ratio", (0.1, 0.2, 0.3, 0.4, 0.5)),
    "codex-passes": ("vqvae__max_iter", (2, 5, 10, 20, 40)),
    "masked-passes": ("mae__max_iter", (1, 5, 10, 25, 50)),
    "task-data": ("task_data", (False, True)),
    "target": ("mae__target", ("codes", "embedding", "raw")),
    "patch-length": ("vqvae__patch_duration", (0.05, 0.1, 0.2)),
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
    cv="leave-one-run-out",
    n_repeats=1,
    preset="quick",
    out=None,
    memory=None,
    align=None,
    tmin=-0.5,
    tmax=2.5,
    device="auto",
    random_state=0,
    verbose=None,
    **parameters,
):
    """Vary one thing that the paper varies, on the trials of one subject.

    Parameters
    ----------
    root : path-like
        The BIDS folder.
    subject : str
        The subject, with or without ``sub-``.
    what : str
        ``"codex-size"``, ``"code-dimension"``, ``"mask-ratio"``, ``"codex-passes"``,
        ``"masked-passes"``, ``"task-data"``, ``"target"``, ``"patch-length"`` or
        ``"channels"``: the channels that contribute most to a classifier without
        pre-training, chosen inside each fold.
    values : list | None
        Values; None takes those of ``ABLATIONS``. Of numbers of channels those that
        there are.
    session, task, run : str | list of str | None
        Which recordings; None takes all.
    regions : list of str | None
        Regions whose channels are used; None takes all.
    cv : int | str
        The way of splitting, see :func:`evaluate`.
    n_repeats : int
        How often to repeat with other seeds.
    preset : "quick" | "paper"
        The training recipe.
    out : path-like | None
        Folder that gets ``ablate-….tsv``, ``….md`` and ``….png``; None writes nothing.
    %(memory)s
    align : str | None
        What lies at time 0, see :func:`decode_words`.
    tmin, tmax : float
        Beginning and end of an epoch in seconds.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    random_state : int
        Seed of everything random.
    verbose : bool | str | None
        Verbosity, as in MNE.
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
    paths = find_runs(root, subject, session, task, run)
    options = {"regions": as_list(regions) or None, "verbose": verbose}
    epochs, _ = read_epochs(paths, None, tmin, tmax, align=align, **options)
    segments = None
    if "run" in str(cv):
        segments, _ = read_segments(paths, **options | {"verbose": "WARNING"})
    estimator = make_estimator(
        "mae",
        preset=preset,
        device=device,
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
