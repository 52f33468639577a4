"""Training that is interrupted in any way goes on as if nothing had happened."""

import errno
import random
import shutil
import signal

import numpy as np
import pytest
import torch
from filelock import FileLock
from toy_trials import KINDS, KINDS_BY_TIME, as_epochs, make
from training_worker import CHANGES, make_stage, start_worker, tensors_of

from mne_duin.checkpoints import read_checkpoint
from mne_duin.checkpoints._folder import list_checkpoints
from mne_duin.estimators._resume import Checkpoints
from mne_duin.training import _engine

FOLDER = {k: "classifier" if k == "finetuned" else k for k in KINDS}


class Interrupted(KeyboardInterrupt):
    """Ctrl-C at a chosen moment."""


@pytest.fixture(scope="module")
def whole():
    """What every stage learns without an interruption or a checkpoint."""
    results = {}
    for kind in KINDS:
        epochs, y, estimator = make_stage(kind)
        results[kind] = tensors_of(estimator.fit(epochs, y))
    return results


@pytest.fixture
def interrupt(monkeypatch):
    """Press Ctrl-C in the given step of the given pass."""

    def press(n_pass, n_step):
        original, seen = _engine._train_pass, []

        def train_pass(module, step, *rest):
            seen.append(0)

            def counted(module, batch):
                seen[-1] += 1
                if (len(seen), seen[-1]) == (n_pass, n_step):
                    raise Interrupted
                return step(module, batch)

            return original(module, counted, *rest)

        monkeypatch.setattr(_engine, "_train_pass", train_pass)

    return press


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def random_states():
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    return name, keys.tolist(), rest, random.getstate(), torch.get_rng_state().tolist()


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_ctrl_c_keeps_the_last_pass(kind, every, tmp_path, whole, interrupt):
    epochs, y, estimator = make_stage(kind)
    keeping = {"checkpoint_dir": tmp_path, "checkpoint_every": every}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_engine, "_train_pass", _engine._train_pass)
        interrupt(6, 1)
        with pytest.raises(Interrupted):
            estimator.fit(epochs, y, **keeping)
    newest = list_checkpoints(tmp_path / FOLDER[kind])[0]
    history = read_checkpoint(newest)[1]["training"]["state"]["history"]
    assert len(history) == 5
    states = random_states()
    epochs, y, again = make_stage(kind)
    assert_same(tensors_of(again.fit(epochs, y, **keeping)), whole[kind])
    assert random_states() == states


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_a_finished_training_is_not_made_again(kind, tmp_path, whole, monkeypatch):
    epochs, y, estimator = make_stage(kind)
    estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    again = make_stage(kind)[2]
    monkeypatch.setattr(_engine, "_train_pass", None)
    again.fit(epochs, y, checkpoint_dir=tmp_path)
    assert_same(tensors_of(again), whole[kind])
    assert again.best_iter_ == estimator.best_iter_
    assert again.n_iter_ == 8
    files = sorted(p.name for p in (tmp_path / FOLDER[kind]).iterdir())
    assert files == ["checkpoint-00007.safetensors", "checkpoint-00008.safetensors"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["vqvae", "mae", "classifier"])
def test_killed_training_goes_on(kind, tmp_path, whole):
    """The short version of tests/benchmarks/kill_training.py."""
    folder, result = tmp_path / "checkpoints", tmp_path / "result.npz"
    process = start_worker(kind, folder, result, None, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not result.exists()
    epochs, y, again = make_stage(kind)
    again.fit(epochs, y, checkpoint_dir=folder)
    assert_same(tensors_of(again), whole[kind])
    assert not list(folder.rglob("*.partial"))


@pytest.mark.slow
def test_a_polite_end_keeps_the_last_pass(tmp_path, whole):
    folder, result = tmp_path / "checkpoints", tmp_path / "result.npz"
    start_worker("mae", folder, result, None, signal.SIGTERM).join()
    errors = result.with_suffix(".error").read_text()
    assert errors.endswith("KeyboardInterrupt: terminated\n")
    assert not list(folder.rglob("*.partial"))
    epochs, y, again = make_stage("mae")
    assert_same(tensors_of(again.fit(epochs, y, checkpoint_dir=folder)), whole["mae"])


@pytest.mark.slow
def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path, whole):
    folder, result = tmp_path / "checkpoints", tmp_path / "result.npz"
    epochs, y, estimator = make_stage("vqvae")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_engine, "_check_finite", stop_at(4))
        with pytest.raises(Interrupted):
            estimator.fit(epochs, y, checkpoint_dir=folder)
    before = {p.name: p.read_bytes() for p in (folder / "vqvae").iterdir()}
    process = start_worker("vqvae", folder, result, 20_000)
    process.join()
    assert process.exitcode == 1
    errors = result.with_suffix(".error").read_text()
    assert f"OSError: [Errno {errno.EFBIG}] Writing failed, an earlier file" in errors
    assert "checkpoint-00004.safetensors" in errors
    after = {p.name: p.read_bytes() for p in (folder / "vqvae").iterdir()}
    assert after == before
    again = make_stage("vqvae")[2].fit(epochs, y, checkpoint_dir=folder)
    assert_same(tensors_of(again), whole["vqvae"])


def stop_at(n_pass):
    def check(record, module, lr):
        if record["pass"] == n_pass:
            raise Interrupted

    return check


def test_a_folder_that_cannot_be_written(tmp_path):
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    epochs, y, estimator = make_stage("mae")
    with pytest.raises(OSError, match=r"Writing failed.*\(Not a directory\)"):
        estimator.fit(epochs, y, checkpoint_dir=occupied / "below")
    assert occupied.read_text() == "not a folder"


def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(tmp_path, whole):
    epochs, y, estimator = make_stage("classifier")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_engine, "_check_finite", stop_at(5))
        with pytest.raises(Interrupted):
            estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    newest = list_checkpoints(tmp_path / "classifier")[0]
    content = bytearray(newest.read_bytes())
    content[-100] ^= 1
    newest.write_bytes(content)
    with pytest.warns(RuntimeWarning, match=f"{newest.name} is damaged.*checkpoint-0"):
        estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    assert_same(tensors_of(estimator), whole["classifier"])


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        pytest.param(
            *("vqvae", {"lr": 0.5}, r"lr 0.001 -> 0.5\. Continue"),
            marks=pytest.mark.slow,
        ),
        ("mae", {"max_iter": 9}, r"max_iter 8 -> 9\."),
        ("classifier", {"head_init": "random"}, "head_init 'lda' -> 'random'"),
        pytest.param(
            *("vqvae", {"random_state": 3}, "random_state 0 -> 3"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("vqvae", {"conv_filters": (9, 8, 4)}, r"\[8, 8, 4\] -> \[9, 8, 4\]"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_other_parameters_are_refused(kind, changes, words, tmp_path):
    epochs, y, estimator = make_stage(kind)
    estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    before = {p.name: p.read_bytes() for p in (tmp_path / kind).iterdir()}
    with pytest.raises(ValueError, match=f"{kind}' had other parameters: .*{words}"):
        estimator.set_params(**changes).fit(epochs, y, checkpoint_dir=tmp_path)
    assert {p.name: p.read_bytes() for p in (tmp_path / kind).iterdir()} == before


def louder(epochs, y):
    data = epochs.get_data(copy=True)
    data[0, 0, 0] *= 1.01
    return as_epochs(data), y


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (louder, r"data: values\."),
        (lambda epochs, y: (epochs, y[::-1]), r"data: labels\."),
        pytest.param(
            *(lambda epochs, y: (epochs[:9], y[:9]), "epochs 12 -> 9; values"),
            marks=pytest.mark.slow,
        ),
        (
            lambda epochs, y: (epochs.copy().rename_channels({"A1": "B1"}), y),
            r"channels \['A1', .*\] -> \['B1', .*\]\.",
        ),
    ],
)
def test_other_data_are_refused(change, words, tmp_path):
    epochs, y, estimator = make_stage("classifier", validation_fraction=0)
    estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    with pytest.raises(ValueError, match=f"had other {words}|{words}"):
        estimator.fit(*change(epochs, y), checkpoint_dir=tmp_path)


def test_another_first_stage_is_refused(tmp_path):
    epochs, y, estimator = make_stage("mae")
    estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    first = estimator.vqvae.estimator
    with torch.no_grad():
        first.module_.quantizer.codebook[0] *= -1
    with pytest.raises(ValueError, match="had other data: earlier stage"):
        estimator.fit(epochs, y, checkpoint_dir=tmp_path)


def test_other_circumstances_are_told(tmp_path, monkeypatch):
    epochs, y, estimator = make_stage("mae")
    estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    monkeypatch.setattr("mne_duin.estimators._resume.__version__", "0.0")
    estimator.set_params(device="cpu", verbose=None)
    with pytest.warns(RuntimeWarning, match="mne_duin '.*' -> '0.0'.*last digits"):
        estimator.fit(epochs, y, checkpoint_dir=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("random_state", [None, np.random.RandomState(5)])
def test_a_seed_of_chance_is_remembered(random_state, tmp_path):
    epochs, y, estimator = make_stage("classifier", random_state=random_state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_engine, "_check_finite", stop_at(3))
        with pytest.raises(Interrupted):
            estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    shutil.copytree(tmp_path, tmp_path / "copy")
    first = tensors_of(estimator.fit(epochs, y, checkpoint_dir=tmp_path))
    second = tensors_of(estimator.fit(epochs, y, checkpoint_dir=tmp_path / "copy"))
    assert_same(first, second)


@pytest.mark.slow
def test_stages_share_a_folder(tmp_path):
    for kind in ("vqvae", "mae", "classifier"):
        epochs, y, estimator = make_stage(kind)
        estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["classifier", "mae", "vqvae"]
    with pytest.raises(ValueError, match="`checkpoint_every` must be at least 1; got"):
        estimator.fit(epochs, y, checkpoint_dir=tmp_path, checkpoint_every=0)
    assert set(CHANGES) == set(KINDS)
    assert make("vqvae", None).max_iter == 3


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    epochs, y, estimator = make_stage("vqvae")
    with FileLock(tmp_path / "vqvae.lock"):
        with pytest.raises(BlockingIOError, match="Another training is at work in"):
            estimator.fit(epochs, y, checkpoint_dir=tmp_path)
        assert not (tmp_path / "vqvae").exists()
    estimator.fit(epochs, y, checkpoint_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["vqvae"]


def test_what_another_training_wrote_meanwhile_is_not_continued(tmp_path):
    folder = tmp_path / "vqvae"
    checkpoints = Checkpoints(folder, 1, {})
    folder.mkdir()
    (folder / "checkpoint-00001.safetensors").write_bytes(b"of another one")
    with (
        pytest.raises(BlockingIOError, match="since this one began"),
        checkpoints.watch(),
    ):
        pytest.fail("it trained")
    assert (folder / "checkpoint-00001.safetensors").read_bytes() == b"of another one"
