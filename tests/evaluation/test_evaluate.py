import numpy as np
import pytest
from numpy.testing import assert_array_equal
from simple_estimators import (
    Centroid,
    ChoosesLikePaper,
    Part,
    PretrainsOnRuns,
    UsesPart,
    flatten,
    make_dummy,
    make_lda,
)
from simple_trials import make_epochs
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from mne_duin.estimators import make_duin
from mne_duin.evaluation import evaluate


@pytest.mark.parametrize("cv", [4, "leave-one-run-out", "last-run"])
@pytest.mark.parametrize("make", [make_lda, make_dummy, Centroid])
def test_every_estimator_gets_through(make, cv, epochs):
    result = evaluate(make(), epochs, cv=cv, random_state=0)
    n_folds = {4: 4, "leave-one-run-out": 3, "last-run": 1}[cv]
    assert len(result.folds) == n_folds
    assert result.folds["n_test"].sum() == len(result.y_true) == result.n_trials
    assert result.folds["accuracy"].between(0, 1).all()
    assert result.labels.tolist() == ["aa", "bb", "cc", "dd"]
    assert result.chance == 0.25
    assert (result.probabilities is None) == (make is Centroid)
    assert result.leaks == ()


def test_predictions_equal_those_of_scikit_learn(epochs):
    y = epochs.events[:, 2]
    folds = StratifiedKFold(4, shuffle=True, random_state=7)
    result = evaluate(make_lda(), epochs, y, cv=4, random_state=7)
    known = cross_val_predict(make_lda(), epochs.get_data(), y, cv=folds)
    assert_array_equal(result.y_pred[np.argsort(result.epoch)], known)
    own = evaluate(make_lda(), epochs, y, cv=folds, random_state=7)
    assert_array_equal(result.y_pred, own.y_pred)


@pytest.mark.slow
def test_epochs_arrays_and_lists_of_epochs_are_the_same(epochs):
    names = np.array(["", "aa", "bb", "cc", "dd"])[epochs.events[:, 2]]
    results = [
        evaluate(make_lda(), epochs, cv=5),
        evaluate(make_lda(), epochs.get_data(), names, cv=5),
        evaluate(make_lda(), [epochs[i] for i in range(len(epochs))], cv=5),
        evaluate(make_lda(), epochs, list(names), cv=5, n_jobs=2),
    ]
    for result in results[1:]:
        assert_array_equal(result.y_true, results[0].y_true)
        assert_array_equal(result.probabilities, results[0].probabilities)


def test_epochs_and_estimator_are_not_changed(epochs):
    before, estimator = epochs.get_data(), Centroid()
    evaluate(estimator, epochs, protocol="paper", cv=2, random_state=0)
    assert_array_equal(epochs.get_data(), before)
    assert not hasattr(estimator, "mean_")


def test_every_fold_starts_afresh(epochs):
    class CountsFits(Centroid):
        counts = []

        def fit(self, X, y):
            self.n_fits_ = getattr(self, "n_fits_", 0) + 1
            self.counts.append(self.n_fits_)
            return super().fit(X, y)

    evaluate(CountsFits().fit(epochs, epochs.events[:, 2]), epochs, cv=3)
    assert CountsFits.counts == [1, 1, 1, 1]


def test_a_seed_repeats_the_result_and_none_is_recorded(epochs):
    first = evaluate(make_lda(), epochs, cv=3, random_state=None)
    again = evaluate(make_lda(), epochs, cv=3, random_state=first.seeds[0])
    assert_array_equal(first.epoch, again.epoch)
    assert first.p_value == again.p_value


def test_default_is_reproducible(epochs):
    first, again = (evaluate(Centroid(), epochs, n_repeats=2) for _ in range(2))
    assert first.seeds == again.seeds == (0, 1)
    assert_array_equal(first.epoch, again.epoch)
    assert_array_equal(first.null_predictions, again.null_predictions)


def test_an_estimator_without_a_seed_is_reproducible():
    X, y = np.random.default_rng(0).standard_normal((16, 3, 200)), np.repeat([0, 1], 8)
    scratch = make_duin(
        "scratch",
        architecture={"n_layers": 1, "n_filters": 4, "sfreq": 1000.0},
        classifier={"max_iter": 1, "bands": "raw"},
        verbose=False,
    )
    first, again = (evaluate(scratch, X, y, cv=2) for _ in range(2))
    assert_array_equal(first.probabilities, again.probabilities)
    other = evaluate(scratch, X, y, cv=2, random_state=1)
    assert not np.array_equal(first.probabilities, other.probabilities)
    assert scratch.random_state is None


def test_default_holds_out_runs_or_groups_where_there_are_any(epochs):
    assert evaluate(Centroid(), epochs).cv == "leave-one-run-out"
    parts = np.arange(len(epochs)) % 4
    result = evaluate(Centroid(), epochs, groups=parts)
    assert result.cv == "leave-one-group-out"
    assert result.folds["held_out"].tolist() == ["0", "1", "2", "3"]
    in_halves = np.where(parts < 2, "first", "second")
    epochs.metadata = epochs.metadata.assign(session=in_halves)
    result = evaluate(Centroid(), epochs)
    assert len(result.folds) == 2 * epochs.metadata["run"].nunique()
    one_run = epochs.copy()
    one_run.metadata = one_run.metadata.assign(run="1", session="1")
    for without in (one_run, epochs.copy()):
        if without is not one_run:
            without.metadata = None
        result = evaluate(Centroid(), without)
        assert result.cv == "5 stratified folds"
        assert sorted(result.epoch) == list(range(len(epochs)))


def test_default_leaves_no_run_in_both_parts(epochs):
    result = evaluate(Centroid(), epochs)
    assert not any("same runs" in note for note in result.notes)
    with pytest.raises(ValueError, match="needs `groups`"):
        evaluate(Centroid(), epochs, cv="leave-one-group-out")


def test_repeats_use_other_folds_and_other_seeds_of_the_estimator(epochs):
    result = evaluate(Centroid(), epochs, cv=3, n_repeats=2, random_state=5)
    assert result.seeds == (5, 6)
    assert result.folds["seed"].tolist() == [5] * 3 + [6] * 3
    assert result.n_trials == len(epochs) == len(result.y_true) // 2
    first, second = result.epoch[: len(epochs)], result.epoch[len(epochs) :]
    assert not np.array_equal(first, second)
    assert any("random_state" in note for note in result.notes)


def test_held_out_runs_are_named_and_shared_runs_noted(epochs):
    held = evaluate(Centroid(), epochs, cv="leave-one-run-out")
    assert held.folds["held_out"].tolist() == ["1", "2", "10"]
    mixed = evaluate(Centroid(), epochs, cv=3)
    assert mixed.folds["held_out"].tolist() == ["", "", ""]
    assert any("same runs" in note for note in mixed.notes)
    assert not any("same runs" in note for note in held.notes)


def test_a_class_that_training_lacks_is_noted_and_gets_probability_zero(epochs):
    y = epochs.events[:, 2].copy()
    y[-1] = 0
    result = evaluate(make_lda(), epochs, y, cv="last-run")
    assert any("training part lacks: 0" in note for note in result.notes)
    assert np.all(result.probabilities[:, 0] == 0)
    assert result.accuracy > 0.4
    assert np.isfinite(result.log_loss)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": ["a"] * 72}, "at least 2 classes; all 72 trials have the label 'a'"),
        ({"y": ["a", "b"]}, r"shape \(72,\); got shape \(2,\)"),
        ({"y": ["a"] * 69 + ["b"] * 3, "cv": 5}, r"too few have: b \(3\)"),
        ({"protocol": "published"}, "`protocol` must be one of 'clean', 'paper'"),
        ({"pretrain_on": "test"}, "`pretrain_on` must be one of 'train', 'all'"),
        ({"cv": "leave-one-session-out"}, "needs a column 'session'"),
        ({"n_repeats": 0}, "`n_repeats` must be at least 1"),
    ],
)
def test_bad_input_is_one_clear_sentence(epochs, change, message):
    with pytest.raises(ValueError, match=message):
        evaluate(Centroid(), epochs, **change)


def test_values_that_are_not_finite_name_trials_and_channels(epochs):
    epochs.get_data(copy=False)[[3, 8], 2, 4] = np.nan
    with pytest.raises(ValueError, match=r"2 of 72 trials \(3, 8\), channels 2"):
        evaluate(Centroid(), epochs)


@pytest.mark.parametrize("estimator", [Centroid, "lda", np.mean])
def test_what_is_no_estimator_is_refused(epochs, estimator):
    with pytest.raises(TypeError, match="must be an instance of a scikit-learn"):
        evaluate(estimator, epochs)


def test_arrays_need_labels(epochs):
    with pytest.raises(ValueError, match="`y` is needed where `epochs` is an array"):
        evaluate(Centroid(), epochs.get_data())


def test_segments_of_test_runs_are_kept_from_pretraining(epochs):
    segments = make_epochs(0, runs=("1", "2", "3", "10"))
    PretrainsOnRuns.seen.clear()
    result = evaluate(
        PretrainsOnRuns(), epochs, cv="leave-one-run-out", unlabelled=segments
    )
    assert PretrainsOnRuns.seen == [
        ({"2", "10"}, {"2", "3", "10"}),
        ({"1", "10"}, {"1", "3", "10"}),
        ({"1", "2"}, {"1", "2", "3"}),
    ]
    assert result.folds["n_unlabelled"].tolist() == [72, 72, 72]
    assert result.leaks == ()


def test_pretraining_on_test_runs_is_reported(epochs):
    PretrainsOnRuns.seen.clear()
    result = evaluate(
        PretrainsOnRuns(), epochs, cv=3, unlabelled=epochs, pretrain_on="all"
    )
    assert all(runs == {"1", "2", "10"} for _, runs in PretrainsOnRuns.seen)
    assert any("pre-training" in leak for leak in result.leaks)
    with pytest.raises(ValueError, match="none may be used for pre-training"):
        evaluate(PretrainsOnRuns(), epochs, cv=3, unlabelled=epochs)
    with pytest.warns(RuntimeWarning, match="takes no `unlabelled`"):
        evaluate(Centroid(), epochs, cv=3, unlabelled=epochs)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_fitted_part_survives_and_the_result_says_so(epochs, wrap, in_pipeline):
    part = Part(3.0).fit(None)
    part.scale = 7.0
    estimator = UsesPart(FrozenEstimator(part) if wrap else part)
    if in_pipeline:
        estimator = make_pipeline("passthrough", estimator)
    UsesPart.levels.clear()
    result = evaluate(estimator, epochs, cv=3)
    assert UsesPart.levels == [3.0] * 3
    assert any("not known on which runs" in note for note in result.notes)
    UsesPart.levels.clear()
    assert evaluate(UsesPart(Part(7.0)), epochs, cv="last-run").notes == ()
    assert UsesPart.levels == [7.0]


@pytest.mark.parametrize(("runs", "leaks"), [(["1", "2"], 0), (["2", "10"], 1)])
def test_a_part_that_names_its_runs_is_checked(epochs, runs, leaks):
    part = Part(runs=runs).fit(None)
    result = evaluate(UsesPart(part), epochs, cv="last-run")
    assert len(result.leaks) == leaks
    assert all("runs that are tested: 10" in leak for leak in result.leaks)
    assert any(f"on runs {', '.join(runs)}" in note for note in result.notes)


def test_parts_inside_parts_are_kept_and_asked_for_their_runs(epochs):
    inner = Part(5.0, runs=["10"]).fit(None)
    outer = Part(3.0, runs=["1"], vqvae=inner).fit(None)
    UsesPart.levels.clear()
    result = evaluate(UsesPart(outer), epochs, cv="last-run")
    assert UsesPart.levels == [3.0]
    assert result.leaks == (
        "`pretrained` was fitted beforehand on runs that are tested: 10.",
    )
    silent = Part(3.0, runs=["1"], vqvae=Part().fit(None)).fit(None)
    result = evaluate(UsesPart(silent), epochs, cv="last-run")
    assert any("not known on which" in note for note in result.notes)


def test_paper_protocol_splits_scales_chooses_and_says_so(epochs):
    ChoosesLikePaper.seen.clear()
    result = evaluate(
        ChoosesLikePaper(), epochs, protocol="paper", cv=3, random_state=42
    )
    # 72 trials: 4 words x int(0.8 x 18) for training, the other 16 are halved.
    assert ChoosesLikePaper.seen == [("paper", 56, 8, 8)] * 3
    assert result.seeds == (42, 43, 44)
    assert any("test trials chose the model" in leak for leak in result.leaks)
    assert any("scaled over all trials" in leak for leak in result.leaks)
    plain = evaluate(make_lda(), epochs, protocol="paper", cv=1, random_state=0)
    assert any("was not applied" in note for note in plain.notes)
    assert not any("chose the model" in leak for leak in plain.leaks)


def test_paper_protocol_gives_validation_trials_to_who_takes_only_these(epochs):
    class TakesValidation(Centroid):
        sizes = []

        def fit(self, X, y, validation=None):
            self.sizes.append(len(validation[0]))
            return super().fit(X, y)

    result = evaluate(TakesValidation(), epochs, protocol="paper", cv=1)
    assert TakesValidation.sizes == [8]
    assert any("was given the validation trials" in note for note in result.notes)
    assert not any("chose the model" in leak for leak in result.leaks)


def test_paper_protocol_needs_a_number_of_splits_and_live_channels(epochs):
    with pytest.raises(TypeError, match="`cv` must be a whole number"):
        evaluate(Centroid(), epochs, protocol="paper", cv="last-run")
    with pytest.raises(ValueError, match=r"shape \(n_trials, n_channels, n_times\)"):
        evaluate(Centroid(), flatten(epochs), np.tile([0, 1], 36), protocol="paper")
    epochs.get_data(copy=False)[:, 1] = 3.0
    with pytest.raises(ValueError, match="Channels are flat: 1"):
        evaluate(Centroid(), epochs, protocol="paper")


def test_a_decoder_that_is_frozen_as_a_whole_is_tested_as_it_is(epochs):
    words = {code: word for word, code in epochs.event_id.items()}
    y = np.array([words[code] for code in epochs.events[:, 2]])
    fitted = Centroid().fit(epochs, y)
    result = evaluate(FrozenEstimator(fitted), epochs, cv="last-run")
    assert_array_equal(result.y_pred, fitted.predict(epochs[result.epoch]))
    assert any("`estimator` (Centroid) was fitted" in note for note in result.notes)
