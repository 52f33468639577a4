import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from simple_estimators import Centroid, make_lda
from sklearn import metrics

from mne_duin.evaluation import DecodingResult, evaluate, read_result

mpl.use("Agg")
FIELDS = ("y_true", "y_pred", "labels", "fold", "epoch", "null_predictions")
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
)


def make_result(codes, probabilities, labels=None, **changes):
    n_trials, n_classes = probabilities.shape
    labels = np.arange(n_classes) if labels is None else np.asarray(labels)
    record = {"repeat": 0, "held_out": "", "n_train": 9, "n_test": n_trials}
    record |= {"n_unlabelled": 0, "log_loss": np.nan, "majority": 0.2, "accuracy": 0.5}
    arguments = {
        "y_true": labels[codes],
        "y_pred": labels[probabilities.argmax(axis=1)],
        "probabilities": probabilities,
        "labels": labels,
        "fold": np.zeros(n_trials, int),
        "epoch": np.arange(n_trials),
        "estimator": "LDA",
        "folds": pd.DataFrame([record]),
        "cv": "last-run",
        "seeds": (3,),
        "notes": ("note |\t'one'",),
        "null_predictions": np.array([0.1, 1 / 3]),
    }
    return DecodingResult(**(arguments | changes))


@st.composite
def results(draw, labels=None):
    n_classes = draw(st.integers(2, 5)) if labels is None else len(labels)
    n_trials = draw(st.integers(1, 30))
    seed = draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(n_classes) * 0.5, size=n_trials)
    return make_result(rng.integers(n_classes, size=n_trials), probabilities, labels)


@given(results())
@settings(max_examples=40, deadline=None)
def test_scores_equal_those_of_scikit_learn(result):
    y, predicted, labels = result.y_true, result.y_pred, result.labels
    assert result.accuracy == metrics.accuracy_score(y, predicted)
    recall = metrics.recall_score(y, predicted, average=None, labels=np.unique(y))
    assert np.isclose(result.balanced_accuracy, recall.mean())
    counts = metrics.confusion_matrix(y, predicted, labels=labels)
    assert np.array_equal(result.confusion_matrix(), counts)
    loss = metrics.log_loss(y, result.probabilities, labels=labels)
    assert np.isclose(result.log_loss, loss, rtol=1e-6)
    table = result.per_class()
    known = metrics.precision_recall_fscore_support(
        y, predicted, labels=labels, zero_division=np.nan
    )
    seen = table["n"].to_numpy() > 0
    for name, values in zip(("precision", "recall"), known, strict=False):
        assert np.allclose(table[name], values, equal_nan=True)
    assert np.allclose(table["f1"][seen], known[2][seen])
    if len(labels) > 2:
        for k in range(1, len(labels)):
            top = metrics.top_k_accuracy_score(
                y, result.probabilities, k=k, labels=labels
            )
            assert np.isclose(result.top_k(k), top)


@given(
    codes=stn.arrays(int, 12, elements=st.integers(0, 3)),
    probabilities=stn.arrays(float, (12, 4), elements=st.sampled_from([0.0, 0.5, 1.0])),
)
@settings(max_examples=40)
def test_top_k_shares_places_between_equal_probabilities(codes, probabilities):
    result = make_result(codes, probabilities)
    shares = [result.top_k(k) for k in range(1, 5)]
    assert np.all(np.diff(shares) >= -1e-12)
    assert shares[-1] == 1.0
    flat = make_result(codes, np.full((12, 4), 0.25))
    assert [flat.top_k(k) for k in range(1, 5)] == [0.25, 0.5, 0.75, 1.0]
    for k in (0, 5):
        with pytest.raises(ValueError, match="`k` must be at least 1 and at most 4"):
            result.top_k(k)


def test_calibration_knows_honest_from_boastful_probabilities():
    rng = np.random.default_rng(0)
    honest = rng.dirichlet(np.ones(4), size=20000)
    codes = (honest.cumsum(axis=1) < rng.random((20000, 1))).sum(axis=1)
    assert make_result(codes, honest).calibration().error < 0.02
    boastful = honest**4 / (honest**4).sum(axis=1, keepdims=True)
    assert make_result(codes, boastful).calibration().error > 0.1
    by_hand = make_result(
        np.array([0, 0, 1]), np.array([[0.95, 0.05], [0.4, 0.6], [0.9, 0.1]])
    )
    table = by_hand.calibration(n_bins=5).table
    assert table["n"].tolist() == [1, 2]
    assert np.allclose(table["confidence"], [0.6, 0.925])
    assert np.isclose(by_hand.calibration(n_bins=5).error, 0.6 / 3 + 2 * 0.425 / 3)


def test_chance_is_the_larger_of_two_guesses():
    rare = np.random.default_rng(0).dirichlet(np.ones(4), size=20)
    result = make_result(np.zeros(20, int), rare)
    assert (result.chance, result.chance_rule) == (0.25, "uniform")
    frequent = result.folds.assign(majority=0.7)
    result = make_result(np.zeros(20, int), rare, folds=frequent)
    assert (result.chance, result.chance_rule) == (0.7, "majority")


def test_majority_is_what_always_naming_the_commonest_training_class_gets(epochs):
    y = np.where(epochs.events[:, 2] < 4, "often", "rarely")
    result = evaluate(Centroid(), epochs, y, cv=3, random_state=0)
    assert result.chance_rule == "majority"
    assert result.chance == np.mean(y == "often")


def test_intervals_contain_the_accuracy_and_repeats_do_not_narrow_them(epochs):
    once = evaluate(make_lda(), epochs, cv="leave-one-run-out", random_state=0)
    low, high = once.interval
    assert low < once.accuracy < high
    assert once.confidence_interval(level=0.5)[0] > low
    twice = evaluate(
        make_lda(), epochs, cv="leave-one-run-out", n_repeats=2, random_state=0
    )
    assert np.allclose(twice.interval, once.interval)
    runs = once.confidence_interval("bootstrap")
    assert once.folds["accuracy"].min() <= runs[0] <= once.accuracy <= runs[1]
    assert twice.confidence_interval("bootstrap") == runs
    mixed = evaluate(make_lda(), epochs, cv=3, n_repeats=2, random_state=0)
    with pytest.raises(ValueError, match="different repeats share trials"):
        mixed.confidence_interval("bootstrap")
    with pytest.raises(ValueError, match="`method` must be one of 'wilson'"):
        once.confidence_interval("normal")


def test_p_value_counts_the_observed_accuracy_itself():
    probabilities = np.eye(2)[[0, 1, 1, 0]]
    codes = np.array([0, 1, 1, 1])
    null = np.array([0.5, 0.75, 0.25])
    result = make_result(codes, probabilities, null_predictions=null)
    assert (result.p_value, result.p_value_kind) == (0.5, "predictions")
    refit = make_result(codes, probabilities, null_refit=np.full(9, 0.5))
    assert (refit.p_value, refit.p_value_kind) == (0.1, "refit")
    none = make_result(codes, probabilities, null_predictions=np.empty(0))
    assert np.isnan(none.p_value)
    assert "no permutation test" in str(none)


def test_table_of_predictions_has_the_promised_columns(epochs):
    result = evaluate(make_lda(), epochs, cv="last-run")
    table = result.to_frame()
    assert list(table) == ["y_true", "y_pred", "aa", "bb", "cc", "dd", "fold"]
    assert table.index.tolist() == result.epoch.tolist()
    assert np.allclose(table[result.labels].sum(axis=1), 1)
    odd = make_result(np.array([0]), np.eye(2)[:1], np.array(["fold", "y_true"]))
    assert list(odd.to_frame())[2:] == [
        "fold (probability)",
        "y_true (probability)",
        "fold",
    ]
    bare = evaluate(Centroid(), epochs, cv="last-run")
    assert list(bare.to_frame()) == ["y_true", "y_pred", "fold"]
    with pytest.raises(ValueError, match="`log_loss` needs probabilities, and Cent"):
        bare.log_loss.is_integer()


def test_summary_states_what_was_done(epochs):
    text = str(evaluate(make_lda(), epochs, cv="last-run"))
    for part in ("last-run", "24 test trials", "95 % interval", "chance 25.0 %", "p ="):
        assert part in text
    assert "approximate" not in text
    assert max(map(len, text.splitlines())) <= 88
    paper = evaluate(Centroid(), epochs, cv=2, protocol="paper", random_state=0)
    assert "Leak: Every channel" in str(paper)
    assert "approximate" in str(paper)


def test_plot_is_the_confusion_matrix(epochs):
    figure = evaluate(make_lda(), epochs, cv="last-run").plot(show=False)
    assert figure.axes


@pytest.mark.parametrize("label", ["", "\r", "\n", '"', "\t", "NA", "n/a", " ", "'"])
def test_awkward_labels_survive_a_file(tmp_path, label):
    labels = np.unique([label, "fold"])
    result = make_result(np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]], labels)
    again = read_result(result.save(tmp_path / "decoding.json"))
    assert again.y_true.tolist() == result.y_true.tolist()
    assert again.y_pred.tolist() == result.y_pred.tolist()


@pytest.mark.slow
@given(data=st.data(), kind=st.sampled_from(["text", "int"]))
@settings(max_examples=40, deadline=None)
def test_a_saved_result_is_read_as_it_was(tmp_path_factory, data, kind):
    elements = TEXT if kind == "text" else st.integers(-9, 9)
    labels = np.unique(
        data.draw(st.lists(elements, min_size=2, max_size=5, unique=True))
    )
    result = data.draw(results(labels))
    path = result.save(tmp_path_factory.mktemp("result") / "decoding.json")
    again = read_result(path.with_suffix(".tsv"))
    for name in FIELDS:
        assert np.array_equal(getattr(again, name), getattr(result, name))
        assert getattr(again, name).dtype == getattr(result, name).dtype
    assert np.array_equal(again.probabilities, result.probabilities)
    pd.testing.assert_frame_equal(again.folds, result.folds)
    assert (again.notes, again.seeds) == (result.notes, result.seeds)
    assert str(again) == str(result)


def test_an_evaluation_is_saved_and_read_again(tmp_path, epochs):
    for estimator in (make_lda(), Centroid()):
        result = evaluate(estimator, epochs, cv=3, n_permutations=2)
        again = read_result(result.save(tmp_path / "decoding.json"))
        assert str(again) == str(result)
        assert again.p_value == result.p_value
        assert (again.probabilities is None) == (result.probabilities is None)
        pd.testing.assert_frame_equal(again.folds, result.folds)
