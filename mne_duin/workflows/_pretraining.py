"""Pre-train the networks of one subject: the long part, made to be interrupted."""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mne
import pandas as pd

from mne_duin.estimators import DuINCells, DuINMAE, DuINVQVAE
from mne_duin.estimators._cost import try_out
from mne_duin.estimators._staged import crops_for_trials_
from mne_duin.io import read_segments
from mne_duin.training import is_main, join_processes, steps_for
from mne_duin.utils._checks import check_option
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._moved import former_parameters
from mne_duin.workflows._analysis import default_out, digest_text
from mne_duin.workflows._derivative import write_config, write_contacts
from mne_duin.workflows._notices import collected
from mne_duin.workflows._outputs import open_writer
from mne_duin.workflows._reading import channel_keywords, find_runs, reading_rate
from mne_duin.workflows._writing import what_matters

PRETRAINING = ("auto", "codex", "cells")
# In seconds: the least with which hidden cells were measured
# (doc/benchmarks/pretraining.rst). With minutes the published stages are quick.
LEAST_FOR_CELLS = 1200.0
FOR_ALL_STAGES = ("preset", "device", "precision", "random_state", "balance")
# What decides about segments, in addition to channels and filters.
READING = ("session", "task", "run", "acquisition", "duration", "overlap")


@dataclass(frozen=True)
class Pretraining:
    """What :func:`pretrain` made.

    Parameters
    ----------
    vqvae : DuINVQVAE | None
        The fitted first stage; None where cells were hidden.
    mae : DuINMAE | None
        The fitted second stage; None where cells were hidden.
    contacts : DataFrame
        The channels.
    folder : Path
        Where models, table and checkpoints are.
    cells : DuINCells | None
        The network that predicts hidden cells; None where codes were learned.
    """

    vqvae: DuINVQVAE | None
    mae: DuINMAE | None
    contacts: pd.DataFrame
    folder: Path
    cells: DuINCells | None = None

    def __str__(self):
        stages = {"VQ-VAE": self.vqvae, "MAE": self.mae, "hidden cells": self.cells}
        lines = [
            f"{name}: {stage.history_}"
            for name, stage in stages.items()
            if stage is not None
        ]
        if self.cells is not None and self.cells.check_ is not None:
            lines.append(self.cells.check_.verdict)
        lines.append(f"Models of {len(self.contacts)} channels in {self.folder}")
        return "\n".join(lines)


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
    pretraining="auto",
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
    sfreq="auto",
    causal=False,
    reject="auto",
    on_disk=None,
    disk_dtype=None,
    balance=None,
    crop_duration=None,
    max_iter=None,
    max_steps=None,
    checkpoint_every=1,
    device="auto",
    precision="auto",
    random_state=0,
    verbose=None,
):
    """Pre-train the encoder on unlabeled recordings.

    Leave out the runs you want to test on. The estimated cost is logged first.
    Checkpoints are kept; the same call after an interruption continues. Started by
    ``torchrun``, several processes share the work, and one of
    them writes.

    Parameters
    ----------
    %(subject_of_bids)s
    %(recordings)s
    %(pretraining)s
    out : path-like | None
        BIDS derivative dataset; None takes ``root/derivatives/mne_duin``. It gets
        ``…_mae.safetensors`` (the second stage with the first one in it) or
        ``…_cells.safetensors``, ``…_contacts.tsv`` and the folder ``…_checkpoints``.
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
    crop_duration : float | None
        Length in seconds of the random crops of the segments that are trained on; None
        takes that of the preset. Trials that are longer are taken in pieces later.
    max_iter : int | None
        Passes of each stage of codes; None takes those of the preset. Refused where
        cells are hidden.
    max_steps : int | None
        Training steps with hidden cells; None takes as many as the recording is worth,
        see :func:`mne_duin.training.steps_for`. Refused where codes are learned.
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
    if pretraining != "auto":
        _check_amounts(pretraining, max_iter, max_steps)
    given["sfreq"] = reading_rate(given)
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
        common = {name: given[name] for name in FOR_ALL_STAGES}
        common["verbose"] = verbose if isinstance(verbose, bool) else None
        with mne.utils.use_log_level(verbose):
            stages = fit_stages(
                segments,
                len(segments) * (duration - overlap),
                pretraining,
                common | {"crop_duration": crop_duration},
                max_iter=max_iter,
                max_steps=max_steps,
                **keeping,
            )
        if is_main():
            writer.write(partial(_fill, stages, contacts, writer))
    first, second = stages.get("vqvae"), stages.get("mae")
    return Pretraining(first, second, contacts, writer.folder, stages.get("cells"))


def fit_stages(
    segments,
    seconds,
    pretraining,
    common,
    *,
    trial_duration=0.0,
    costs=True,
    max_iter=None,
    max_steps=None,
    **keeping,
):
    """Fit the stages that need no labels.

    Parameters
    ----------
    segments : Epochs
        The unlabeled segments.
    seconds : float
        Length of the recording that they were cut from.
    pretraining : str
        ``"codex"``, ``"cells"`` or ``"auto"``.
    common : dict
        Parameters of all stages.
    trial_duration : float
        Length in s of the trials to go on with: crops are at least as long.
    costs : bool
        Whether to log what it will take even if that is a minute.
    max_iter : int | None
        Passes of the stages of codes.
    max_steps : int | None
        Steps with hidden cells.
    **keeping : dict
        Where and how often to keep checkpoints.

    Returns
    -------
    stages : dict of str to estimator
        ``vqvae`` and ``mae``, or ``cells``.
    """
    kind = choose_pretraining(pretraining, seconds, common["preset"])
    _check_amounts(kind, max_iter, max_steps)
    if kind == "cells":
        cells = DuINCells(**common, max_steps=max_steps or steps_for(seconds))
        crops_for_trials_(cells, trial_duration)
        mne.utils.logger.info(f"Hidden cells: {try_out(cells, segments)[0]}.")
        return {"cells": cells.fit(segments, **keeping)}
    passes = common | {"max_iter": max_iter}
    first = crops_for_trials_(DuINVQVAE(**passes), trial_duration)
    # Both stages of codes take the same crops.
    passes["crop_duration"] = first.crop_duration
    if costs or common["preset"] == "paper":
        log_costs(segments, passes)
    vqvae = first.fit(segments, **keeping)
    return {"vqvae": vqvae, "mae": DuINMAE(vqvae, **passes).fit(segments, **keeping)}


def _check_amounts(kind, max_iter, max_steps):
    """Refuse an amount of training that the kind of pre-training does not have."""
    if kind == "cells" and max_iter is not None:
        raise ValueError(
            "`max_iter` (--max-iter) counts passes, but hidden cells are trained in "
            "steps: give `max_steps` (--max-steps), or pretraining='codex'."
        )
    if kind == "codex" and max_steps is not None:
        raise ValueError(
            "`max_steps` (--max-steps) is for hidden cells, but a codex is trained in "
            "passes: give `max_iter` (--max-iter), or pretraining='cells'."
        )


def choose_pretraining(pretraining, seconds, preset):
    """Return ``"codex"`` or ``"cells"``, chosen by the amount of recording.

    Parameters
    ----------
    pretraining : str
        ``"codex"``, ``"cells"`` or ``"auto"``.
    seconds : float
        Length of the recording.
    preset : str
        The preset; the paper's has codes only.

    Returns
    -------
    kind : str
        What to pre-train with.
    """
    check_option("pretraining", pretraining, PRETRAINING)
    if pretraining != "auto":
        return pretraining
    is_enough = preset != "paper" and seconds >= LEAST_FOR_CELLS
    return "cells" if is_enough else "codex"


def _settings_of_checkpoints(writer, on_disk):
    """Return the settings that tell a training from others, as pairs."""
    settings = what_matters(writer.settings)
    # Not given, these change nothing; checkpoints of earlier versions lack them.
    for name in ("disk_dtype", "balance", "max_steps", "crop_duration"):
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


def _fill(stages, contacts, writer, folder):
    """Write the networks, the channels and the settings to a folder."""
    name = writer.analysis.file_name
    # The second stage holds the first one.
    last = list(stages)[-1]
    stages[last].save(folder / name(f"{last}.safetensors"))
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
