"""What fitted estimators can show, by the sections of the report."""

import numpy as np

from mne_duin.report import _html
from mne_duin.report._sections import PLACES, add_codex, add_figure, add_html
from mne_duin.utils._epochs import FEWEST_EPOCHS

FILTERS = (
    "Each row is one spatial filter: its weights, its forward-model pattern (if "
    "held-out trials are available), the temporal kernels applied to its output, and "
    "their frequency responses. Weights can be large in order to cancel "
    "noise; patterns show where the signal of the filter is strong (Haufe et "
    "al., 2014)."
)

NOTHING_HELD_OUT = (
    "It is not known which epochs were held out from training, so figures that "
    "need held-out epochs are omitted (codes over time, reconstruction, patterns, "
    "permutation)."
)


def held_out_epochs(epochs, result, held_out, labels):
    """Choose the epochs that the estimators have not seen, and their labels.

    Parameters
    ----------
    epochs : mne.Epochs | None
        All epochs.
    result : DecodingResult | None
        The main result, whose predictions are of these epochs.
    held_out : mne.Epochs | None
        The epochs, if the user says which.
    labels : array-like | None
        Their labels, if the user says which.

    Returns
    -------
    held_out : mne.Epochs | None
        The epochs; None where they are not known. A result of several folds does not
        say which of them the estimators at hand have learned from.
    labels : array | None
        Their labels.
    """
    if held_out is not None or epochs is None or result is None:
        return held_out, labels
    position, fold = getattr(result, "epoch", None), getattr(result, "fold", None)
    known = position is not None and fold is not None and len(np.unique(fold)) == 1
    if not known or np.max(position) >= len(epochs):
        return None, labels
    return epochs[position], np.asarray(result.y_true) if labels is None else labels


def fitted_histories(stages):
    """Return the history of every fitted stage, and the pass that was kept.

    Parameters
    ----------
    stages : dict of str to estimator | None
        Fitted stages by name.

    Returns
    -------
    histories : dict of str to History
        By name.
    best : dict of str to int
        The pass that was kept, where it was chosen.
    """
    known = {name: stage for name, stage in stages.items() if stage is not None}
    best = {name: stage.best_iter_ for name, stage in known.items()}
    return {name: stage.history_ for name, stage in known.items()}, best


def add_fitted_codex(report, vqvae, contacts, held_out, labels):
    """Draw what the first stage reconstructs and what its codes mean.

    Parameters
    ----------
    report : mne.Report
        The report.
    vqvae : DuINVQVAE | None
        The fitted first stage.
    contacts : DataFrame | None
        The contacts.
    held_out : mne.Epochs | None
        Epochs that it has not seen.
    labels : array | None
        Their labels.
    """
    if vqvae is None:
        return
    quiet = {"show": False}
    figures = [
        ("Code usage", vqvae.plot_code_usage(**quiet)),
        ("Map of the codex", vqvae.plot_codex(**quiet)),
    ]
    if held_out is not None:
        for suffix, own in _each_subject(vqvae):
            reconstructed = vqvae.plot_reconstruction(
                held_out, contacts, **quiet, **own
            )
            title = f"Signal and reconstruction{suffix}"
            add_figure(report, reconstructed, title, "Reconstruction")
        over_time = vqvae.plot_codes(held_out, labels, **quiet)
        figures.append(("Codes over time", over_time))
        if labels is not None and len(np.unique(labels)) > 1:
            words = vqvae.plot_code_words(held_out, labels, **quiet)
            figures.append(("Codes and words", words))
        if contacts is not None:
            for suffix, own in _each_subject(vqvae):
                average = vqvae.plot_code_average(held_out, contacts, **quiet, **own)
                figures.append((f"Signal around the codes{suffix}", average))
    for title, figure in figures:
        add_figure(report, figure, title, "Codex")


def add_fitted_check(report, cells):
    """Draw whether hidden cells are predicted better than by simple rules, in words.

    Parameters
    ----------
    report : mne.Report
        The report.
    cells : DuINCells | None
        The fitted stage.
    """
    check = getattr(cells, "check_", None)
    if check is not None:
        title = "What pre-training learned"
        add_figure(report, check.plot(show=False), title, "Training")


def add_cell_codes(report, cells, held_out, labels):
    """Draw the codes of the tokens that hidden cells were learned with.

    Parameters
    ----------
    report : mne.Report
        The report.
    cells : DuINCells | None
        The fitted stage.
    held_out : mne.Epochs | None
        Epochs that it has not seen.
    labels : array | None
        Their labels.
    """
    if cells is None or held_out is None:
        return
    codes = cells.codes(held_out)
    counts = np.bincount(codes.ravel(), minlength=len(cells.codebook_))
    add_codex(report, counts, cells.codebook_, codes, labels, held_out)


def _each_subject(estimator):
    """Yield, for each subject, what ends a title and what chooses the picture."""
    names = estimator.subjects_
    if len(names) == 1:
        yield "", {}
        return
    for name in names:
        yield f", subject {name}", {"show_subject": name}


def fitted_contributions(classifier, held_out, labels):
    """Measure the contributions of the channels, the most direct measure first.

    Parameters
    ----------
    classifier : DuINClassifier | None
        The fitted classifier.
    held_out : mne.Epochs | None
        Epochs that it has not seen; without them only weights are left.
    labels : array | None
        Their labels.

    Returns
    -------
    contributions : dict of str to Series
        One value per channel, by method; empty without a classifier or for several
        subjects.
    """
    if classifier is None or len(classifier.subjects_) > 1:
        return {}
    measure = classifier.channel_contributions
    found = {}
    if held_out is not None and labels is not None:
        found["permutation"] = measure("permutation", X=held_out, y=labels)
    if _is_enough(held_out, classifier):
        found["patterns"] = measure("patterns", X=held_out)
    return found | {"weights": measure("weights")}


def _is_enough(held_out, classifier):
    """Return whether there are epochs enough for patterns."""
    fewest = FEWEST_EPOCHS * len(classifier.subjects_)
    return held_out is not None and len(held_out) >= fewest


def add_fitted_filters(report, classifier, contacts, held_out):
    """Draw filters with patterns and kernels, and the folded patch encoder.

    Parameters
    ----------
    report : mne.Report
        The report.
    classifier : DuINClassifier | None
        The fitted classifier.
    contacts : DataFrame | None
        The contacts.
    held_out : mne.Epochs | None
        Epochs for the patterns.
    """
    if classifier is None or contacts is None:
        return
    for suffix, own in _each_subject(classifier):
        for title, html in _filter_pictures(classifier, contacts, held_out, own):
            add_html(report, html, title + suffix, "Filters")


def _filter_pictures(classifier, contacts, held_out, own):
    """Draw the filters of one subject; yield titles and elements."""
    encoder = classifier.module_.encoder
    held_out = held_out if _is_enough(held_out, classifier) else None
    quiet = own | {"show": False}
    bands = ("broadband", *classifier.bands_)
    if encoder.spatial is not None:
        parts, patterns = {}, dict.fromkeys(bands)
        if held_out is not None:
            patterns = classifier._shown_patterns(held_out, **own)
        for band in bands:
            figure = classifier.plot_spatial_filters(
                contacts, patterns=patterns[band], band=band, n_filters=4, **quiet
            )
            parts[band] = _html.picture(
                figure, f"Spatial filters, {band}", as_pixels=True
            )
        yield "Spatial filters", _html.choice(parts, "band") + _html.note(FILTERS)
    if getattr(encoder, "contacts", None) is not None:
        parts = {
            band: _html.picture(
                classifier.plot_contact_kernels(contacts, band=band, **quiet),
                f"Temporal kernels of the contacts, {band}",
            )
            for band in bands
        }
        yield "Temporal kernels of the contacts", _html.choice(parts, "band")
    figure = classifier.plot_patch_filters(contacts, n_filters=4, **quiet)
    html = _html.picture(figure, "Folded patch encoder", as_pixels=True)
    yield "Folded patch encoder", html


def add_fitted_contributions(report, classifier, contacts, held_out, labels):
    """Draw the contributions of several subjects on one brain and one cortex.

    Parameters
    ----------
    report : mne.Report
        The report.
    classifier : DuINClassifier | None
        The fitted classifier; with one subject nothing is drawn here.
    contacts : DataFrame | None
        The contacts.
    held_out : mne.Epochs | None
        Epochs that it has not seen.
    labels : array | None
        Their labels.
    """
    if classifier is None or contacts is None or len(classifier.subjects_) == 1:
        return
    known = {"weights": {}}
    if held_out is not None:
        if _is_enough(held_out, classifier):
            known = {"patterns": {"X": held_out}} | known
        if labels is not None:
            known = {"permutation": {"X": held_out, "y": labels}} | known
    parts = {}
    for method, data in known.items():
        for kind, place in PLACES.items():
            figure = classifier.plot_contributions(
                contacts, method, kind=kind, show=False, **data
            )
            title = f"{method}, {place}"
            parts[title] = _html.picture(
                figure, f"Contributions: {title}", as_pixels=True
            )
    html = _html.choice(parts, "measure and place")
    title = f"Contributions of the channels of {len(classifier.subjects_)} subjects"
    add_html(report, html, title, "Contributions")
