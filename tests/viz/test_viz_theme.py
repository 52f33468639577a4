"""Colors that color-blind readers tell apart, and axes that the caller made."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from mne_duin.viz import (
    plot_code_average,
    plot_code_words,
    plot_history,
    plot_patch_filters,
    plot_reconstruction,
    plot_spatial_filters,
)
from mne_duin.viz._theme import (
    MODEL,
    NONE_COLOR,
    PALETTE,
    SEQUENTIAL,
    SHARES,
    SIGNAL,
    TRAIN,
    VALID,
)

# Machado, Oliveira & Fernandes (2009), severity 1, for linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(colors, kind):
    """CIE L*a*b* of colors as an eye of that kind sees them."""
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(BLINDNESS[kind]), 0, 1)
    xyz = seen @ TO_XYZ.T / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f.T
    return np.column_stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize(
    "colors",
    [(*PALETTE, NONE_COLOR), (SIGNAL, MODEL), (TRAIN, VALID)],
    ids=["groups", "reconstruction", "history"],
)
def test_colours_stay_apart_for_every_eye(colors, kind):
    gaps = [np.linalg.norm(a - b) for a, b in combinations(lab(colors, kind), 2)]
    assert min(gaps) > 15


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("cmap", [SEQUENTIAL, SHARES], ids=lambda cmap: cmap.name)
def test_sequential_maps_darken_steadily(cmap, kind):
    lightness = lab(cmap(np.linspace(0, 1, 33)), kind)[:, 0]
    assert (np.diff(lightness) < 0).all()


@pytest.fixture
def draw(contacts, rng):
    """Every picture of several panels, into axes that are given."""
    signal = rng.normal(size=(4, 28, 300))
    codes = rng.integers(0, 5, (4, 3))
    history = pd.DataFrame({"train_loss": [2.0, 1.0], "lr": [1e-3, 1e-4]})
    kernels = rng.normal(size=(3, 28, 50))
    return {
        "history": lambda axes: plot_history(history, axes=axes, show=False),
        "words": lambda axes: plot_code_words(
            codes, list("abab"), n_permutations=5, axes=axes, show=False
        ),
        "average": lambda axes: plot_code_average(
            signal, codes, contacts, sfreq=1e3, n_codes=2, axes=axes, show=False
        ),
        "reconstruction": lambda axes: plot_reconstruction(
            signal, signal, contacts, sfreq=1e3, axes=axes, show=False
        ),
        "spatial": lambda axes: plot_spatial_filters(
            kernels[:, :, 0], contacts, n_filters=2, axes=axes, show=False
        ),
        "patch": lambda axes: plot_patch_filters(
            kernels, contacts, sfreq=1e3, n_filters=2, axes=axes, show=False
        ),
    }


@pytest.mark.parametrize(
    "name", ["history", "words", "average", "reconstruction", "spatial", "patch"]
)
def test_pictures_go_where_the_caller_wants(draw, name):
    figure, (first, second, spare) = plt.subplots(1, 3)
    assert draw[name]([first, second]) is figure
    assert first.has_data()
    assert second.has_data()
    assert not spare.has_data()
    figure, one = plt.subplots()
    assert draw[name](one) is figure
    assert one.has_data()
    with pytest.raises(ValueError, match="`axes` must be 1 to . axes, one per panel"):
        draw[name](plt.subplots(1, 4)[1])


def test_the_scale_bar_has_the_height_it_says(contacts, rng):
    signal = 1e-5 * rng.normal(size=(2, 28, 300))
    figure = plot_reconstruction(
        signal, signal, contacts, sfreq=1000.0, unit="V", show=False
    )
    axes = figure.axes[0]
    bar = axes.lines[-1].get_ydata()
    size, unit = axes.texts[-1].get_text().split()
    assert unit == "µV"
    assert bar[1] - bar[0] == pytest.approx(float(size))
    assert np.ptp(axes.lines[0].get_ydata()) == pytest.approx(
        1e6 * np.ptp(signal[0, 0]), rel=0.5
    )
    assert figure.axes[2].get_ylabel() == "power (µV²/Hz)"
