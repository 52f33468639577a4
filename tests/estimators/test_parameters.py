"""Presets as published, and every parameter checked by name."""

import inspect
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from toy_trials import CLASSIFIER, SFREQ, SIZES, TRAINING, VQVAE, make, simulate

from mne_duin import read_estimator
from mne_duin.baselines import TSTCC, CNNBiGRU, DeWave, EEGConformer, NeuroBERT
from mne_duin.baselines._features import EvokedPower
from mne_duin.baselines._riemann import BandSignal
from mne_duin.baselines.networks._network import LIMITS as NETWORK_LIMITS
from mne_duin.estimators import (
    DuINCells,
    DuINClassifier,
    DuINMAE,
    DuINTokenDecoder,
    DuINVQVAE,
)
from mne_duin.estimators.presets import LIMITS, PRESETS, encoder_width, resolve

# Zheng et al. 2024, Tables 5-7 and Appendix D.
PUBLISHED = {
    "vqvae": {
        "max_iter": 400,
        "batch_size": 64,
        "lr": 3e-4,
        "lr_min": 5e-5,
        "weight_decay": 0.01,
        "n_codes": 2048,
        "crop_duration": 4.0,
        "codex_init": "first-batch",
        "revive_codes": False,
        "bands": "raw",
        "init": "random",
    },
    "mae": {
        "max_iter": 400,
        "batch_size": 64,
        "lr": 3e-4,
        "lr_min": 5e-5,
        "weight_decay": 0.05,
        "crop_duration": 4.0,
        "encoder_init": "random",
        "front_lr_scale": 1.0,
    },
    "classifier": {
        "max_iter": 200,
        "batch_size": 32,
        "lr": 2e-4,
        "lr_min": 5e-6,
        "weight_decay": 0.05,
        "max_shift": 0.3,
        "head_init": "random",
        "bands": "raw",
        "init": "random",
        "label_smoothing": 0.0,
        "encoder_lr_scale": 1.0,
        "head_lr_scale": 1.0,
    },
}
NETWORKS = (CNNBiGRU, EEGConformer, TSTCC, NeuroBERT, DeWave)
ESTIMATORS = {"vqvae": DuINVQVAE, "mae": DuINMAE, "classifier": DuINClassifier}
WIDTH = {"n_filters": 16, "conv_filters": (128, 128, 16)}
PUBLISHED_SIZES = {
    "conv_kernels": (19, 3, 3),
    "conv_strides": (10, 1, 1),
    "n_heads": 8,
    "ff_dim": 320,
    "attention_dropout": 0.2,
    "ff_dropout": 0.2,
}


@pytest.mark.parametrize("stage", ESTIMATORS)
def test_the_paper_preset_is_the_published_recipe(stage):
    arguments = {"vqvae": None} if stage == "mae" else {}
    estimator = ESTIMATORS[stage](**arguments, preset="paper")
    recipe = resolve(estimator, stage)
    assert {name: recipe[name] for name in PUBLISHED[stage]} == PUBLISHED[stage]
    assert recipe["warmup"] * recipe["max_iter"] == recipe["max_iter"] / 10
    for name, value in PUBLISHED_SIZES.items() if stage != "mae" else ():
        assert getattr(estimator, name) == value, name
    if stage != "mae":
        assert encoder_width(recipe, 30) == WIDTH
        assert (recipe["n_layers"], recipe["head_dim"]) == (8, 64)
    if stage == "vqvae":
        own = estimator.n_decoder_layers, estimator.code_dim, estimator.codex_decay
        assert own == (4, 64, 0.99)
        assert estimator.commitment == 1.0
    elif stage == "mae":
        assert estimator.mask_ratio == 0.5
    else:
        assert estimator.hidden_dim == 128


@pytest.mark.parametrize("stage", ESTIMATORS)
def test_presets_fill_what_was_not_given(stage):
    arguments = {"vqvae": None} if stage == "mae" else {}
    names = {preset: set(PRESETS[preset][stage]) for preset in PRESETS}
    assert names["quick"] == names["paper"]
    for preset in PRESETS:
        estimator = ESTIMATORS[stage](**arguments, preset=preset)
        given = {name: getattr(estimator, name) for name in names[preset]}
        assert set(given.values()) == {None}
        estimator.set_params(lr=0.25, max_iter=7)
        expected = PRESETS[preset][stage] | {"lr": 0.25, "max_iter": 7}
        assert resolve(estimator, stage) == expected


@pytest.mark.parametrize("kind", ["vqvae", "mae", "classifier"])
@pytest.mark.parametrize("name", LIMITS)
def test_numbers_out_of_range_are_named(kind, name, vqvae, trials):
    estimator = make(kind, vqvae)
    if name not in estimator.get_params(deep=False):
        assert name not in PRESETS["quick"][kind]
        return
    with pytest.raises(ValueError, match=f"`{name}` must be .*; got -1"):
        estimator.set_params(**{name: -1}).fit(*trials)
    with pytest.raises(TypeError, match=f"`{name}` must be a.*number; got str 'two'"):
        estimator.set_params(**{name: "two"}).fit(*trials)
    if LIMITS[name].get("integer"):
        with pytest.raises(TypeError, match=f"`{name}` must be a whole number; got fl"):
            estimator.set_params(**{name: 2.5}).fit(*trials)
    for value in (float("nan"), float("inf"), -float("inf"), 10**12):
        is_odd = LIMITS[name].get("integer") and isinstance(value, float)
        error = TypeError if is_odd else ValueError
        with pytest.raises(error, match=f"`{name}` must be .*; got .*{value}"):
            estimator.set_params(**{name: value}).fit(*trials)


@pytest.mark.parametrize(
    ("kind", "name", "allowed"),
    [
        ("vqvae", "preset", "'quick', 'paper'"),
        ("vqvae", "codex_init", "'unquantized', 'first-batch', 'random'"),
        ("vqvae", "init", "'zca', 'principal', 'random'"),
        ("vqvae", "precision", "'32', 'bf16', 'auto'"),
        ("mae", "preset", "'quick', 'paper'"),
        ("mae", "encoder_init", "'vqvae', 'random'"),
        ("classifier", "preset", "'quick', 'paper'"),
        ("classifier", "init", "'zca', 'principal', 'random'"),
        ("classifier", "head_activation", "None, 'sigmoid'"),
        ("classifier", "head_init", "'lda', 'random'"),
    ],
)
def test_options_are_listed(kind, name, allowed, vqvae, trials):
    estimator = make(kind, vqvae, **{name: "fast"})
    with pytest.raises(ValueError, match=f"`{name}` must be one of {allowed}; got 'fa"):
        estimator.fit(*trials)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conv_filters": (8, 8)}, r"one filter number, kernel and stride.*\(8, 8\)"),
        ({"conv_kernels": (19, 3, 0)}, "`conv_kernels` must be at least 1 .*got 0"),
        ({"device": "cuda:99"}, "`device` must be 'auto' or a device of this machine"),
        ({"device": "abacus"}, "`device` must be 'auto' or a device of this machine"),
        ({"patch_duration": 0.0995}, "`patch_duration` .* whole number .* 99.500 samp"),
        ({"patch_duration": 0.025}, "a multiple of 10 samples.*is 25. Leave it None"),
        (
            {"crop_duration": 0.15},
            "`crop_duration` must be at least two patches of 0.1",
        ),
        ({"random_state": -1}, "`random_state` must be at least 0; got -1"),
    ],
)
def test_parameters_that_do_not_fit(changes, message, trials):
    with pytest.raises(ValueError, match=message):
        DuINVQVAE(**VQVAE | changes).fit(trials[0])


def test_the_head_start_needs_a_linear_head(trials):
    options = CLASSIFIER | {"head_activation": "sigmoid", "head_init": "lda"}
    with pytest.raises(ValueError, match="head_init='lda' needs head_activation=None"):
        DuINClassifier(**options).fit(*trials)
    with pytest.raises(ValueError, match="`use_codex=True` needs a `pretrained` stage"):
        DuINClassifier(**CLASSIFIER, use_codex=True).fit(*trials)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_start_trains(preset, trials):
    epochs, y = trials
    own = {k: v for k, v in VQVAE.items() if k != "n_codes"}
    # On so little data the published start of the codex collapses, and says so.
    collapse = pytest.warns(RuntimeWarning, match="of 16 codes are in use")
    with collapse if preset == "paper" else nullcontext():
        vqvae = DuINVQVAE(preset, **own, n_codes=16).fit(epochs)
    assert bool(vqvae.bands_) == (preset == "quick")
    assert np.isfinite(vqvae.history_["train_loss"]).all()
    mae = DuINMAE(vqvae, preset, **TRAINING).fit(epochs)
    assert mae.bands_ == vqvae.bands_
    options = TRAINING | {"max_shift": 0.05}
    clf = DuINClassifier(mae, preset, **options).fit(epochs, y)
    assert clf.predict(epochs).shape == y.shape
    sigmoid = DuINClassifier(
        mae, "paper", head_activation="sigmoid", **options | {"max_iter": 1}
    )
    scores = sigmoid.fit(epochs, y).decision_function(epochs)
    assert ((scores > 0) & (scores < 1)).all()


@pytest.mark.parametrize(
    "start",
    [
        "unquantized",
        pytest.param("first-batch", marks=pytest.mark.slow),
        pytest.param("random", marks=pytest.mark.slow),
    ],
)
def test_the_codex_starts_as_asked(start, trials):
    epochs = trials[0]
    options = VQVAE | {"codex_init": start, "max_iter": 6, "n_codes": 8}
    vqvae = DuINVQVAE(**options).fit(epochs)
    used = vqvae.history_["codes_used"]
    assert ((used == 0) == (np.arange(6) < (3 if start == "unquantized" else 0))).all()
    assert np.isnan(vqvae.history_["perplexity"][used == 0]).all()
    assert (vqvae.history_["perplexity"][used > 0] <= used[used > 0] + 1e-3).all()
    assert vqvae.history_["codes_revived"][-1] == 0
    assert vqvae.code_counts_.sum() == 24 * 4
    assert bool(vqvae.module_.quantizer.active)


def test_a_collapsed_codex_is_reported(trials):
    # Without noise and revival, equal epochs can only ever use a few codes.
    X = np.repeat(trials[0].get_data()[:1, :, :200], 6, 0)
    X = X + 1e-9 * np.random.default_rng(0).standard_normal(X.shape)
    options = VQVAE | {"n_codes": 64, "codex_init": "random", "revive_codes": False}
    with pytest.warns(RuntimeWarning, match="of 64 codes are in use. Train on more"):
        DuINVQVAE(**options | {"bands": "raw"}).fit(X, sfreq=SFREQ)


def test_validation_epochs(trials, vqvae):
    epochs, y = trials
    held_out = simulate(12, seed=9)
    first = DuINVQVAE(**VQVAE).fit(epochs, validation=held_out[0])
    # Who does not move cannot learn.
    masked = DuINMAE(vqvae, **TRAINING | {"lr": 1e-9, "lr_min": 0.0})
    with pytest.warns(RuntimeWarning, match="did not learn: on 12 held-out segments"):
        masked.fit(epochs, validation=held_out[0])
    assert masked.check_.rules == [
        "commonest code",
        "copying a neighbor",
        "both neighbors",
    ]
    assert not masked.check_.learned
    for stage in (first, masked):
        assert np.isfinite(stage.history_["valid_loss"]).all()
        assert stage.best_iter_ is None
    assert first.history_["valid_loss"].shape == (3,)
    clf = DuINClassifier(**CLASSIFIER).fit(epochs, y, validation=held_out)
    accuracy = clf.history_["valid_accuracy"]
    assert clf.best_iter_ == np.argmax(accuracy) + 1
    assert clf.score(*held_out) == pytest.approx(accuracy.max())


def test_a_share_of_the_epochs_chooses_the_pass(trials):
    clf = DuINClassifier(**CLASSIFIER, validation_fraction=0.25).fit(*trials)
    assert clf.best_iter_ == np.argmax(clf.history_["valid_accuracy"]) + 1
    last = DuINClassifier(**CLASSIFIER, validation_fraction=0).fit(*trials)
    assert last.best_iter_ is None
    with pytest.raises(KeyError, match="The history has no 'valid_accuracy'; it has"):
        last.history_["valid_accuracy"]


def test_training_that_diverges_says_so(trials):
    # Every step multiplies the weights by 1 - 1000.
    options = CLASSIFIER | {"lr": 1.0, "weight_decay": 1e3, "lr_min": 1.0}
    options |= {"warmup": 0.0, "max_iter": 8}
    with pytest.raises(
        ValueError, match="Training diverged: the loss of pass .* Lower"
    ):
        DuINClassifier(**options).fit(*trials)


@pytest.mark.slow
def test_the_principal_start_learns_faster():
    # Slow waves, as brains have them; the codex is not there yet in these passes.
    X, _ = simulate(24, 4, 400, seed=3)
    X = np.cumsum(X, -1)
    X -= X.mean(-1, keepdims=True)
    options = VQVAE | {"max_iter": 4, "bands": "raw", "n_codes": 4}
    # A decoder as narrow as those of the other tests cannot reconstruct a token.
    options["conv_filters"] = (128, *options["conv_filters"][1:])
    losses = {}
    for init in ("zca", "principal", "random"):
        vqvae = DuINVQVAE(**options, init=init).fit(X, sfreq=SFREQ)
        losses[init] = vqvae.history_["train_loss_reconstruction"]
    assert losses["principal"][1] < 0.8 * losses["random"][1]


FRONT = ("encoder.spatial", "encoder.patch")


def unmoved(make):
    """Names of the parameters that are the same after one pass and after three."""
    X, _ = simulate(n_epochs=8)
    short, longer = (make(n).fit(X, sfreq=SFREQ).module_ for n in (1, 3))
    return {
        name
        for name, value in short.named_parameters()
        if torch.equal(value, longer.get_parameter(name))
    }


@pytest.mark.parametrize("scale", [0.0, pytest.param(0.5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("init", ["zca", "principal", "random"])
def test_the_front_of_the_first_stage_is_kept(init, scale):
    # A scale of zero keeps principal components; a random start learns all the same.
    options = VQVAE | {"init": init, "front_lr_scale": scale, "n_codes": 4}
    same = unmoved(lambda n: DuINVQVAE(**options | {"max_iter": n}))
    front = {name for name in same if name.startswith(FRONT)}
    assert bool(front) == (init != "random" and scale == 0)
    assert same == front


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_a_front_that_is_kept_hands_on_whitened_inputs(scale):
    X, _ = simulate(n_epochs=8)
    options = VQVAE | {"init": "zca", "front_lr_scale": scale, "n_codes": 4}
    vqvae = DuINVQVAE(**options).fit(X, sfreq=SFREQ)
    factors = vqvae.module_.encoder.patch.folded()[2]
    assert (factors is not None) == (scale == 0)
    if factors is not None:
        assert not (factors[0] - factors[0].diag().diag()).any()


@pytest.mark.parametrize("start", ["vqvae", "random"])
def test_the_front_of_the_masked_stage_is_kept(start):
    X, _ = simulate(n_epochs=8)
    vqvae = DuINVQVAE(**VQVAE | {"n_codes": 4}).fit(X, sfreq=SFREQ)
    options = TRAINING | {"encoder_init": start}
    same = unmoved(lambda n: DuINMAE(vqvae, **options | {"max_iter": n}))
    front = {n for n, _ in vqvae.module_.named_parameters() if n.startswith(FRONT)}
    assert same == (front if start == "vqvae" else set())


def numbers_of(estimator):
    """Names of the parameters whose value or annotation is a number."""
    kinds = {"int", "float", "int | None", "float | None"}
    own = inspect.signature(type(estimator).__init__).parameters
    return {
        name
        for name, parameter in own.items()
        if str(parameter.annotation).replace("<class '", "").rstrip("'>") in kinds
        or (type(parameter.default) in (int, float))
    }


@pytest.mark.parametrize(
    "kind",
    [DuINVQVAE, DuINCells, DuINMAE, DuINClassifier, DuINTokenDecoder, *NETWORKS],
)
def test_every_number_has_limits(kind):
    estimator = kind(**{"vqvae": None} if kind is DuINMAE else {})
    names = numbers_of(estimator)
    assert {"lr", "max_iter", "sfreq", "weight_decay"} & names
    known = {*LIMITS, *NETWORK_LIMITS, "random_state"}
    assert names <= known, names - known


# With this seed features of two epochs per word depend on each other.
@pytest.mark.parametrize(("n_words", "seed"), [(65, 0), (200, 619160822)])
def test_more_words_than_the_hidden_layer_has_room_for(n_words, seed, tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat([f"w{index:03d}" for index in range(n_words)], 2)
    X = rng.standard_normal((2 * n_words, 2, 200))
    options = SIZES | {"n_layers": 1, "max_iter": 1, "bands": "raw", "verbose": False}
    options |= {"max_shift": 0.0, "random_state": seed}
    clf = DuINClassifier(**options).fit(X, y, sfreq=SFREQ)
    assert clf.module_.hidden.out_features == 2 * n_words
    # The linear start is the discriminant: far better than chance where it was learned.
    assert clf.score(X, y) > 20 / n_words
    again = read_estimator(clf.save(tmp_path / "words"))
    assert np.array_equal(again.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize("rate", [30_000.0, 44_100.0, 500_000.0])
def test_patches_too_long_are_refused(rate):
    X = np.random.default_rng(0).standard_normal((4, 2, 3 * int(rate / 10)))
    message = r"Patches of 0.1 s at .* Hz have .*read_epochs\(sfreq=1000\)"
    wide = {"bands": "raw", "n_filters": 16, "conv_filters": (8, 8, 16)}
    wide["patch_duration"] = 0.1
    with pytest.raises(ValueError, match=message):
        DuINClassifier(**CLASSIFIER | wide).fit(X, [0, 1, 0, 1], sfreq=rate)
    with pytest.raises(ValueError, match=message):
        DuINVQVAE(**VQVAE | wide).fit(X, sfreq=rate)


def test_another_window_is_refused(trials, tmp_path):
    epochs, y = trials
    clf = DuINClassifier(**CLASSIFIER | {"max_iter": 1}).fit(epochs, y)
    later = epochs.copy().shift_time(0.2)
    for own in (clf, read_estimator(clf.save(tmp_path / "model"))):
        with pytest.raises(ValueError, match=r"starts \+0.200 s .* start at \+0.000 s"):
            own.predict(later)
        with pytest.raises(ValueError, match="2 patches; the classifier was fitted"):
            own.predict(epochs.copy().crop(tmax=0.199))
        assert own.predict(later.get_data()).shape == y.shape


def test_another_window_is_refused_by_the_baselines(trials):
    epochs, y = trials
    later, shorter = epochs.copy().shift_time(0.2), epochs.copy().crop(tmax=0.299)
    for estimator in (EvokedPower(), BandSignal(band=(70, 150))):
        estimator.fit(epochs, y)
        with pytest.raises(ValueError, match=r"starts \+0.200 s .* was fitted with"):
            estimator.transform(later)
        with pytest.raises(ValueError, match="300"):
            estimator.transform(shorter)
