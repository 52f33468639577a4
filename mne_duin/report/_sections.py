"""The sections of the report; each is left out where nothing was given for it."""

from collections.abc import Mapping
from html import escape

import matplotlib.pyplot as plt
import numpy as np

from mne_duin.utils.methods import methods_text
from mne_duin.utils.spaces import contact_positions
from mne_duin.viz import (
    plot_accuracy,
    plot_code_usage,
    plot_code_words,
    plot_codes,
    plot_codex,
    plot_confusion,
    plot_contacts,
    plot_contributions,
    plot_history,
    plot_learning_curve,
    plot_reconstruction,
    plot_spatial_filters,
    results_table,
    view_contacts,
)
from mne_duin.viz._contributions import METHODS

TABLE = "table table-sm table-hover w-auto"


def add_figure(report, figure, title, section, caption=None, image_format="svg"):
    """Add a figure and close it."""
    report.add_figure(
        figure,
        title,
        caption=caption,
        section=section,
        image_format=image_format,
        tags=(section.lower().replace(" ", "-"),),
    )
    plt.close(figure)


def add_html(report, html, title, section):
    """Add text or a table."""
    report.add_html(html, title, section=section, tags=(section.lower(),))


def _table(frame, caption=None):
    """Write a table as HTML; strings are escaped."""
    html = frame.to_html(
        classes=TABLE, border=0, na_rep="", float_format="{:.3g}".format
    )
    return f"<p>{escape(caption)}</p>{html}" if caption else html


def add_summary(report, results, epochs, contacts, notes):
    """State the numbers first: data, accuracy, interval, chance, p."""
    facts = []
    if epochs is not None:
        channels = len(epochs.ch_names)
        facts.append(
            f"{len(epochs)} epochs, {channels} channels, {epochs.info['sfreq']:g} Hz, "
            f"{epochs.tmin:g} to {epochs.tmax:g} s"
        )
    elif contacts is not None:
        facts.append(f"{len(contacts)} channels")
    items = "".join(f"<li>{escape(str(one))}</li>" for one in [*facts, *notes])
    html = f"<ul>{items}</ul>" if items else ""
    if results:
        html += _table(results_table(results))
    if html:
        add_html(report, html, "In numbers", "Summary")
    if results:
        add_figure(report, plot_accuracy(results, show=False), "Accuracy", "Summary")


def add_contacts(report, contacts):
    """Show where the contacts are and count them by region."""
    if contacts is None:
        return
    add_figure(report, plot_contacts(contacts, show=False), "On the brain", "Contacts")
    view = view_contacts(contacts, title="Contacts")
    add_html(report, view.iframe(), "Turn and click", "Contacts")
    if "region" in contacts:
        table = (
            contacts.fillna({"region": "no region"})
            .groupby("region")
            .agg(channels=("region", "size"), **_shafts_of(contacts))
        )
        add_html(report, _table(table), "Channels by region", "Contacts")
    html = (
        f"<details><summary>{len(contacts)} rows</summary>{_table(contacts)}</details>"
    )
    add_html(report, html, "Table of contacts", "Contacts")


def _shafts_of(contacts):
    """Say how to list the shafts of a group, if the table has them."""
    return {"shafts": ("shaft", _join_names)} if "shaft" in contacts else {}


def _join_names(names):
    return ", ".join(dict.fromkeys(str(name) for name in names.dropna()))


def add_training(report, histories):
    """Draw the history of every stage."""
    for name, history in (histories or {}).items():
        figure = plot_history(history, show=False)
        add_figure(report, figure, str(name), "Training")


def add_reconstruction(report, signal, reconstruction, contacts, epochs):
    """Draw the signal and what was made out of its codes."""
    if signal is None or reconstruction is None:
        return
    sfreq = 1000.0 if epochs is None else float(epochs.info["sfreq"])
    tmin = 0.0 if epochs is None else float(epochs.tmin)
    figure = plot_reconstruction(
        signal, reconstruction, contacts, sfreq=sfreq, tmin=tmin, show=False
    )
    add_figure(
        report,
        figure,
        "Signal and reconstruction",
        "Reconstruction",
        image_format="png",
    )


def add_codex(report, counts, codebook, codes, labels, epochs):
    """Draw the usage of the codes, their map, and their meaning."""
    if counts is not None:
        figure = plot_code_usage(counts, show=False)
        add_figure(report, figure, "Code usage", "Codex")
    if codebook is not None:
        figure = plot_codex(codebook, counts, show=False)
        add_figure(report, figure, "Map of the codex", "Codex")
    if codes is None:
        return
    tmin = 0.0 if epochs is None else float(epochs.tmin)
    figure = plot_codes(codes, labels, tmin=tmin, show=False)
    add_figure(report, figure, "Codes over time", "Codex")
    if labels is not None and len(np.unique(labels)) > 1:
        figure = plot_code_words(codes, labels, show=False)
        add_figure(report, figure, "Codes and words", "Codex")


def add_contributions(report, contributions, contacts, method):
    """Draw every method on the brain and on the cortex, the first one to turn as well.

    Parameters
    ----------
    report : mne.Report
        The report.
    contributions : Series | dict of str to Series | None
        Contribution of each channel, by method.
    contacts : DataFrame | None
        The contacts.
    method : str | None
        How one Series was found.
    """
    if contributions is None or contacts is None:
        return
    if not isinstance(contributions, Mapping):
        contributions = {method: contributions}
    located = np.isfinite(contact_positions(contacts, "MNI152")).all(axis=1).any()
    for rank, (name, values) in enumerate(contributions.items()):
        for kind in ("glass", "surface")[: 1 + located]:
            figure = plot_contributions(
                values, contacts, method=name, kind=kind, show=False
            )
            place = {"glass": "brain", "surface": "cortex"}[kind]
            title = f"On the {place}: {name or 'contributions'}"
            image_format = "svg" if kind == "glass" else "png"
            add_figure(report, figure, title, "Contributions", None, image_format)
        if rank == 0 and located:
            label = METHODS.get(name, name or "contribution")
            view = view_contacts(contacts, values=values, label=label, title=label)
            title = f"Turn and click: {name or 'contributions'}"
            add_html(report, view.iframe(), title, "Contributions")


def add_filters(report, spatial_filters, contacts):
    """Draw the spatial filters."""
    if spatial_filters is None or contacts is None:
        return
    figure = plot_spatial_filters(spatial_filters, contacts, show=False)
    add_figure(report, figure, "Spatial filters", "Contributions", None, "png")


def add_decoding(report, results, curve):
    """Draw confusions and the learning curve; print the results."""
    if curve is not None:
        figure = plot_learning_curve(curve, show=False)
        add_figure(report, figure, "Accuracy over training trials", "Decoding")
    for name, result in (results or {}).items():
        title = f"{name}: {result.accuracy:.1%} of {len(result.y_true)} trials right"
        figure = plot_confusion(
            result.y_true, result.y_pred, result.labels, title=title, show=False
        )
        add_figure(report, figure, f"Confusion: {name}", "Decoding")
        html = f"<pre>{escape(str(result))}</pre>"
        add_html(report, html, str(name), "Decoding")


def add_methods(report, contacts, epochs, results, parameters):
    """Write the methods and the references, ready to paste."""
    paragraphs, references = methods_text(
        contacts=contacts, epochs=epochs, results=results, parameters=parameters
    )
    html = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    listing = "".join(f"<li>{escape(text)}</li>" for text in references)
    html += f"<p>References</p><ul>{listing}</ul>"
    add_html(report, html, "Text to paste", "Methods")
