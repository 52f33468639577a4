"""Leakage tests with the networks themselves, and the published choice of the pass."""

from itertools import permutations

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_duin import (
    TSTCC,
    CNNBiGRU,
    ContributionSelector,
    DecoderEnsemble,
    DeWave,
    EEGConformer,
    NeuroBERT,
    SelectedChannels,
    evaluate,
    make_duin,
    make_lda,
    make_riemann,
)

SIZES = {"n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 16}
TRAINING = {"max_iter": 3, "batch_size": 16, "verbose": False, "random_state": 0}
NETWORK = TRAINING | {"lr": 3e-3, "max_shift": 0.0, "validation_fraction": 0.2}
PRETRAINING = NETWORK | {"pretrain_iter": 1}
DUIN = SIZES | {"n_filters": 4, "conv_filters": (8, 8, 4), "bands": "raw"}


def make_duin_tiny(variant):
    # 100 samples make a patch, so that the decoder can reconstruct it.
    architecture = DUIN | {"patch_duration": 100 / 2000}
    short = {"max_iter": 2, "batch_size": 16}
    return make_duin(
        variant,
        architecture=architecture,
        vqvae=short | {"n_decoder_layers": 1, "n_codes": 8, "code_dim": 4},
        mae=short,
        classifier=short | {"hidden_dim": 16},
        random_state=0,
        verbose=False,
    )


def make_chosen():
    classifier = make_duin_tiny("scratch")
    return SelectedChannels(ContributionSelector(classifier, n_channels=2), classifier)


def make_vote():
    decoders = {
        "duin": make_duin_tiny("scratch"),
        "lda": make_lda("evoked", calibrated=True),
        "riemann": make_riemann("lda", calibrated=True),
    }
    return DecoderEnsemble(list(decoders.items()))


ESTIMATORS = {
    "lda": lambda: make_lda("evoked"),
    "riemann": make_riemann,
    "scratch": lambda: make_duin_tiny("scratch"),
    "vqvae": lambda: make_duin_tiny("vqvae"),
    "vqvae+vq": lambda: make_duin_tiny("vqvae+vq"),
    "mae": lambda: make_duin_tiny("mae"),
    "scratch+lda+riemann": make_vote,
    "contributions": make_chosen,
    "cnn_bigru": lambda: CNNBiGRU(n_filters=4, stride=20, hidden_dim=8, **NETWORK),
    "eeg_conformer": lambda: EEGConformer(
        dim=4, n_layers=1, n_heads=2, ff_dim=8, hidden_dims=(8, 8), **NETWORK
    ),
    "ts_tcc": lambda: TSTCC(
        filters=(4, 4, 8), n_steps=2, context_dim=8, n_layers=1, **PRETRAINING
    ),
    "neuro_bert": lambda: NeuroBERT(dim=8, **SIZES | PRETRAINING),
    "dewave": lambda: DeWave(
        dim=8, n_codes=8, kernels=(9, 3), strides=(10, 4), **SIZES | PRETRAINING
    ),
}


# The others share the code of these.
QUICK = ("lda", "mae", "contributions")


def all_estimators(function):
    """Run a test on all estimators, on most of them only where time does not matter."""
    names = [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in ESTIMATORS
    ]
    return pytest.mark.parametrize("name", names)(function)


def simulate(strength, *, n_per_run=8, seed=0):
    """Three words over three runs at 2 kHz; word k has a slow wave in channel k."""
    rng = np.random.default_rng(seed)
    words, runs = ["aa", "bb", "cc"], ["1", "2", "3"]
    codes = np.concatenate(
        [rng.permutation(np.repeat(np.arange(3), n_per_run)) for _ in runs]
    )
    data = rng.standard_normal((len(codes), 4, 600))
    wave = np.sin(2 * np.pi * np.arange(600) / 600)
    data[np.arange(len(codes)), codes] += strength * wave
    events = np.column_stack([np.arange(len(codes)), 0 * codes, codes + 1])
    return mne.EpochsArray(
        1e-5 * data,
        mne.create_info(4, 2000.0, "seeg"),
        events,
        event_id={word: code + 1 for code, word in enumerate(words)},
        metadata=pd.DataFrame({"run": np.repeat(runs, 3 * n_per_run)}),
        verbose="error",
    )


def weights(estimator):
    """Everything a fitted estimator has learned, as bytes."""
    for name in ("classifier_", "estimator_"):
        estimator = getattr(estimator, name, estimator)
    if hasattr(estimator, "decoders_"):
        return [part for each in estimator.decoders_.values() for part in weights(each)]
    if hasattr(estimator, "module_"):
        state = estimator.module_.state_dict().values()
        scales = estimator.scaler_
        return [
            *[np.asarray(value).tobytes() for value in state],
            scales.mean.tobytes(),
            scales.scale.tobytes(),
        ]
    last = estimator[-1]
    if isinstance(last, CalibratedClassifierCV):
        (inner,) = last.calibrated_classifiers_
        (temperature,) = inner.calibrators
        return [np.float64(temperature.beta_).tobytes(), *weights(inner.estimator)]
    return [last.coef_.tobytes(), last.intercept_.tobytes()]


def change_last_run(epochs, change):
    changed = epochs.copy()
    last = (changed.metadata["run"] == "3").to_numpy()
    data = changed.get_data(copy=False)
    data[last] = change(data[last])
    return changed


@all_estimators
@pytest.mark.by_default("lda", "mae")
def test_a_change_of_test_trials_changes_no_bit_of_the_model(name):
    epochs = simulate(1.0)
    fitted = []
    for data in (epochs, change_last_run(epochs, lambda part: 1e-3 + 50 * part)):
        result, models = evaluate(
            ESTIMATORS[name](),
            data,
            cv="last-run",
            random_state=0,
            return_estimators=True,
            n_label_permutations=0,
        )
        assert result.leaks == ()
        fitted.append(weights(models[0]))
    assert fitted[0] == fitted[1]


@pytest.mark.slow
@all_estimators
def test_shuffled_labels_give_chance_within_the_interval(name):
    epochs = simulate(1.0, n_per_run=16)
    shuffled = np.random.default_rng(1).permutation(epochs.events[:, 2])
    result = evaluate(
        ESTIMATORS[name](),
        epochs,
        shuffled,
        cv="last-run",
        random_state=0,
        n_label_permutations=0,
    )
    low, high = result.confidence_interval(level=0.999)
    assert low <= 1 / 3 <= high


@all_estimators
@pytest.mark.by_default("lda", "contributions")
def test_a_marker_only_in_test_trials_is_not_exploited(name):
    epochs = simulate(0.0, n_per_run=16)
    result, (model,) = evaluate(
        ESTIMATORS[name](), epochs, cv="last-run", random_state=0,
        return_estimators=True, n_label_permutations=0,
    )  # fmt: skip
    test, codes = epochs[result.epoch], epochs.events[result.epoch, 2] - 1
    accuracies = []
    for order in permutations([-1.0, 0.0, 1.0]):
        marked = test.copy()
        marked.get_data(copy=False)[:, -1] += 3e-5 * np.array(order)[codes, None]
        accuracies.append(np.mean(model.predict(marked) == result.y_true))
    # A model may answer to the marker, but which way is an accident: over all ways to
    # mark the words it is at chance. 0.2 are three standard errors of 48 trials.
    assert abs(np.mean(accuracies) - 1 / 3) < 0.2


def test_a_marker_in_all_runs_is_exploited():
    epochs = simulate(0.0, n_per_run=16)
    marker = epochs.events[:, 2, None] - 2.0
    wave = np.sin(2 * np.pi * np.arange(600) / 600)
    epochs.get_data(copy=False)[:, -1] += 3e-5 * marker * wave
    result = evaluate(make_lda("evoked"), epochs, cv="last-run", random_state=0)
    assert result.accuracy > 0.9


@pytest.mark.parametrize(
    "name",
    [
        "scratch",
        *(pytest.param(k, marks=pytest.mark.slow) for k in ("mae", "neuro_bert")),
    ],
)
def test_the_paper_protocol_chooses_by_test_accuracy_and_says_so(name):
    epochs = simulate(1.5, n_per_run=10)
    result, models = evaluate(
        ESTIMATORS[name](), epochs, cv=1, protocol="paper", random_state=0,
        return_estimators=True, n_label_permutations=0,
    )  # fmt: skip
    assert any("test trials chose the model" in leak for leak in result.leaks)
    assert any("scaled over all trials" in leak for leak in result.leaks)
    model = getattr(models[0], "classifier_", models[0])
    history = model.history_.to_frame()
    best = history[history["valid_accuracy"] == history["valid_accuracy"].max()]
    chosen = best["test_accuracy"].idxmax()
    assert model.best_iter_ == chosen + 1
    assert np.isclose(result.accuracy, history.loc[chosen, "test_accuracy"])


class LikeSkorch(ClassifierMixin, BaseEstimator):
    """A torch classifier on float32 arrays, as skorch and braindecode make them."""

    def __init__(self, max_epochs=30, lr=0.05):
        self.max_epochs = max_epochs
        self.lr = lr

    def fit(self, X, y=None, **fit_params):
        assert isinstance(X, np.ndarray)
        assert X.dtype == np.float32
        self.classes_, index = np.unique(y, return_inverse=True)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.module_ = torch.nn.Linear(X[0].size, len(self.classes_))
        optimizer = torch.optim.Adam(self.module_.parameters(), lr=self.lr)
        x, target = torch.from_numpy(X).flatten(1), torch.from_numpy(index)
        for _ in range(self.max_epochs):
            loss = torch.nn.functional.cross_entropy(self.module_(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self

    @torch.no_grad()
    def predict_proba(self, X):
        return self.module_(torch.from_numpy(X).flatten(1)).softmax(-1).numpy()

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


def as_float(epochs):
    return (1e5 * epochs.get_data()[..., ::10]).astype(np.float32)


def test_other_peoples_estimators_are_evaluated():
    epochs = simulate(3.0)
    flatten = FunctionTransformer(lambda X: as_float(X).reshape(len(X), -1))
    plain = make_pipeline(
        flatten, LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    )
    torch_like = make_pipeline(FunctionTransformer(as_float), LikeSkorch())
    for estimator in (plain, torch_like):
        result = evaluate(estimator, epochs, cv="last-run", random_state=0)
        assert result.accuracy > 0.8
        assert np.isfinite(result.log_loss)
    array = as_float(epochs)
    result = evaluate(LikeSkorch(), array, epochs.events[:, 2], cv=3, random_state=0)
    assert result.accuracy > 0.8
