"""All stages as one classifier, and what the masked stage can predict."""

import hashlib
import json
import re
import shutil
from collections import Counter
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from toy_trials import SIZES, as_epochs, simulate

from mne_duin.estimators import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    make_duin,
    memory,
)
from mne_duin.estimators._files import plain
from mne_duin.estimators._mae import TARGETS
from mne_duin.estimators._resume import Checkpoints
from mne_duin.estimators._staged import VARIANTS, join_segments
from mne_duin.estimators.memory import fit_or_recall
from mne_duin.training import _devices
from mne_duin.utils._epochs import as_array

SHORT = {"max_iter": 2, "batch_size": 8}


def make(variant="mae", **changes):
    options = {
        "architecture": SIZES,
        "vqvae": SHORT | {"n_decoder_layers": 1, "n_codes": 16, "code_dim": 8},
        "cells": {"max_steps": 4},
        "mae": SHORT,
        "classifier": SHORT | {"hidden_dim": 16},
        "random_state": 0,
        "verbose": False,
    }
    return make_duin(variant, **options | changes)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.by_default("pretrained", "scratch", "mae")
def test_variants_fit_predict_and_clone(variant, trials):
    epochs, y = trials
    estimator = make(variant)
    assert clone(estimator).get_params().keys() == estimator.get_params().keys()
    # Noise holds nothing that cells could learn, and that is told.
    learns_cells = variant in ("pretrained", "cells+mae")
    told = pytest.warns(RuntimeWarning, match="Pre-training did not learn")
    with told if learns_cells else nullcontext():
        estimator.fit(epochs, y)
    assert np.allclose(estimator.predict_proba(epochs).sum(1), 1)
    assert estimator.fit_groups_ == {"01", "02"}
    assert len(estimator.channel_contributions()) == 6
    last = getattr(estimator, "classifier_", estimator)
    assert (last.module_.quantizer is not None) is (variant == "vqvae+vq")
    assert isinstance(estimator, DuINClassifier) is (variant == "scratch")


def test_stages_are_those_that_one_would_fit_by_hand(trials):
    epochs, y = trials
    whole = make("mae")
    vqvae = clone(whole.vqvae).fit(epochs)
    mae = clone(whole.mae).set_params(vqvae=vqvae).fit(epochs)
    by_hand = clone(whole.classifier).set_params(pretrained=mae).fit(epochs, y)
    expected = by_hand.predict_proba(epochs)
    assert np.array_equal(whole.fit(epochs, y).predict_proba(epochs), expected)


@pytest.mark.slow
def test_cross_validation_pretrains_in_every_fold(trials):
    assert np.isfinite(cross_val_score(make("vqvae"), *trials, cv=2)).all()


def test_segments_join_or_replace_the_trials(trials):
    epochs, y = trials
    X, _ = simulate(4, n_times=1000, seed=5)
    segments = as_epochs(X, run=["03"] * 4)
    joined = make("vqvae").fit(epochs, y, unlabelled=segments)
    assert joined.fit_groups_ == {"01", "02", "03"}
    alone = make("vqvae", task_data=False).fit(epochs, y, unlabelled=segments)
    assert joined.vqvae_.code_counts_.sum() == (24 + 3 * 4) * 4
    assert alone.vqvae_.fit_groups_ == {"03"}
    with pytest.raises(ValueError, match="task_data=False needs `unlabelled`"):
        make("vqvae", task_data=False).fit(epochs, y)


def test_pieces_cover_the_segments():
    trials = as_array(np.zeros((2, 3, 40)), sfreq=100.0)
    ramp = np.tile(np.arange(100.0), (5, 3, 1))
    joined = join_segments(trials, as_array(ramp, sfreq=100.0))
    assert joined.data.shape == (2 + 3 * 5, 3, 40)
    assert set(np.unique(joined.data[2:])) == set(range(100))
    with pytest.raises(ValueError, match="have 30 samples; they must be at least as"):
        join_segments(trials, as_array(ramp[..., :30], sfreq=100.0))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_the_masked_stage_learns_each_target(target, vqvae, trials):
    epochs, _ = trials
    options = {"random_state": 0, "verbose": False, "encoder_lr_scale": 1.0}
    mae = DuINMAE(vqvae, target=target, max_iter=25, batch_size=8, lr=3e-3, **options)
    history = mae.fit(epochs).history_
    assert history["train_loss"][-1] < history["train_loss"][0]
    assert ("train_accuracy" in history.to_frame()) is (target == "codes")
    assert mae.transform(epochs).shape == (24, 4, 40)
    assert mae.score(epochs) < 0


def test_targets_are_what_they_say(vqvae, trials):
    epochs, _ = trials
    mae = DuINMAE(vqvae, target="raw", max_iter=1, verbose=False).fit(epochs)
    x, subject = (torch.from_numpy(part) for part in mae._scaled(as_array(epochs)))
    step = mae._masked_training()
    patches = step.targets(x, subject)
    assert torch.equal(patches[3, 2], x[3, :, 200:300].flatten())
    assert step.token_losses(patches, patches).max() == 0
    step.target = "embedding"
    tokens = step.targets(x, subject)
    assert tokens.shape == (24, 4, 40)
    assert step.token_losses(3 * tokens, tokens).abs().max() < 1e-5
    with pytest.raises(
        ValueError, match="`target` must be one of 'codes', 'embedding'"
    ):
        DuINMAE(vqvae, target="tokens").fit(epochs)


def test_parts_must_be_stages(trials):
    estimator = make("mae").set_params(vqvae=DuINMAE(None))
    with pytest.raises(
        TypeError, match="`vqvae` must be DuINVQVAE or DuINCells; got DuINMAE"
    ):
        estimator.fit(*trials)
    with pytest.raises(
        ValueError, match="`variant` must be one of .*'scratch', 'vqvae'"
    ):
        make_duin("poms")
    assert isinstance(make("mae").vqvae, DuINVQVAE)


@pytest.fixture
def fits(monkeypatch):
    """Count the trainings of each stage."""
    counts = Counter()
    for kind in (DuINVQVAE, DuINMAE):

        def fit(self, *args, kind=kind, plain=kind.fit, **options):
            counts[kind.__name__] += 1
            return plain(self, *args, **options)

        monkeypatch.setattr(kind, "fit", fit)
    return counts


def test_memory_recalls_a_stage_of_the_same_data(trials, fits, tmp_path):
    epochs, y = trials
    expected = make("mae").fit(epochs, y)
    kept = make("mae", memory=tmp_path).fit(epochs, y)
    assert fits == {"DuINVQVAE": 2, "DuINMAE": 2}
    again = make("mae", memory=tmp_path).fit(epochs, y[::-1])
    other = make("vqvae+vq", memory=tmp_path).fit(epochs, y)
    assert fits == {"DuINVQVAE": 2, "DuINMAE": 2}
    probabilities = expected.predict_proba(epochs)
    assert np.array_equal(kept.predict_proba(epochs), probabilities)
    recalled = make("mae", memory=tmp_path).fit(epochs, y)
    assert np.array_equal(recalled.predict_proba(epochs), probabilities)
    assert recalled.fit_groups_ == {"01", "02"}
    assert recalled.mae_.vqvae is recalled.vqvae_
    for stage in (again.vqvae_, other.vqvae_):
        assert stage.get_params() == expected.vqvae_.get_params()
        assert np.array_equal(stage.code_counts_, expected.vqvae_.code_counts_)
        assert np.array_equal(stage.codebook_, expected.vqvae_.codebook_)
    assert not list(tmp_path.rglob("checkpoint-*"))


@pytest.mark.parametrize(
    ("change", "both"),
    [
        pytest.param({"random_state": 1}, True, marks=pytest.mark.slow),
        pytest.param(
            {"vqvae": {"max_iter": 1, "n_codes": 16, "n_decoder_layers": 1}},
            True,
            marks=pytest.mark.slow,
        ),
        ({"mae": SHORT | {"mask_ratio": 0.4}}, False),
        pytest.param({"device": "cpu"}, None, marks=pytest.mark.slow),
        pytest.param({"classifier": {"max_iter": 1}}, None, marks=pytest.mark.slow),
    ],
)
def test_memory_tells_other_trainings(trials, fits, tmp_path, change, both):
    epochs, y = trials
    make("mae", memory=tmp_path).fit(epochs, y)
    make("mae", **{"memory": tmp_path} | change).fit(epochs, y)
    n_codex, n_masked = {True: (2, 2), False: (1, 2), None: (1, 1)}[both]
    assert fits == {"DuINVQVAE": n_codex, "DuINMAE": n_masked}


@pytest.mark.slow
def test_memory_tells_what_auto_means_on_another_machine(
    trials, fits, tmp_path, monkeypatch
):
    # Instructions, and how many times as fast as float32 they are.
    for name, speed in (("avx512_bf16", 2.0), ("", 2.0), ("amx_bf16", 8.0)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", {name: True}.copy)
        monkeypatch.setattr(_devices, "speed_of_bfloat16", partial(float, speed))
        make("vqvae", memory=tmp_path, precision="auto").fit(*trials)
    make("vqvae", memory=tmp_path, precision="32").fit(*trials)
    assert fits["DuINVQVAE"] == 2


@pytest.mark.slow
def test_memory_tells_other_data(trials, fits, tmp_path):
    epochs, y = trials
    make("vqvae", memory=tmp_path).fit(epochs, y)
    make("vqvae", memory=tmp_path).fit(epochs[:-2], y[:-2])
    renamed = epochs.copy().rename_channels({epochs.ch_names[0]: "Z1-Z2"})
    make("vqvae", memory=tmp_path).fit(renamed, y)
    assert fits["DuINVQVAE"] == 3


def test_memory_needs_a_seed(trials, tmp_path):
    message = "random_state of the stage 'vqvae' must be an integer; got None"
    with pytest.raises(ValueError, match=message):
        make("vqvae", memory=tmp_path, random_state=None).fit(*trials)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_memory_continues_an_interrupted_training(trials, tmp_path, monkeypatch):
    epochs, y = trials
    passes = {"vqvae": SHORT | {"n_codes": 16, "n_decoder_layers": 1, "max_iter": 4}}
    expected = make("vqvae", **passes).fit(epochs, y).predict_proba(epochs)
    after_pass, seen = Checkpoints.after_pass, []

    def interrupt(self, state, n_passes):
        after_pass(self, state, n_passes)
        seen.append(len(state.history))
        if len(seen) == 2:
            raise KeyboardInterrupt("after two passes")

    monkeypatch.setattr(Checkpoints, "after_pass", interrupt)
    decoder = make("vqvae", memory=tmp_path, **passes)
    with pytest.raises(KeyboardInterrupt, match="after two passes"):
        decoder.fit(epochs, y)
    found = decoder.fit(epochs, y).predict_proba(epochs)
    assert seen == [1, 2, 3, 4]
    assert np.array_equal(found, expected)


TINY = SIZES | {"n_codes": 4, "n_decoder_layers": 1, "max_iter": 2, "bands": "raw"}


def damage(path, other):
    content = bytearray(path.read_bytes())
    content[-9] ^= 4
    path.write_bytes(content)


def swap(path, other):
    shutil.copy(other, path)


def cut(path, other):
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    "harm",
    [damage, *(pytest.param(one, marks=pytest.mark.slow) for one in (swap, cut))],
)
def test_a_spoiled_file_of_the_memory_is_set_aside(harm, trials, fits, tmp_path):
    epochs = trials[0][:8]
    seeds = [DuINVQVAE(**TINY, random_state=seed) for seed in (0, 1)]
    paths = []
    for stage in seeds:
        fit_or_recall(clone(stage), epochs, "vqvae", tmp_path)
        new = set(tmp_path.rglob("estimator.safetensors")) - {*paths}
        paths.append(new.pop())
    harm(*paths)
    spoiled = paths[0].read_bytes()
    with pytest.warns(RuntimeWarning, match=f"^{re.escape(str(paths[0]))} .*again"):
        again = fit_or_recall(clone(seeds[0]), epochs, "vqvae", tmp_path)
    kept = paths[0].with_name(f"{paths[0].name}.damaged-1")
    assert kept.read_bytes() == spoiled
    n_fits = fits.total()
    recalled = fit_or_recall(clone(seeds[0]), epochs, "vqvae", tmp_path)
    assert fits.total() == n_fits
    assert np.array_equal(recalled.codebook_, again.codebook_)
    whole = clone(seeds[0]).fit(epochs)
    assert np.array_equal(again.codebook_, whole.codebook_)


@pytest.mark.slow
def test_checkpoints_of_another_training_in_the_memory_are_set_aside(trials, tmp_path):
    epochs = trials[0][:8]
    stage = DuINVQVAE(**TINY, random_state=0)
    key = hashlib.sha256(_key(stage, epochs).encode()).hexdigest()
    folder = tmp_path / f"vqvae-{key[:20]}"
    other = DuINVQVAE(**TINY, random_state=1)
    other.fit(epochs, checkpoint_dir=folder)
    with pytest.warns(RuntimeWarning, match="had other parameters.*learned again"):
        found = fit_or_recall(clone(stage), epochs, "vqvae", tmp_path)
    assert len(list((folder / "vqvae").glob("*.damaged-1"))) == 2
    assert np.array_equal(found.codebook_, clone(stage).fit(epochs).codebook_)


def _key(stage, epochs):
    known = memory._describe(stage, epochs, "vqvae")
    return json.dumps(plain(known), sort_keys=True)
