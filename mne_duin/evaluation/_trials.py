"""Labeled trials in the form the caller brought them: Epochs stay Epochs."""

from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd

from mne_duin.utils._epochs import is_epochs_list


@dataclass(frozen=True)
class Trials:
    """Trials and their labels.

    Parameters
    ----------
    X : Epochs | ndarray, shape (n_trials, ...)
        The signal, as the estimators will get it.
    y : ndarray, shape (n_trials,)
        Labels.
    labels : ndarray, shape (n_classes,)
        All classes, sorted.
    metadata : DataFrame | None
        Metadata of the Epochs.
    """

    X: object
    y: np.ndarray
    labels: np.ndarray
    metadata: pd.DataFrame | None

    def __len__(self):
        return len(self.y)


def prepare_trials(epochs, y=None, *, name="epochs"):
    """Check trials and find their labels.

    Parameters
    ----------
    epochs : Epochs | array, shape (n_trials, ...) | list of Epochs
        The trials.
    y : array, shape (n_trials,) | None
        Labels; None takes the event names of the Epochs.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    trials : Trials
        The trials; Epochs that were not in memory are copied and loaded.

    Raises
    ------
    ValueError
        If values are not finite, labels are missing or do not fit the trials, or
        there is only one class.
    """
    X = load_epochs(epochs, name)
    n_trials = len(X)
    if y is None:
        y = _event_names(X, name)
    y = np.asarray(y)
    if y.dtype == object and all(isinstance(label, str) for label in y):
        y = y.astype(str)
    if y.shape != (n_trials,):
        raise ValueError(
            f"`y` must have one label per trial, shape ({n_trials},); got shape "
            f"{y.shape}."
        )
    if pd.isna(y).any():
        raise ValueError(f"`y` has {pd.isna(y).sum()} missing labels; drop the trials.")
    labels = np.unique(y)
    if len(labels) < 2:
        raise ValueError(
            f"Decoding needs trials of at least 2 classes; all {n_trials} trials have "
            f"the label {str(labels[0])!r}."
        )
    return Trials(X, y, labels, getattr(X, "metadata", None))


def load_epochs(epochs, name):
    """Bring epochs into memory and check that every value is finite.

    Parameters
    ----------
    epochs : Epochs | array, shape (n_trials, ...) | list of Epochs
        The epochs. They are not changed.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    X : Epochs | ndarray
        The epochs.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    if is_epochs_list(epochs):
        epochs = mne.concatenate_epochs(list(epochs), verbose="error")
    if isinstance(epochs, mne.BaseEpochs):
        X = epochs if epochs.preload else epochs.copy().load_data()
        data = X.get_data(copy=False)
    else:
        X = data = np.asarray(epochs)
    if data.ndim < 2 or 0 in data.shape:
        raise ValueError(
            f"`{name}` must hold trials by channels by times, none of them zero; got "
            f"shape {data.shape}."
        )
    finite = np.isfinite(data).reshape(len(data), -1).all(axis=1)
    if not finite.all():
        bad = np.flatnonzero(~finite)
        listing = ", ".join(map(str, bad[:10])) + ", …" * (len(bad) > 10)
        raise ValueError(
            f"`{name}` holds NaN or infinite values in {len(bad)} of {len(finite)} "
            f"trials ({listing}){_bad_channels(X, data)}; drop these trials or "
            "channels."
        )
    return X


def join_columns(metadata, columns):
    """Name each row by some of its columns, joined by a slash.

    Parameters
    ----------
    metadata : DataFrame | None
        Metadata of the trials.
    columns : iterable of str
        Columns to use; those that are not there are skipped.

    Returns
    -------
    names : ndarray of str, shape (n_trials,) | None
        The names; None if none of the columns is there.
    """
    present = [] if metadata is None else [c for c in columns if c in metadata]
    if not present:
        return None
    parts = [metadata[column].astype(str).to_numpy(dtype=object) for column in present]
    return np.array(["/".join(row) for row in zip(*parts, strict=True)])


def _event_names(X, name):
    if not isinstance(X, mne.BaseEpochs):
        raise ValueError(f"`y` is needed where `{name}` is an array.")
    names = {code: event for event, code in X.event_id.items()}
    return np.array([names[code] for code in X.events[:, 2]])


def _bad_channels(X, data):
    if not isinstance(X, mne.BaseEpochs):
        return ""
    bad = ~np.isfinite(data).all(axis=(0, 2))
    return f", channels {', '.join(np.array(X.ch_names)[bad][:10])}"
