"""One battery of scikit-learn's rules over all estimators."""

import pickle
import random
from copy import deepcopy

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from toy_tokens import TOKEN_KINDS, make_any, training
from toy_trials import KINDS, KINDS_BY_TIME, as_epochs, make, output, simulate

from mne_duin.estimators import (
    DuINClassifier,
    DuINMAE,
    DuINTokenDecoder,
    DuINVQVAE,
)

ALL_KINDS = (*KINDS, *TOKEN_KINDS)

LEARNED = (
    "module_ history_ scaler_ info_ ch_names_ n_iter_ best_iter_ n_features_in_ "
    "subjects_ patch_size_ bands_ device_ fit_groups_"
).split()
OWN = {
    "vqvae": ("codebook_", "code_counts_"),
    "mae": ("vqvae_",),
    "classifier": ("classes_",),
    "finetuned": ("classes_",),
    "tokens": ("classes_", "tiers_"),
    "sequences": ("classes_", "tiers_"),
}
METHODS = (
    "transform reconstruct predict predict_proba decision_function decode"
).split()
PARTS = ("vqvae", "pretrained")
EMPTY = {
    "vqvae": DuINVQVAE(),
    "mae": DuINMAE(DuINVQVAE()),
    "classifier": DuINClassifier(),
    "tokens": DuINTokenDecoder(),
}


def random_states():
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    return name, keys.tolist(), rest, random.getstate(), torch.get_rng_state().tolist()


def weights(estimator):
    return estimator.module_.state_dict()


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_constructor_stores_and_clone_keeps(kind, vqvae):
    estimator = make_any(kind, vqvae, lr=0.0123)
    copy = clone(estimator)
    assert copy is not estimator
    assert copy.get_params(deep=False).keys() == estimator.get_params(deep=False).keys()
    assert copy.lr == 0.0123
    assert copy.set_params(lr=0.5, random_state=7) is copy
    assert (copy.lr, copy.random_state, estimator.lr) == (0.5, 7, 0.0123)
    with pytest.raises(ValueError, match="Invalid parameter 'learning_rate'"):
        copy.set_params(learning_rate=1)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_tags(kind, vqvae):
    estimator = make_any(kind, vqvae)
    tags = get_tags(estimator)
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.allow_nan
    named = kind in ("classifier", "finetuned")
    assert is_classifier(estimator) is named
    assert tags.target_tags.required is (named or kind in TOKEN_KINDS)
    assert (tags.transformer_tags is None) is tags.target_tags.required


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_learned_attributes_appear_with_fit(kind, vqvae, fitted):
    before, after = make_any(kind, vqvae), fitted[kind]
    for name in (*LEARNED, *OWN[kind]):
        assert not hasattr(before, name), name
        assert hasattr(after, name), name
    assert after.ch_names_ == [f"A{i}" for i in range(1, 7)]
    assert after.info_.ch_names == after.ch_names_
    assert after.info_["sfreq"] == 1000
    assert after.n_iter_ == len(after.history_) == 3
    assert after.history_.to_frame()["pass"].tolist() == [1, 2, 3]
    assert after.scaler_.mean.shape == (1, 6 * (1 + len(after.bands_)))
    assert after.spatial_weights().shape == (1, 4, 6)
    assert after.folded_filters().shape == (1, 40, 6, 100)
    assert not after.module_.training


def test_shapes_of_what_each_stage_gives(trials, fitted):
    epochs, y = trials
    codes = fitted["vqvae"].transform(epochs)
    assert codes.shape == (24, 4)
    assert np.issubdtype(codes.dtype, np.integer)
    assert fitted["vqvae"].codebook_.shape == (16, 8)
    assert np.allclose(np.linalg.norm(fitted["vqvae"].codebook_, axis=1), 1)
    counts = fitted["vqvae"].code_counts_
    assert np.array_equal(counts, np.bincount(codes.ravel(), minlength=16))
    assert fitted["vqvae"].reconstruct(epochs).shape == (24, 6, 400)
    assert fitted["mae"].transform(epochs).shape == (24, 4, 40)
    assert fitted["classifier"].classes_.tolist() == ["ba", "da", "ga"]
    probabilities = fitted["classifier"].predict_proba(epochs)
    assert probabilities.shape == fitted["classifier"].decision_function(epochs).shape
    assert np.allclose(probabilities.sum(1), 1)
    best = fitted["classifier"].classes_[probabilities.argmax(1)]
    assert np.array_equal(fitted["classifier"].predict(epochs), best)
    assert fitted["classifier"].score(epochs, y) == np.mean(best == y)


@pytest.mark.parametrize(
    ("kind", "method"),
    [(k, m) for k in EMPTY for m in METHODS if hasattr(EMPTY[k], m)],
)
def test_using_an_unfitted_one_says_so(kind, method, trials):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        getattr(EMPTY[kind], method)(trials[0])


@pytest.mark.parametrize("kind", EMPTY)
def test_reading_out_an_unfitted_one_says_so(kind, trials, tmp_path):
    epochs, y = trials
    for function, arguments in (
        (EMPTY[kind].score, (epochs, y)),
        (EMPTY[kind].save, (tmp_path / "model",)),
        (EMPTY[kind].spatial_weights, ()),
        (EMPTY[kind].folded_filters, ()),
        (EMPTY[kind].channel_contributions, ()),
    ):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            function(*arguments)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.by_default("mae", "classifier", "tokens")
def test_fit_returns_itself_and_changes_no_parameter(kind, vqvae, trials):
    estimator = make_any(kind, vqvae)
    before = estimator.get_params(deep=False)
    values = deepcopy({k: v for k, v in before.items() if k not in PARTS})
    state = {name: value.clone() for name, value in weights(vqvae).items()}
    assert estimator.fit(*training(kind, trials)) is estimator
    after = estimator.get_params(deep=False)
    assert all(after[name] is before[name] for name in before)
    assert all(after[name] == value for name, value in values.items())
    assert all(torch.equal(weights(vqvae)[name], state[name]) for name in state)


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_the_seed_decides(kind, vqvae, trials, fitted):
    again = make_any(kind, vqvae).fit(*training(kind, trials))
    other = make_any(kind, vqvae, random_state=1).fit(*training(kind, trials))
    expected = weights(fitted[kind])
    assert all(torch.equal(weights(again)[name], expected[name]) for name in expected)
    assert np.array_equal(output(again, trials[0]), output(fitted[kind], trials[0]))
    kept = fitted[kind].history_.to_frame().drop(columns="seconds")
    assert again.history_.to_frame().drop(columns="seconds").equals(kept)
    changed = [n for n in expected if not torch.equal(weights(other)[n], expected[n])]
    # Maps that start from principal components may be kept as they start.
    assert any(name.startswith("encoder.transformer") for name in changed)


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_random_state_objects_are_streams(kind, vqvae, trials):
    first = make_any(kind, vqvae, random_state=np.random.RandomState(3), max_iter=1)
    second = make_any(kind, vqvae, random_state=np.random.RandomState(3), max_iter=1)
    a, b = (
        weights(first.fit(*training(kind, trials))),
        weights(second.fit(*training(kind, trials))),
    )
    assert all(torch.equal(a[name], b[name]) for name in a)
    again = {name: value.clone() for name, value in a.items()}
    later = weights(first.fit(*training(kind, trials)))
    assert any(not torch.equal(later[name], again[name]) for name in later)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.by_default("mae", "classifier", "tokens")
def test_global_randomness_is_left_alone(kind, vqvae, trials, tmp_path):
    before = random_states()
    estimator = make_any(kind, vqvae).fit(*training(kind, trials))
    output(estimator, trials[0])
    estimator.score(*training(kind, trials))
    estimator.save(tmp_path / "model")
    assert random_states() == before


@pytest.mark.parametrize("kind", ["vqvae", "classifier"])
def test_refit_with_other_sizes(kind, vqvae, trials):
    estimator = make_any(kind, vqvae).fit(*trials)
    X, y = simulate(12, 3, 300, n_classes=2, seed=1)
    epochs = as_epochs(X, names=["x", "y", "z"])
    again = estimator.set_params(max_iter=2).fit(epochs, y)
    fresh = make(kind, vqvae, max_iter=2).fit(epochs, y)
    assert again.ch_names_ == ["x", "y", "z"]
    assert again.n_iter_ == 2
    assert not hasattr(again, "fit_groups_")
    assert np.array_equal(output(again, epochs), output(fresh, epochs))


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_pickle_and_joblib(kind, trials, fitted, tmp_path):
    joblib.dump(fitted[kind], tmp_path / "model.joblib")
    for copy in (
        pickle.loads(pickle.dumps(fitted[kind])),
        joblib.load(tmp_path / "model.joblib"),
    ):
        assert np.array_equal(output(copy, trials[0]), output(fitted[kind], trials[0]))
        history = copy.history_.to_frame()
        assert history.equals(fitted[kind].history_.to_frame())


@pytest.mark.parametrize("kind", ["mae", "finetuned"])
def test_an_unfitted_part_is_refused_with_the_remedy(kind, trials):
    part = DuINVQVAE()
    for given in (part, FrozenEstimator(part)):
        estimator = DuINMAE(given) if kind == "mae" else DuINClassifier(given)
        with pytest.raises(ValueError, match="is not fitted.*FrozenEstimator"):
            estimator.fit(*trials)


def test_cloning_forgets_a_part_unless_it_is_frozen(vqvae, trials):
    options = {"max_iter": 1, "verbose": False}
    with pytest.raises(ValueError, match="`pretrained` is not fitted.*FrozenEstimator"):
        clone(DuINClassifier(vqvae, **options)).fit(*trials)
    frozen = clone(DuINClassifier(FrozenEstimator(vqvae), **options))
    assert frozen.fit(*trials).classes_.tolist() == ["ba", "da", "ga"]


@pytest.mark.parametrize("part", ["vqvae", DuINVQVAE, None, np.zeros(3)])
def test_a_part_must_be_a_stage(part, trials):
    with pytest.raises(TypeError, match="`vqvae` must be a fitted DuINVQVAE"):
        DuINMAE(part).fit(trials[0])


def test_the_masked_stage_needs_the_first_one(fitted, trials):
    with pytest.raises(TypeError, match="`vqvae` must be DuINVQVAE or .*; got DuINMAE"):
        DuINMAE(fitted["mae"]).fit(trials[0])


def test_the_masked_stage_keeps_its_own_copy_of_the_first(vqvae, trials):
    first = deepcopy(vqvae)
    mae = make("mae", first, max_iter=1).fit(*trials)
    before = mae.score(trials[0])
    first.module_.quantizer.codebook.zero_()
    assert mae.score(trials[0]) == before
    assert mae.vqvae_ is not first


@pytest.mark.parametrize("kind", ["vqvae", "classifier"])
def test_a_fit_that_fails_leaves_nothing_half_fitted(kind, vqvae, trials):
    epochs, y = trials
    estimator = make_any(kind, vqvae).fit(epochs, y)
    estimator.set_params(n_heads=0.5)
    with pytest.raises(TypeError, match="`n_heads` must be a whole number"):
        estimator.fit(epochs, y)
    assert output(estimator, epochs).shape[0] == 24
    estimator.set_params(n_heads=2, device="abacus")
    with pytest.raises(ValueError, match="`device` must be 'auto' or a device"):
        estimator.fit(epochs.copy().pick(["A1", "A2"]), y)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        output(estimator, epochs.copy().pick(["A1", "A2"]))
