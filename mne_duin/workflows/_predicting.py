"""Use a saved decoder on new recordings: a table of predictions."""

import inspect
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin.utils._atomic import write_text
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._epochs import run_names
from mne_duin.utils._moved import former_parameters
from mne_duin.utils._numbers import percent
from mne_duin.workflows._derivative import (
    describe_columns,
    write_columns,
    write_config,
)
from mne_duin.workflows._outputs import (
    find_decoder,
    find_file,
    open_writer,
    read_decoder,
)
from mne_duin.workflows._reading import find_runs, read_words
from mne_duin.workflows._reporting import read_settings

ORIGIN = ("session", "task", "acquisition", "run", "onset")
# What chooses recordings and outputs is never taken from the decoding.
CHOICE = (
    "session", "task", "run", "acquisition", "event_id", "out", "desc", "overwrite",
    "verbose", "command", "cv", "pretrained", "checkpoint_dir", "models", "preset",
    "n_jobs",
)  # fmt: skip
# What a decoder was fitted to, and so has to be the same again.
WINDOW = ("tmin", "tmax")


@dataclass(frozen=True)
class WordPredictions:
    """What :func:`predict_words` found.

    Parameters
    ----------
    table : DataFrame
        One row per trial: session, task, run, onset (s), ``y_true``, ``y_pred`` and the
        probability of every label.
    folder : Path | None
        Where the table was written.
    """

    table: pd.DataFrame
    folder: Path | None

    @property
    def accuracy(self):
        """Fraction of the trials whose label was predicted."""
        return float((self.table["y_true"] == self.table["y_pred"]).mean())

    def __str__(self):
        counts = self.table.groupby("y_true").size()
        return (
            f"{len(self.table)} trials of {len(counts)} labels; the label was "
            f"predicted for {percent(self.accuracy)}"
        )


@fill_doc
@former_parameters(label_source="labels")
def predict_words(
    model,
    root,
    subject,
    *,
    session=None,
    task=None,
    run=None,
    acquisition=None,
    out=None,
    desc=None,
    overwrite=False,
    event_id=None,
    label_column=None,
    where=None,
    align=None,
    tmin=None,
    tmax=None,
    space=None,
    label_source=None,
    fs_subject=None,
    subjects_dir=None,
    decoder=None,
    device="auto",
    verbose=None,
):
    """Predict the labels of new recordings with a saved decoder.

    The decoder is that of :func:`decode_words`. Recordings are read as there: same
    filters, reference, regions and epochs. What is None here is taken from there.

    Parameters
    ----------
    model : path-like
        The folder of the decoding, or any of its files.
    root : path-like
        The BIDS folder.
    subject : str
        The subject, with or without ``sub-``.
    session, task, run, acquisition : str | list of str | None
        Which recordings; None takes all.
    out : path-like | None
        BIDS derivative dataset that gets ``…_predictions.tsv``; None writes nothing.
    desc : str | None
        Name of the analysis in file names; None builds it from the regions.
    overwrite : bool
        Whether an earlier analysis of the same name may be replaced.
    event_id : dict | list of str | None
        Labels to read; None takes all.
    label_column, where, align : str | None
        Which events, see :func:`decode_words`.
    tmin, tmax : float | None
        Beginning and end of an epoch in seconds; only those of the decoding are
        accepted.
    space, label_source, fs_subject, subjects_dir : str | None
        Anatomy, see :func:`decode_words`.
    decoder : "network" | "lda" | None
        Which decoder of the decoding; None takes the network, unless ``model`` is the
        file of the LDA.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    verbose : bool | str | None
        Verbosity, as in MNE.

    Returns
    -------
    predictions : WordPredictions
        The table of predictions.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no decoder, or the recordings lack channels or have other epochs.
    FileExistsError, OSError
        If ``out`` has an analysis of this name, or cannot be written.

    Examples
    --------
    >>> predict_words("results/sub-01", "path/to/bids", "01", run="4")  # doctest: +SKIP
    """
    given = dict(locals())
    with mne.utils.use_log_level(verbose):
        model = find_decoder(model, decoder, subject)
        fitted = read_settings(model)
        _refuse_window(given, fitted)
        given = _as_fitted(given, fitted)
        given["model"] = str(model)
        paths = find_runs(root, subject, session, task, run, acquisition)
        with open_writer("predict", given, paths) as writer:
            classifier = read_decoder(model, device)
            names = _channels_of(model)
            epochs, _, _ = read_words(paths, given, segments=False)
            _warn_of_training_runs(model, epochs, given, fitted)
            table = _predict(classifier, _same_channels(names, epochs))
            folder = None
            if writer is not None:
                folder = writer.write(partial(_fill, table, writer))
            return WordPredictions(table, folder)


def _as_fitted(given, fitted):
    """Take from the decoding what was not given, but for what chooses recordings."""
    inherited = {k: v for k, v in fitted.items() if k not in CHOICE}
    return inherited | {
        name: value
        for name, value in given.items()
        if value is not None or name in CHOICE or name not in inherited
    }


def _refuse_window(given, fitted):
    """Refuse other epochs than the decoder was fitted to."""
    for name in WINDOW:
        if given[name] is not None and given[name] != fitted[name]:
            raise ValueError(
                f"The decoder was fitted to epochs from {fitted['tmin']:g} to "
                f"{fitted['tmax']:g} s; got {name} = {given[name]:g}. Leave tmin and "
                "tmax out, or decode again with the other epochs."
            )


def _channels_of(model):
    """Return the names of the channels that a decoding was fitted to."""
    path = find_file(model, "contacts.tsv")
    table = pd.read_csv(path, sep="\t", dtype={"name": str}, keep_default_na=False)
    return table["name"].tolist()


def _warn_of_training_runs(model, epochs, given, fitted):
    """Say which of the runs the decoders have learned from; the network knows it."""
    same = Path(given["root"]).resolve() == Path(fitted["root"]).resolve()
    runs = run_names(epochs.metadata)
    if not same or given["subject"] != fitted["subject"] or runs is None:
        return
    network = read_decoder(find_decoder(model, "network"), "cpu")
    seen = sorted(set(runs.tolist()) & set(getattr(network, "fit_groups_", ())))
    if seen:
        mne.utils.warn(
            f"The decoder has learned from run {', '.join(seen)}: its predictions of "
            "these trials say nothing about new ones."
        )


def _same_channels(names, epochs):
    """Return the channels that the decoder was fitted to, in its order."""
    missing = [name for name in names if name not in epochs.ch_names]
    if missing:
        more = f" … and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise ValueError(
            f"The recordings lack {len(missing)} of the {len(names)} "
            f"channels that the decoder was fitted to: {', '.join(missing[:10])}{more}."
            " They are absent or marked bad; decode again without them."
        )
    return epochs.copy().reorder_channels(names)


def _predict(classifier, epochs):
    """Return the table of predictions."""
    names = {code: name for name, code in epochs.event_id.items()}
    columns = {"trial": np.arange(len(epochs))}
    known = epochs.metadata
    columns |= {n: known[n].to_numpy() for n in ORIGIN if n in known}
    columns["y_true"] = [names[code] for code in epochs.events[:, 2]]
    probabilities = classifier.predict_proba(epochs)
    columns["y_pred"] = classifier.classes_[probabilities.argmax(1)].astype(str)
    for label, values in zip(classifier.classes_, probabilities.T, strict=True):
        label = str(label)
        columns[f"{label} (probability)" if label in columns else label] = values
    return pd.DataFrame(columns)


def _fill(table, writer, folder):
    """Write the predictions and the settings to a folder."""
    path = folder / writer.analysis.file_name("predictions.tsv")
    text = table.to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n")
    write_text(path, text)
    first = list(table).index("y_pred") + 1
    classes = {
        name: {"Description": f"Predicted probability of the label {name!r}."}
        for name in table.columns[first:]
    }
    described = describe_columns(table[table.columns[:first]]) | classes
    write_columns(path, table, described | {"Settings": writer.settings})
    # What is inherited from the decoding is no parameter of a prediction.
    own = {"command", *inspect.signature(predict_words).parameters}
    settings = {name: value for name, value in writer.settings.items() if name in own}
    write_config(folder / writer.analysis.file_name("config.yaml"), settings)
