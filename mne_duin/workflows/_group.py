"""Decode several subjects, alone or many at once, and put them side by side."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from mne_duin.evaluation import compare_results
from mne_duin.io import find_recordings
from mne_duin.utils._checks import as_list
from mne_duin.utils._places import check_place
from mne_duin.utils._spaces import contact_positions
from mne_duin.viz import plot_group_contributions
from mne_duin.workflows._analysis import Analysis, check_desc, default_desc
from mne_duin.workflows._derivative import (
    check_dataset,
    round_positions,
    write_config,
)
from mne_duin.workflows._outputs import settings_of
from mne_duin.workflows._reading import save_figure
from mne_duin.workflows._reporting import read_decoding
from mne_duin.workflows._results import write_scores
from mne_duin.workflows._writing import AlreadyMadeError, AnalysisWriter
from mne_duin.workflows.decoding import MAIN, decode_words


@dataclass(frozen=True)
class GroupDecoding:
    """What :func:`decode_group` found.

    Parameters
    ----------
    table : DataFrame
        One row per subject and estimator, with the columns of
        :func:`compare_results`.
    failures : dict of str to str
        Why subjects could not be decoded, by subject.
    folder : Path | None
        Where the table and the map of the group were written.
    """

    table: pd.DataFrame
    failures: dict
    folder: Path | None

    def __str__(self):
        lines = [f"sub-{name}: {why}" for name, why in self.failures.items()]
        if len(self.table):
            wide = self.table.pivot_table(
                "accuracy", "subject", "estimator", sort=False
            )
            wide.loc["mean"] = wide.mean()
            lines.insert(0, (100 * wide).round(1).to_string())
        return "\n".join(lines)


@dataclass(frozen=True)
class _One:
    """What one subject gives to the group."""

    subject: str
    table: pd.DataFrame | None = None
    contributions: pd.Series | None = None
    contacts: pd.DataFrame | None = None
    failure: str = ""


def find_subjects(root, subjects="all"):
    """List the subjects of a BIDS folder that have recordings.

    Parameters
    ----------
    root : path-like
        The BIDS folder.
    subjects : str | list of str
        The subjects, with or without ``sub-``; ``"all"`` takes those that are there.

    Returns
    -------
    subjects : list of str
        The subjects, each once.
    """
    names = [str(name).removeprefix("sub-") for name in as_list(subjects)]
    if names == ["all"]:
        names = [path.subject for path in find_recordings(root)]
    return list(dict.fromkeys(names))


def decode_group(
    root,
    subjects="all",
    *,
    out=None,
    desc=None,
    overwrite=False,
    n_jobs="auto",
    regions=("vSMC", "STG"),
    verbose=None,
    **parameters,
):
    """Decode several subjects as :func:`decode_words` does, each on its own.

    A subject that cannot be decoded does not stop the others, and one that is decoded
    already with the same settings is not decoded again. Subjects run through
    joblib, so that any of its backends can spread them over machines::

        with joblib.parallel_config(backend="dask"):
            decode_group(root, out=out, n_jobs=-1)

    Parameters
    ----------
    root : path-like
        The BIDS folder.
    subjects : str | list of str
        The subjects; ``"all"`` takes all that have recordings.
    out : path-like | None
        BIDS derivative dataset that gets the analysis of every subject, and
        ``group/group_n-N_desc-NAME_metrics.tsv`` and ``…_map.png``; None writes
        nothing.
    desc : str | None
        Name of the analyses in file names; None builds it from the regions.
    overwrite : bool
        Whether earlier analyses of the same name may be replaced.
    n_jobs : int | "auto"
        Subjects that are decoded at the same time; -1 takes all processors. ``"auto"``
        decodes one after the other, with several trainings of each at once.
    regions : list of str | None
        Regions whose channels are used; None takes all.
    verbose : bool | str | None
        Verbosity, as in MNE.
    **parameters : dict
        Further parameters of :func:`decode_words`.

    Returns
    -------
    decoding : GroupDecoding
        The table of all subjects, and why some are missing.

    Raises
    ------
    FileNotFoundError, ValueError
        If there are no recordings, or ``out`` is not a place for results.

    Examples
    --------
    >>> decode_group("path/to/bids", out="results", n_jobs=4)  # doctest: +SKIP
    """
    names = find_subjects(root, subjects)
    desc = default_desc("decode", regions) if desc is None else check_desc(desc)
    if out is not None:
        check_place(out, root)
        check_dataset(out)
    parameters |= {"regions": regions}
    writer_of = partial(_group_writer, root, out, desc, overwrite, parameters)
    if out is not None and not overwrite:
        with writer_of(names):
            # What is in the way is told before anything is learned.
            pass
    shared = parameters | {"out": out, "desc": desc, "overwrite": overwrite}
    one = delayed(_decode_one)
    found = Parallel(n_jobs=1 if n_jobs == "auto" else n_jobs)(
        one(root, name, {**shared, "verbose": verbose}) for name in names
    )
    failures = {each.subject: each.failure for each in found if each.failure}
    whole = [each for each in found if not each.failure]
    for name, why in failures.items():
        mne.utils.warn(f"sub-{name} was not decoded: {why}")
    table = pd.concat([each.table for each in whole]) if whole else pd.DataFrame()
    folder = None
    if out is not None and whole:
        with writer_of([each.subject for each in whole]) as writer:
            folder = writer.write(partial(_fill, whole, table, writer))
    return GroupDecoding(table, failures, folder)


def _group_writer(root, out, desc, overwrite, parameters, subjects):
    """Return the context in which the files of a group are written."""
    analysis = Analysis(Path(out), desc, n_subjects=len(subjects))
    given = {"root": root, "subject": "", **parameters}
    settings = settings_of("decode", given) | {"subject": subjects, "desc": desc}
    return AnalysisWriter(analysis, root, settings, overwrite=overwrite, repeat=True)


def _decode_one(root, subject, parameters):
    """Decode one subject; return what the group needs, or why there is nothing."""
    try:
        decoding = _decode_or_read(root, subject, parameters)
        table = compare_results(decoding.results).reset_index()
        table.insert(0, "subject", subject)
        return _One(
            subject,
            table,
            _contributions(decoding.classifier),
            # As the files have them, so that reading them draws the same map.
            round_positions(decoding.contacts),
        )
    except Exception as error:
        # One subject must not stop the others, whatever is wrong with it.
        reason = " ".join(str(error).split())
        return _One(subject, failure=f"{type(error).__name__}: {reason}")


def _decode_or_read(root, subject, parameters):
    """Decode a subject, or read the decoding with these settings that is there."""
    try:
        return decode_words(root, subject, **parameters)
    except AlreadyMadeError as made:
        mne.utils.logger.info(
            f"sub-{subject} was already decoded with these settings; using its files."
        )
        return read_decoding(made.manifest)


def _contributions(classifier):
    """Return contributions of the channels, None where no network was saved."""
    if classifier is None:
        return None
    return classifier.channel_contributions("weights")


def _fill(whole, table, writer, folder):
    """Write the table and the map of a group to a folder."""
    name = writer.analysis.file_name
    write_scores(folder / name("metrics.tsv"), table, writer.settings)
    write_config(folder / name("config.yaml"), writer.settings)
    main = table[table["estimator"] == MAIN].set_index("subject")["accuracy"]
    known = [each for each in whole if each.contributions is not None]
    if len(known) < len(whole):
        mne.utils.warn(
            f"The networks of {len(whole) - len(known)} subjects were not saved; the "
            "map does not include them."
        )
    placed = [each for each in known if _is_placed(each.contacts)]
    if not placed:
        mne.utils.warn("No subject has template coordinates; no map was drawn.")
        return
    figure = plot_group_contributions(
        {each.subject: each.contributions for each in placed},
        {each.subject: each.contacts for each in placed},
        accuracy={each.subject: main[each.subject] for each in placed},
        method="weights",
        show=False,
    )
    save_figure(figure, folder / name("map.png"))


def _is_placed(contacts):
    """Return whether any contact can be drawn on a template brain."""
    return bool(np.isfinite(contact_positions(contacts, "MNI152")).all(axis=1).any())
