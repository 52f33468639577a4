"""Pre-train the networks of one subject: the long part, made to be interrupted."""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mne
import pandas as pd

from mne_duin.estimators import DuINMAE, DuINVQVAE
from mne_duin.estimators._cost import try_out
from mne_duin.io import read_segments
from mne_duin.training import is_main, join_processes
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._moved import former_parameters
from mne_duin.workflows._analysis import default_out, digest_text
from mne_duin.workflows._derivative import write_config, write_contacts
from mne_duin.workflows._notices import collected
from mne_duin.workflows._outputs import open_writer
from mne_duin.workflows._reading import channel_keywords, find_runs
from mne_duin.workflows._writing import what_matters

# What decides about segments, in addition to channels and filters.
READING = ("session", "task", "run", "acquisition", "duration", "overlap")


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
@former_parameters(label_source="labels")
def pretrain(
    root,
    subject,
    *,
    session=None,
    task=None,
    run=None,
    acquisition=None,
    regions=("vSMC", "STG"),
    preset="quick",
    out=None,
    desc=None,
    overwrite=False,
    duration=8.0,
    overlap=4.0,
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
    sfreq=1000.0,
    causal=False,
    reject="auto",
    on_disk=None,
    disk_dtype=None,
    balance=None,
    max_iter=None,
    checkpoint_every=1,
    device="auto",
    precision="auto",
    random_state=0,
    verbose=None,
):
    """Learn a codex (VQ-VAE) and pre-train the encoder (MAE) on unlabeled recordings.

    Leave out the runs you want to test on. The estimated cost is logged first.
    Checkpoints are kept; the same call after an interruption continues. Started by
    ``torchrun``, several processes share the work, and one of
    them writes.

    Parameters
    ----------
    %(subject_of_bids)s
    %(recordings)s
    out : path-like | None
        BIDS derivative dataset; None takes ``root/derivatives/mne_duin``. It gets
        ``…_mae.safetensors`` (the second stage with the first one in it),
        ``…_contacts.tsv`` and the folder ``…_checkpoints``.
    %(job_output)s
    duration, overlap : float
        Length and overlap of the segments in seconds.
    %(reference_and_anatomy)s
    on_disk : path-like | None
        Folder for recordings that do not fit into memory: the segments are written to a
        subfolder of it, named after the analysis, and training reads them from there.
        The same call finds them again; they are yours to delete afterwards. None keeps
        them in memory.
    disk_dtype : "float32" | "float16" | "int16" | None
        How numbers are stored there, see :func:`write_segments`; None takes float32.
    %(balance)s
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
    FileExistsError
        If there is an earlier analysis of this name with other settings.
    OSError
        If ``out`` cannot be written; this is checked before anything is learned.

    Examples
    --------
    >>> pretraining = pretrain(sample_data_path(), "01")  # doctest: +SKIP
    >>> print(pretraining)  # doctest: +SKIP
    """
    given = dict(locals())
    join_processes(device)
    given["out"] = out = default_out(root) if out is None else Path(out)
    if not is_main():
        given["verbose"] = verbose = False
    paths = find_runs(root, subject, session, task, run, acquisition)
    writer = open_writer("pretrain", given, paths, repeat=True)
    folder = writer.analysis.path("checkpoints")
    if on_disk is None and disk_dtype is not None:
        raise ValueError(
            "`disk_dtype` (--disk-dtype) needs `on_disk` (--on-disk), a folder for the "
            "segments."
        )
    settings = _settings_of_checkpoints(writer, on_disk)
    # Trainings with other settings have checkpoints of their own.
    keeping = {
        "checkpoint_dir": folder / digest_text(repr(settings))[:8],
        "checkpoint_every": checkpoint_every,
    }
    # One of several processes writes.
    with writer if is_main() else nullcontext():
        with mne.utils.use_log_level(verbose), collected(paths[0].subject):
            segments, contacts = read_segments(
                paths,
                duration,
                overlap,
                **channel_keywords(given),
                **_place_on_disk(given, writer),
                verbose=verbose,
            )
        common = {
            "preset": preset,
            "max_iter": max_iter,
            "device": device,
            "precision": precision,
            "random_state": random_state,
            "balance": balance,
            "verbose": verbose if isinstance(verbose, bool) else None,
        }
        with mne.utils.use_log_level(verbose):
            log_costs(segments, common)
        vqvae = DuINVQVAE(**common).fit(segments, **keeping)
        mae = DuINMAE(vqvae, **common).fit(segments, **keeping)
        if is_main():
            writer.write(partial(_fill, mae, contacts, writer))
    return Pretraining(vqvae, mae, contacts, writer.folder)


def _settings_of_checkpoints(writer, on_disk):
    """Return the settings that tell a training from others, as pairs."""
    settings = what_matters(writer.settings)
    # Not given, these two change nothing; checkpoints of earlier versions lack them.
    for name in ("disk_dtype", "balance"):
        if settings.get(name) is None:
            settings.pop(name, None)
    if on_disk is not None:
        # Their data are compared by other digests.
        settings["on disk"] = True
    return sorted(settings.items())


def _place_on_disk(given, writer):
    """Return the keywords of ``read_segments`` that write segments to disk."""
    if given["on_disk"] is None:
        return {}
    dtype = given["disk_dtype"] or "float32"
    # Segments that are read in another way have a folder of their own.
    settings = {
        **channel_keywords(given),
        **{name: given[name] for name in READING},
        "dtype": dtype,
        "root": str(Path(given["root"]).resolve()),
    }
    key = digest_text(repr(sorted(settings.items())))[:8]
    name = f"{writer.analysis.prefix}_segments-{key}"
    return {"on_disk": Path(given["on_disk"], name), "disk_dtype": dtype}


def _fill(mae, contacts, writer, folder):
    """Write the networks, the channels and the settings to a folder."""
    name = writer.analysis.file_name
    # The second stage holds the first one.
    mae.save(folder / name("mae.safetensors"))
    write_contacts(folder / name("contacts.tsv"), contacts, writer.settings)
    write_config(folder / name("config.yaml"), writer.settings)


def log_costs(segments, common):
    """Log what the two stages of pre-training will take.

    Parameters
    ----------
    segments : Epochs | DiskSegments
        The unlabeled segments.
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
