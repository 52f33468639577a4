"""Codes: usage, words, averages, maps."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh
from sklearn.metrics import mutual_info_score

from mne_duin.viz import (
    code_triggered_average,
    code_usage,
    code_word_information,
    plot_code_average,
    plot_code_usage,
    plot_code_words,
    plot_codes,
    plot_codex,
)


@pytest.fixture
def spoken(rng):
    """Codes 100 and 101 belong to words; all others are chance."""
    labels = np.repeat(["water", "bread", "热水", "嘴巴"], 25)
    codes = rng.integers(0, 60, (100, 30))
    codes[labels == "water", 12] = 100
    codes[labels == "热水", 14] = 101
    return codes, labels


def test_usage_of_even_and_dead_codes():
    assert code_usage(np.full(8, 3.0))["perplexity"] == pytest.approx(8)
    summary = code_usage([5, 0, 5, 0])
    assert summary == {
        "n_codes": 4,
        "used": 2,
        "dead": 2,
        "perplexity": pytest.approx(2),
    }
    assert code_usage(np.zeros(3)) == {
        "n_codes": 3,
        "used": 0,
        "dead": 3,
        "perplexity": 0,
    }
    with pytest.raises(ValueError, match="finite and not negative"):
        code_usage([1, -1])


def test_usage_is_sorted(rng):
    counts = rng.integers(0, 50, 64)
    figure = plot_code_usage(counts, show=False)
    heights = figure.axes[0].patches[0].get_data().values
    expected = np.sort(counts[counts > 0])[::-1] / counts.sum()
    np.testing.assert_allclose(heights, expected)
    assert f"{(counts > 0).sum()} of 64" in figure.axes[0].get_title(loc="left")


def test_usage_over_passes_and_without_any():
    history = pd.DataFrame({"codes_used": [1, 5, 9], "perplexity": [1.0, 3.0, 6.0]})
    figure = plot_code_usage([3, 1, 0], history, show=False)
    assert len(figure.axes) == 2
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), [1, 5, 9])
    figure = plot_code_usage(np.zeros(4), show=False)
    assert "No code" in figure.axes[0].texts[0].get_text()


def test_information_equals_scikit_learn(spoken):
    codes, labels = spoken
    result = code_word_information(codes, labels, n_permutations=0)
    for code in (0, 7, 100, 101):
        presence = (codes == code).any(axis=1)
        expected = mutual_info_score(presence, labels) / np.log(2)
        assert result.information[code] == pytest.approx(expected, abs=1e-12)
        share = presence[labels == "bread"].mean()
        assert result.table.loc[code, "bread"] == pytest.approx(share)


def test_only_planted_codes_pass_the_threshold(spoken):
    codes, labels = spoken
    result = code_word_information(codes, labels, n_permutations=200)
    assert set(result.informative) == {100, 101}
    again = code_word_information(codes, labels, n_permutations=200)
    assert again.threshold == result.threshold


def test_threshold_holds_five_percent_over_codes(rng):
    found = 0
    for seed in range(60):
        labels = np.repeat(np.arange(4), 20)
        codes = rng.integers(0, 40, (80, 10))
        result = code_word_information(
            codes, labels, n_permutations=100, random_state=seed
        )
        found += len(result.informative) > 0
    assert found <= 9  # binomial(60, 0.05): more than 9 has probability 3e-4


def test_words_need_two(spoken):
    codes, labels = spoken
    with pytest.raises(ValueError, match="two words or more"):
        code_word_information(codes[:20], labels[:20])
    with pytest.raises(ValueError, match="one word per epoch"):
        plot_code_words(codes, labels[:3], show=False)
    with pytest.raises(ValueError, match="whole numbers"):
        plot_codes(codes + 0.5, show=False)


def test_code_words_start_with_the_planted_codes(spoken):
    codes, labels = spoken
    figure = plot_code_words(codes, labels, n_permutations=50, n_codes=5, show=False)
    names = [tick.get_text() for tick in figure.axes[1].get_xticklabels()]
    assert set(names[:2]) == {"100", "101"}
    image = np.asarray(figure.axes[1].images[0].get_array())
    words = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert image[words.index("water"), names.index("100")] == 1.0


def test_codes_are_sorted_by_word_and_coloured(spoken, rng):
    codes, labels = spoken
    order = rng.permutation(100)
    figure = plot_codes(codes[order], labels[order], tmin=-0.5, show=False)
    axes, below = figure.axes[:2]
    words = [tick.get_text() for tick in axes.get_yticklabels()]
    assert words == sorted(set(labels))
    assert axes.get_xlim() == pytest.approx((-0.5, 2.5))
    image = np.asarray(axes.images[0].get_array())
    rows = np.sort(labels) == "water"
    assert len(np.unique(image[rows, 12], axis=0)) == 1
    assert not np.allclose(image[rows, 12][0], image[rows, 13][0])
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert set(legend[:2]) == {"code 100", "code 101"}
    assert below.images[0].get_array().shape == (4, 30, 3)


def test_codes_without_words_in_given_axes(spoken):
    figure, axes = plt.subplots()
    assert plot_codes(spoken[0], axes=axes, highlight=[100], show=False) is figure
    assert len(axes.get_legend().get_texts()) == 2


def test_triggered_average_finds_the_planted_shape(contacts, rng):
    codes = rng.integers(0, 5, (30, 10))
    data = 0.1 * rng.normal(size=(30, 28, 200))
    shape = np.sin(np.arange(20) / 3)
    for epoch, token in np.argwhere(codes == 3):
        data[epoch, 4, token * 20 : token * 20 + 20] += shape
    average, count = code_triggered_average(data, codes, 3)
    assert count == (codes[:, 1:-1] == 3).sum()
    np.testing.assert_allclose(average[4, 20:40], shape, atol=0.1)
    assert np.abs(average[5]).max() < 0.1
    figure = plot_code_average(
        data, codes, contacts, sfreq=200.0, which=[3, 9], show=False
    )
    maps = [
        mesh for mesh in figure.findobj(QuadMesh) if mesh.get_array().size == 28 * 60
    ]
    np.testing.assert_allclose(maps[0].get_array().reshape(28, 60), average)
    assert maps[0].norm.vmin == -maps[0].norm.vmax
    assert "n = 0" in figure.axes[1].get_title(loc="left")
    with pytest.raises(ValueError, match="whole number of samples per token"):
        code_triggered_average(data[..., :199], codes, 3)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_codex_map_keeps_clusters(rng, method):
    centres = 6 * rng.normal(size=(3, 16))
    codebook = np.repeat(centres, 12, axis=0) + 0.1 * rng.normal(size=(36, 16))
    counts = np.r_[0, np.arange(1, 36)]
    figure = plot_codex(codebook, counts, method=method, show=False)
    places = np.asarray(figure.axes[0].collections[1].get_offsets(), dtype=float)
    assert len(places) == 35
    groups = [places[k : k + 11] for k in (0, 12, 24)]
    inside = max(group.std(axis=0).max() for group in groups)
    centres = np.array([group.mean(axis=0) for group in groups])
    apart = min(
        np.linalg.norm(centres[a] - centres[b]) for a, b in ((0, 1), (0, 2), (1, 2))
    )
    assert apart > 3 * inside


@pytest.mark.parametrize("n_codes", [1, 2, 5])
def test_tiny_codexes(n_codes):
    plot_codex(np.eye(5)[:n_codes], groups=["把"] * n_codes, show=False)
    with pytest.raises(ValueError, match="`counts` must have shape"):
        plot_codex(np.eye(5), [1, 2], show=False)
