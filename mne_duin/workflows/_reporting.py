"""Read a saved decoding again, and draw its report from the saved files."""

import inspect
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin.evaluation import read_result
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._places import check_place
from mne_duin.weights import read_estimator, read_model
from mne_duin.workflows import decoding as decoding_module
from mne_duin.workflows._analysis import Analysis
from mne_duin.workflows._outputs import DECODERS, find_file
from mne_duin.workflows._reading import find_runs, read_words
from mne_duin.workflows._results import write_report
from mne_duin.workflows._writing import (
    AnalysisWriter,
    link_file,
    read_json,
    read_manifest,
)
from mne_duin.workflows.decoding import WordDecoding, decode_words, describe_settings


def read_decoding(path):
    """Read what :func:`decode_words` wrote.

    Parameters
    ----------
    path : path-like
        The folder of the analysis, its manifest or another of its files.

    Returns
    -------
    decoding : WordDecoding
        Results, contacts and estimators; estimators that were not saved are None.

    Raises
    ------
    FileNotFoundError
        If there is no manifest, or a file that it lists is missing.
    ValueError
        If the folder holds several analyses, or a file is damaged.

    Examples
    --------
    >>> decoding = read_decoding("results/sub-01")  # doctest: +SKIP
    >>> print(decoding.result)  # doctest: +SKIP
    """
    manifest = find_file(path, "manifest.json", command="decode")
    folder, listed = manifest.parent, read_json(manifest).get("Files", {})
    names = [name for name in listed if name.endswith("_predictions.json")]
    if not names:
        raise ValueError(f"{str(manifest)!r} lists no predictions of a decoder.")
    missing = [name for name in listed if not (folder / name).exists()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of the files that {manifest.name} lists are missing: "
            f"{', '.join(missing[:10])}."
        )
    # The main result has no model in its name; the others come as in the table.
    names.sort(key=lambda name: "_model-" in name)
    results = {
        read_json(folder / name).get("Model", name): read_result(folder / name)
        for name in names
    }
    begin = manifest.name.removesuffix("manifest.json")
    table = pd.read_csv(folder / f"{begin}metrics.tsv", sep="\t")
    order = [name for name in table["estimator"] if name in results]
    contacts = pd.read_csv(
        folder / f"{begin}contacts.tsv", sep="\t", index_col=0, na_values=["n/a"],
        keep_default_na=False,
    )  # fmt: skip
    models = {
        stage: read_estimator(folder / f"{begin}{stage}.safetensors")
        if f"{begin}{stage}.safetensors" in listed
        else None
        for stage in ("mae", "cells", "classifier")
    }
    linear = f"{begin}{DECODERS['lda']}"
    report = folder / f"{begin}report.html"
    curve = f"{begin}learningcurve.tsv"
    return WordDecoding(
        {name: results[name] for name in order},
        contacts,
        getattr(models["mae"], "vqvae_", None),
        **models,
        folder=folder,
        report=report if report.exists() else None,
        curve=pd.read_csv(folder / curve, sep="\t") if curve in listed else None,
        lda=read_model(folder / linear) if linear in listed else None,
    )


def read_settings(path, subject=None):
    """Read the settings of a decoding.

    Parameters
    ----------
    path : path-like
        The folder of the analysis, its manifest or another of its files.
    subject : str | None
        Whose, where the folder holds those of several.

    Returns
    -------
    settings : dict
        The parameters of the function that made it; those it does not have take the
        defaults of :func:`decode_words`.
    """
    manifest = find_file(path, "manifest.json", command="decode", subject=subject)
    settings = dict(read_json(manifest).get("Settings", {}))
    if "labels" in settings:
        # Its name before 0.1.
        settings["label_source"] = settings.pop("labels")
    parameters = inspect.signature(decode_words).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    return defaults | settings


@fill_doc
def report_words(path, *, root=None, out=None, overwrite=False, verbose=None):
    """Draw the report of a saved decoding again, from its files.

    Parameters
    ----------
    path : path-like
        The folder of the analysis, its manifest or another of its files.
    root : path-like | None
        The BIDS folder of the recordings; None takes that of the decoding. Without
        recordings the pictures that need them are left out.
    out : path-like | None
        The file to write; None writes the report of the analysis.
    overwrite : bool
        Whether a report that is there may be replaced.
    verbose : bool | str | None
        Verbosity, as in MNE.

    Returns
    -------
    report : Path
        The report.

    Raises
    ------
    FileNotFoundError, ValueError
        If files of the analysis are missing or damaged, or the recordings are not those
        of the decoding.
    FileExistsError
        If there is a report and ``overwrite`` is False.

    Examples
    --------
    >>> report_words("results/sub-01", overwrite=True)  # doctest: +SKIP
    """
    with mne.utils.use_log_level(verbose):
        manifest = find_file(path, "manifest.json", command="decode")
        begin = manifest.name.removesuffix("manifest.json")
        target = manifest.with_name(f"{begin}report.html") if out is None else Path(out)
        if target.exists() and not overwrite:
            raise FileExistsError(
                f"{str(target)!r} exists. Pass overwrite=True (--overwrite) to replace "
                "it, or another file (`out`, --out)."
            )
        decoding, settings = read_decoding(path), read_settings(path)
        settings |= {"verbose": verbose} | ({} if root is None else {"root": root})
        epochs = _read_again(decoding, settings)
        words = describe_settings(settings)
        if epochs is not None and decoding.classifier is not None:
            words |= decoding_module._recipe(decoding, epochs)

        def draw():
            return decoding_module._report(decoding, epochs, words)

        if out is not None:
            check_place(target.absolute().parent, settings["root"])
            target.parent.mkdir(parents=True, exist_ok=True)
            write_report(target, draw)
            return target
        return _replace_report(manifest, settings, draw)


def _read_again(decoding, settings):
    """Read the trials of a decoding, None where the recordings are gone."""
    try:
        paths = find_runs(
            settings["root"],
            *(settings[name] for name in ("subject", "session", "task", "run")),
            settings["acquisition"],
        )
    except FileNotFoundError as error:
        mne.utils.warn(f"The report has no figures of trials: {error}")
        return None
    epochs, contacts, _ = read_words(paths, settings, segments=False)
    # The table in the file does not say how samples were processed, nor what was
    # excluded.
    decoding.contacts.attrs.update(contacts.attrs)
    names = {code: name for name, code in epochs.event_id.items()}
    y = np.array([names[code] for code in epochs.events[:, 2]])
    result = decoding.result
    there = result.epoch.max() < len(y)
    if not there or not np.array_equal(y[result.epoch], result.y_true.astype(str)):
        raise ValueError(
            f"The trials in {str(settings['root'])!r} are not those of the decoding; "
            "pass the BIDS folder that was decoded (`root`, --root)."
        )
    return epochs


def _replace_report(manifest, settings, draw):
    """Write the report next to the other files of its analysis, as one unit."""
    folder = manifest.parent
    up = 2 + folder.parent.name.startswith("ses-")
    entities = dict(part.split("-", 1) for part in manifest.stem.split("_")[:-1])
    analysis = Analysis(
        folder.parents[up - 1],
        entities["desc"],
        entities["sub"],
        entities.get("ses"),
        entities.get("task"),
        entities.get("acq"),
    )
    earlier = read_manifest(analysis)

    def fill(stage):
        for name in earlier["Files"]:
            if not name.endswith("_report.html"):
                link_file(folder / name, stage / name)
        write_report(stage / analysis.file_name("report.html"), draw)

    with AnalysisWriter(
        analysis, settings["root"], earlier["Settings"], overwrite=True
    ) as writer:
        return writer.write(fill) / analysis.file_name("report.html")
