"""Pre-training of the compared networks that is kept and read again."""

import shutil

import numpy as np
import pytest
from toy_networks import PRETRAINED, as_epochs, make, simulate

from mne_duin import read_baseline
from mne_duin.baselines import EEGConformer, make_estimator
from mne_duin.checkpoints import DamagedError
from mne_duin.estimators import _files
from mne_duin.estimators._resume import Checkpoints


@pytest.fixture(scope="module")
def trials():
    X, y = simulate()
    return as_epochs(X), y


@pytest.fixture(scope="module")
def segments():
    X, _ = simulate(10, n_times=600, seed=3)
    return as_epochs(3 * X)


@pytest.fixture
def passes(monkeypatch):
    """Passes that pre-trainings which are kept have made."""
    after_pass, made = Checkpoints.after_pass, []

    def note(self, state, n_passes):
        after_pass(self, state, n_passes)
        made.append(len(state.history))

    monkeypatch.setattr(Checkpoints, "after_pass", note)
    return made


@pytest.mark.parametrize("kind", PRETRAINED)
@pytest.mark.by_default("ts_tcc")
def test_other_labelled_trials_use_the_same_pretraining(
    kind, trials, segments, passes, tmp_path
):
    epochs, y = trials
    half = np.arange(12)
    expected = make(kind).fit(epochs[half], y[half], unlabelled=segments)
    first = make(kind, memory=tmp_path).fit(epochs, y, unlabelled=segments)
    second = make(kind, memory=tmp_path, max_iter=2, max_shift=0.0)
    second.fit(epochs[half], y[half], unlabelled=segments)
    assert passes == [1, 2]
    probabilities = expected.predict_proba(epochs)
    assert np.array_equal(second.predict_proba(epochs), probabilities)
    assert second.pretrain_history_.records == first.pretrain_history_.records
    assert not np.array_equal(first.predict_proba(epochs), probabilities)


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 1},
        {"pretrain_lr": 0.01},
        {"jitter": 0.3},
        {"weight_decay": 0.2},
    ],
)
@pytest.mark.by_default("change0", "change3")
def test_other_parameters_train_anew(change, trials, segments, passes, tmp_path):
    for changes in ({}, change):
        estimator = make("ts_tcc", memory=tmp_path, **changes)
        estimator.fit(*trials, unlabelled=segments)
    assert passes == [1, 2, 1, 2]


def test_other_segments_train_anew(trials, segments, passes, tmp_path):
    make("ts_tcc", memory=tmp_path).fit(*trials, unlabelled=segments)
    make("ts_tcc", memory=tmp_path).fit(*trials, unlabelled=segments[1:])
    make("ts_tcc", memory=tmp_path).fit(*trials)
    assert passes == 3 * [1, 2]


def test_an_interrupted_pretraining_is_continued(
    trials, segments, passes, tmp_path, monkeypatch
):
    options = {"pretrain_iter": 4}
    expected = make("neuro_bert", **options).fit(*trials, unlabelled=segments)
    estimator = make("neuro_bert", memory=tmp_path, **options)
    note = Checkpoints.after_pass

    def interrupt(self, state, n_passes):
        note(self, state, n_passes)
        if len(passes) == 2:
            raise KeyboardInterrupt("in the middle")

    monkeypatch.setattr(Checkpoints, "after_pass", interrupt)
    with pytest.raises(KeyboardInterrupt, match="in the middle"):
        estimator.fit(*trials, unlabelled=segments)
    estimator.fit(*trials, unlabelled=segments)
    assert passes == [1, 2, 3, 4]
    probabilities = expected.predict_proba(trials[0])
    assert np.array_equal(estimator.predict_proba(trials[0]), probabilities)


def test_memory_needs_a_seed(trials, tmp_path):
    with pytest.raises(ValueError, match="random_state must be an integer; got None"):
        make("ts_tcc", memory=tmp_path, random_state=None).fit(*trials)
    assert not list(tmp_path.iterdir())


def test_a_saved_network_names_no_folder(trials, tmp_path):
    estimator = make("ts_tcc", memory=tmp_path / "memory").fit(*trials)
    again = read_baseline(estimator.save(tmp_path / "model"))
    assert again.memory is None
    expected = estimator.predict_proba(trials[0])
    assert np.array_equal(again.predict_proba(trials[0]), expected)


def test_made_by_name(tmp_path):
    assert make_estimator("dewave", memory=tmp_path).memory == tmp_path
    assert "memory" not in make_estimator("cnn-bigru", memory=tmp_path).get_params()


def test_scales_are_those_of_the_segments(trials, segments):
    estimator = make("dewave").fit(*trials, unlabelled=segments)
    epochs = type("Epochs", (), {"data": segments.get_data()})
    expected = estimator._inputs(epochs, np.zeros(len(segments), int))
    assert np.allclose(estimator.scaler_.scale, expected.std((0, 2)), rtol=1e-5)
    alone = make("dewave").fit(*trials)
    assert (alone.scaler_.scale < 0.7 * estimator.scaler_.scale).all()


def test_segments_of_every_subject_are_wanted(trials, segments):
    epochs, y = trials
    both = as_epochs(epochs.get_data(), subject=np.repeat(["01", "02"], 12))
    first = as_epochs(segments.get_data(), subject=["01"] * 10)
    with pytest.raises(ValueError, match="segments of every subject .* none of 02"):
        make("ts_tcc").fit(both, y, unlabelled=first)


def test_a_pretraining_of_something_else_is_set_aside(
    trials, segments, passes, tmp_path
):
    X, _ = simulate(10, n_times=600, seed=9)
    for other in (segments, as_epochs(X)):
        make("ts_tcc", memory=tmp_path).fit(*trials, unlabelled=other)
    first, second = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for path in first.glob("checkpoint-*"):
        shutil.copy(second / path.name, path)
    assert passes == [1, 2, 1, 2]
    with pytest.warns(RuntimeWarning, match="had other parameters: key.*learned again"):
        found = make("ts_tcc", memory=tmp_path).fit(*trials, unlabelled=segments)
    assert passes == [1, 2, 1, 2, 1, 2]
    expected = make("ts_tcc").fit(*trials, unlabelled=segments)
    probabilities = expected.predict_proba(trials[0])
    assert np.array_equal(found.predict_proba(trials[0]), probabilities)
    assert [path.name for path in first.glob("*.damaged-*")] == [
        "checkpoint-00001.safetensors.damaged-1"
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("n_times", 10**9), ("n_times", 200), ("n_times", "400")]
)
def test_a_file_with_another_length_of_epochs_is_refused(name, value, trials):
    tensors, meta = _files.to_state(make("eeg_conformer", max_iter=1).fit(*trials))
    lie = meta | {"learned": meta["learned"] | {name: value}}
    with pytest.raises(DamagedError, match="holds no whole estimator"):
        _files.from_state(tensors, lie, {"EEGConformer": EEGConformer})
    lie = meta | {"parameters": meta["parameters"] | {"n_layers": 10**9}}
    with pytest.raises(DamagedError, match="holds no whole .*`n_layers`"):
        _files.from_state(tensors, lie, {"EEGConformer": EEGConformer})
