"""Histories, learning curves, confusion, reconstruction, accuracy, fonts."""

import warnings
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mne_duin.viz import _text as fonts
from mne_duin.viz import (
    plot_accuracy,
    plot_confusion,
    plot_history,
    plot_learning_curve,
    plot_reconstruction,
)
from mne_duin.viz._confusion import confusion_order
from mne_duin.viz._reconstruction import reconstruction_error

WORDS = "嘴巴 把 平静 豆腐 面条 电脑 头疼 青菜".split()


def line(axes, label):
    return next(one for one in axes.lines if one.get_label() == label)


def test_history_draws_what_is_there():
    frame = pd.DataFrame(
        {
            "pass": [1, 2, 3],
            "lr": [1e-4, 5e-4, 1e-4],
            "train_loss": [3.0, 2.0, 1.0],
            "valid_loss": [3.0, np.nan, 2.0],
            "train_loss_commit": [1.0, 0.5, 0.2],
            "valid_accuracy": [0.1, 0.2, 0.4],
        }
    )
    figure = plot_history(frame, chance=0.125, best_pass=3, show=False)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["loss", "accuracy", "learning rate"]
    loss, accuracy, _ = figure.axes
    np.testing.assert_array_equal(line(loss, "training").get_ydata(), [3, 2, 1])
    np.testing.assert_array_equal(line(loss, "validation").get_xdata(), [1, 3])
    np.testing.assert_array_equal(line(loss, "commit").get_ydata(), [1, 0.5, 0.2])
    assert line(accuracy, "chance").get_ydata()[0] == 0.125
    with pytest.raises(ValueError, match="`history` has nothing to plot"):
        plot_history(frame[["pass"]], show=False)


def test_history_takes_records_and_one_pass():
    figure = plot_history([{"train_loss": 1.0, "codes_used": 4}], show=False)
    assert line(figure.axes[0], "training").get_marker() == "o"
    np.testing.assert_array_equal(line(figure.axes[1], "codes used").get_xdata(), [1])


def test_learning_curve_averages_repetitions():
    rows = [
        {"estimator": name, "n_per_class": n, "accuracy": n / 100 + shift}
        for name in ("Du-IN", "LDA")
        for n in (10, 20)
        for shift in (-0.05, 0.0, 0.05)
    ]
    figure = plot_learning_curve(pd.DataFrame(rows), chance=0.1, show=False)
    axes = figure.axes[0]
    np.testing.assert_allclose(line(axes, "LDA").get_ydata(), [0.1, 0.2])
    assert list(axes.get_xticks()) == [10, 20]
    assert len(axes.collections) == 2
    with pytest.raises(ValueError, match="`curve` must have columns"):
        plot_learning_curve(pd.DataFrame({"n_train": [1]}), show=False)


def test_learning_curve_draws_given_limits():
    curve = pd.DataFrame(
        {
            "estimator": ["Du-IN", "LDA"] * 2,
            "n_per_class": [20, 20, 10, 10],
            "accuracy": [0.5, 0.6, 0.2, 0.3],
            "low": [0.4, 0.5, 0.15, 0.2],
            "high": [0.7, 0.65, 0.3, 0.4],
        }
    )
    axes = plot_learning_curve(curve, show=False).axes[0]
    bars = {bar.get_label(): bar for bar in axes.containers}
    points, _, (whiskers,) = bars["LDA"]
    np.testing.assert_allclose(points.get_ydata(orig=False), [0.3, 0.6])
    ends = [whisker[:, 1] for whisker in whiskers.get_segments()]
    np.testing.assert_allclose(ends, [[0.2, 0.4], [0.5, 0.65]])
    other = bars["Du-IN"][0]
    x = points.get_xdata(orig=False)
    assert (other.get_xdata(orig=False) < x).all()
    np.testing.assert_allclose(x, [10, 20], atol=0.5)
    assert list(axes.get_xticks()) == [10, 20]


def test_confusion_counts_and_labels(rng):
    y_true = np.repeat(WORDS, 10)
    y_pred = np.where(np.arange(80) % 5 < 3, y_true, WORDS[0])
    figure = plot_confusion(y_true, y_pred, WORDS, order="labels", show=False)
    share = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(np.diag(share)[1:], 0.6)
    np.testing.assert_allclose(share[1:, 0], 0.4)
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == WORDS
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing glyph warns when it is drawn
        figure.canvas.draw()


def test_confused_classes_become_neighbours(rng):
    pairs = np.array([[0, 5], [1, 4], [2, 3]])
    matrix = 20.0 * np.eye(6)
    for one, other in pairs:
        matrix[one, other] = matrix[other, one] = 15
    order = confusion_order(matrix)
    where = np.argsort(order)
    assert sorted(order) == list(range(6))
    np.testing.assert_array_equal(np.abs(where[pairs[:, 0]] - where[pairs[:, 1]]), 1)


def test_order_moves_rows_columns_and_names_together(rng):
    y_true = rng.integers(0, 6, 300)
    y_pred = np.where(rng.random(300) < 0.5, y_true, (y_true + 3) % 6)
    figure = plot_confusion(y_true, y_pred, show=False)
    axes = figure.axes[0]
    names = [int(tick.get_text()) for tick in axes.get_yticklabels()]
    share = np.asarray(axes.images[0].get_array())
    for row, one in enumerate(names):
        for column, other in enumerate(names):
            expected = (y_pred[y_true == one] == other).mean()
            assert share[row, column] == pytest.approx(expected)


def test_confusion_of_one_and_sixty_one_classes(rng):
    plot_confusion(["a"], ["a"], show=False)
    labels = np.arange(61)
    figure = plot_confusion(labels, rng.permutation(labels), labels, show=False)
    assert len(figure.axes[0].get_xticklabels()) == 61
    with pytest.raises(ValueError, match="same shape"):
        plot_confusion([1, 2], [1], show=False)
    with pytest.raises(ValueError, match=r"lacks classes .*\['b'\]"):
        plot_confusion(["a"], ["b"], ["a"], show=False)


def test_words_of_the_task_render_without_any_installed_font(monkeypatch):
    fonts.font_paths.cache_clear()
    monkeypatch.setattr(fonts, "WIDE", fonts.re.compile("no such font"))
    try:
        assert list(fonts.font_paths()) == [fonts.BASE, fonts.BUNDLED_NAME]
        assert fonts.readable(WORDS) == WORDS
        fonts._warn_once.cache_clear()
        with pytest.warns(RuntimeWarning, match="No font on this computer"):
            assert fonts.readable(["ab", "龘"]) == ["ab", "U+9F98"]
        assert fonts.readable(["龘"]) == ["U+9F98"]
    finally:
        fonts.font_paths.cache_clear()


def test_reconstruction_error_is_relative(rng):
    signal = rng.normal(size=(5, 3, 400)) * np.array([1, 10, 1])[:, None]
    model = np.stack([signal[:, 0], 0 * signal[:, 1], signal[:, 2] / 2], axis=1)
    error = reconstruction_error(signal, model)
    np.testing.assert_allclose(error, [0, 1, 0.25], atol=0.01)
    flat = reconstruction_error(np.ones((2, 1, 9)), np.ones((2, 1, 9)))
    assert np.isnan(flat).all()


def test_reconstruction_shows_best_to_worst(contacts, rng):
    signal = rng.normal(size=(6, 28, 500))
    model = signal * np.linspace(1, 0, 28)[:, None]
    figure = plot_reconstruction(
        signal,
        model,
        contacts,
        sfreq=250.0,
        tmin=-1.0,
        n_channels=3,
        epoch=2,
        show=False,
    )
    traces = figure.axes[0]
    names = [tick.get_text().split("\n")[0] for tick in traces.get_yticklabels()]
    assert names[0] == contacts.index[0]
    assert names[-1] == contacts.index[-1]
    first = traces.lines[0]
    assert first.get_xdata()[0] == -1.0
    np.testing.assert_allclose(
        first.get_ydata(), signal[2, 0] - signal[2, 0].mean(), atol=1e-12
    )
    regions = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert regions == ["STG", "insula", "vSMC", "no region"]
    with pytest.raises(ValueError, match="one row per channel"):
        plot_reconstruction(signal, model, contacts[:3], sfreq=250.0, show=False)
    with pytest.raises(ValueError, match="must have the same shape"):
        plot_reconstruction(signal, model[:2], contacts, sfreq=250.0, show=False)


def test_accuracy_shows_intervals():
    results = {
        "Du-IN": SimpleNamespace(accuracy=0.6, interval=(0.5, 0.7), chance=0.125),
        "LDA": SimpleNamespace(accuracy=0.7, interval=(0.6, 0.8), chance=0.125),
    }
    axes = plot_accuracy(results, show=False).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["Du-IN", "LDA"]
    assert [0.5, 0.7] in [list(one.get_xdata()) for one in axes.lines]
    assert axes.get_xlim() == (0, 1)


@pytest.mark.parametrize("show", [True, False])
def test_showing_is_silent_without_a_screen(show):
    figure = plot_confusion([0, 1], [0, 1], show=show)
    assert isinstance(figure, plt.Figure)
