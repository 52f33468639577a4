"""What fitted estimators can show, by the sections of the report."""

import numpy as np

from mne_duin.report._sections import add_contributions, add_figure

NOTHING_HELD_OUT = (
    "It is not known which epochs the networks have not seen, so the pictures that "
    "need such epochs are left out (codes over time, reconstruction, patterns, "
    "ablation)."
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
    if position is None or fold is None or len(np.unique(fold)) != 1:
        return None, labels
    return epochs[position], np.asarray(result.y_true) if labels is None else labels


def add_fitted_training(report, stages):
    """Draw the history of every fitted stage.

    Parameters
    ----------
    report : mne.Report
        The report.
    stages : dict of str to estimator | None
        Fitted stages by name.
    """
    for name, stage in stages.items():
        if stage is not None:
            add_figure(report, stage.plot_history(show=False), name, "Training")


def add_fitted_codex(report, vqvae, contacts, held_out, labels):
    """Draw what the first stage rebuilds and what its codes mean.

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
        ("Code usage", vqvae.plot_code_usage(**quiet), "svg"),
        ("Map of the codex", vqvae.plot_codex(**quiet), "svg"),
    ]
    if held_out is not None:
        for suffix, own in _each_subject(vqvae):
            rebuilt = vqvae.plot_reconstruction(held_out, contacts, **quiet, **own)
            title = f"Signal and reconstruction{suffix}"
            add_figure(report, rebuilt, title, "Reconstruction", None, "png")
        over_time = vqvae.plot_codes(held_out, labels, **quiet)
        figures.append(("Codes over time", over_time, "svg"))
        if labels is not None and len(np.unique(labels)) > 1:
            words = vqvae.plot_code_words(held_out, labels, **quiet)
            figures.append(("Codes and words", words, "svg"))
        if contacts is not None:
            for suffix, own in _each_subject(vqvae):
                average = vqvae.plot_code_average(held_out, contacts, **quiet, **own)
                figures.append((f"Signal around the codes{suffix}", average, "png"))
    for title, figure, image_format in figures:
        add_figure(report, figure, title, "Codex", None, image_format)


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
    contributions : dict of str to Series | None
        One value per channel, by method.
    """
    if classifier is None:
        return None
    measure = classifier.channel_contributions
    found = {}
    if held_out is not None and labels is not None:
        found["ablation"] = measure("ablation", X=held_out, y=labels)
    if held_out is not None:
        found["patterns"] = measure("patterns", X=held_out)
    return found | {"weights": measure("weights")}


def add_fitted_filters(report, classifier, contacts, held_out):
    """Draw filters with kernels, their patterns, and the folded patch encoder.

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
        for title, figure in _filter_figures(classifier, contacts, held_out, own):
            add_figure(report, figure, title + suffix, "Filters", None, "png")


def _filter_figures(classifier, contacts, held_out, own):
    """Draw the filters of one subject; yield titles and figures."""
    for band in ("broadband", *classifier.bands_):
        options = own | {"band": band, "n_filters": 8, "show": False}
        figure = classifier.plot_spatial_filters(contacts, **options)
        yield f"Spatial filters, {band}", figure
        if held_out is not None:
            figure = classifier.plot_patterns(held_out, contacts, **options)
            yield f"Patterns of the filters, {band}", figure
    figure = classifier.plot_patch_filters(contacts, show=False, **own)
    yield "Folded patch encoder", figure


def add_fitted_contributions(report, classifier, contacts, held_out, labels):
    """Draw the contributions of the channels.

    Parameters
    ----------
    report : mne.Report
        The report.
    classifier : DuINClassifier | None
        The fitted classifier.
    contacts : DataFrame | None
        The contacts.
    held_out : mne.Epochs | None
        Epochs that it has not seen.
    labels : array | None
        Their labels.
    """
    if classifier is None or contacts is None:
        return
    if len(classifier.subjects_) > 1:
        _add_subjects_contributions(report, classifier, contacts, held_out, labels)
        return
    found = fitted_contributions(classifier, held_out, labels)
    add_contributions(report, found, contacts, None)


def _add_subjects_contributions(report, classifier, contacts, held_out, labels):
    """Draw the contributions of several subjects on one brain and one cortex."""
    known = {"weights": {}}
    if held_out is not None:
        known = {"patterns": {"X": held_out}} | known
        if labels is not None:
            known = {"ablation": {"X": held_out, "y": labels}} | known
    for method, data in known.items():
        for kind, place in (("glass", "brain"), ("surface", "cortex")):
            figure = classifier.plot_contributions(
                contacts, method, kind=kind, show=False, **data
            )
            title = f"Of {len(classifier.subjects_)} subjects on the {place}: {method}"
            add_figure(report, figure, title, "Contributions", None, "png")
