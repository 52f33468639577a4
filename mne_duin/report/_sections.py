"""The sections of the report; each is left out where nothing was given for it."""

from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd

from mne_duin.evaluation import summarize_curve
from mne_duin.report import _html
from mne_duin.report._verdict import compare_to_main, table_of_results, verdict
from mne_duin.utils._methods import methods_text
from mne_duin.utils._spaces import contact_positions
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
    view_contacts,
)
from mne_duin.viz._align import as_frame
from mne_duin.viz._confusion import shared_order
from mne_duin.viz._contributions import METHODS
from mne_duin.viz._history import codex_start

PLACES = {"glass": "glass brain", "surface": "cortex"}


def add_html(report, html, title, section):
    """Add an element."""
    report.add_html(html, title, section=section, tags=(section.lower(),))


def add_figure(report, figure, title, section, caption=""):
    """Add a figure with a sentence below it, and close it."""
    html = _html.picture(figure, f"{section}: {title}") + _html.note(caption)
    add_html(report, html, title, section)


def add_summary(report, results, epochs, contacts, notes):
    """Answer first: the verdict, the numbers, the data in one line."""
    html = ""
    if results:
        tests = compare_to_main(results)
        first, *rest = verdict(results, tests)
        html += f'<p class="duin-verdict">{escape(first)}</p>'
        html += "".join(f"<p>{escape(sentence)}</p>" for sentence in rest)
    facts = [*_facts(epochs, contacts), *map(str, notes)]
    items = "".join(f"<li>{escape(one)}</li>" for one in facts)
    html += f"<ul>{items}</ul>" if items else ""
    if results:
        html += _html.table(table_of_results(results, tests), nowrap=True)
        if len(tests):
            html += _html.note(
                f"Paired tests: {tests['test'].iloc[0]}, with Holm's correction for "
                f"{len(tests)} comparisons."
            )
        alt = "Accuracy of every decoder with its 95 % interval"
        html += _html.picture(plot_accuracy(results, show=False), alt)
    if html:
        add_html(report, html, "Result", "Summary")


def _facts(epochs, contacts):
    """Describe the data in one line."""
    if epochs is not None:
        return [
            f"{len(epochs)} trials of {len(epochs.event_id)} words, "
            f"{len(epochs.ch_names)} channels, {epochs.info['sfreq']:g} Hz, "
            f"{epochs.tmin:g} to {epochs.tmax:.3g} s."
        ]
    return [] if contacts is None else [f"{len(contacts)} channels."]


def add_contacts(report, contacts, contributions):
    """Show where the contacts are, to turn and click, and count them by region."""
    if contacts is None:
        return
    add_figure(report, plot_contacts(contacts, show=False), "On the brain", "Contacts")
    view = view_contacts(contacts, values=_measures(contacts, contributions))
    hint = (
        "Drag to rotate. Click contacts to collect their names for picks=. The menu "
        "above the brain selects the measure that colors the contacts."
    )
    add_html(report, view.iframe() + _html.note(hint), "Interactive view", "Contacts")
    html = ""
    if "region" in contacts:
        regions = contacts.fillna({"region": "no region"}).groupby("region")
        shafts = {"shafts": ("shaft", _join_names)} if "shaft" in contacts else {}
        counts = regions.agg(channels=("region", "size"), **shafts)
        html = _html.table(counts.rename_axis(None))
    # Of several subjects the index has two levels.
    rows = contacts.rename_axis([None] * contacts.index.nlevels)
    rows = _html.table(rows, nowrap=True)
    html += _html.folded(f"All {len(contacts)} channels", rows)
    add_html(report, html, "Table", "Contacts")


def _measures(contacts, contributions):
    """Return the contributions as columns of one table; None without any."""
    known = {
        METHODS.get(name, str(name or "contribution")): values.reindex(contacts.index)
        for name, values in (contributions or {}).items()
        if isinstance(values, pd.Series) and contacts.index.is_unique
    }
    return pd.DataFrame(known) if known else None


def _join_names(names):
    return ", ".join(dict.fromkeys(str(name) for name in names.dropna()))


def add_training(report, histories, best=None):
    """Draw the history of every stage and say what its curves need to be read.

    Parameters
    ----------
    report : mne.Report
        The report.
    histories : dict of str to DataFrame | None
        Histories by stage.
    best : dict of str to int | None
        The pass that was kept, by stage; None where the last one was.
    """
    parts = []
    for name, history in (histories or {}).items():
        kept = (best or {}).get(name)
        figure = plot_history(history, best_pass=kept, title=str(name), show=False)
        picture = _html.picture(figure, f"Loss and accuracy of {name} by pass")
        parts.append(picture + _html.note(_training_note(as_frame(history), kept)))
    if parts:
        add_html(report, "".join(parts), "Loss by pass", "Training")


def _training_note(frame, kept):
    """Explain what in the curves of a stage looks odd but is not."""
    sentences = []
    start = codex_start(frame)
    if start is not None:
        sentences.append(
            f"The loss jumps at pass {start} because the codex is introduced there: "
            "before, the decoder reconstructs the signal from the tokens, afterwards "
            "from their nearest codes."
        )
    if not any(name.startswith("valid") for name in frame):
        sentences.append(
            "There are no validation data, so all curves show the training data."
        )
    if kept is not None:
        sentences.append(f"The weights of pass {kept} were kept (dotted line).")
    return " ".join(sentences)


def add_reconstruction(report, signal, reconstruction, contacts, epochs):
    """Draw the signal and its reconstruction from the codes."""
    if signal is None or reconstruction is None:
        return
    sfreq = 1000.0 if epochs is None else float(epochs.info["sfreq"])
    tmin = 0.0 if epochs is None else float(epochs.tmin)
    figure = plot_reconstruction(
        signal, reconstruction, contacts, sfreq=sfreq, tmin=tmin, show=False
    )
    add_figure(report, figure, "Signal and reconstruction", "Reconstruction")


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


def name_contributions(contributions, method):
    """Return contributions as a dict by method.

    Parameters
    ----------
    contributions : Series | dict of str to Series | None
        Contribution of each channel, by method.
    method : str | None
        How one Series was found.

    Returns
    -------
    contributions : dict of str to Series
        Empty for None.
    """
    if contributions is None:
        return {}
    if isinstance(contributions, Mapping):
        return dict(contributions)
    return {method: contributions}


def add_contributions(report, contributions, contacts):
    """Draw every measure on glass brain and cortex, folded behind one choice.

    Parameters
    ----------
    report : mne.Report
        The report.
    contributions : dict of str to Series
        Contribution of each channel, by method.
    contacts : DataFrame | None
        The contacts.
    """
    if not contributions or contacts is None:
        return
    located = np.isfinite(contact_positions(contacts, "MNI152")).all(axis=1).any()
    parts = {}
    for name, values in contributions.items():
        for kind in list(PLACES)[: 1 + located]:
            figure = plot_contributions(
                values, contacts, method=name, kind=kind, show=False
            )
            place = PLACES[kind] if located else "montage"
            title = f"{name or 'contributions'}, {place}"
            parts[title] = _html.picture(
                figure, f"Contributions: {title}", as_pixels=located
            )
    html = _html.choice(parts, "measure and place")
    add_html(report, html, "Contributions of the channels", "Contributions")


def add_filters(report, spatial_filters, contacts):
    """Draw the spatial filters."""
    if spatial_filters is None or contacts is None:
        return
    figure = plot_spatial_filters(spatial_filters, contacts, show=False)
    add_figure(report, figure, "Spatial filters", "Filters")


def add_decoding(report, results, curve):
    """Draw confusions in one order and the learning curve; print the results."""
    if curve is not None:
        is_raw = {"n_per_class", "n_test", "repeat", "log_loss"} <= set(curve)
        points = summarize_curve(curve) if is_raw else curve
        figure = plot_learning_curve(points, show=False)
        caption = (
            "Bars are 95 % Wilson intervals over the test trials." if is_raw else ""
        )
        title = "Accuracy by number of training trials"
        add_figure(report, figure, title, "Decoding", caption)
    if not results:
        return
    order = shared_order(list(results.values()))
    pictures, texts = [], []
    for name, result in results.items():
        own = result.labels if order is None else order
        figure = plot_confusion(
            result.y_true, result.y_pred, own, title=str(name), show=False,
            order="similarity" if order is None else "labels",
        )  # fmt: skip
        pictures.append(_html.picture(figure, f"Confusion matrix of {name}", 430))
        texts.append(_html.folded(str(name), f"<pre>{escape(str(result))}</pre>"))
    html = _html.row(pictures)
    if order is not None and len(results) > 1:
        html += _html.note(
            "All matrices have the same order of words: words that are often confused "
            "are next to each other."
        )
    add_html(report, html, "Confusion matrices", "Decoding")
    add_html(report, "".join(texts), "Results as text", "Decoding")


def add_methods(report, **known):
    """Write the methods and the references, ready to paste."""
    paragraphs, references = methods_text(**known)
    html = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    listing = "".join(f"<li>{escape(text)}</li>" for text in references)
    html = f'<div class="duin-text">{html}<p>References</p><ul>{listing}</ul></div>'
    add_html(report, html, "Methods text", "Methods")
