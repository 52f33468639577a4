"""Ensembles of decoders: the formula, scikit-learn's rules, segments, frozen parts."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from toy_trials import make, one_by_one

from mne_duin import DecoderEnsemble, evaluate, make_lda
from mne_duin.baselines._make_estimator import ENSEMBLES, make_estimator
from mne_duin.utils._signature import takes_segments


class Says(ClassifierMixin, BaseEstimator):
    """A decoder that says what it was told to say, whatever it is shown."""

    def __init__(self, probabilities):
        self.probabilities = probabilities

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return self.probabilities


class Pretrains(Says):
    def fit(self, X, y, *, unlabelled=None):
        self.seen_ = unlabelled
        return super().fit(X, y)


def uniform(n_trials=6, n_classes=3):
    return np.full((n_trials, n_classes), 1 / n_classes)


def both(vqvae):
    lda = make_lda(calibrated=True)
    return DecoderEnsemble([("duin", make("finetuned", vqvae)), ("lda", lda)])


@given(
    st.lists(
        arrays(float, (6, 3), elements=st.floats(0.01, 1.0)), min_size=1, max_size=4
    )
)
def test_it_is_the_normalised_geometric_mean(tables):
    tables = [table / table.sum(1, keepdims=True) for table in tables]
    decoders = [(str(k), Says(table)) for k, table in enumerate(tables)]
    X, y = np.zeros((6, 1)), list("abcabc")
    said = DecoderEnsemble(decoders).fit(X, y).predict_proba(X)
    product = np.prod(tables, axis=0) ** (1 / len(tables))
    expected = product / product.sum(1, keepdims=True)
    np.testing.assert_allclose(said, expected, rtol=1e-10)
    again = DecoderEnsemble(decoders[::-1]).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(again, said, rtol=1e-10)


def test_a_decoder_that_says_nothing_changes_no_decision():
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.ones(3), 6)
    X, y = np.zeros((6, 1)), list("abcabc")
    pair = [("knows", Says(table)), ("guesses", Says(uniform()))]
    ensemble = DecoderEnsemble(pair).fit(X, y)
    expected = ensemble.classes_[table.argmax(1)]
    np.testing.assert_array_equal(ensemble.predict(X), expected)


def test_weights_say_what_a_decoder_counts():
    tables = np.random.default_rng(0).dirichlet(np.ones(3), (2, 6))
    X, y = np.zeros((6, 1)), list("abcabc")
    pair = [("a", Says(tables[0])), ("b", Says(tables[1]))]
    ensemble = DecoderEnsemble(pair, weights=(2, 1)).fit(X, y)
    expected = tables[0] ** (2 / 3) * tables[1] ** (1 / 3)
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(ensemble.predict_proba(X), expected)
    ensemble.set_params(weights=(0, 1)).fit(X, y)
    np.testing.assert_allclose(ensemble.predict_proba(X), tables[1])
    for weights in ((1,), (1, -1), (0, 0), (1, np.nan)):
        ensemble.set_params(weights=weights)
        with pytest.raises(ValueError, match="one number for each of 2 decoders"):
            ensemble.fit(X, y)


def test_certain_ones_that_contradict_give_finite_probabilities():
    one, other = np.eye(3)[[0, 1, 2] * 2], np.eye(3)[[1, 2, 0] * 2]
    X, y = np.zeros((6, 1)), list("abcabc")
    said = DecoderEnsemble([("a", Says(one)), ("b", Says(other))]).fit(X, y)
    np.testing.assert_allclose(said.predict_proba(X), (one + other) / 2, atol=1e-9)


def test_network_and_lda_follow_the_rules_of_scikit_learn(vqvae, trials):
    epochs, y = trials
    ensemble = both(vqvae)
    assert is_classifier(ensemble)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        ensemble.predict(epochs)
    assert ensemble.get_params()["duin__lr"] == ensemble.decoders[0][1].lr
    assert clone(ensemble).set_params(duin__lr=0.5).decoders[0][1].lr == 0.5
    said = ensemble.fit(epochs, y).predict_proba(epochs)
    assert ensemble.classes_.tolist() == ["ba", "da", "ga"]
    assert said.shape == (24, 3)
    np.testing.assert_allclose(said.sum(1), 1)
    np.testing.assert_array_equal(ensemble.predict_proba(one_by_one(epochs)), said)
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.predict_proba(epochs), said)
    assert np.isfinite(cross_val_score(both(vqvae), epochs, y, cv=2)).all()


def test_a_frozen_decoder_stays_as_it_is(vqvae, trials, fitted):
    epochs, y = trials
    frozen = FrozenEstimator(fitted["finetuned"])
    ensemble = DecoderEnsemble([("duin", frozen)]).fit(epochs[:3], y[:3])
    expected = fitted["finetuned"].predict_proba(epochs)
    np.testing.assert_allclose(ensemble.predict_proba(epochs), expected, atol=1e-6)
    pair = DecoderEnsemble([("duin", frozen), ("lda", make_lda())])
    with pytest.raises(ValueError, match="same classes; 'lda' knows"):
        pair.fit(epochs, ["yes", "no"] * 12)


def test_an_evaluation_checks_the_runs_of_a_frozen_decoder(trials, fitted):
    epochs, y = trials
    ensemble = DecoderEnsemble([("duin", FrozenEstimator(fitted["finetuned"]))])
    result = evaluate(ensemble, epochs, y, cv="last-run")
    assert any("runs that are tested: 02" in leak for leak in result.leaks)


def test_it_knows_the_runs_of_its_members(vqvae, trials, fitted):
    epochs, y = trials
    runs = set(epochs.metadata["run"])
    last = np.flatnonzero(epochs.metadata["run"] == "02")
    lda, finetuned = make_lda(), fitted["finetuned"]
    assert DecoderEnsemble([("lda", lda)]).fit(epochs[last], y[last]).fit_groups_ == {
        "02"
    }
    pair = [("duin", FrozenEstimator(finetuned)), ("lda", lda)]
    frozen = DecoderEnsemble(pair).fit(epochs[last], y[last])
    assert frozen.fit_groups_ == runs == finetuned.fit_groups_
    result = evaluate(FrozenEstimator(frozen), epochs, y, cv="last-run")
    assert any("runs that are tested: 02" in leak for leak in result.leaks)
    in_pipeline = make_pipeline(FrozenEstimator(finetuned))
    nested = DecoderEnsemble([("inner", DecoderEnsemble([("duin", in_pipeline)]))])
    assert nested.fit(epochs[last], y[last]).fit_groups_ == runs
    without = epochs[last].copy()
    without.metadata = None
    nested.fit(without, y[last])
    assert not hasattr(nested, "fit_groups_")


def test_segments_go_to_those_that_pretrain():
    X, y = np.zeros((6, 1)), list("abcabc")
    alone = DecoderEnsemble([("b", Says(uniform()))])
    mixed = DecoderEnsemble([("a", Pretrains(uniform())), ("b", Says(uniform()))])
    nested = DecoderEnsemble([("inner", mixed)])
    assert [takes_segments(each) for each in (alone, mixed, nested)] == [0, 1, 1]
    segments = np.zeros((2, 1))
    fitted = nested.fit(X, y, unlabelled=segments).decoders_["inner"]
    assert fitted.decoders_["a"].seen_ is segments
    with pytest.raises(ValueError, match="no decoder of the ensemble pre-trains"):
        alone.fit(X, y, unlabelled=segments)


@pytest.mark.parametrize(
    ("decoders", "error", "match"),
    [
        ([], ValueError, "must have at least one; got none"),
        (make_lda(), TypeError, "`decoders` must be list or tuple; got Pipeline"),
        ([make_lda()], TypeError, r"list of \(name, estimator\); it has Pipeline"),
        ([("a", make_lda())] * 2, ValueError, "Names provided are not unique"),
    ],
)
def test_what_decoders_must_be(decoders, error, match):
    with pytest.raises(error, match=match):
        DecoderEnsemble(decoders).fit(np.zeros((2, 1, 300)), ["a", "b"])


@pytest.mark.parametrize("name", ENSEMBLES)
def test_those_with_a_name(name):
    if "riemann" in name:
        pytest.importorskip("pyriemann")
    first, *others = ENSEMBLES[name]
    parameters = (
        {"selection": 0.1} if first == "lda" else {"classifier": {"max_iter": 7}}
    )
    ensemble = make_estimator(name, random_state=3, **parameters)
    assert takes_segments(ensemble) is (first in ("pretrained", "vqvae", "mae"))
    last = {
        "lda": "lda__calibrated__estimator__select__threshold",
        "scratch": "duin__max_iter",
    }
    parameters = ensemble.get_params()
    key = last.get(first, "duin__classifier__max_iter")
    assert parameters[key] == (0.1 if first == "lda" else 7)
    assert [other for other, _ in ensemble.decoders[1:]] == others
    for linear, decoder in ensemble.decoders:
        assert linear == "duin" or list(decoder.named_steps)[-1] == "calibrated"
