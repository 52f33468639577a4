"""The function that makes a report."""

from collections.abc import Mapping

import matplotlib as mpl
import mne
from sklearn.utils.parallel import Parallel, delayed

from mne_duin.report import _fitted as fitted
from mne_duin.report import _html
from mne_duin.report import _sections as sections
from mne_duin.report._data import add_data
from mne_duin.utils._checks import as_list, check_type

# In the order of the page; figures of the user and the methods text follow.
SECTIONS = (
    "Summary",
    "Data",
    "Contacts",
    "Training",
    "Reconstruction",
    "Codex",
    "Contributions",
    "Filters",
    "Decoding",
)


def make_report(
    classifier=None,
    epochs=None,
    contacts=None,
    *,
    vqvae=None,
    mae=None,
    cells=None,
    result=None,
    results=None,
    held_out=None,
    labels=None,
    title="Words decoded from sEEG with Du-IN",
    histories=None,
    signal=None,
    reconstruction=None,
    code_counts=None,
    codebook=None,
    codes=None,
    contributions=None,
    method=None,
    spatial_filters=None,
    curve=None,
    parameters=None,
    figures=None,
    notes=None,
    excluded=None,
    n_jobs=1,
):
    """Collect an analysis in one HTML report.

    The report begins with what was found: the main result against a baseline, with a
    paired test, and against chance. The data, the contacts, the training, the
    contributions of the channels, the filters, the confusions and a methods text
    follow.
    Give it fitted estimators, which draw themselves, or arrays and tables; what is not
    given has no section. The page is one file that needs no network.

    Parameters
    ----------
    classifier : DuINClassifier | None
        A fitted classifier: its history, contributions, filters and patterns.
    epochs : mne.Epochs | None
        The epochs that were decoded; gives numbers, sampling rate and times.
    contacts : DataFrame | None
        Contacts, index = channel name, in the order of the data.
    vqvae, mae : DuINVQVAE, DuINMAE | None
        Fitted earlier stages: histories, reconstruction, codes.
    cells : DuINCells | None
        A fitted stage of hidden cells: its history, what it learned compared with
        simple rules, and its codes.
    result : DecodingResult | None
        The result of ``classifier``, in place of ``results``.
    results : dict of str to DecodingResult | None
        Results by name, the main one first, for instance Du-IN and then the LDA.
    held_out : mne.Epochs | None
        Epochs that the estimators have not seen: permutation, patterns, codes and
        reconstructions are of these. None takes those that the main result predicted,
        if it has one fold; without any these pictures are left out.
    labels : array-like, shape (n_epochs,) | None
        Word of every epoch of ``held_out`` (or of ``codes``); None takes those of the
        main result.
    title : str
        Title of the report.
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
    contributions : Series | dict of str to Series | None
        Contribution of each channel; a dict holds one Series per method.
    method : str | None
        How one Series of contributions was found.
    spatial_filters : array, shape (n_filters, n_channels) | None
        Spatial weights, channels in the order of ``contacts``.
    curve : DataFrame | None
        What :func:`mne_duin.learning_curve` returned.
    parameters : dict | None
        Settings by name, for the methods text.
    figures : dict of str to list of Figure | None
        Further figures by section.
    notes : str | list of str | None
        Sentences for the summary.
    excluded : dict of str to str | None
        Contacts that were left out and why; None takes what :func:`read_epochs` noted
        in ``contacts.attrs``.
    n_jobs : int
        Parts of the report that are drawn at the same time, by joblib.

    Returns
    -------
    report : mne.Report
        Save it with ``report.save(path, overwrite=True, open_browser=False)``.

    Raises
    ------
    TypeError
        If results or histories are no dicts.
    ValueError
        If both ``result`` and ``results`` are given.

    Examples
    --------
    >>> report = make_report(
    ...     classifier, epochs, contacts, vqvae=vqvae, result=result
    ... )  # doctest: +SKIP
    """
    check_type("histories", histories, Mapping, none=True)
    check_type("excluded", excluded, Mapping, none=True)
    results = _name_results(result, results)
    main = next(iter(results.values()), None) if results else None
    held_out, labels = fitted.held_out_epochs(epochs, main, held_out, labels)
    notes = as_list(notes)
    if held_out is None and (classifier is not None or vqvae is not None):
        notes.append(fitted.NOTHING_HELD_OUT)
    stages = {
        "VQ-VAE": vqvae, "MAE": mae, "hidden cells": cells, "classifier": classifier,
    }  # fmt: skip
    given = sections.name_contributions(contributions, method)
    tested = None if main is None else getattr(main, "epoch", None)
    if tested is not None and epochs is not None and max(tested) >= len(epochs):
        tested = None  # the results are of other epochs
    own, best = fitted.fitted_histories(stages)
    seen = contacts, held_out, labels
    # What takes longest begins first; the page is put in order below.
    parts = [
        (_add_channels, classifier, given, *seen),
        (fitted.add_fitted_filters, classifier, contacts, held_out),
        (fitted.add_fitted_codex, vqvae, *seen),
        (fitted.add_fitted_contributions, classifier, *seen),
        (sections.add_summary, results, epochs, contacts, notes),
        (add_data, sections.add_html, epochs, contacts, tested, excluded),
        (sections.add_training, own | dict(histories or {}), best),
        (fitted.add_fitted_check, cells),
        (sections.add_reconstruction, signal, reconstruction, contacts, epochs),
        (sections.add_codex, code_counts, codebook, codes, labels, epochs),
        (fitted.add_cell_codes, cells, held_out, labels),
        (sections.add_filters, spatial_filters, contacts),
        (sections.add_decoding, results, curve),
    ]
    pieces = _draw(parts, n_jobs)
    report = mne.Report(title=title, img_max_width=None, img_max_res=160, verbose=False)
    report.add_custom_css(_html.CSS)
    report.include += _html.VIEWPORT
    for piece in sorted(pieces, key=lambda piece: SECTIONS.index(piece["section"])):
        report.add_html(**piece)
    for section, some in (figures or {}).items():
        for rank, figure in enumerate(as_list(some), 1):
            sections.add_figure(report, figure, f"{section} {rank}", section)
    sections.add_methods(
        report, contacts=contacts, epochs=epochs, results=results,
        parameters=parameters,
        stages={name: stage for name, stage in stages.items() if stage is not None},
    )  # fmt: skip
    return report


def _add_channels(report, classifier, given, contacts, held_out, labels):
    """Draw the contacts, and what each contributes."""
    contributions = fitted.fitted_contributions(classifier, held_out, labels) | given
    sections.add_contacts(report, contacts, contributions)
    sections.add_contributions(report, contributions, contacts)


class Pieces(list):
    """Stands in for a report while a part of it is drawn: keeps what is added."""

    def add_html(self, html, title, **options):
        """Keep an element, as ``mne.Report`` would."""
        self.append({"html": html, "title": title, **options})


def _draw(parts, n_jobs):
    """Draw the parts of a report, some at the same time; return their elements."""
    style = {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}
    drawn = Parallel(n_jobs=n_jobs)(delayed(_draw_part)(part, style) for part in parts)
    return [piece for pieces in drawn for piece in pieces]


def _draw_part(part, style):
    """Draw one part in the style of the process that asks for it."""
    function, *arguments = part
    pieces = Pieces()
    with mpl.rc_context(style):
        function(pieces, *arguments)
    return pieces


def _name_results(result, results):
    """Return results by name."""
    check_type("results", results, Mapping, none=True)
    if result is None:
        return results
    if results is not None:
        raise ValueError("Give `result` or `results`, not both.")
    return {str(getattr(result, "estimator", "result")): result}
