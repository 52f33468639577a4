"""The data section: trials, what was rejected and left out, spectra, responses."""

from collections import Counter

import numpy as np
import pandas as pd

from mne_duin.report import _html
from mne_duin.utils._epochs import run_names
from mne_duin.viz._signals import high_gamma_response, plot_responses, plot_spectra

EXCLUDED = "excluded"  # key of contacts.attrs: dict of contact name to reason


def word_labels(epochs):
    """Return the word of every trial.

    Parameters
    ----------
    epochs : mne.Epochs
        The trials.

    Returns
    -------
    labels : ndarray of str, shape (n_epochs,)
        Names of the events.
    """
    names = {code: name for name, code in epochs.event_id.items()}
    return np.array([names[code] for code in epochs.events[:, 2]], dtype=str)


def count_trials(epochs, tested=None):
    """Count the trials of every word in every run.

    Parameters
    ----------
    epochs : mne.Epochs
        The trials.
    tested : array of int | None
        Positions of the trials that were predicted; runs of which all trials were are
        named held out where there are others.

    Returns
    -------
    table : DataFrame
        Rows are words, columns runs and their sum.
    """
    runs = run_names(epochs.metadata)
    runs = np.full(len(epochs), "all") if runs is None else np.asarray(runs, dtype=str)
    order = list(dict.fromkeys(runs))
    if tested is not None and len(np.unique(tested)) < len(epochs):
        is_out = {r: set(np.flatnonzero(runs == r)) <= set(tested) for r in order}
    else:
        is_out = dict.fromkeys(order, False)
    names = {run: f"run {run}" + ", held out" * is_out[run] for run in order}
    names |= {"all": "trials"} if order == ["all"] else {}
    counts = pd.crosstab(word_labels(epochs), runs)[order].rename(columns=names)
    counts.index.name = counts.columns.name = None
    if len(order) > 1:
        counts["all"] = counts.sum(axis=1)
    counts.loc["all"] = counts.sum()
    return counts


def rejected_trials(epochs):
    """Count the trials that were dropped, by reason.

    Parameters
    ----------
    epochs : mne.Epochs
        The trials.

    Returns
    -------
    table : DataFrame
        Index: channel or reason; ``trials``. A trial with several reasons counts for
        each.
    """
    reasons = Counter(
        reason for why in epochs.drop_log for reason in why if reason != "IGNORED"
    )
    rows = sorted(reasons.items(), key=lambda item: -item[1])
    return pd.DataFrame(
        {"trials": [n for _, n in rows]}, index=[str(reason) for reason, _ in rows]
    )


def add_data(report, add, epochs, contacts, tested, excluded):
    """Add the data section.

    Parameters
    ----------
    report : mne.Report
        The report.
    add : callable
        ``add(report, html, title, section)``.
    epochs : mne.Epochs | None
        The trials.
    contacts : DataFrame | None
        The contacts, index = channel name.
    tested : array of int | None
        Positions of the trials that were predicted.
    excluded : dict of str to str | None
        Why contacts were left out; None takes what reading noted.
    """
    if epochs is not None:
        trials = count_trials(epochs, tested)
        html = _html.table(trials) + _rejected_html(epochs)
        add(report, html, "Trials", "Data")
        own = _own_contacts(epochs, contacts)
        if own is not None:
            add(report, _signals_html(epochs, own), "Signals", "Data")
    html = _excluded_html(contacts, excluded)
    if html:
        add(report, html, "Excluded contacts", "Data")


def _own_contacts(epochs, contacts):
    """Return the contacts of the channels, None where some are not known."""
    if contacts is None or not set(epochs.ch_names) <= set(contacts.index):
        return None
    return contacts.loc[epochs.ch_names]


def _rejected_html(epochs):
    """Say how many trials were dropped and why."""
    dropped = rejected_trials(epochs)
    is_kept = [not why for why in epochs.drop_log]
    n_all = sum(why != ("IGNORED",) for why in epochs.drop_log)
    if dropped.empty:
        return _html.note("No trial was rejected.")
    n_lost = n_all - sum(is_kept)
    text = f"{n_lost} of {n_all} trials were rejected."
    return _html.note(text) + _html.table(dropped.head(10))


def _signals_html(epochs, contacts):
    """Draw spectra and responses."""
    data, sfreq = epochs.get_data(copy=False), epochs.info["sfreq"]
    line = epochs.info["line_freq"]
    spectra = plot_spectra(
        data, contacts, sfreq=sfreq, h_freq=epochs.info["lowpass"], line_freq=line,
        show=False,
    )  # fmt: skip
    parts = [_html.picture(spectra, "Power spectra of all channels")]
    response, edges = high_gamma_response(data, sfreq, epochs.tmin)
    if response is not None:
        figure = plot_responses(
            response, edges, word_labels(epochs), contacts, show=False
        )
        alt = "High-gamma power over time, by channel and by word"
        parts.append(_html.picture(figure, alt))
    return _html.row(parts)


def _excluded_html(contacts, excluded):
    """List the contacts that were left out, with the reasons."""
    if excluded is None and contacts is not None:
        excluded = contacts.attrs.get(EXCLUDED)
    if not excluded:
        return ""
    reasons = pd.Series(excluded, dtype=object).astype(str)
    rows = {
        reason: {"contacts": len(names), "names": ", ".join(map(str, names))}
        for reason, names in reasons.groupby(reasons, sort=False).groups.items()
    }
    return _html.table(pd.DataFrame.from_dict(rows, orient="index"))
