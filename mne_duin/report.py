"""One self-contained HTML report of a whole analysis, from contacts to methods text."""

from collections.abc import Mapping
from html import escape

import matplotlib.pyplot as plt
import mne
import numpy as np

from mne_duin.utils.checks import as_list, check_type
from mne_duin.utils.methods import methods_text
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
    plot_reconstruction,
    plot_spatial_filters,
    results_table,
    view_contacts,
)

TABLE = "table table-sm table-hover w-auto"


def make_report(
    *,
    title="Words decoded from sEEG with Du-IN",
    contacts=None,
    epochs=None,
    results=None,
    histories=None,
    signal=None,
    reconstruction=None,
    code_counts=None,
    codebook=None,
    codes=None,
    labels=None,
    contributions=None,
    method=None,
    spatial_filters=None,
    parameters=None,
    figures=None,
    notes=None,
):
    """Collect an analysis in one HTML report.

    Whatever is not given has no section. The report holds all it shows: it needs no
    network and no other file.

    Parameters
    ----------
    title : str
        Title of the report.
    contacts : DataFrame | None
        Contacts, index = channel name, in the order of the data.
    epochs : mne.Epochs | None
        The epochs that were decoded; gives numbers, sampling rate and times.
    results : dict of str to DecodingResult | None
        Results by name, the main one first, for instance Du-IN and then the LDA.
    histories : dict of str to DataFrame | None
        Histories by stage, one row per pass.
    signal, reconstruction : array, shape (n_epochs, n_channels, n_times) | None
        Held-out signal and its reconstruction, in the order of ``contacts``.
    code_counts : array, shape (n_codes,) | None
        How often each code was chosen.
    codebook : array, shape (n_codes, code_dim) | None
        The codes themselves.
    codes : array of int, shape (n_epochs, n_tokens) | None
        Codes of every epoch.
    labels : array-like, shape (n_epochs,) | None
        Word of every epoch of ``codes``.
    contributions : Series | dict of str to Series | None
        Contribution of each channel; a dict holds one Series per method.
    method : str | None
        How one Series of contributions was found.
    spatial_filters : array, shape (n_filters, n_channels) | None
        Spatial weights, channels in the order of ``contacts``.
    parameters : dict | None
        Settings by name, for the methods text.
    figures : dict of str to list of Figure | None
        Further figures by section.
    notes : str | list of str | None
        Sentences for the summary.

    Returns
    -------
    report : mne.Report
        Save it with ``report.save(path, overwrite=True, open_browser=False)``.
    """
    check_type("results", results, Mapping, none=True)
    check_type("histories", histories, Mapping, none=True)
    report = mne.Report(title=title, img_max_width=None, img_max_res=160, verbose=False)
    _add_summary(report, results, epochs, contacts, as_list(notes))
    _add_contacts(report, contacts)
    _add_training(report, histories)
    _add_reconstruction(report, signal, reconstruction, contacts, epochs)
    _add_codex(report, code_counts, codebook, codes, labels, epochs)
    _add_contributions(report, contributions, contacts, method)
    _add_filters(report, spatial_filters, contacts)
    _add_decoding(report, results)
    for section, some in (figures or {}).items():
        for rank, figure in enumerate(as_list(some), 1):
            _add_figure(report, figure, f"{section} {rank}", section)
    _add_methods(report, contacts, epochs, results, parameters)
    return report


def _add_figure(report, figure, title, section, caption=None, image_format="svg"):
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


def _add_html(report, html, title, section):
    """Add text or a table."""
    report.add_html(html, title, section=section, tags=(section.lower(),))


def _table(frame, caption=None):
    """Write a table as HTML; strings are escaped."""
    html = frame.to_html(
        classes=TABLE, border=0, na_rep="", float_format="{:.3g}".format
    )
    return f"<p>{escape(caption)}</p>{html}" if caption else html


def _add_summary(report, results, epochs, contacts, notes):
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
        _add_html(report, html, "In numbers", "Summary")
    if results:
        _add_figure(report, plot_accuracy(results, show=False), "Accuracy", "Summary")


def _add_contacts(report, contacts):
    """Show where the contacts are and count them by region."""
    if contacts is None:
        return
    _add_figure(report, plot_contacts(contacts, show=False), "On the brain", "Contacts")
    view = view_contacts(contacts, title="Contacts")
    _add_html(report, view.iframe(), "Turn and click", "Contacts")
    if "region" in contacts:
        table = (
            contacts.fillna({"region": "no region"})
            .groupby("region")
            .agg(channels=("region", "size"), **_shafts_of(contacts))
        )
        _add_html(report, _table(table), "Channels by region", "Contacts")
    html = (
        f"<details><summary>{len(contacts)} rows</summary>{_table(contacts)}</details>"
    )
    _add_html(report, html, "Table of contacts", "Contacts")


def _shafts_of(contacts):
    """Say how to list the shafts of a group, if the table has them."""
    return {"shafts": ("shaft", _join_names)} if "shaft" in contacts else {}


def _join_names(names):
    return ", ".join(dict.fromkeys(str(name) for name in names.dropna()))


def _add_training(report, histories):
    for name, history in (histories or {}).items():
        figure = plot_history(history, show=False)
        _add_figure(report, figure, str(name), "Training")


def _add_reconstruction(report, signal, reconstruction, contacts, epochs):
    if signal is None or reconstruction is None:
        return
    sfreq = 1000.0 if epochs is None else float(epochs.info["sfreq"])
    tmin = 0.0 if epochs is None else float(epochs.tmin)
    figure = plot_reconstruction(
        signal, reconstruction, contacts, sfreq=sfreq, tmin=tmin, show=False
    )
    _add_figure(
        report,
        figure,
        "Signal and reconstruction",
        "Reconstruction",
        image_format="png",
    )


def _add_codex(report, counts, codebook, codes, labels, epochs):
    if counts is not None:
        figure = plot_code_usage(counts, show=False)
        _add_figure(report, figure, "Code usage", "Codex")
    if codebook is not None:
        figure = plot_codex(codebook, counts, show=False)
        _add_figure(report, figure, "Map of the codex", "Codex")
    if codes is None:
        return
    tmin = 0.0 if epochs is None else float(epochs.tmin)
    figure = plot_codes(codes, labels, tmin=tmin, show=False)
    _add_figure(report, figure, "Codes over time", "Codex")
    if labels is not None and len(np.unique(labels)) > 1:
        figure = plot_code_words(codes, labels, show=False)
        _add_figure(report, figure, "Codes and words", "Codex")


def _add_contributions(report, contributions, contacts, method):
    """Draw every method on the brain and on the cortex."""
    if contributions is None or contacts is None:
        return
    if not isinstance(contributions, Mapping):
        contributions = {method: contributions}
    for name, values in contributions.items():
        for kind, image_format in (("glass", "svg"), ("surface", "png")):
            figure = plot_contributions(
                values, contacts, method=name, kind=kind, show=False
            )
            place = "brain" if kind == "glass" else "cortex"
            title = f"On the {place}: {name or 'contributions'}"
            _add_figure(
                report, figure, title, "Contributions", image_format=image_format
            )


def _add_filters(report, spatial_filters, contacts):
    if spatial_filters is None or contacts is None:
        return
    figure = plot_spatial_filters(spatial_filters, contacts, show=False)
    _add_figure(report, figure, "Spatial filters", "Contributions", image_format="png")


def _add_decoding(report, results):
    for name, result in (results or {}).items():
        figure = plot_confusion(
            result.y_true, result.y_pred, result.labels, title=str(name), show=False
        )
        _add_figure(report, figure, f"Confusion: {name}", "Decoding")
        html = f"<pre>{escape(str(result))}</pre>"
        _add_html(report, html, str(name), "Decoding")


def _add_methods(report, contacts, epochs, results, parameters):
    paragraphs, references = methods_text(
        contacts=contacts, epochs=epochs, results=results, parameters=parameters
    )
    html = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    listing = "".join(f"<li>{escape(text)}</li>" for text in references)
    html += f"<p>References</p><ul>{listing}</ul>"
    _add_html(report, html, "Text to paste", "Methods")
