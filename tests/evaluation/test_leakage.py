"""What must not be learned from test trials is not, and the checks can fail."""

import mne
import numpy as np
import pandas as pd
import pytest
from simple_estimators import (
    Centroid,
    MarkerReader,
    ScaledOutside,
    make_dummy,
    make_lda,
)
from simple_trials import make_epochs

from mne_duin.evaluation import evaluate

CLEAN = ["last-run", "leave-one-run-out", 3]
SLOW = [pytest.param(cv, marks=pytest.mark.slow) for cv in CLEAN[1:]]


def change_test_trials(epochs, change):
    """Change the trials of the last run only."""
    copy = epochs.copy()
    last = (copy.metadata["run"] == "10").to_numpy()
    data = copy.get_data(copy=False)
    data[last] = change(data[last])
    return copy


def fits(estimator, epochs, **arguments):
    Centroid.fits.clear()
    result = evaluate(estimator, epochs, random_state=0, **arguments)
    return list(Centroid.fits), result


def offset_and_scale(data):
    return 1e3 + 50 * data


@pytest.mark.parametrize("change", [offset_and_scale, np.negative, np.zeros_like])
def test_test_trials_do_not_change_the_fitted_model_by_a_bit(epochs, change):
    before, _ = fits(Centroid(), epochs, cv="last-run")
    after, _ = fits(Centroid(), change_test_trials(epochs, change), cv="last-run")
    assert before == after
    assert len(before) == 1


def test_the_bit_check_finds_scaling_outside_the_folds(epochs):
    changed = change_test_trials(epochs, offset_and_scale)
    before, _ = fits(ScaledOutside(epochs), epochs, cv="last-run")
    after, _ = fits(ScaledOutside(changed), changed, cv="last-run")
    assert before != after


def test_the_bit_check_finds_the_leak_that_the_paper_protocol_names(epochs):
    arguments = {"cv": 1, "protocol": "paper"}
    before, result = fits(Centroid(), epochs, **arguments)
    changed = epochs.copy()
    changed.get_data(copy=False)[result.epoch] *= 50
    after, changed_result = fits(Centroid(), changed, **arguments)
    assert np.array_equal(result.epoch, changed_result.epoch)
    assert before != after
    assert any("scaled over all trials" in leak for leak in result.leaks)


@pytest.mark.parametrize(
    "make",
    [
        make_lda,
        pytest.param(make_dummy, marks=pytest.mark.slow),
        pytest.param(Centroid, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("cv", [CLEAN[0], *SLOW])
@pytest.mark.slow
def test_shuffled_labels_give_chance_within_the_interval(make, cv, epochs):
    rng = np.random.default_rng(0)
    labels = np.array(["aa", "bb", "cc", "dd"])[epochs.events[:, 2] - 1]
    covered = []
    for _ in range(20):
        result = evaluate(
            make(), epochs, rng.permutation(labels), cv=cv, random_state=0
        )
        low, high = result.confidence_interval(level=0.99)
        covered.append(low <= result.chance <= high)
    # Of 20 intervals with 99 % coverage, 18 hold with probability 0.999.
    assert sum(covered) >= 18


def test_shuffled_labels_find_an_estimator_that_reads_them(epochs):
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(epochs.events[:, 2])
    data = epochs.get_data()
    data[:, -1] = shuffled[:, np.newaxis]
    epochs.get_data(copy=False)[:] = data
    result = evaluate(MarkerReader(), epochs, shuffled, cv="last-run")
    assert result.confidence_interval(level=0.99)[0] > result.chance


@pytest.mark.parametrize("make", [make_lda, Centroid])
def test_a_marker_planted_only_in_test_trials_is_not_exploited(make):
    epochs = make_epochs(0.0, n_per_run=20)
    codes = epochs.events[:, 2]
    marked = epochs.copy()
    last = (marked.metadata["run"] == "10").to_numpy()
    marked.get_data(copy=False)[last, -1] = codes[last, np.newaxis]
    honest = evaluate(make(), marked, cv="last-run", random_state=0)
    low, high = honest.confidence_interval(level=0.99)
    assert low <= honest.chance <= high
    cheat = evaluate(MarkerReader(), marked, cv="last-run", random_state=0)
    assert cheat.accuracy == 1.0


def test_a_marker_in_all_runs_is_found():
    epochs = make_epochs(0.0, n_per_run=20)
    epochs.get_data(copy=False)[:, -1] = epochs.events[:, 2, np.newaxis]
    assert evaluate(make_lda(), epochs, cv="last-run").accuracy == 1.0


@pytest.mark.slow
def test_p_values_after_refitting_are_uniform_without_information():
    p_values = []
    for seed in range(25):
        noise = make_epochs(0.0, n_per_run=4, seed=seed)
        result = evaluate(Centroid(), noise, cv=3, n_permutations=19, random_state=seed)
        assert result.p_value_kind == "refit"
        p_values.append(result.p_value)
    # Means of 25 uniform values lie within 0.3 to 0.7 with probability 0.999.
    assert 0.3 < np.mean(p_values) < 0.75
    assert np.mean(np.array(p_values) <= 0.2) < 0.45
    strong = make_epochs(2.0, n_per_run=4)
    result = evaluate(Centroid(), strong, cv=3, n_permutations=19, random_state=0)
    assert result.p_value == 1 / 20


def doubled_run():
    """Make trials of noise whose first run was read twice, as run 1 and run 2."""
    rng = np.random.default_rng(0)
    data = np.cumsum(rng.standard_normal((20, 4, 60)), axis=2)
    info = mne.create_info(4, 50.0, "seeg")
    codes = np.tile(rng.permutation(np.repeat([1, 2], 10)), 2)
    events = np.column_stack([np.arange(40) * 99, 0 * codes, codes])
    return mne.EpochsArray(
        np.concatenate([data, 3 * data]),
        info,
        events,
        event_id={"aa": 1, "bb": 2},
        metadata=pd.DataFrame({"run": np.repeat(["1", "2"], 20)}),
        verbose="error",
    )


def test_copies_of_training_trials_are_refused():
    epochs = doubled_run()
    with pytest.raises(ValueError, match="20 of 40 .*copy .*allow_copies=True"):
        evaluate(make_lda(), epochs, cv="last-run")
    result = evaluate(make_lda(), epochs, cv="last-run", allow_copies=True)
    assert any("tested on a copy" in leak for leak in result.leaks)
    alone = evaluate(make_lda(), epochs[:20], cv=2, random_state=0)
    assert not any("copy" in leak for leak in alone.leaks)


def test_copies_that_stay_on_one_side_are_no_leak():
    epochs = doubled_run()
    groups = np.tile(np.arange(20) % 5, 2)
    result = evaluate(make_lda(), epochs, cv=5, groups=groups, random_state=0)
    assert not result.leaks
