"""Training on segments that stay on disk is the training on the same ones in memory."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from toy_trials import SIZES, TRAINING, VQVAE, as_epochs, simulate

from mne_duin import (
    DuINCells,
    DuINMAE,
    DuINVQVAE,
    estimate_cost,
    evaluate,
    make_duin,
    open_segments,
    stack_subjects,
    write_segments,
)
from mne_duin.estimators import DuINClassifier
from mne_duin.estimators._resume import OtherTrainingError
from mne_duin.training import _engine
from mne_duin.utils import _stored as stored
from mne_duin.utils._stored import StoredArray

DTYPES = ("float32", "float16", "int16")
CELLS = SIZES | {
    "max_steps": 6,
    "batch_size": 8,
    "n_codes": 4,
    "validation_fraction": 0.2,
    "random_state": 0,
    "verbose": False,
}
CROPS = {"crop_duration": 0.3}
KINDS = ("vqvae", "mae", "cells")
# What does not depend on the kind is tried on one of them where time matters.
KINDS_BY_TIME = [
    pytest.param(kind, marks=() if kind == "cells" else pytest.mark.slow)
    for kind in KINDS
]
COLLAPSED = "ignore:Only .* codes are in use:RuntimeWarning"
NOT_LEARNED = "ignore:Pre-training did not learn:RuntimeWarning"
pytestmark = [
    pytest.mark.filterwarnings(COLLAPSED),
    pytest.mark.filterwarnings(NOT_LEARNED),
]


def recording(n_epochs=20, n_channels=5, seed=0, n_times=600, **columns):
    X, _ = simulate(n_epochs, n_channels, n_times, seed=seed)
    columns = {"run": [f"{1 + (i >= 5):02d}" for i in range(n_epochs)]} | columns
    return as_epochs(X, **columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One recording in each of the types."""
    folder = tmp_path_factory.mktemp("disk")
    for dtype in DTYPES:
        write_segments(folder / dtype, recording(), dtype=dtype)
    return folder


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    """Segments of two subjects with 4 and 3 channels, on disk and in memory."""
    folder = tmp_path_factory.mktemp("subjects")
    on_disk, in_memory = {}, {}
    for name, n_channels, n_epochs in (("a", 4, 16), ("b", 3, 8)):
        epochs = recording(n_epochs, n_channels, seed=n_channels, subject=name)
        contacts = pd.DataFrame({"x": 0.0}, index=epochs.ch_names)
        on_disk[name] = write_segments(folder / name, epochs), contacts
        in_memory[name] = epochs, contacts
    return stack_subjects(on_disk)[0], stack_subjects(in_memory)[0]


def make(kind, first=None, **changes):
    if kind == "cells":
        return DuINCells(**CELLS | CROPS | changes)
    if kind == "mae":
        return DuINMAE(first, **TRAINING | CROPS | changes)
    return DuINVQVAE(**VQVAE | CROPS | changes)


def learned(estimator):
    found = {k: v.numpy() for k, v in estimator.module_.state_dict().items()}
    found |= {"mean": estimator.scaler_.mean, "scale": estimator.scaler_.scale}
    if hasattr(estimator, "code_counts_"):
        found["counts"] = estimator.code_counts_
    table = estimator.history_.to_frame().drop(columns="seconds")
    return found | {f"history {name}": table[name].to_numpy() for name in table}


def assert_close(first, second):
    first, second = learned(first), learned(second)
    assert first.keys() == second.keys()
    for name in first:
        size = np.nanmax(np.abs(first[name].astype(float)), initial=0.0)
        np.testing.assert_allclose(
            first[name], second[name], rtol=0, atol=1e-6 * size, err_msg=name
        )


def assert_same(first, second):
    first, second = learned(first), learned(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize(
    ("dtype", "bands"),
    [
        *((d, ["high-gamma"]) for d in DTYPES),
        ("int16", "raw"),
        ("int16", ["beta", "high-gamma-unmixed"]),
    ],
)
@pytest.mark.parametrize(
    "kind", [pytest.param("vqvae", marks=pytest.mark.slow), "cells"]
)
def test_first_stages_learn_the_same(kind, dtype, bands, folder):
    segments = open_segments(folder / dtype)
    epochs = segments.to_epochs()
    ours, theirs = (make(kind, bands=bands).fit(X) for X in (segments, epochs))
    assert_close(ours, theirs)
    np.testing.assert_array_equal(ours.transform(segments), ours.transform(epochs))
    assert ours.score(segments) == pytest.approx(ours.score(epochs), rel=1e-6)


@pytest.mark.parametrize(
    "target", ["codes", pytest.param("raw", marks=pytest.mark.slow)]
)
def test_the_masked_stage_learns_the_same(target, folder):
    segments = open_segments(folder / "float32")
    epochs = segments.to_epochs()
    first = make("vqvae").fit(segments)
    ours, theirs = (
        make("mae", first, target=target).fit(X[:16], validation=X[16:])
        for X in (segments, epochs)
    )
    assert_close(ours, theirs)
    if target == "codes":
        pd.testing.assert_frame_equal(ours.check_.table, theirs.check_.table)


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_several_subjects_learn_the_same(kind, subjects):
    on_disk, in_memory = subjects
    assert len(on_disk.data.paths) == 2
    first = make("vqvae").fit(in_memory) if kind == "mae" else None
    ours, theirs = (make(kind, first).fit(X) for X in subjects)
    assert_close(ours, theirs)
    assert ours.subjects_.tolist() == ["a", "b"]
    assert ours.scaler_.channel_mask[:, 3].tolist() == [True, False]
    assert ours.fit_groups_ == theirs.fit_groups_


def test_blocks_of_any_size_give_the_same_scales(folder, monkeypatch):
    segments = open_segments(folder / "float16")
    whole = make("vqvae", max_iter=1).fit(segments)
    monkeypatch.setattr(stored, "BLOCK_VALUES", 9000)
    assert_close(make("vqvae", max_iter=1).fit(segments), whole)


def test_a_trial_far_from_the_rest_is_left_out_of_the_scales(tmp_path):
    epochs = recording()
    epochs.get_data(copy=False)[7] *= 300
    segments = write_segments(tmp_path / "a", epochs)
    fits = []
    for X in (segments, epochs):
        with pytest.warns(RuntimeWarning, match=r"1 of 20 trials \(number 7\)"):
            fits.append(make("vqvae", max_iter=1).fit(X))
    assert_close(*fits)
    assert fits[0].scaler_.scale.max() < 1e-3 or fits[0].bands_


def test_silent_channels_of_an_epoch_are_treated_alike(tmp_path):
    epochs = recording()
    epochs.get_data(copy=False)[3, 2] = 0
    segments = write_segments(tmp_path / "a", epochs)
    assert_close(*(make("cells").fit(X) for X in (segments, epochs)))


def test_nothing_is_read_as_a_whole(tmp_path, monkeypatch):
    """Of 200 segments never more than 64 are asked for at once."""
    segments = write_segments(tmp_path / "a", recording(200, 3, n_times=400))
    monkeypatch.setattr(stored, "BLOCK_VALUES", 20 * 6 * 400)
    read, sizes = StoredArray.read, []

    def counted(self, rows=None, *arguments):
        sizes.append(len(self) if rows is None else len(rows))
        return read(self, rows, *arguments)

    monkeypatch.setattr(StoredArray, "read", counted)
    options = {"max_iter": 1}
    first = make("vqvae", **options).fit(segments)
    make("mae", first, **options).fit(segments[:150], validation=segments[150:])
    make("cells").fit(segments)
    assert len(sizes) > 100
    assert max(sizes) == 64


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_resuming_is_bit_for_bit(kind, folder, tmp_path, monkeypatch):
    segments = open_segments(folder / "float16")
    first = make("vqvae", max_iter=1).fit(segments) if kind == "mae" else None
    changes = {"max_steps": 150} if kind == "cells" else {"max_iter": 3}
    whole = make(kind, first, **changes).fit(segments)
    train_pass, seen = _engine._train_pass, []

    def interrupted(*arguments):
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return train_pass(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(_engine, "_train_pass", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make(kind, first, **changes).fit(segments, checkpoint_dir=tmp_path)
    again = open_segments(folder / "float16")
    passes = []
    monkeypatch.setattr(
        _engine, "_train_pass", lambda *a: passes.append(1) or train_pass(*a)
    )
    resumed = make(kind, first, **changes).fit(again, checkpoint_dir=tmp_path)
    assert len(passes) == len(whole.history_) - 1
    assert_same(resumed, whole)


def test_other_segments_do_not_continue_a_training(folder, tmp_path):
    segments = open_segments(folder / "float32")
    make("vqvae").fit(segments, checkpoint_dir=tmp_path)
    for other in (
        segments[np.arange(20)[::-1]],
        open_segments(folder / "float16"),
        segments.to_epochs(),
    ):
        with pytest.raises(OtherTrainingError, match="had other data: values"):
            make("vqvae").fit(other, checkpoint_dir=tmp_path)


def test_the_digest_reads_no_signal(folder, monkeypatch):
    data = open_segments(folder / "float32").data
    monkeypatch.setattr(StoredArray, "read", None)
    assert len(data.digest()) == 64


def test_unlabelled_segments_on_disk(folder, tmp_path):
    X, y = simulate(12, 5, 400)
    trials = as_epochs(X, run=["03"] * 12)
    segments = open_segments(folder / "float32")
    fits = []
    for unlabelled in (segments, segments.to_epochs()):
        clf = make_duin(
            "pretrained",
            architecture=SIZES,
            cells={"max_steps": 4, "batch_size": 8, "n_codes": 4},
            classifier={"max_iter": 1, "hidden_dim": 16},
            memory=tmp_path / "memory",
            random_state=0,
            verbose=False,
        )
        fits.append(clf.fit(trials, y, unlabelled=unlabelled))
    assert_close(fits[0].vqvae_, fits[1].vqvae_)
    assert fits[0].vqvae_.fit_groups_ == {"01", "02", "03"}
    # Data on disk and in memory have digests of their own.
    assert len(list((tmp_path / "memory").iterdir())) == 2


@pytest.mark.slow
def test_other_estimators_read_the_segments_into_memory(folder):
    segments = open_segments(folder / "float32")
    y = np.arange(20) % 2
    options = SIZES | TRAINING | {"hidden_dim": 16, "max_iter": 1}
    ours, theirs = (
        DuINClassifier(**options).fit(X, y) for X in (segments, segments.to_epochs())
    )
    assert_same(ours, theirs)


@pytest.mark.slow
def test_the_cost_of_segments_on_disk_has_no_data(folder):
    segments = open_segments(folder / "float32")
    estimator = make("vqvae", bands=["alpha"])
    before = set((folder / "float32").iterdir())
    on_disk, in_memory = (
        estimate_cost(estimator, X) for X in (segments, segments.to_epochs())
    )
    assert in_memory.n_bytes - on_disk.n_bytes == 4 * 20 * 10 * 600
    assert on_disk.steps_per_pass == in_memory.steps_per_pass
    # No band power of all segments is computed to try a few of them.
    assert set((folder / "float32").iterdir()) == before


def counts_of_draws(estimator, segments, key):
    """How often segments of each group were drawn in training."""
    seen = []
    take = _engine.local_batch

    def note(batch):
        seen.append(batch.x[:, 0, 0].clone())
        return take(batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_engine, "local_batch", note)
        patch.setattr(
            "mne_duin.training._engine.evaluate", lambda *a, **k: {"valid_loss": 0}
        )
        estimator.fit(segments)
    values = torch.cat(seen).numpy()
    x, _ = estimator._scaled(estimator._check_fitted(segments))
    rows = np.array([np.flatnonzero(x[:, 0, 0] == one)[0] for one in values])
    return np.bincount(np.unique(key, return_inverse=True)[1][rows])


@pytest.mark.parametrize("kind", ["vqvae", "cells"])
@pytest.mark.parametrize("stays", [True, False])
def test_recordings_are_drawn_evenly_where_asked(kind, stays, folder):
    segments = open_segments(folder / "float32")
    segments = segments if stays else segments.to_epochs()
    runs = segments.metadata["run"].to_numpy()
    assert (runs == "01").sum() == 5
    changes = {"crop_duration": 0.6, "bands": "raw"}
    if kind == "cells":
        changes |= {"validation_fraction": 0}
    else:
        changes |= {"max_iter": 1, "codex_init": "random"}
    even = counts_of_draws(make(kind, **changes, balance="recording"), segments, runs)
    assert abs(even[0] - even[1]) <= 1
    usual = counts_of_draws(make(kind, **changes), segments, runs)
    assert usual.sum() == even.sum()
    assert usual[0] < 0.8 * usual[1]


def test_subjects_are_drawn_evenly_where_asked(subjects):
    options = {"crop_duration": 0.6, "bands": "raw", "validation_fraction": 0}
    for X in subjects:
        fitted = make("cells", **options, balance="subject")
        counts = counts_of_draws(fitted, X, X.metadata["subject"])
        assert abs(counts[0] - counts[1]) <= 1


def test_recordings_must_have_names(folder):
    epochs = as_epochs(simulate(8, 5, 600)[0])
    with pytest.raises(ValueError, match=r"balance='recording' needs .*'run'"):
        make("vqvae", balance="recording").fit(epochs)
    with pytest.raises(ValueError, match="`balance` must be one of None, 'recording'"):
        make("vqvae", balance="run").fit(epochs)


MEMORY = """
import sys, threading, time, warnings
import mne, numpy as np
from mne_duin import DuINCells, open_segments, write_segments
warnings.simplefilter("ignore")
mne.set_log_level("ERROR")

def anonymous():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024

peak, watching = 0.0, True
def watch():
    global peak
    while watching:
        peak = max(peak, anonymous())
        time.sleep(0.02)

def recordings(n):
    info = mne.create_info(8, 400.0, "seeg")
    rng = np.random.default_rng(0)
    for _ in range(n // 50):
        data = 1e-5 * rng.standard_normal((50, 8, 800))
        yield mne.EpochsArray(data, info, verbose="error")

def train(name, n):
    if name == "memory":
        segments = open_segments(sys.argv[1] + "long").to_epochs()
    else:
        segments = write_segments(sys.argv[1] + name, recordings(n), dtype="float16")
    DuINCells(
        n_layers=1, n_heads=2, head_dim=8, ff_dim=32, n_filters=4,
        conv_filters=(8, 8, 4), max_steps=5, batch_size=8, n_codes=4,
        bands=["high-gamma"], random_state=0, verbose=False,
    ).fit(segments)

threading.Thread(target=watch, daemon=True).start()
for name, n in (("warm", 50), ("short", 200), ("long", 1200), ("memory", 1200)):
    peak = anonymous()
    train(name, n)
    print(name, peak)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_hours(tmp_path):
    """What 1000 segments more take from disk is little of what they take in memory."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, f"{tmp_path}/"],
        capture_output=True,
        text=True,
        check=True,
    )
    peaks = dict(line.split() for line in done.stdout.splitlines())
    growth = {name: float(peak) - float(peaks["short"]) for name, peak in peaks.items()}
    # The signal and its power, once as they are and once scaled, in float32.
    assert growth["memory"] > 1000 * 4 * 8 * 800 * 4 / 2**20, peaks
    assert growth["long"] < growth["memory"] / 3, peaks


@pytest.mark.slow
def test_cross_validation_takes_segments_on_disk(folder):
    X, y = simulate(12, 5, 400)
    order = np.argsort(y, kind="stable")
    y = y[order]
    trials = as_epochs(X[order], run=np.tile(["01", "02"], 6))
    segments = open_segments(folder / "float32")
    results = []
    for unlabelled in (segments, segments.to_epochs()):
        clf = make_duin(
            "vqvae",
            architecture=SIZES,
            vqvae={"max_iter": 1, "n_codes": 8, "n_decoder_layers": 1, "code_dim": 8},
            classifier={"max_iter": 1, "hidden_dim": 16},
            random_state=0,
            verbose=False,
        )
        results.append(evaluate(clf, trials, y, unlabelled=unlabelled))
    ours, theirs = (result.folds["n_unlabelled"].tolist() for result in results)
    assert ours == theirs == [15, 5]
    np.testing.assert_allclose(
        results[0].probabilities, results[1].probabilities, atol=1e-6
    )
