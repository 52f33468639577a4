import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from simple_estimators import (
    Centroid,
    PretrainsOnRuns,
    make_dummy,
    make_lda,
)
from simple_trials import make_epochs

from mne_duin.evaluation import (
    compare,
    compare_pairs,
    compare_results,
    evaluate,
    evaluate_each,
    learning_curve,
    summarize_curve,
)
from mne_duin.evaluation._folds import Split
from mne_duin.evaluation._learning_curve import thin_training
from mne_duin.viz import plot_learning_curve

mpl.use("Agg")
ESTIMATORS = {"lda": make_lda(), "centroid": Centroid(), "chance": make_dummy()}


def test_all_estimators_get_the_same_folds_and_seed(epochs):
    results = evaluate_each(ESTIMATORS, epochs, cv=4)
    first = results["lda"]
    for result in results.values():
        assert_array_equal(result.epoch, first.epoch)
        assert result.seeds == first.seeds
    alone = evaluate(make_lda(), epochs, cv=4, random_state=first.seeds[0])
    assert_array_equal(alone.y_pred, first.y_pred)


@pytest.mark.slow
def test_comparison_finds_what_differs_and_not_what_is_equal():
    epochs = make_epochs(0.5, n_per_run=15)
    estimators = ESTIMATORS | {"again": make_lda()}
    table = compare(estimators, epochs, cv=5, random_state=0)
    assert table.index.tolist() == list(estimators)
    assert table["test"].dropna().unique() == ["corrected resampled t-test over folds"]
    assert np.isnan(table.loc["lda", "difference"])
    assert table.loc["again", "difference"] == 0
    assert table.loc["again", "p_holm"] == 1
    assert table.loc["chance", "difference"] < -0.3
    assert table.loc["chance", "p_holm"] < 0.01
    others = table.drop("lda")
    assert (others["p_holm"] >= others["p_paired"]).all()
    assert table["accuracy"].between(table["low"], table["high"]).all()
    by_chance = compare(estimators, epochs, cv=5, random_state=0, reference="chance")
    assert by_chance.loc["lda", "difference"] == -table.loc["chance", "difference"]


def test_one_fold_is_compared_over_its_trials(epochs):
    table = compare(ESTIMATORS, epochs, cv="last-run", random_state=0)
    assert table["test"].dropna().unique() == ["exact McNemar test over trials"]


@pytest.mark.slow
def test_corrected_test_keeps_its_error_rate_on_noise():
    rejections = []
    for seed in range(30):
        noise = make_epochs(0.0, n_per_run=4, seed=seed)
        pair = {"lda": make_lda(), "centroid": Centroid()}
        table = compare(pair, noise, cv=5, random_state=seed)
        rejections.append(table.loc["centroid", "p_paired"] <= 0.05)
    # Binomial(30, 0.05): more than 5 have a probability of 0.003.
    assert sum(rejections) <= 5


def test_pairs_are_corrected_over_all_pairs(epochs):
    results = evaluate_each(ESTIMATORS, epochs, cv=4, random_state=0)
    pairs = compare_pairs(results)
    assert list(zip(pairs["first"], pairs["second"], strict=True)) == [
        ("lda", "centroid"),
        ("lda", "chance"),
        ("centroid", "chance"),
    ]
    assert np.isclose(pairs["p_holm"].min(), min(1, 3 * pairs["p_paired"].min()))


def test_results_of_other_folds_are_refused(epochs):
    results = {
        name: evaluate(make_lda(), epochs, cv=3, random_state=seed)
        for name, seed in (("a", 0), ("b", 1))
    }
    with pytest.raises(ValueError, match="only be compared .* same folds"):
        compare_results(results)
    with pytest.raises(ValueError, match="`reference` must be one of 'a', 'b'"):
        compare_results(results, reference="c")


@pytest.mark.parametrize(
    ("estimators", "error", "message"),
    [
        ([make_lda()], TypeError, "`estimators` must be dict; got list"),
        ({}, ValueError, "`estimators` is empty"),
    ],
)
def test_estimators_need_names(epochs, estimators, error, message):
    with pytest.raises(error, match=message):
        compare(estimators, epochs)
    with pytest.raises(error, match=message):
        learning_curve(estimators, epochs, n_per_class=3)


def test_only_estimators_that_pretrain_get_segments(epochs):
    estimators = {"lda": make_lda(), "mae": PretrainsOnRuns()}
    table = compare(estimators, epochs, cv="last-run", unlabelled=epochs)
    assert table["n_unlabelled"].to_dict() == {"lda": 0, "mae": 48}
    curve, fitted = learning_curve(
        estimators, epochs, n_per_class=[2], cv="last-run", unlabelled=epochs,
        return_estimators=True,
    )  # fmt: skip
    assert curve["n_unlabelled"].tolist() == [0, 48]
    assert [type(each) for each in fitted] == [type(make_lda()), PretrainsOnRuns]


def test_thinned_training_parts_lie_inside_each_other():
    y = np.tile([0, 1, 2], 30)
    split = Split(np.arange(60), np.arange(60, 90), repeat=0, seed=4)
    small, middle, large = thin_training(y, split, [1, 5, 20])
    assert set(small.train) < set(middle.train) < set(large.train)
    for part, amount in ((small, 1), (middle, 5), (large, 20)):
        assert np.bincount(y[part.train]).tolist() == [amount] * 3
        assert part.test is split.test
    other = thin_training(y, Split(split.train, split.test, 1, 5), [5])[0]
    assert not np.array_equal(other.train, middle.train)
    with pytest.raises(ValueError, match="at most 20, the training trials of '0'"):
        thin_training(y, split, [21])


def test_learning_curve_rises_and_ends_at_the_full_evaluation():
    epochs = make_epochs(0.8, n_per_run=10)
    curve = learning_curve(
        {"lda": make_lda(), "centroid": Centroid()},
        epochs,
        n_per_class=[2, 8, 20],
        cv="leave-one-run-out",
        n_repeats=2,
        random_state=0,
    )
    assert len(curve) == 2 * 3 * 3 * 2
    assert (curve["n_train"] == 4 * curve["n_per_class"]).all()
    table = summarize_curve(curve)
    assert table["n_test"].tolist() == [120] * 6
    for name in ("lda", "centroid"):
        means = table.loc[table["estimator"] == name, "accuracy"]
        assert means.is_monotonic_increasing
    assert table["accuracy"].between(table["low"], table["high"]).all()
    full = evaluate(make_lda(), epochs, cv="leave-one-run-out", random_state=0)
    end = curve.query("estimator == 'lda' and n_per_class == 20 and repeat == 0")
    assert end["accuracy"].tolist() == full.folds["accuracy"].tolist()
    assert plot_learning_curve(curve, show=False).axes
