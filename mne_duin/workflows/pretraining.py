"""Pre-train the networks of one subject: the long part, made to be interrupted."""

from dataclasses import dataclass
from pathlib import Path

import mne
import pandas as pd

from mne_duin.estimators import DuINMAE, DuINVQVAE
from mne_duin.estimators._cost import try_out
from mne_duin.io import read_segments
from mne_duin.training.processes import is_main, join_processes
from mne_duin.utils.checks import as_list
from mne_duin.utils.docs import fill_doc
from mne_duin.workflows.places import check_place
from mne_duin.workflows.reading import find_runs


@dataclass(frozen=True)
class Pretraining:
    """What :func:`pretrain` made.

    Parameters
    ----------
    vqvae : DuINVQVAE
        The fitted first stage.
    mae : DuINMAE
        The fitted second stage.
    contacts : DataFrame
        The channels.
    folder : Path
        Where models, table and checkpoints are.
    """

    vqvae: DuINVQVAE
    mae: DuINMAE
    contacts: pd.DataFrame
    folder: Path

    def __str__(self):
        return (
            f"VQ-VAE: {self.vqvae.history_}\nMAE: {self.mae.history_}\n"
            f"Models of {len(self.contacts)} channels in {self.folder}"
        )


@fill_doc
def pretrain(
    root,
    subject,
    *,
    session=None,
    task=None,
    run=None,
    regions=("vSMC", "STG"),
    preset="quick",
    out="results",
    duration=8.0,
    overlap=4.0,
    reference="bipolar",
    atlas="desikan-killiany",
    space=None,
    max_iter=None,
    checkpoint_every=1,
    device="auto",
    precision="auto",
    random_state=0,
    verbose=None,
):
    """Learn a codex (VQ-VAE) and pre-train the encoder (MAE) on unlabelled recordings.

    Leave out the runs you want to test on. The estimated cost is logged first.
    Checkpoints are kept; the same call after an interruption continues. Started by
    ``torchrun`` or ``accelerate launch``, several processes share the work, and one of
    them writes.

    Parameters
    ----------
    %(subject_of_bids)s
    %(recordings)s
    out : path-like
        Folder that gets ``sub-XX/pretraining/`` with ``vqvae.safetensors``,
        ``mae.safetensors``, ``contacts.tsv`` and ``checkpoints/``.
    duration, overlap : float
        Length and overlap of the segments in seconds.
    %(reference_and_anatomy)s
    max_iter : int | None
        Passes of each stage; None takes those of the preset.
    checkpoint_every : int
        Passes from one checkpoint to the next.
    %(job_machine)s

    Returns
    -------
    pretraining : Pretraining
        The fitted stages.

    Raises
    ------
    FileNotFoundError, ValueError
        If the data cannot be used as asked, or the folder has checkpoints of other
        parameters or data; the message says why and what to do.
    OSError
        If a file cannot be written.

    Examples
    --------
    >>> pretraining = pretrain(sample_data_path(), "01")  # doctest: +SKIP
    >>> print(pretraining)  # doctest: +SKIP
    """
    join_processes(device)
    if not is_main():
        verbose = False
    subject = str(subject).removeprefix("sub-")
    folder = check_place(out, root) / f"sub-{subject}" / "pretraining"
    paths = find_runs(root, subject, session, task, run)
    segments, contacts = read_segments(
        paths,
        duration,
        overlap,
        reference=reference,
        regions=as_list(regions) or None,
        atlas=atlas,
        space=space,
        verbose=verbose,
    )
    common = {
        "preset": preset,
        "max_iter": max_iter,
        "device": device,
        "precision": precision,
        "random_state": random_state,
        "verbose": verbose if isinstance(verbose, bool) else None,
    }
    with mne.utils.use_log_level(verbose):
        log_costs(segments, common)
    keeping = {
        "checkpoint_dir": folder / "checkpoints",
        "checkpoint_every": checkpoint_every,
    }
    vqvae = DuINVQVAE(**common).fit(segments, **keeping)
    mae = DuINMAE(vqvae, **common).fit(segments, **keeping)
    if is_main():
        vqvae.save(folder / "vqvae.safetensors")
        mae.save(folder / "mae.safetensors")
        contacts.to_csv(folder / "contacts.tsv", sep="\t", na_rep="n/a")
    return Pretraining(vqvae, mae, contacts, folder)


def log_costs(segments, common):
    """Log what the two stages of pre-training will take.

    Parameters
    ----------
    segments : Epochs
        The unlabelled segments.
    common : dict
        Parameters of both stages.

    Returns
    -------
    costs : dict of str to Cost
        By stage.
    """
    cost, trial = try_out(DuINVQVAE(**common), segments)
    costs = {"VQ-VAE": cost, "MAE": try_out(DuINMAE(trial, **common), segments)[0]}
    for name, one in costs.items():
        mne.utils.logger.info(f"{name}: {one}.")
    return costs
