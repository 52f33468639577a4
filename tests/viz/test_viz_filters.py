"""Filters on the montage, and the receptive fields of the folded patch encoder."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh

from mne_duin.viz import (
    plot_contact_kernels,
    plot_patch_filters,
    plot_patterns,
    plot_spatial_filters,
)
from mne_duin.viz._choice import _shifted_correlation, best_view, distinct
from mne_duin.viz._contact_kernels import center_frequencies
from mne_duin.viz._kernels import frequency_response
from mne_duin.viz._patches import split_rank_one
from mne_duin.viz.brain._montage import montage_grid


def test_montage_places_every_value(contacts, rng):
    values = rng.normal(size=28)
    order = rng.permutation(28)
    grid, shafts = montage_grid(values[order], contacts.iloc[order])
    assert sorted(shafts) == ["A'", "B'", "C'", "D'"]
    for name, value in zip(contacts.index, values, strict=True):
        row = shafts.index(contacts.loc[name, "shaft"])
        assert grid[row, contacts.loc[name, "number"] - 1] == value


def test_montage_keeps_gaps_and_contacts_without_number(contacts):
    contacts = contacts.drop("A'2").astype({"number": float})
    contacts.loc["B'7", "number"] = np.nan
    grid, shafts = montage_grid(np.ones(27), contacts)
    assert np.isnan(grid[shafts.index("A'"), 1])
    assert np.isfinite(grid).sum() == 27
    grid, shafts = montage_grid([1.0, 2.0], pd.DataFrame(index=["x", "y"]))
    np.testing.assert_array_equal(grid, [[1, 2]])
    assert shafts == ["?"]


def test_all_filters_share_symmetric_limits(contacts, rng):
    weights = rng.normal(size=(4, 28))
    weights[2, 5] = -9.0
    figure = plot_spatial_filters(weights, contacts, show=False)
    cells = [mesh for mesh in figure.findobj(QuadMesh) if mesh.get_array().size == 28]
    assert {(mesh.norm.vmin, mesh.norm.vmax) for mesh in cells} == {(-9.0, 9.0)}
    assert len(cells) == 4
    np.testing.assert_allclose(np.ravel(cells[2].get_array()), weights[2])


def test_filters_are_looked_up_by_name(contacts, rng):
    weights = pd.DataFrame(rng.normal(size=(2, 28)), columns=contacts.index)
    picked = weights[["C'7", "A'1", "B'3"]]
    figure = plot_patterns(picked, contacts, show=False)
    cells = [mesh for mesh in figure.findobj(QuadMesh) if mesh.get_array().size == 21]
    grid = np.ma.filled(cells[0].get_array(), np.nan)
    np.testing.assert_allclose(
        [grid[0, 6], grid[1, 0], grid[2, 2]], picked.loc[0].to_numpy()
    )
    with pytest.raises(ValueError, match="does not list"):
        plot_patterns(weights.rename(columns={"A'1": "Z1"}), contacts, show=False)
    with pytest.raises(ValueError, match="Take one subject only"):
        plot_patterns(rng.normal(size=(2, 3, 28)), contacts, show=False)


def labeled(figure, xlabel):
    """The axes of one kind of panel: all rows share the x axis of the last one."""
    (last,) = [axes for axes in figure.axes if axes.get_xlabel() == xlabel]
    column = last.get_subplotspec().colspan
    return [
        axes
        for axes in figure.axes
        if axes.lines and axes.get_subplotspec().colspan == column
    ]


def test_kernels_have_axes_in_ms_and_responses_in_hz(contacts, rng):
    weights = rng.normal(size=(3, 28))
    times = np.arange(51) / 500.0
    tones = [40.0, 90.0, 160.0]
    shapes = [np.hanning(51) * np.sin(2 * np.pi * tone * times) for tone in tones]
    kernels = np.array(shapes)[:, None] * rng.normal(size=(3, 5, 1))
    figure = plot_spatial_filters(
        weights, contacts, kernels=kernels, sfreq=500.0, show=False
    )
    in_time = labeled(figure, "time (ms)")
    in_frequency = labeled(figure, "frequency (Hz)")
    assert len(in_time) == len(in_frequency) == 3
    assert {axes.get_ylim() for axes in in_time} == {in_time[0].get_ylim()}
    for row, axes in enumerate(in_time):
        drawn = [line for line in axes.lines if len(line.get_xdata()) == 51]
        assert drawn[0].get_xdata()[-1] == 100.0
        np.testing.assert_allclose([one.get_ydata() for one in drawn[:5]], kernels[row])
        assert [text.get_text() for text in axes.texts] == ["100 %"]
    for axes, tone in zip(in_frequency, tones, strict=True):
        for line in axes.lines:
            peak = line.get_xdata()[np.argmax(line.get_ydata())]
            assert abs(peak - tone) < 10
    names = {text.get_text() for text in figure.findobj(plt.Text)}
    assert {"kernels", "shape they share most (% of power)", "L", "R"} <= names
    assert {"filter 1", "filter 2", "filter 3"} <= names
    with pytest.raises(ValueError, match="`kernels` must have shape"):
        plot_spatial_filters(weights, contacts, kernels=kernels[:1], show=False)


def test_weights_and_patterns_are_of_the_same_filters(contacts, rng):
    """The figure of weights, of both, and of patterns show one choice of filters."""
    weights, patterns = rng.normal(size=(2, 9, 28))
    weights[[1, 4]] *= 5
    patterns[[0, 7]] *= 9
    both = plot_spatial_filters(
        weights, contacts, patterns=patterns, n_filters=2, show=False
    )
    cells = [mesh for mesh in both.findobj(QuadMesh) if mesh.get_array().size == 28]
    drawn = [np.ravel(mesh.get_array()) for mesh in cells]
    expected = [weights[1], patterns[1], weights[4], patterns[4]]
    np.testing.assert_allclose(drawn, expected)
    limits = [(mesh.norm.vmin, mesh.norm.vmax) for mesh in cells]
    assert limits[0] == limits[2]
    assert limits[1] == limits[3]
    alone = plot_patterns(patterns, contacts, weights=weights, n_filters=2, show=False)
    cells = [mesh for mesh in alone.findobj(QuadMesh) if mesh.get_array().size == 28]
    np.testing.assert_allclose(
        [np.ravel(mesh.get_array()) for mesh in cells], patterns[[1, 4]]
    )
    names = {text.get_text() for text in alone.findobj(plt.Text)}
    assert {"filter 2", "filter 5", "7 filters are not shown."} <= names
    with pytest.raises(ValueError, match="`patterns` must be of the same 9 filters"):
        plot_spatial_filters(weights, contacts, patterns=patterns[:3], show=False)


@pytest.mark.parametrize("which", [[9], [-1], [0.5], [], "a", [1, 1]])
@pytest.mark.by_default("which0", "which3", "a")
def test_only_filters_that_exist_are_shown(contacts, rng, which):
    weights = rng.normal(size=(9, 28))
    with pytest.raises(
        ValueError, match="`which` (must hold positions|names a filter)"
    ):
        plot_spatial_filters(weights, contacts, which=which, show=False)
    figure = plot_spatial_filters(weights, contacts, which=[7, 2], show=False)
    titles = [t.get_text() for t in figure.findobj(plt.Text)]
    assert [t for t in titles if t.startswith("filter ")] == ["filter 8", "filter 3"]


@pytest.mark.parametrize("space", ["MNI152Lin", "ACPC"])
@pytest.mark.parametrize("n_kernels", [1, 3])
def test_every_contact_shows_its_own_kernels(contacts, rng, space, n_kernels):
    times = np.arange(61) / 1000.0
    tones = np.linspace(20, 200, 28)
    kernels = np.hanning(61) * np.sin(2 * np.pi * tones[:, None] * times)
    kernels = kernels[:, None] * rng.normal(size=(28, n_kernels, 1))
    order = rng.permutation(28)
    figure = plot_contact_kernels(
        kernels[order], contacts.iloc[order].assign(space=space), sfreq=1e3, show=False
    )
    cells = next(axes for axes in figure.axes if "kernels" in axes.get_title("left"))
    lines = [one for one in cells.collections if len(one.get_segments()) > 1][-1]
    found = {}
    for segment in lines.get_segments():
        place = round(segment[:, 0].mean()), round(segment[0, 1])
        found.setdefault(place, []).append(segment[:, 1])
    assert len(found) == 28
    shafts = [text.get_text() for text in cells.get_yticklabels()]
    for name, own in zip(contacts.index, kernels, strict=True):
        row = shafts.index(contacts.loc[name, "shaft"])
        drawn = np.array(found[contacts.loc[name, "number"], row])
        expected = row - 0.42 * own / np.abs(kernels).max()
        np.testing.assert_allclose(drawn, expected, atol=1e-9)
    assert any("frequency (Hz)" == axes.get_xlabel() for axes in figure.axes)
    brains = [a for a in figure.axes if a.get_title("left") == "center frequency"]
    assert len(brains) == (space != "ACPC")
    texts = " ".join(text.get_text() for text in figure.findobj(plt.Text))
    assert ("No brain is drawn" in texts) == (space == "ACPC")
    assert "Each cell: 61 ms across" in texts


def test_center_frequencies_are_those_of_the_kernels(contacts):
    times = np.arange(101) / 1000.0
    kernels = np.zeros((28, 101))
    kernels[:27] = np.hanning(101) * np.sin(
        2 * np.pi * np.linspace(40, 300, 27)[:, None] * times
    )
    centers = center_frequencies(kernels[:, None], 1000.0)
    np.testing.assert_allclose(centers[:27], np.linspace(40, 300, 27), atol=3)
    assert np.isnan(centers[27])
    with pytest.raises(ValueError, match="`kernels` must have shape"):
        plot_contact_kernels(kernels[0], contacts, sfreq=1e3, show=False)
    with pytest.raises(ValueError, match="one column per contact"):
        plot_contact_kernels(kernels[:5], contacts, sfreq=1e3, show=False)


@pytest.mark.parametrize("space", ["MNI152Lin", "ACPC"])
@pytest.mark.parametrize(("n_shafts", "per_shaft"), [(1, 1), (20, 10)])
@pytest.mark.by_default("1-1-ACPC", "20-10-MNI152Lin")
def test_small_and_large_montages(make_contacts, rng, n_shafts, per_shaft, space):
    contacts = make_contacts(n_shafts, per_shaft, 0, space)
    weights = rng.normal(size=(9, len(contacts)))
    figure = plot_spatial_filters(weights, contacts, show=False)
    texts = [text.get_text() for text in figure.findobj(plt.Text)]
    shown = sum(text.startswith("filter ") for text in texts)
    assert shown == (8 if n_shafts == 1 else 6)
    texts = " ".join(texts)
    assert ("No brain is drawn" in texts) == (space == "ACPC")


def test_best_view_keeps_contacts_apart(contacts):
    xyz = contacts[["x", "y", "z"]].to_numpy()
    assert best_view(xyz) in "yz"  # lateral shafts are points in a side view
    assert best_view(xyz[:1]) == "l"
    assert best_view(xyz * [-1, 1, 1]) in "yz"
    assert best_view(np.full((3, 3), np.nan)) == "y"


@pytest.mark.parametrize("frequency", [20.0, 60.0, 110.0])
def test_frequency_response_peaks_at_the_planted_rhythm(frequency):
    times = np.arange(100) / 1000
    course = np.hanning(100) * np.sin(2 * np.pi * frequency * times)
    filters = np.array([0.5, -1.0, 0.2])[None, :, None] * course
    frequencies, response = frequency_response(filters, 1000.0)
    assert abs(frequencies[response[0].argmax()] - frequency) < 3
    assert response.max() == 0.0
    places, courses, share = split_rank_one(filters)
    np.testing.assert_allclose(share, 1.0)
    np.testing.assert_allclose(
        places[:, :, None] * courses[:, None], filters, atol=1e-12
    )
    assert places[0].argmax() == 1


def test_copies_in_time_count_once(contacts, rng):
    """Three filters, each at four times of the patch, the strongest three first."""
    shapes = rng.normal(size=(3, 28, 30)) * np.array([3.0, 2.0, 1.0])[:, None, None]
    filters = np.zeros((12, 28, 100))
    for copy in range(12):
        start = 20 * (copy // 3)
        filters[copy, :, start : start + 30] = (-1) ** copy * shapes[copy % 3]
    filters[9:, :, 80:] *= 0.5
    chosen = distinct(filters, 6)
    assert [row % 3 for row in chosen] == [0, 1, 2]
    mixed = filters + 0.05 * rng.normal(size=filters.shape)
    assert [row % 3 for row in distinct(mixed, 3)] == [0, 1, 2]
    assert list(distinct(np.zeros((3, 2, 5)), 2)) == [0]
    figure = plot_patch_filters(filters, contacts, sfreq=1000.0, show=False)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert sum("token dimension" in title for title in titles) == 3


def test_shifted_correlation_is_that_of_the_overlap(rng):
    one, others = rng.normal(size=(4, 30)), rng.normal(size=(5, 4, 30))
    found = _shifted_correlation(one, others)
    for other, value in zip(others, found, strict=True):
        best = 0.0
        for shift in range(-29, 30):
            a = one[:, max(0, -shift) : 30 - max(0, shift)]
            b = other[:, max(0, shift) : 30 + min(0, shift)]
            kept = [np.sum(a**2) / np.sum(one**2), np.sum(b**2) / np.sum(other**2)]
            if min(kept) > 0.5:
                length = np.sqrt(np.sum(a**2) * np.sum(b**2))
                best = max(best, abs(np.sum(a * b)) / length)
        assert value == pytest.approx(best)


def test_patch_filters_show_the_strongest(contacts, rng):
    filters = 0.01 * rng.normal(size=(160, 28, 100))
    filters[17, 3] += 1.0
    filters[99, 4] += 1.1
    figure = plot_patch_filters(
        filters, contacts, sfreq=1000.0, n_filters=2, show=False
    )
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "token dimension 18" in titles
    assert "token dimension 100" in titles
    maps = [mesh for mesh in figure.findobj(QuadMesh) if mesh.get_array().size == 2800]
    assert {mesh.norm.vmin + mesh.norm.vmax for mesh in maps} == {0.0}
    with pytest.raises(ValueError, match="n_filters, n_channels, n_times"):
        plot_patch_filters(filters[0], contacts, sfreq=1000.0, show=False)
    with pytest.raises(ValueError, match="one column per contact"):
        plot_patch_filters(filters, contacts.iloc[:5], sfreq=1000.0, show=False)
