"""Pre-training by hidden cells: what is hidden, learned and done with it."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from toy_trials import SIZES, as_epochs

from mne_duin import (
    DuINCells,
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    make_duin,
    read_estimator,
    stack_subjects,
    to_published,
)
from mne_duin.estimators import _cells, _probe
from mne_duin.estimators._head import cell_projection
from mne_duin.estimators._probe import (
    LEAST_DIFFERENCE,
    WEIGHT_IF_BETTER,
    probe_encoder,
)
from mne_duin.estimators._staged import crops_for_trials_
from mne_duin.nn import build_encoder
from mne_duin.nn._cells import CellPredictor, hide_cells
from mne_duin.training._check import BOTH, FROZEN, RAW

SFREQ = 400.0
SMALL = SIZES | {
    "max_steps": 4,
    "batch_size": 8,
    "n_codes": 4,
    "validation_fraction": 0.0,
    "random_state": 0,
    "sfreq": SFREQ,
    "verbose": False,
}


def noise(n_epochs=24, n_channels=3, n_times=400, seed=0):
    rng = np.random.default_rng(seed)
    return 1e-5 * rng.standard_normal((n_epochs, n_channels, n_times))


def common_bursts(n_epochs=60, seed=0):
    """High gamma whose power, token by token, is the same in all channels."""
    rng = np.random.default_rng(seed)
    X = 3 * rng.standard_normal((n_epochs, 3, 800)).cumsum(-1)
    gain = np.where(rng.random((n_epochs, 1, 20)) < 0.5, 0.2, 4.0).repeat(40, axis=-1)
    carrier = np.diff(rng.standard_normal((n_epochs, 3, 801)), axis=-1)
    return 1e-6 * (X - X.mean(-1, keepdims=True) + 4 * gain * carrier)


@pytest.fixture(scope="module")
def fitted():
    return DuINCells(**SMALL).fit(noise())


def predictor(n_inputs=6, n_signals=3, **options):
    sizes = SIZES | {"patch_size": 40}
    encoder = build_encoder(n_inputs, **sizes)
    return CellPredictor(encoder, n_signals, n_codes=4, **options)


def test_hidden_cells_are_zero_and_sums_unbiased():
    x = torch.ones(40, 5, 80)
    hidden = torch.rand(40, 5, 2, generator=torch.Generator().manual_seed(0)) < 0.4
    shown = hide_cells(x, hidden)
    cells = shown.unflatten(-1, (2, 40))
    assert (cells[hidden] == 0).all()
    assert len(cells[~hidden].unique()) == 1
    assert shown.mean() == pytest.approx(1.0)
    assert (x == 1).all()


def test_values_of_cells():
    module = predictor()
    x = torch.randn(2, 6, 80)
    values = module.values(x)
    assert values.shape == (2, 3 * 4 + 3, 2)
    # The third bin of the second signal in the second token.
    assert_allclose(values[:, 6, 1], x[:, 1, 60:70].mean(-1), atol=1e-6)
    assert module.owners[6] == 1
    # The power of the last input in the first token.
    assert_allclose(values[:, -1, 0], x[:, 5, :40].mean(-1), atol=1e-6)
    assert module.owners[-1] == 5


def test_only_hidden_and_real_cells_count():
    module = predictor()
    values = torch.randn(2, 15, 2)
    hidden = torch.rand(2, 6, 2) < 0.5
    real = torch.tensor([True, True, False] * 2).expand(2, 6)
    counted = (hidden & real[..., None])[:, module.owners]
    wrong = torch.where(counted, values, values + 100)
    assert_allclose(module.losses(wrong, values, hidden, real), 0.0)
    wrong = torch.where(counted, values + 1, values)
    assert (module.losses(wrong, values, hidden, real) > 0).all()
    nothing = torch.zeros_like(hidden)
    assert_allclose(module.losses(wrong, values, nothing), 0.0)


def test_the_mean_has_a_loss_of_one():
    module = predictor()
    x = torch.randn(200, 6, 80)
    module.learn_weights_(x, signal_weight=0.5)
    values = module.values(x)
    hidden = torch.rand(200, 6, 2) < 0.5
    losses = module.losses(torch.zeros_like(values), values, hidden)
    assert losses.mean() == pytest.approx(1.0, abs=0.1)


def test_a_fixed_front_stays_as_it_starts(fitted):
    again = DuINCells(**SMALL | {"max_steps": 1}).fit(noise())
    free = DuINCells(**SMALL | {"front_lr_scale": 1.0}).fit(noise())
    front = [
        {
            name: value
            for name, value in one.module_.encoder.state_dict().items()
            if not name.startswith("transformer")
        }
        for one in (fitted, again, free)
    ]
    for name, value in front[0].items():
        assert_array_equal(value, front[1][name])
    changed = [
        not torch.equal(value, front[2][name]) for name, value in front[0].items()
    ]
    assert any(changed)


def test_shapes_and_scores(fitted):
    X = noise(5)
    assert fitted.transform(X).shape == (5, 10, 16)
    codes = fitted.codes(X)
    assert codes.shape == (5, 10)
    assert set(np.unique(codes)) <= set(range(4))
    assert fitted.codebook_.shape == (4, 3 * 4 + 3 * 5)
    assert fitted.score(X) < 1
    assert fitted.n_steps_ == 4
    assert fitted.check_ is None


def test_the_same_seed_gives_the_same_weights(fitted):
    again = clone(fitted).fit(noise())
    other = clone(fitted).set_params(random_state=1).fit(noise())
    X = noise(3)
    assert_array_equal(again.transform(X), fitted.transform(X))
    assert_array_equal(again.codes(X), fitted.codes(X))
    assert np.abs(other.transform(X) - fitted.transform(X)).max() > 1e-3


def test_a_file_keeps_everything(fitted, tmp_path):
    read = read_estimator(fitted.save(tmp_path / "cells.safetensors"))
    X = noise(3)
    assert_array_equal(read.transform(X), fitted.transform(X))
    assert_array_equal(read.codes(X), fitted.codes(X))
    assert read.score(X) == fitted.score(X)
    assert read.get_params() == fitted.get_params()


def test_an_interrupted_training_continues_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr("mne_duin.training._sampling.STEPS_PER_PASS", 2)
    cells = DuINCells(**SMALL | {"max_steps": 7})
    whole = clone(cells).fit(noise())
    assert len(whole.history_) == 4
    begin, seen = _cells.CellTraining.begin_pass, []

    def stop(self, module, index, generator):
        seen.append(index)
        if index == 2 and seen.count(2) == 1:
            raise KeyboardInterrupt
        begin(self, module, index, generator)

    monkeypatch.setattr(_cells.CellTraining, "begin_pass", stop)
    with pytest.raises(KeyboardInterrupt):
        clone(cells).fit(noise(), checkpoint_dir=tmp_path)
    continued = clone(cells).fit(noise(), checkpoint_dir=tmp_path)
    assert seen == [0, 1, 2, 2, 3]
    X = noise(3)
    assert_array_equal(continued.transform(X), whole.transform(X))
    assert_array_equal(continued.codebook_, whole.codebook_)


def test_steps_follow_the_length_of_the_recording(monkeypatch):
    seconds = []

    def few(amount):
        seconds.append(amount)
        return 2

    monkeypatch.setattr(_cells, "steps_for", few)
    cells = DuINCells(**SMALL | {"max_steps": None, "validation_fraction": 0.25})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells.fit(noise(20))
    assert cells.n_steps_ == 2
    assert seconds == [15 * 1.0]


def test_learning_is_told_from_not_learning(tmp_path):
    options = SMALL | {"validation_fraction": 0.2, "max_steps": 60, "lr": 3e-3}
    cells = DuINCells(**options).fit(common_bursts())
    assert cells.check_.learned
    wide = cells.check_.table.pivot(index="quantity", columns="method", values="value")
    assert wide.loc["power", "network"] < 0.9 * wide.loc["power", "both neighbors"]
    with pytest.warns(RuntimeWarning, match="did not learn.*max_steps"):
        DuINCells(**options | {"max_steps": 1, "lr": 1e-6}).fit(noise())
    # A file keeps what is known about it.
    read = read_estimator(cells.save(tmp_path / "cells.safetensors"))
    pd.testing.assert_frame_equal(read.check_.table, cells.check_.table)
    assert read.check_.verdict == cells.check_.verdict
    assert read.n_steps_ == 60


def test_subjects_have_maps_and_heads_of_their_own():
    subjects = {
        name: (as_epochs(noise(12, n, seed=n), sfreq=SFREQ), None)
        for name, n in (("one", 2), ("two", 3))
    }
    contacts = {
        name: _contacts(epochs.ch_names) for name, (epochs, _) in subjects.items()
    }
    stacked, _ = stack_subjects({k: (e, contacts[k]) for k, (e, _) in subjects.items()})
    cells = DuINCells(**SMALL | {"sfreq": None}).fit(stacked)
    assert len(cells.module_.head.weight) == 2
    assert cells.module_.encoder.spatial.weight.shape[0] == 2
    assert np.isfinite(cells.score(stacked))
    # What is padding carries nothing: its values do not matter.
    changed = stacked.copy()
    own = (changed.metadata["subject"] == "one").to_numpy()
    assert_allclose(cells.transform(changed[own]), cells.transform(stacked)[own])


def _contacts(names):
    return pd.DataFrame({"shaft": "A", "number": range(1, len(names) + 1)}, names)


def test_hidden_codes_of_what_the_cells_predict(fitted, tmp_path):
    mae = DuINMAE(fitted, max_iter=1, batch_size=8, random_state=0, verbose=False)
    mae.fit(noise())
    assert mae.module_.head.out_features == 4
    # A classifier starts from the power that the cells' map predicts from the tokens.
    assert_array_equal(cell_projection(mae), cell_projection(fitted))
    read = read_estimator(mae.save(tmp_path / "mae.safetensors"))
    assert isinstance(read.vqvae_, DuINCells)
    X = noise(3)
    assert_array_equal(read.transform(X), mae.transform(X))
    assert read.score(X) == mae.score(X)


@pytest.mark.parametrize("stage", [DuINCells, DuINVQVAE])
def test_the_head_sees_tokens_without_context(stage, fitted, tmp_path):
    X, y = noise(16), np.repeat(["yes", "no"], 8)
    if stage is DuINVQVAE:
        sizes = {"n_layers": 1, "n_filters": 4, "conv_filters": (8, 8, 4)}
        sizes |= {"n_decoder_layers": 1, "n_codes": 4, "max_iter": 1}
        fitted = stage(random_state=0, verbose=False, **sizes).fit(X, sfreq=SFREQ)
    options = {"max_iter": 1, "random_state": 0, "verbose": False, "sfreq": SFREQ}
    clf = DuINClassifier(fitted, **options).fit(X, y)
    assert clf.module_.skip
    assert clf.module_.hidden.in_features == 2 * 10 * fitted.module_.encoder.dim
    assert not DuINClassifier(fitted, skip=False, **options).fit(X, y).module_.skip
    read = read_estimator(clf.save(tmp_path / "words.safetensors"))
    assert_array_equal(read.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(ValueError, match="skip=True"):
        to_published(clf)


def _labelled(n_epochs=40, seed=0):
    X = common_bursts(n_epochs, seed)
    y = np.repeat([0, 1], n_epochs // 2)
    X[y == 1, 0] += 3e-4 * np.sin(2 * np.pi * np.arange(800) / 400)
    return X, np.array(["low", "high"])[y]


def _default_path(max_steps=60):
    return make_duin(
        "pretrained",
        architecture=SIZES | {"sfreq": SFREQ},
        cells={"max_steps": max_steps, "batch_size": 8, "n_codes": 4, "lr": 3e-3},
        classifier={"max_iter": 2},
        random_state=0,
        verbose=False,
    )


@pytest.mark.parametrize("weight", [None, 0.5, WEIGHT_IF_BETTER])
def test_the_default_path_is_an_ensemble_with_the_network_from_scratch(
    weight, monkeypatch
):
    X, y = _labelled()
    clf = _default_path(max_steps=2)
    # Too few epochs of a class for a probe: both count the same.
    probe = None if weight is None else SimpleNamespace(attrs={"weight": weight})
    check = SimpleNamespace(usable=True, probe=probe)
    monkeypatch.setattr(type(clf), "_probe", lambda *_: check)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        clf.fit(X, y, unlabelled=common_bursts(20, seed=1))
    assert clf.classifier_.pretrained is clf.vqvae_
    alone = make_duin(
        "scratch",
        architecture=SIZES | {"sfreq": SFREQ},
        classifier={"max_iter": 2},
        random_state=0,
        verbose=False,
    ).fit(X, y)
    weight = weight or 0.5
    expected = clf.classifier_.predict_proba(X) ** weight
    expected *= alone.predict_proba(X) ** (1 - weight)
    expected /= expected.sum(1, keepdims=True)
    assert clf.weight_ == weight
    assert_allclose(clf.predict_proba(X), expected, rtol=1e-5)
    assert_array_equal(clf.predict(X), clf.classes_[expected.argmax(1)])


def test_there_is_no_dropout_unless_it_is_asked_for(fitted):
    sizes = fitted.module_.sizes()["encoder"]
    assert sizes["attention_dropout"] == sizes["ff_dropout"] == 0
    other = DuINCells(**SMALL | {"ff_dropout": 0.3, "max_steps": 1}).fit(noise())
    sizes = other.module_.sizes()["encoder"]
    assert (sizes["attention_dropout"], sizes["ff_dropout"]) == (0, 0.3)


def test_held_out_segments_longer_than_the_crops_are_taken_in_pieces(tmp_path):
    X = common_bursts(90, seed=2).reshape(30, 3, 3, 800).swapaxes(1, 2)
    X = X.reshape(30, 3, 2400)
    options = SMALL | {"max_steps": 120, "lr": 3e-3, "crop_duration": 0.8}
    cells = DuINCells(**options | {"validation_fraction": 0.2}).fit(X)
    assert cells.module_.encoder.transformer.max_tokens == 8
    table = cells.check_.table.set_index(["quantity", "method"])["value"]
    assert table["power", "network"] < 0.9 * table["power", "both neighbors"]
    in_pieces = cells.score(X)
    assert in_pieces == pytest.approx(cells.score(X[..., :320]), abs=0.1)
    cells.module_.limit_context(None)
    assert cells.score(X) < in_pieces - 0.02
    read = read_estimator(DuINCells(**options).fit(X).save(tmp_path / "cells"))
    assert read.module_.encoder.transformer.max_tokens == 8
    mae = DuINMAE(read, max_iter=1, batch_size=8, random_state=0, verbose=False)
    assert mae.fit(X).module_.encoder.transformer.max_tokens == 8


def test_crops_of_the_default_path_are_at_least_as_long_as_the_trials():
    rng = np.random.default_rng(0)
    X, y = 1e-5 * rng.standard_normal((8, 3, 1000)), np.repeat(["yes", "no"], 4)
    clf = _default_path().set_params(scratch=None)
    with pytest.warns(RuntimeWarning, match="did not learn"):
        clf.fit(X, y, unlabelled=1e-5 * rng.standard_normal((12, 3, 2000)))
    assert clf.vqvae_.crop_duration == 2.5
    assert clf.vqvae_.module_.encoder.transformer.max_tokens == 25


@pytest.mark.parametrize("stage", [DuINCells, DuINVQVAE])
@pytest.mark.parametrize(
    ("given", "trials", "crop"),
    [
        (None, 3.5, 3.5),
        (None, 1.0, None),
        (1.0, 3.5, 1.0),  # what was asked for stays
    ],
)
def test_crops_grow_with_the_trials(stage, given, trials, crop):
    assert crops_for_trials_(stage(crop_duration=given), trials).crop_duration == crop


def test_crops_do_not_grow_by_a_part_of_a_token():
    assert crops_for_trials_(DuINCells(), 2.0025).crop_duration is None


def test_the_probe_compares_encoder_signal_and_both():
    X, y = _labelled()
    stage = DuINCells(**SMALL).fit(common_bursts(20, seed=1))
    options = {"sfreq": SFREQ, "random_state": 0, "verbose": False}
    classifier = DuINClassifier(stage, **options)
    scratch = DuINClassifier(**options)
    probe = probe_encoder(classifier, X, y, scratch=scratch)
    assert list(probe["method"]) == [FROZEN, RAW, BOTH]
    frozen, signal, both = probe["log_loss"]
    # A normalized geometric mean is better than its members are on average.
    assert both <= (frozen + signal) / 2 + 1e-9
    assert probe.attrs["standard_error"] >= LEAST_DIFFERENCE
    alone = probe_encoder(classifier, X, y)
    pd.testing.assert_frame_equal(alone, probe[:2], check_exact=True)
    assert probe.attrs["weight"] in (0.5, WEIGHT_IF_BETTER)
    assert "weight" not in alone.attrs
    # The signal is read as the member from scratch would start.
    other = probe_encoder(classifier, X, y, scratch=scratch.set_params(bands="raw"))
    assert other["log_loss"][0] == frozen
    assert other["log_loss"][1] != signal


def test_an_encoder_that_is_read_clearly_better_counts_more(fitted, monkeypatch):
    rng = np.random.default_rng(0)
    y = np.repeat(["low", "high"], 20)
    noise_only, said = rng.standard_normal((2, 40, 6))
    said += 2 * (y == "high")[:, None]
    classifier = DuINClassifier(fitted, verbose=False)
    for frozen, weight in ((said, WEIGHT_IF_BETTER), (noise_only, 0.5)):
        monkeypatch.setattr(_probe, "_read_encoder", lambda *_, own=frozen: [own])
        monkeypatch.setattr(_probe, "_read_signal", lambda *_: [noise_only])
        probe = probe_encoder(classifier, None, y, scratch=DuINClassifier())
        assert probe.attrs["weight"] == weight
    # The row of the ensemble has the weights that the ensemble will have.
    assert probe["log_loss"][2] == pytest.approx(probe["log_loss"][1])


def test_the_default_path_in_one_fit():
    X, y = _labelled()
    # Nothing can improve a network that reads everything.
    clf = _default_path().set_params(scratch=None)
    clf.fit(X, y, unlabelled=common_bursts(60, seed=1))
    assert clf.uses_pretraining_
    assert clf.weight_ == 1
    assert clf.check_.probe["accuracy"].min() > 0.7
    assert "held-out segments" in clf.check_.verdict
    assert clf.score(X, y) > 0.9


@pytest.mark.parametrize(
    "recalled", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_pretraining_that_learned_nothing_is_not_used(recalled, tmp_path):
    X, y = _labelled()
    clf = make_duin(
        "pretrained",
        architecture=SIZES | {"sfreq": SFREQ},
        cells={"max_steps": 1, "lr": 1e-6, "n_codes": 4},
        classifier={"max_iter": 2},
        task_data=False,
        memory=tmp_path if recalled else None,
        random_state=0,
        verbose=False,
    )
    unlabelled = noise(40, n_times=800)
    unused = pytest.warns(RuntimeWarning, match="not used: .*from scratch")
    with pytest.warns(RuntimeWarning, match="did not learn"), unused:
        clf.fit(X, y, unlabelled=unlabelled)
    if recalled:
        with pytest.warns(RuntimeWarning, match="not used: .*from scratch"):
            clf.fit(X, y, unlabelled=unlabelled)
    assert not clf.uses_pretraining_
    assert clf.weight_ == 0
    assert clf.classifier_.pretrained is None
    scratch = clone(clf.classifier).fit(X, y)
    assert_array_equal(clf.predict_proba(X), scratch.predict_proba(X))


def test_cells_then_hidden_codes():
    clf = make_duin("cells+mae", architecture={"n_layers": 2})
    assert isinstance(clf.vqvae, DuINCells)
    assert isinstance(clf.mae, DuINMAE)
    assert clf.vqvae.n_layers == 2
