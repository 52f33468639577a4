"""The contributions of several subjects on one brain, with what lies behind them."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mne_duin.utils._checks import check_number, check_type
from mne_duin.utils._moved import former_option
from mne_duin.viz._align import align_values
from mne_duin.viz._contributions import CAVEATS, METHODS
from mne_duin.viz._theme import (
    MODEL,
    STYLE,
    WIDTH,
    add_footnote,
    add_note,
    finish,
    theme,
    value_scale,
)
from mne_duin.viz.brain._glass import brain_positions
from mne_duin.viz.brain._panels import (
    draw_cortex,
    draw_cortex_counts,
    draw_glass,
    glass_grid,
    glass_widths,
    paint_cortex,
    picture_height,
)


def group_contributions(contributions, contacts, *, accuracy=None):
    """Bring the contributions of several subjects to one scale.

    As in the paper, the values of every subject are divided by the largest of them and,
    if asked, multiplied by the accuracy with which that subject is decoded: a subject
    who cannot be decoded says nothing about where speech is.

    Parameters
    ----------
    contributions : DataFrame | dict of str to Series
        One column per subject, as ``channel_contributions`` returns it for an estimator
        of several subjects, or one Series per subject. NaN (padding) are left out.
    contacts : DataFrame | dict of str to DataFrame
        Contacts by subject: the table of :func:`stack_subjects`, index ``subject`` and
        ``slot``, or one table per subject.
    accuracy : dict of str to float | Series | None
        Accuracy of each subject, from 0 to 1; None weights all alike.

    Returns
    -------
    table : DataFrame
        One row per contact, index = channel name: ``subject``, ``contribution`` (as
        given), ``weight`` (the accuracy, or 1), ``value`` (share of the subject's
        largest, times the weight), then the columns of the contacts.

    Raises
    ------
    ValueError
        If contributions, contacts and accuracies are of different subjects, if a
        channel has no contact, or if an accuracy lies outside 0 to 1.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, appendix H.

    Examples
    --------
    >>> table = pd.DataFrame({"x": [-50.0, -55.0]}, index=["A1", "A2"])
    >>> one = pd.Series([1.0, 2.0], index=["A1", "A2"])
    >>> found = group_contributions(
    ...     {"01": one, "02": 3 * one},
    ...     {"01": table, "02": table},
    ...     accuracy={"01": 0.8, "02": 0.4},
    ... )
    >>> found["value"].round(2).tolist()
    [0.4, 0.8, 0.2, 0.4]
    """
    values = _values_by_subject(contributions)
    tables = _contacts_by_subject(contacts)
    weights = _weights(accuracy, values)
    other = sorted(values.keys() ^ tables.keys())
    if other:
        raise ValueError(
            f"`contributions` and `contacts` must have the same subjects; only one of "
            f"them has {other}."
        )
    parts = []
    for name, own in values.items():
        own = own.dropna()
        numbers, table = align_values(own, tables[name], f"contributions[{name!r}]")
        largest = np.abs(numbers).max(initial=0.0) or 1.0
        columns = {
            "subject": name,
            "contribution": numbers,
            "weight": weights[name],
            "value": weights[name] * numbers / largest,
        }
        frame = pd.DataFrame(columns, index=_channel_names(table))
        rest = table.drop(columns=["subject", "contact"], errors="ignore")
        parts.append(pd.concat([frame, rest.set_axis(frame.index)], axis=1))
    return pd.concat(parts)


def _values_by_subject(contributions):
    check_type("contributions", contributions, (pd.DataFrame, Mapping))
    names = list(contributions)
    return {str(name): pd.Series(contributions[name], dtype=float) for name in names}


def _contacts_by_subject(contacts):
    """Return one table per subject, index = names of the channels or slots."""
    check_type("contacts", contacts, (pd.DataFrame, Mapping))
    if isinstance(contacts, Mapping):
        return {str(name): table for name, table in contacts.items()}
    if contacts.index.nlevels != 2:
        raise ValueError(
            "`contacts` must be the table of stack_subjects, index subject and slot, "
            "or a dict with one table per subject; got a table with one level of index."
        )
    names = contacts.index.get_level_values(0).unique()
    return {str(name): contacts.loc[name] for name in names}


def _channel_names(table):
    names = table["contact"] if "contact" in table else table.index
    return pd.Index(names, name="name")


def _weights(accuracy, values):
    if accuracy is None:
        return dict.fromkeys(values, 1.0)
    check_type("accuracy", accuracy, (Mapping, pd.Series))
    weights = {str(name): float(value) for name, value in accuracy.items()}
    other = sorted(weights.keys() ^ values.keys())
    if other:
        raise ValueError(
            f"`accuracy` and `contributions` must have the same subjects; only one of "
            f"them has {other}."
        )
    for name, weight in weights.items():
        check_number(f"accuracy[{name!r}]", weight, low=0, high=1)
    return weights


@theme(STYLE)
def plot_group_contributions(
    contributions,
    contacts,
    *,
    accuracy=None,
    method=None,
    title=None,
    show=True,
):
    """Show the contributions of several subjects on one brain and one cortex.

    Every subject's values are divided by the largest of them and, if asked, multiplied
    by the accuracy; see :func:`group_contributions`. Below the markers on the MNI glass
    brain the values are smoothed on the fsaverage5 surface, and beside them stands how
    many contacts lie behind each place: a hot spot with one contact is one contact.

    Parameters
    ----------
    contributions : DataFrame | dict of str to Series
        One column or Series per subject.
    contacts : DataFrame | dict of str to DataFrame
        Contacts by subject, in a template space: the table of :func:`stack_subjects`,
        or one table per subject.
    accuracy : dict of str to float | Series | None
        Accuracy of each subject as its weight; None weights all alike.
    method : "weights" | "patterns" | "permutation" | str | None
        How the values were found; named in the picture, with what it can tell.
    title : str | None
        Title of the figure.
    show : bool
        Whether to show the figure.

    Returns
    -------
    figure : Figure
        The figure.

    Raises
    ------
    ValueError
        As :func:`group_contributions`.

    Examples
    --------
    >>> from mne_duin import plot_group_contributions, simulate_subjects, stack_subjects
    >>> cohort = simulate_subjects(
    ...     2, n_runs=1, n_trials_per_word=1, random_state=0
    ... )
    >>> contacts = {name: one[1] for name, one in cohort.items()}
    >>> planted = {name: one[2]["source_gain"] for name, one in cohort.items()}
    >>> figure = plot_group_contributions(planted, contacts, show=False)
    """
    table = group_contributions(contributions, contacts, accuracy=accuracy)
    values = table["value"].to_numpy()
    xyz, note = brain_positions(table)
    method = former_option("method", method, {"ablation": "permutation"})
    label = f"{METHODS.get(method, method or 'contribution')}, share of the largest"
    if accuracy is not None:
        label += " × accuracy"
    notes = [CAVEATS[method]] if method in CAVEATS else []
    if not np.isfinite(xyz).all(axis=1).any():
        figure, axes = plt.subplots(figsize=(WIDTH, 2.0))
        add_note(axes, note)
        return finish(figure, show)
    painted, counts, faces, deep = paint_cortex(values, table)
    figure = _draw(table, values, xyz, label, (painted, counts, faces))
    add_footnote(figure, "\n".join(text for text in [*notes, note or deep] if text))
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return finish(figure, show)


def _draw(table, values, xyz, label, cortex):
    """Lay out the glass brain over the cortex, its counts, and the subjects' bars."""
    painted, counts, faces = cortex
    views, scale = glass_grid(xyz), value_scale(values)
    heights = [picture_height("glass", views), picture_height("surface", faces)]
    figure = plt.figure(figsize=(WIDTH + 0.4, sum(heights)))
    top, below = figure.subfigures(2, 1, height_ratios=heights)
    brain, beside = top.subfigures(1, 2, width_ratios=[2.4, 1])
    shape = len(views), len(views[0])
    axes = brain.subplots(*shape, squeeze=False, width_ratios=glass_widths(views))
    draw_glass(axes.ravel(), views, xyz, values, table, scale)
    bar = plt.cm.ScalarMappable(scale[1], scale[0])
    look = {"orientation": "horizontal", "aspect": 28, "pad": 0.03}
    brain.colorbar(bar, ax=axes.ravel(), shrink=0.5, label=label, **look)
    _draw_subjects(beside.subplots(), table)
    left, right = below.subfigures(1, 2)
    shape = max(len(faces), 1), len(faces[0]) if faces else 1
    axes = left.subplots(*shape, squeeze=False).ravel()
    draw_cortex(axes, faces, painted, scale)
    if faces:
        left.colorbar(bar, ax=axes, shrink=0.7, label="mean of the contacts", **look)
        draw_cortex_counts(right, faces, counts)
    return figure


def _draw_subjects(axes, table):
    """Draw the weight of every subject and write how many contacts it has."""
    subjects = table.groupby("subject", sort=False)
    weight, count = subjects["weight"].first(), subjects.size()
    rows = range(len(weight))
    axes.barh(rows, weight, color=MODEL, height=0.72)
    names = [f"{name} ({count[name]} contacts)" for name in weight.index]
    axes.set_yticks(rows, names, fontsize=6.5)
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(0, 1), xlabel="weight of the subject")
    axes.set_ylim(max(len(weight), 8) - 0.4, -0.6)
