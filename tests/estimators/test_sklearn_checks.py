"""scikit-learn's own checks of our estimators, and a reason for every exception.

Its checks know tables of features. Here every feature becomes a channel whose epochs
are the number times a fixed wave, so that a table turns into epochs and all checks of
parameters, validation, state and refitting reach the estimator itself.
"""

from functools import wraps

import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.utils.estimator_checks import parametrize_with_checks

from mne_duin import CNNBiGRU, DuINClassifier
from mne_duin.baselines import SelectInformative

SFREQ, N_TIMES = 200.0, 60
WAVE = np.sin(np.arange(N_TIMES)) + np.sin(0.3 * np.arange(N_TIMES))
TINY = {"max_iter": 1, "verbose": False, "random_state": 0, "sfreq": SFREQ}
TINY |= {"validation_fraction": 0.0, "max_shift": 0.0}


def as_epochs(X):
    """A table as epochs; what is no table of numbers stays as it is."""
    if isinstance(X, list) or (hasattr(X, "__array__") and not issparse(X)):
        X = np.asarray(X)
        X = X.astype(float) if X.dtype == object else X
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return X[..., None] * WAVE.astype(np.float32)
    return X


def on_tables(cls):
    """A subclass that takes tables and is the same estimator in all else."""

    def tags(self):
        tags = super(flat, self).__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False
        return tags

    def through(name):
        @wraps(getattr(cls, name))
        def method(self, X, *arguments, **options):
            return getattr(cls, name)(self, as_epochs(X), *arguments, **options)

        return method

    names = ("fit", "predict", "predict_proba", "decision_function", "score")
    members = {name: through(name) for name in names}
    flat = type(f"Flat{cls.__name__}", (cls,), members | {"__sklearn_tags__": tags})
    flat.__module__ = __name__
    return flat


FlatDuINClassifier, FlatCNNBiGRU = on_tables(DuINClassifier), on_tables(CNNBiGRU)
WORDS = "our message says it in words for epochs: "
REASONS = {
    "check_n_features_in_after_fitting": WORDS + "channels instead of features",
    "check_estimators_empty_data_messages": WORDS + "the shape that is wanted",
    "check_estimators_nan_inf": WORDS + "values that are not finite",
    "check_fit2d_predict1d": WORDS + "the shape that is wanted",
    "check_estimator_sparse_tag": WORDS + "the kinds of input that are accepted",
    "check_estimator_sparse_array": WORDS + "the kinds of input that are accepted",
    "check_estimator_sparse_matrix": WORDS + "the kinds of input that are accepted",
    "check_supervised_y_2d": "a column of labels is refused, not flattened in silence",
}


DUIN = FlatDuINClassifier(
    n_layers=1, n_heads=2, head_dim=4, ff_dim=8, patch_duration=0.1, **TINY
)
NETWORK = FlatCNNBiGRU(
    n_filters=8, hidden_dim=8, n_layers=1, **TINY | {"max_iter": 8, "lr": 1e-2}
)


def skip_last_digits(check):
    """Leave out what fails on some processors and passes on others."""
    if check.func.__name__ == "check_methods_subset_invariance":
        pytest.skip("float32 sums differ in their last digits between sizes of a batch")


@pytest.mark.slow
@parametrize_with_checks([DUIN], expected_failed_checks=lambda _: REASONS)
def test_du_in(estimator, check):
    skip_last_digits(check)
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([NETWORK], expected_failed_checks=lambda _: REASONS)
def test_a_network_of_the_comparison(estimator, check):
    skip_last_digits(check)
    check(estimator)


@parametrize_with_checks([SelectInformative()])
def test_selection_of_features(estimator, check):
    check(estimator)
