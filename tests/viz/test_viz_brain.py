"""Contacts in the right place, with the right value, under the right color."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba

from mne_duin.utils._spaces import to_space
from mne_duin.viz import plot_contacts, plot_contributions
from mne_duin.viz._align import shaft_names
from mne_duin.viz._theme import FIXED, group_styles, value_scale
from mne_duin.viz.brain._glass import choose_views, visible
from mne_duin.viz.brain._panels import montage_blocks
from mne_duin.viz.brain._surface import (
    faces_needed,
    fine_hemisphere,
    load_hemisphere,
    smooth_on_surface,
)

MNI305 = "fsaverage"


def markers(axes):
    """Offsets and face colors of all markers of an axes."""
    found = [c for c in axes.collections if isinstance(c, PathCollection)]
    offsets = np.concatenate([np.asarray(c.get_offsets()) for c in found])
    return offsets, np.concatenate([c.get_facecolors() for c in found])


def all_text(figure):
    return " ".join(text.get_text() for text in figure.findobj(plt.Text))


@pytest.mark.parametrize("space", ["MNI152NLin2009bAsym", MNI305])
@pytest.mark.parametrize(
    ("view", "columns"), [("l", [1, 2]), ("y", [0, 2]), ("z", [0, 1])]
)
def test_markers_lie_at_mni152_coordinates(make_contacts, space, view, columns):
    contacts = make_contacts(space=space)
    figure = plot_contacts(contacts, views=view, show=False)
    offsets, _ = markers(figure.axes[0])
    expected = to_space(contacts[["x", "y", "z"]], space, "MNI152")[:, columns]
    np.testing.assert_allclose(
        np.sort(offsets, axis=0), np.sort(expected, axis=0), atol=1e-9
    )


def test_left_is_left(contacts):
    figure = plot_contacts(contacts, views="ly", show=False)
    side, back = figure.axes[:2]
    assert side.get_xlim()[0] > side.get_xlim()[1]  # anterior on the left
    assert back.get_xlim()[0] < back.get_xlim()[1]
    labels = {text.get_text(): text.get_position()[0] for text in back.texts}
    assert labels["L"] < 0 < labels["R"]
    assert markers(back)[0][:, 0].max() < 0


def test_side_views_show_their_own_hemisphere(make_contacts):
    contacts = make_contacts(side=0)
    xyz = contacts[["x", "y", "z"]].to_numpy()
    assert choose_views(xyz) == ["l", "y", "z", "r"]
    assert choose_views(-np.abs(xyz)) == ["l", "y", "z"]
    assert choose_views(np.abs(xyz)) == ["r", "y", "z"]
    assert (xyz[visible(xyz, "l"), 0] <= 0).all()
    assert (xyz[visible(xyz, "r"), 0] >= 0).all()
    assert len(visible(xyz, "y")) == len(xyz)
    assert np.all(np.diff(xyz[visible(xyz, "z"), 2]) >= 0)


@pytest.mark.parametrize("shuffle", [False, True])
def test_values_follow_names(contacts, rng, shuffle):
    values = pd.Series(rng.random(28), contacts.index)
    if shuffle:
        values = values.sample(frac=0.6, random_state=0)
    figure = plot_contacts(contacts, values=values, views="z", show=False)
    offsets, colors = markers(figure.axes[0])
    cmap, norm = value_scale(values)
    assert len(offsets) == len(values)
    for name, value in values.items():
        place = contacts.loc[name, ["x", "y"]].to_numpy(dtype=float)
        row = np.abs(offsets - place).sum(axis=1).argmin()
        np.testing.assert_allclose(colors[row], cmap(norm(value)))


def test_regions_have_their_colours(contacts):
    figure = plot_contacts(contacts, views="z", show=False)
    offsets, colors = markers(figure.axes[0])
    vsmc = contacts.loc[contacts["region"] == "vSMC", "y"].iloc[0]
    rows = np.isclose(offsets[:, 1], vsmc)
    assert rows.sum() == 7
    np.testing.assert_allclose(colors[rows], np.tile(to_rgba(FIXED["vSMC"]), (7, 1)))


def test_groups_never_share_a_look():
    names = [f"region {k}" for k in range(30)] + ["vSMC", "STG", "no region"]
    styles = group_styles(names)
    assert len(set(styles.values())) == len(names)
    assert list(styles)[-1] == "no region"
    assert styles["vSMC"] == group_styles(["vSMC"])["vSMC"]


def test_limits_are_symmetric_about_zero(rng):
    _, norm = value_scale(rng.normal(size=50) - 0.3)
    assert norm.vmin == -norm.vmax
    _, norm = value_scale([0.1, 0.4, np.nan])
    assert (norm.vmin, norm.vmax) == (0.0, 0.4)


@pytest.mark.parametrize("kind", ["glass", "surface", "montage", "bars"])
@pytest.mark.by_default("glass", "bars")
def test_without_coordinates_there_is_a_note(contacts, kind):
    native = contacts.assign(space="ACPC")
    values = pd.Series(np.linspace(0.1, 1, 28), contacts.index)
    figure = plot_contributions(values, native, kind=kind, show=False)
    assert ("No brain is drawn" in all_text(figure)) == (kind in {"glass", "surface"})
    assert "ACPC" in all_text(plot_contacts(native, show=False))
    assert "D'7" in all_text(figure)


def test_a_hidden_contact_is_named(contacts):
    contacts.loc["B'3", ["x", "y", "z"]] = np.nan
    figure = plot_contacts(contacts, show=False)
    assert "1 contact without coordinates (B'3)" in all_text(figure)
    assert len(markers(figure.axes[1])[0]) == 27


@pytest.mark.parametrize(
    ("n_shafts", "per_shaft", "side"),
    [(1, 1, -1), pytest.param(20, 10, 0, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("kind", ["glass", "surface", "montage"])
@pytest.mark.by_default("glass-1-1--1", "montage-1-1--1")
def test_one_contact_and_two_hundred(
    make_contacts, rng, n_shafts, per_shaft, side, kind
):
    contacts = make_contacts(n_shafts, per_shaft, side)
    values = pd.Series(rng.random(len(contacts)), contacts.index)
    figure = plot_contributions(values, contacts, kind=kind, show=False)
    figure.draw_without_rendering()
    best = [text.get_text() for text in figure.axes[-1].get_yticklabels()][0]
    assert best == values.idxmax()


def test_a_planted_contact_is_the_hottest_point(contacts, rng):
    values = pd.Series(0.2 * rng.random(28), contacts.index)
    values["C'7"] = 1.0
    painted, near, _ = smooth_on_surface(values.to_numpy(), contacts, "l")
    assert near[contacts.index.get_loc("C'7")]
    hottest = load_hemisphere("l")[0][np.nanargmax(painted)]
    place = to_space(contacts.loc["C'7", ["x", "y", "z"]], "MNI152", "MNI305")[0]
    others = to_space(contacts.drop("C'7")[["x", "y", "z"]], "MNI152", "MNI305")
    gap = np.linalg.norm(hottest - place)
    assert gap < 15
    assert gap < np.linalg.norm(others - hottest, axis=1).min()
    assert np.isnan(smooth_on_surface(values.to_numpy(), contacts, "r")[0]).all()


def test_the_surface_is_drawn_in_mni305(contacts):
    values = np.ones(len(contacts))
    direct = contacts.copy()
    xyz = to_space(contacts[["x", "y", "z"]], "MNI152", "MNI305")
    direct[["x", "y", "z"]], direct["space"] = xyz, MNI305
    one, *_ = smooth_on_surface(values, contacts, "l")
    two, *_ = smooth_on_surface(values, direct, "l")
    np.testing.assert_allclose(one, two)
    figure = plot_contributions(values, contacts, kind="surface", show=False)
    faces = [c for c in figure.findobj(PolyCollection) if len(c.get_paths()) > 5000]
    assert len(faces) == 2
    assert all(one.get_rasterized() for one in faces)


@pytest.mark.slow
def test_the_count_is_that_of_contacts_behind_a_place(make_contacts):
    tables = [make_contacts(4, 7), make_contacts(3, 7)]
    tables = {f"{k}": table.assign(subject=f"{k}") for k, table in enumerate(tables)}
    joined = pd.concat(tables.values())
    values = np.ones(len(joined))
    values[3] = np.nan
    vertices = fine_hemisphere("l")[0]
    painted, near, count = smooth_on_surface(values, joined, "l", vertices=vertices)
    xyz = to_space(joined[["x", "y", "z"]], "MNI152", "MNI305")
    xyz[3] = np.inf
    for vertex in np.argsort(-count)[:: len(count) // 50]:
        gaps = np.linalg.norm(xyz - vertices[vertex], axis=1)
        assert count[vertex] == (gaps <= 15).sum()
        assert np.isfinite(painted[vertex]) == (count[vertex] > 0)
    assert not near[3]
    values = {k: np.ones(len(t)) for k, t in tables.items()}
    figure = plot_contributions(values, tables, kind="surface", show=False)
    assert "contacts within 15 mm" in [axes.get_xlabel() for axes in figure.axes]
    figure = plot_contributions(values["0"], tables["0"], kind="surface", show=False)
    assert "contacts within 15 mm" not in [axes.get_xlabel() for axes in figure.axes]


def test_a_contact_of_the_inner_face_is_seen(contacts):
    """A contact at the cingulate gyrus is nearest to a place of the medial face."""
    lateral, medial = contacts.iloc[[6]].copy(), contacts.iloc[[6]].copy()
    medial[["x", "y", "z"]] = [-5.0, 10.0, 30.0]
    near = np.array([True])
    assert faces_needed(lateral, near, "l") == ["lateral"]
    assert faces_needed(medial, near, "l") == ["lateral", "medial"]
    assert faces_needed(medial, ~near, "l") == []
    figure = plot_contributions([1.0], medial, kind="surface", show=False)
    assert "left, medial" in all_text(figure)
    mirrored = medial.assign(x=5.0)
    assert faces_needed(mirrored, near, "r") == ["lateral", "medial"]


def test_painted_faces_have_the_colours_of_the_bar(contacts):
    """Shading would make a value look larger on a map whose dark end is high."""
    values = np.full(28, 0.3)
    values[0] = 1.0
    figure = plot_contributions(values, contacts, kind="surface", show=False)
    faces = [c for c in figure.findobj(PolyCollection) if len(c.get_paths()) > 5000][0]
    colors = faces.get_facecolors()[:, :3]
    cmap, norm = value_scale(values)
    bar = cmap(np.linspace(0, 1, 256))[:, :3]
    painted = np.ptp(colors, axis=1) > 0.1
    assert painted.sum() > 500
    gaps = np.abs(colors[painted][:, None] - bar).max(axis=2).min(axis=1)
    assert gaps.max() < 0.07


def test_montages_of_many_shafts_are_split(make_contacts):
    contacts = pd.concat(
        [make_contacts(20, 3).assign(subject=f"{k}") for k in range(4)]
    )
    blocks = montage_blocks(contacts)
    assert sum(len(rows) for rows in blocks) == len(contacts)
    assert len(blocks) == 3
    assert max(len(set(shaft_names(contacts)[rows])) for rows in blocks) <= 32


def test_many_groups_have_their_legend_below(make_contacts):
    contacts = make_contacts(20, 10, 0)
    figure = plot_contacts(contacts, color_by="shaft", show=False)
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 20
    figure.draw_without_rendering()
    box = legend.get_window_extent().transformed(figure.transFigure.inverted())
    assert box.x0 >= 0
    assert box.x1 <= 1
    assert box.y0 >= 0


def test_twelve_subjects_share_one_brain(make_contacts, rng):
    tables = {f"{k:02d}": make_contacts(4, 7, -1 if k % 2 else 1) for k in range(12)}
    values = {name: pd.Series(rng.random(28), t.index) for name, t in tables.items()}
    tables["03"] = tables["03"].iloc[::-1]
    values["07"]["B'4"] = 5.0
    figure = plot_contributions(values, tables, show=False)
    first = figure.axes[-1].get_yticklabels()[0].get_text()
    assert first == "07 B'4"
    counts = sorted(len(markers(axes)[0]) for axes in figure.axes[:4])
    assert counts == [168, 168, 336, 336]


def test_bars_are_ranked_and_the_method_is_said(contacts, rng):
    values = pd.Series(rng.random(28), contacts.index)
    figure = plot_contributions(
        values, contacts, method="weights", kind="bars", n_bars=5, show=False
    )
    axes = figure.axes[0]
    widths = [bar.get_width() for bar in axes.patches[:5]]
    np.testing.assert_allclose(widths, np.sort(values)[::-1][:5])
    assert axes.get_xlabel() == "mean |spatial weight|"
    assert "23 channels below the 5 best are not ranked." in all_text(figure)
    assert "initial values" in all_text(figure)


def test_values_that_do_not_fit_are_refused(contacts):
    with pytest.raises(ValueError, match=r"one value per contact, shape \(28,\)"):
        plot_contributions(np.ones(27), contacts, show=False)
    with pytest.raises(ValueError, match="does not list: \\['Z9'\\]"):
        plot_contributions(pd.Series({"Z9": 1.0}), contacts, show=False)
    with pytest.raises(ValueError, match="same subjects"):
        plot_contributions({"01": np.ones(28)}, {"02": contacts}, show=False)
    with pytest.raises(ValueError, match="`kind` must be one of"):
        plot_contributions(np.ones(28), contacts, kind="inflated", show=False)
    with pytest.raises(ValueError, match="`color_by` must be one of"):
        plot_contacts(contacts, color_by="colour", show=False)


def test_axes_of_the_caller_are_used(contacts):
    figure, axes = plt.subplots(1, 2)
    assert plot_contacts(contacts, views="ly", axes=axes, show=False) is figure
    assert len(markers(axes[1])[0]) == 28
    figure, axes = plt.subplots()
    back = plot_contributions(np.ones(28), contacts, kind="bars", axes=axes, show=False)
    assert back is figure
    figure, axes = plt.subplots(1, 3)
    back = plot_contributions(np.ones(28), contacts, axes=axes, show=False)
    assert back is figure
    assert len(markers(axes[2])[0]) == 28
    _, axes = plt.subplots(1, 4)
    with pytest.raises(ValueError, match="`axes` must be 1 to 3 axes, one per panel"):
        plot_contributions(np.ones(28), contacts, axes=axes, show=False)
    with pytest.raises(TypeError, match="`axes` must be Axes"):
        plot_contributions(np.ones(28), contacts, axes="here", show=False)
